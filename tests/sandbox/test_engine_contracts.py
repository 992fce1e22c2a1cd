"""Contract calls: what the engine does around a runtime, and USDC's own contract."""

import pytest
from stellar_sdk import (
    Address,
    Asset,
    ChangeTrust,
    CreateAccount,
    Keypair,
    Payment,
    SorobanDataBuilder,
    StrKey,
    scval,
    xdr,
)

from offerhub.sandbox.engine import (
    BalanceChange,
    ContractTrap,
    Host,
    Rejected,
    Submitted,
    TransactionRow,
)
from offerhub.sandbox.engine.envelope import contract_of
from tests.sandbox.chain import FRIENDBOT, ISSUER, USDC, XLM, Chain, keypair

ALICE, BOB = keypair("alice"), keypair("bob")
BOX = StrKey.encode_contract(bytes([7]) * 32)
RESOURCE_FEE = 50_000


class Box:
    """A contract that takes money in, gives it out, and can break at the worst moment."""

    def invoke(self, host: Host, call: xdr.InvokeContractArgs, source: str) -> xdr.SCVal:
        contract_id = contract_of(call.contract_address)
        name = call.function_name.sc_symbol.decode()
        owner = scval.from_address(call.args[0]).address
        amount = scval.from_int128(call.args[1])
        if name == "put":
            host.require_auth(owner)
            host.transfer(owner, contract_id, amount)
        elif name == "take":
            host.transfer(contract_id, owner, amount)
        host.store(contract_id, f"{name} {amount}".encode())
        if name == "break":
            host.transfer(owner, contract_id, amount)
            raise ContractTrap(contract_id, 42, "it broke")
        return scval.to_uint32(host.ledger_sequence)


@pytest.fixture
def chain() -> Chain:
    chain = Chain(Box())
    create = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    trust = [ChangeTrust(USDC, "1000", source=each.public_key) for each in (ALICE, BOB)]
    mint = Payment(ALICE.public_key, USDC, "50", source=ISSUER.public_key)
    row = chain.apply(FRIENDBOT, [*create, *trust, mint], (FRIENDBOT, ALICE, BOB, ISSUER))
    assert row.successful
    return chain


def arguments(owner: Keypair, amount: int) -> list[xdr.SCVal]:
    return [scval.to_address(owner.public_key), scval.to_int128(amount)]


def invocation(contract_id: str, function: str, args: list[xdr.SCVal]) -> xdr.InvokeContractArgs:
    return xdr.InvokeContractArgs(
        Address(contract_id).to_xdr_sc_address(),
        xdr.SCSymbol(function.encode()),
        args,
    )


def authorised(call: xdr.InvokeContractArgs) -> xdr.SorobanAuthorizationEntry:
    function = xdr.SorobanAuthorizedFunction(
        xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
        contract_fn=call,
    )
    return xdr.SorobanAuthorizationEntry(
        xdr.SorobanCredentials(xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_SOURCE_ACCOUNT),
        xdr.SorobanAuthorizedInvocation(function, []),
    )


def envelope(
    chain: Chain,
    source: Keypair,
    call: xdr.InvokeContractArgs,
    *,
    auth: list[xdr.SorobanAuthorizationEntry] | None = None,
    resources: bool = True,
    fee: int = 100,
) -> str:
    builder = chain.builder(source, fee=fee)
    builder.append_invoke_contract_function_op(
        contract_of(call.contract_address),
        call.function_name.sc_symbol.decode(),
        call.args,
        auth=[authorised(call)] if auth is None else auth,
    )
    if resources:
        builder.set_soroban_data(SorobanDataBuilder().set_resource_fee(RESOURCE_FEE).build())
    transaction = builder.add_time_bounds(0, int(chain.now.timestamp()) + 60).build()
    transaction.sign(source)
    return transaction.to_xdr()


def call(
    chain: Chain,
    source: Keypair,
    function: str,
    args: list[xdr.SCVal],
    *,
    contract_id: str = BOX,
    auth: list[xdr.SorobanAuthorizationEntry] | None = None,
) -> TransactionRow:
    text = envelope(chain, source, invocation(contract_id, function, args), auth=auth)
    submitted = chain.submit(text)
    assert isinstance(submitted, Submitted), submitted
    chain.close()
    row = chain.engine.transaction(submitted.hash)
    assert row is not None
    return row


def test_a_call_moves_money_into_a_contract_and_leaves_a_record(chain: Chain) -> None:
    row = call(chain, ALICE, "put", arguments(ALICE, 3 * XLM))

    assert row.successful
    assert chain.engine.usdc_balance(ALICE.public_key) == 47 * XLM
    assert chain.engine.usdc_balance(BOX) == 3 * XLM
    assert chain.engine.contract_data(BOX) == b"put 30000000"
    assert chain.engine.contract_ids() == (BOX,)
    (operation,) = chain.engine.history.operations_of(row)
    assert operation.is_payment
    assert operation.balance_changes == (BalanceChange("transfer", ALICE.public_key, BOX, 3 * XLM),)
    assert row.return_value_xdr == scval.to_uint32(row.ledger).to_xdr()


def test_a_trap_undoes_the_call_but_costs_fee_and_sequence(chain: Chain) -> None:
    before = chain.engine.account(ALICE.public_key)
    assert before is not None

    row = call(chain, ALICE, "break", arguments(ALICE, XLM))

    after = chain.engine.account(ALICE.public_key)
    assert after is not None
    assert row.operation_codes == ("function_trapped",)
    assert chain.engine.usdc_balance(ALICE.public_key) == 50 * XLM
    assert chain.engine.contract_data(BOX) is None
    assert row.fee_charged == RESOURCE_FEE + 100
    assert after.balance == before.balance - row.fee_charged
    assert after.sequence == before.sequence + 1
    (operation,) = chain.engine.history.operations_of(row)
    assert not operation.is_payment


@pytest.mark.parametrize("case", ["no entry", "another call", "another source"])
def test_money_moves_only_with_an_authorisation_for_this_very_call(chain: Chain, case: str) -> None:
    wanted = arguments(ALICE, XLM)
    other = authorised(invocation(BOX, "put", arguments(ALICE, 2 * XLM)))
    source = BOB if case == "another source" else ALICE
    auth = {"no entry": [], "another call": [other], "another source": None}[case]

    row = call(chain, source, "put", wanted, auth=auth)

    assert row.operation_codes == ("function_trapped",)
    assert chain.engine.usdc_balance(ALICE.public_key) == 50 * XLM


def test_a_dry_run_answers_and_changes_nothing(chain: Chain) -> None:
    assert call(chain, ALICE, "put", arguments(ALICE, 3 * XLM)).successful
    following = chain.engine.latest_ledger().sequence + 1

    value = chain.engine.dry_run(invocation(BOX, "take", arguments(BOB, XLM)), BOB.public_key)

    assert scval.from_uint32(value) == following
    assert chain.engine.usdc_balance(BOX) == 3 * XLM
    assert chain.engine.contract_data(BOX) == b"put 30000000"


def test_a_dry_run_that_traps_names_contract_and_code(chain: Chain) -> None:
    with pytest.raises(ContractTrap) as broken:
        chain.engine.dry_run(invocation(BOX, "break", arguments(ALICE, XLM)), ALICE.public_key)
    with pytest.raises(ContractTrap) as empty:
        chain.engine.dry_run(invocation(BOX, "take", arguments(BOB, XLM)), BOB.public_key)
    with pytest.raises(ContractTrap) as no_line:
        chain.engine.dry_run(invocation(BOX, "take", arguments(keypair("x"), 0)), BOB.public_key)

    assert (broken.value.contract_id, broken.value.code, broken.value.token) == (BOX, 42, False)
    assert (empty.value.code, empty.value.token) == (10, True)
    assert (no_line.value.code, no_line.value.token) == (13, True)
    assert chain.engine.usdc_balance(ALICE.public_key) == 50 * XLM


def test_usdcs_own_contract_transfers(chain: Chain) -> None:
    args = [
        scval.to_address(ALICE.public_key),
        scval.to_address(BOB.public_key),
        scval.to_int128(XLM),
    ]
    contract_id = chain.engine.usdc_contract

    row = call(chain, ALICE, "transfer", args, contract_id=contract_id)
    forged = call(chain, BOB, "transfer", args, contract_id=contract_id)

    assert row.successful
    assert chain.engine.usdc_balance(BOB.public_key) == XLM
    assert forged.operation_codes == ("function_trapped",)
    assert row.participants == (ALICE.public_key, BOB.public_key)
    balance = invocation(contract_id, "balance", [scval.to_address(BOB.public_key)])
    assert scval.from_int128(chain.engine.dry_run(balance, BOB.public_key)) == XLM


def test_the_issuers_transfer_is_a_mint(chain: Chain) -> None:
    args = [
        scval.to_address(ISSUER.public_key),
        scval.to_address(BOB.public_key),
        scval.to_int128(XLM),
    ]
    row = call(chain, ISSUER, "transfer", args, contract_id=chain.engine.usdc_contract)

    (operation,) = chain.engine.history.operations_of(row)
    assert operation.balance_changes == (BalanceChange("mint", None, BOB.public_key, XLM),)


def test_a_call_without_resources_is_malformed(chain: Chain) -> None:
    text = envelope(chain, ALICE, invocation(BOX, "put", arguments(ALICE, 1)), resources=False)
    answer = chain.submit(text)

    assert isinstance(answer, Rejected)
    assert answer.transaction_code == "tx_malformed"


def test_a_payment_with_resources_is_malformed(chain: Chain) -> None:
    builder = chain.builder(ALICE).append_payment_op(BOB.public_key, Asset.native(), "1")
    builder.set_soroban_data(SorobanDataBuilder().set_resource_fee(5).build())
    transaction = builder.set_timeout(0).build()
    transaction.sign(ALICE)
    answer = chain.submit(transaction.to_xdr())

    assert isinstance(answer, Rejected)
    assert answer.transaction_code == "tx_malformed"


def test_an_unknown_contract_traps(chain: Chain) -> None:
    chain = Chain()
    with pytest.raises(ContractTrap):
        chain.engine.dry_run(invocation(BOX, "put", arguments(ALICE, 1)), ALICE.public_key)
