"""What is signed is what was asked for; anything else gets no signature (docs/spec/domain.md §3)."""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from stellar_sdk import (
    Asset,
    MuxedAccount,
    Payment,
    TextMemo,
    TransactionBuilder,
    TransactionEnvelope,
    scval,
    xdr,
)

from offerhub.domain.intents import (
    ActivateWallets,
    Distribution,
    DuePayment,
    Intent,
    OpenChannels,
    OwnIntent,
    PayUsdc,
    RefillWallets,
    SettleDues,
    TrustUsdc,
    XlmRefill,
)
from offerhub.domain.money import Money
from offerhub.providers.stellar.build import build_own
from offerhub.providers.stellar.check import check_transaction
from offerhub.providers.stellar.envelope import CheckedTransaction, ForeignTransaction
from tests.providers.known import (
    APPROVE,
    DEPLOY,
    DISPUTE,
    ESCROW,
    FUND,
    MAX_TIME,
    NETWORK,
    NOW,
    PASSPHRASE,
    RELEASE,
    RESOLVE,
    RULES,
    SEQUENCE,
    STATUS,
    TERMS,
    address,
    contract,
    invocation,
    keypair,
    provider_envelope,
    transfer,
)

PAY = PayUsdc(
    wallet=address("seller"),
    destination=address("outside"),
    amount=Money.parse("79.76"),
    memo="invoice 7",
)
ACTIVATE = ActivateWallets(
    channel=address("channel"),
    sponsor=address("platform"),
    wallets=(address("new 1"), address("new 2")),
    xlm_float=Money.parse("2.00"),
)
REFILL = RefillWallets(
    channel=address("channel"),
    payer=address("platform"),
    refills=(
        XlmRefill(address("buyer"), Money.parse("1.50")),
        XlmRefill(address("seller"), Money.parse("1.25")),
    ),
)
OPEN = OpenChannels(
    platform=address("platform"),
    channels=(address("channel"), address("channel 2")),
    starting_xlm=Money.parse("20.00"),
)
SETTLE = SettleDues(
    channel=address("channel"),
    platform=address("platform"),
    payments=(
        DuePayment(address("buyer"), Money(-2_500_000)),
        DuePayment(address("seller"), Money.parse("0.24")),
    ),
)
TRUST = TrustUsdc(account=address("platform"))

ESCROW_INTENTS = [DEPLOY, FUND, STATUS, APPROVE, RELEASE, DISPUTE, RESOLVE]
OWN_INTENTS: list[OwnIntent] = [PAY, ACTIVATE, REFILL, SETTLE, OPEN, TRUST]


def own_envelope(intent: OwnIntent) -> str:
    return build_own(
        intent,
        RULES.usdc,
        sequence=SEQUENCE,
        max_time=MAX_TIME,
        fee_per_operation_stroops=100,
    )


def good(intent: Intent) -> str:
    if isinstance(intent, OwnIntent):
        return own_envelope(intent)
    return provider_envelope(intent)


def check(envelope: str, intent: Intent) -> CheckedTransaction:
    return check_transaction(envelope, intent, RULES, sequence=SEQUENCE, network=NETWORK)


def refused(envelope: str, intent: Intent, reason: str) -> None:
    with pytest.raises(ForeignTransaction, match=reason):
        check(envelope, intent)


def tampered(intent: Intent, change: Callable[[xdr.TransactionEnvelope], None]) -> str:
    envelope = xdr.TransactionEnvelope.from_xdr(good(intent))
    change(envelope)
    return envelope.to_xdr()


def transaction(envelope: xdr.TransactionEnvelope) -> xdr.Transaction:
    assert envelope.v1 is not None
    return envelope.v1.tx


def invoke(envelope: xdr.TransactionEnvelope) -> xdr.InvokeHostFunctionOp:
    op = transaction(envelope).operations[0].body.invoke_host_function_op
    assert op is not None
    return op


def calls(envelope: xdr.TransactionEnvelope) -> list[xdr.InvokeContractArgs]:
    """The call and its authorisation: a forger changes both alike."""
    op = invoke(envelope)
    made = op.host_function.invoke_contract
    authorised = op.auth[0].root_invocation.function.contract_fn
    assert made is not None
    assert authorised is not None
    return [made, authorised]


@pytest.mark.parametrize("intent", [*ESCROW_INTENTS, *OWN_INTENTS], ids=lambda i: type(i).__name__)
def test_what_was_asked_for_is_accepted_and_named_by_the_hash_of_the_network(intent):
    envelope = good(intent)
    checked = check(envelope, intent)
    reference = TransactionEnvelope.from_xdr(envelope, PASSPHRASE)
    assert checked.hash == reference.hash_hex()
    assert checked.sequence == SEQUENCE
    assert checked.max_time == MAX_TIME
    assert checked.fee_stroops == reference.transaction.fee
    assert checked.source == intent.source
    assert checked.signers == intent.signers


# ------------------------------------------------------------------ the frame of every transaction


def muxed_source(envelope: xdr.TransactionEnvelope) -> None:
    source = MuxedAccount(address("buyer"), 7)
    transaction(envelope).source_account = source.to_xdr_object()


def time_bounds(minimum: int, maximum: int) -> Callable[[xdr.TransactionEnvelope], None]:
    def change(envelope: xdr.TransactionEnvelope) -> None:
        transaction(envelope).cond = xdr.Preconditions(
            xdr.PreconditionType.PRECOND_TIME, time_bounds=bounds(minimum, maximum)
        )

    return change


def bounds(minimum: int, maximum: int) -> xdr.TimeBounds:
    return xdr.TimeBounds(xdr.TimePoint(xdr.Uint64(minimum)), xdr.TimePoint(xdr.Uint64(maximum)))


def more_preconditions(envelope: xdr.TransactionEnvelope) -> None:
    transaction(envelope).cond = xdr.Preconditions(
        xdr.PreconditionType.PRECOND_V2,
        v2=xdr.PreconditionsV2(
            time_bounds=bounds(0, int(MAX_TIME.timestamp())),
            ledger_bounds=None,
            min_seq_num=xdr.SequenceNumber(xdr.Int64(1)),
            min_seq_age=xdr.Duration(xdr.Uint64(0)),
            min_seq_ledger_gap=xdr.Uint32(0),
            extra_signers=[],
        ),
    )


def no_time_bounds(envelope: xdr.TransactionEnvelope) -> None:
    transaction(envelope).cond = xdr.Preconditions(xdr.PreconditionType.PRECOND_NONE)


def other_source(envelope: xdr.TransactionEnvelope) -> None:
    source = MuxedAccount(address("somebody"))
    transaction(envelope).source_account = source.to_xdr_object()


def sequence(number: int) -> Callable[[xdr.TransactionEnvelope], None]:
    def change(envelope: xdr.TransactionEnvelope) -> None:
        transaction(envelope).seq_num = xdr.SequenceNumber(xdr.Int64(number))

    return change


def fee_over_cap(envelope: xdr.TransactionEnvelope) -> None:
    transaction(envelope).fee = xdr.Uint32(RULES.fee_max.stroops + 1)


def other_memo(envelope: xdr.TransactionEnvelope) -> None:
    transaction(envelope).memo = TextMemo("hello").to_xdr_object()


def second_operation(envelope: xdr.TransactionEnvelope) -> None:
    extra = Payment(address("somebody"), RULES.usdc, "1").to_xdr_object()
    transaction(envelope).operations.append(extra)


def no_operation(envelope: xdr.TransactionEnvelope) -> None:
    transaction(envelope).operations.clear()


def operation_of_another(envelope: xdr.TransactionEnvelope) -> None:
    source = MuxedAccount(address("somebody"))
    transaction(envelope).operations[0].source_account = source.to_xdr_object()


def signature_present(envelope: xdr.TransactionEnvelope) -> None:
    assert envelope.v1 is not None
    signature = keypair("somebody").sign_decorated(b"\0" * 32)
    envelope.v1.signatures.append(signature.to_xdr_object())


FRAME: list[tuple[Callable[[xdr.TransactionEnvelope], None], str]] = [
    (other_source, "source is a different account|a different source"),
    (muxed_source, "source is a different account|a different source"),
    (sequence(SEQUENCE - 1), "sequence number"),
    (sequence(SEQUENCE + 1), "sequence number"),
    (no_time_bounds, "no time bounds"),
    (more_preconditions, "preconditions"),
    (time_bounds(0, 0), "never expires"),
    (time_bounds(1, int(MAX_TIME.timestamp())), "not valid yet"),
    (time_bounds(0, int(NOW.timestamp()) + RULES.lifetime_max_s + 1), "later than allowed"),
    (time_bounds(0, int(NOW.timestamp()) + 10), "about to expire"),
    (time_bounds(0, int(NOW.timestamp()) - 10), "about to expire"),
    (time_bounds(0, 2**64 - 1), "later than allowed"),
    (fee_over_cap, "fee of .* exceeds the limit"),
    (other_memo, "memo"),
    (second_operation, "number of operations|not one contract call"),
    (no_operation, "number of operations|not one contract call"),
    (operation_of_another, "operation"),
    (signature_present, "already carries a signature"),
]


@pytest.mark.parametrize("intent", [FUND, PAY, ACTIVATE], ids=lambda i: type(i).__name__)
@pytest.mark.parametrize(("change", "reason"), FRAME)
def test_a_difference_in_the_frame_gets_no_signature(intent, change, reason):
    refused(tampered(intent, change), intent, reason)


def test_a_lifetime_of_exactly_the_limit_is_accepted():
    limit = int(NOW.timestamp()) + RULES.lifetime_max_s
    check(tampered(FUND, time_bounds(0, limit)), FUND)


def test_the_fee_cap_itself_is_accepted():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        transaction(envelope).fee = xdr.Uint32(RULES.fee_max.stroops)

    check(tampered(FUND, change), FUND)


def test_a_server_of_another_network_gets_no_signature():
    network = evolve(NETWORK, passphrase="Test SDF Network ; September 2015")
    with pytest.raises(ForeignTransaction, match="a different network"):
        check_transaction(good(FUND), FUND, RULES, sequence=SEQUENCE, network=network)


def test_an_envelope_of_another_networks_asset_gets_no_signature():
    rules = evolve(RULES, passphrase="Test SDF Network ; September 2015")
    network = evolve(NETWORK, passphrase=rules.passphrase)
    with pytest.raises(ForeignTransaction, match="argument 1 of fund_escrow"):
        check_transaction(good(FUND), FUND, rules, sequence=SEQUENCE, network=network)


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA", "AAAAAgAA", good(FUND)[:-8], "é"])
def test_what_is_no_envelope_gets_no_signature(text):
    with pytest.raises(ForeignTransaction):
        check(text, FUND)


def test_a_fee_bump_gets_no_signature():
    envelope = TransactionEnvelope.from_xdr(good(PAY), PASSPHRASE)
    envelope.sign(keypair("seller"))
    bump = TransactionBuilder.build_fee_bump_transaction(
        keypair("seller"), 200, envelope, PASSPHRASE
    )
    refused(bump.to_xdr(), PAY, "not a plain transaction")


# ------------------------------------------------------------------ contract calls


@pytest.mark.parametrize("intent", ESCROW_INTENTS, ids=lambda i: type(i).__name__)
def test_another_contract_gets_no_signature(intent):
    def change(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.contract_address = scval.to_address(contract("elsewhere")).address  # type: ignore[assignment]

    refused(tampered(intent, change), intent, "a different contract")


@pytest.mark.parametrize("intent", ESCROW_INTENTS, ids=lambda i: type(i).__name__)
def test_another_function_gets_no_signature(intent):
    def change(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.function_name = xdr.SCSymbol(b"update_escrow")

    refused(tampered(intent, change), intent, "a different function")


@pytest.mark.parametrize("intent", ESCROW_INTENTS, ids=lambda i: type(i).__name__)
def test_a_missing_or_additional_argument_gets_no_signature(intent):
    def shorter(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.args.pop()

    def longer(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.args.append(scval.to_void())

    refused(tampered(intent, shorter), intent, "number of arguments")
    refused(tampered(intent, longer), intent, "number of arguments")


ARGUMENTS = [
    (intent, position)
    for intent, count in [
        (DEPLOY, 6),
        (FUND, 3),
        (STATUS, 4),
        (APPROVE, 2),
        (RELEASE, 2),
        (DISPUTE, 1),
        (RESOLVE, 3),
    ]
    for position in range(count)
]


OTHER_VALUES = [
    scval.to_address(address("somebody")),
    scval.to_void(),
    scval.to_int128(1_000_000),
    scval.to_bytes(b"\1" * 31),
]
OTHER_ARGUMENTS = [
    (intent, position, value)
    for intent, position in ARGUMENTS
    for value in OTHER_VALUES
    # No evidence may be written as none instead of as an empty text.
    if (intent, position, value) != (STATUS, 2, scval.to_void())
]


@pytest.mark.parametrize(("intent", "position", "value"), OTHER_ARGUMENTS)
def test_another_argument_gets_no_signature(intent, position, value):
    def change(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.args[position] = value

    refused(tampered(intent, change), intent, f"argument {position}|salt")


OTHER_TERMS = [
    evolve(TERMS, engagement_id="ord_124"),
    evolve(TERMS, title="Another title"),
    evolve(TERMS, description="Another text"),
    evolve(TERMS, approver=address("somebody")),
    evolve(TERMS, service_provider=address("somebody")),
    evolve(TERMS, platform=address("somebody")),
    evolve(TERMS, release_signer=address("somebody")),
    evolve(TERMS, dispute_resolver=address("somebody")),
    evolve(TERMS, receiver=address("somebody")),
    evolve(TERMS, amount=TERMS.amount + Money(1)),
    evolve(TERMS, platform_fee_bps=51),
    evolve(TERMS, milestones=("Draft",)),
    evolve(TERMS, milestones=("Delivery", "Draft")),
]


@pytest.mark.parametrize("terms", OTHER_TERMS)
def test_a_deployment_or_funding_of_other_terms_gets_no_signature(terms):
    refused(provider_envelope(evolve(DEPLOY, terms=terms)), DEPLOY, "argument 4")
    refused(provider_envelope(evolve(FUND, terms=terms)), FUND, "argument 1")


def test_a_funding_of_another_amount_gets_no_signature():
    other = evolve(FUND, amount=FUND.amount - Money(1))
    refused(provider_envelope(other), FUND, "argument 2")


OTHER_SHARES = [
    {"seller": "50.0000001", "buyer": "29.9999999"},
    {"seller": "30.0000000", "buyer": "50.0000000"},
    {"somebody": "50.0000000", "buyer": "30.0000000"},
    {"seller": "80.0000000"},
    {"seller": "50.0000000", "buyer": "30.0000000", "somebody": "0.0000001"},
]


@pytest.mark.parametrize("shares", OTHER_SHARES)
def test_a_resolution_with_other_shares_gets_no_signature(shares):
    others = tuple(
        Distribution(address(to), Money.from_decimal_string(amount))
        for to, amount in shares.items()
    )
    built = provider_envelope(evolve(RESOLVE, distributions=others))
    refused(built, RESOLVE, "argument 2 of resolve_dispute")


@pytest.mark.parametrize("surplus", [None, Money(8)])
def test_a_resolution_with_another_surplus_than_was_read_gets_no_signature(surplus):
    refused(provider_envelope(evolve(RESOLVE, surplus=surplus)), RESOLVE, "argument 2")


def test_a_resolution_by_another_resolver_gets_no_signature():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.args[0] = scval.to_address(address("buyer"))

    refused(tampered(RESOLVE, change), RESOLVE, "argument 0 of resolve_dispute")


@pytest.mark.parametrize("intent", [RELEASE, RESOLVE])
def test_a_payout_to_another_fee_address_gets_no_signature(intent):
    rules = evolve(RULES, fee_address=address("another fee"))
    with pytest.raises(ForeignTransaction, match="argument 1 of re"):
        check_transaction(good(intent), intent, rules, sequence=SEQUENCE, network=NETWORK)


@pytest.mark.parametrize("intent", [RELEASE, RESOLVE])
def test_where_no_fee_address_is_configured_the_argument_must_be_absent(intent):
    rules = evolve(RULES, fee_address=None)
    with pytest.raises(ForeignTransaction, match="number of arguments"):
        check_transaction(good(intent), intent, rules, sequence=SEQUENCE, network=NETWORK)

    def shorter(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            del call.args[1]

    envelope = tampered(intent, shorter)
    check_transaction(envelope, intent, rules, sequence=SEQUENCE, network=NETWORK)


def test_a_milestones_index_may_be_written_as_either_kind_of_number():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        for call in calls(envelope):
            call.args[0] = scval.to_uint32(1)

    check(tampered(APPROVE, change), APPROVE)


def test_an_operation_that_names_the_transactions_own_source_is_accepted():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        source = MuxedAccount(FUND.source).to_xdr_object()
        transaction(envelope).operations[0].source_account = source

    check(tampered(FUND, change), FUND)


def test_something_else_than_a_contract_call_gets_no_signature():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        payment = Payment(address("somebody"), Asset.native(), "1").to_xdr_object()
        transaction(envelope).operations[0] = payment

    refused(tampered(FUND, change), FUND, "not one contract call")


def test_an_upload_of_code_gets_no_signature():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        invoke(envelope).host_function = xdr.HostFunction(
            xdr.HostFunctionType.HOST_FUNCTION_TYPE_UPLOAD_CONTRACT_WASM, wasm=b"\0asm"
        )

    refused(tampered(DEPLOY, change), DEPLOY, "not one contract call")


# ------------------------------------------------------------------ authorisation


def no_authorisation(op: xdr.InvokeHostFunctionOp) -> None:
    op.auth.clear()


def twice_authorised(op: xdr.InvokeHostFunctionOp) -> None:
    op.auth.append(op.auth[0])


def by_address(op: xdr.InvokeHostFunctionOp) -> None:
    op.auth[0].credentials = xdr.SorobanCredentials(
        xdr.SorobanCredentialsType.SOROBAN_CREDENTIALS_ADDRESS,
        address=xdr.SorobanAddressCredentials(
            address=scval.to_address(FUND.signer).address,  # type: ignore[arg-type]
            nonce=xdr.Int64(1),
            signature_expiration_ledger=xdr.Uint32(1_000),
            signature=scval.to_void(),
        ),
    )


def another_call(op: xdr.InvokeHostFunctionOp) -> None:
    op.auth[0].root_invocation = transfer(FUND.signer, address("somebody"), FUND.amount)


def below(
    *invocations: xdr.SorobanAuthorizedInvocation,
) -> Callable[[xdr.InvokeHostFunctionOp], None]:
    def change(op: xdr.InvokeHostFunctionOp) -> None:
        op.auth[0].root_invocation.sub_invocations = list(invocations)

    return change


EXPECTED_TRANSFER = transfer(FUND.signer, ESCROW, FUND.amount)
NESTED = transfer(FUND.signer, ESCROW, FUND.amount)
NESTED.sub_invocations = [EXPECTED_TRANSFER]

AUTHORISATION: list[tuple[Callable[[xdr.InvokeHostFunctionOp], None], str]] = [
    (no_authorisation, "exactly one call"),
    (twice_authorised, "exactly one call"),
    (by_address, "other than the source"),
    (another_call, "a call other than"),
    (below(transfer(FUND.signer, address("somebody"), FUND.amount)), "a transfer other than"),
    (below(transfer(FUND.signer, ESCROW, FUND.amount + Money(1))), "a transfer other than"),
    (below(transfer(address("somebody"), ESCROW, FUND.amount)), "a transfer other than"),
    (below(NESTED), "a transfer other than"),
    (below(EXPECTED_TRANSFER, EXPECTED_TRANSFER), "calls below"),
    (
        below(invocation(contract("token"), "transfer", [scval.to_void()])),
        "a transfer other than",
    ),
    (below(invocation(RULES.usdc_contract, "approve", [])), "a transfer other than"),
]


@pytest.mark.parametrize(("change", "reason"), AUTHORISATION)
def test_another_authorisation_gets_no_signature(change, reason):
    refused(tampered(FUND, lambda envelope: change(invoke(envelope))), FUND, reason)


@pytest.mark.parametrize("intent", [DEPLOY, STATUS, APPROVE, RELEASE, DISPUTE, RESOLVE])
def test_only_a_funding_may_authorise_a_transfer(intent):
    change = below(EXPECTED_TRANSFER)
    refused(tampered(intent, lambda envelope: change(invoke(envelope))), intent, "calls below")


# ------------------------------------------------------------------ our own transactions

OTHER_OWN: list[tuple[OwnIntent, OwnIntent]] = [
    (evolve(PAY, destination=address("somebody")), PAY),
    (evolve(PAY, amount=PAY.amount + Money(1)), PAY),
    (evolve(PAY, memo="invoice 8"), PAY),
    (evolve(PAY, memo=None), PAY),
    (PAY, evolve(PAY, memo=None)),
    (evolve(ACTIVATE, sponsor=address("somebody")), ACTIVATE),
    (evolve(ACTIVATE, wallets=ACTIVATE.wallets[:1]), ACTIVATE),
    (evolve(ACTIVATE, wallets=ACTIVATE.wallets[::-1]), ACTIVATE),
    (evolve(ACTIVATE, xlm_float=Money.parse("2.01")), ACTIVATE),
    (evolve(REFILL, payer=address("somebody")), REFILL),
    (evolve(SETTLE, platform=address("somebody")), SETTLE),
    (evolve(SETTLE, payments=SETTLE.payments[:1]), SETTLE),
    (evolve(SETTLE, payments=SETTLE.payments[::-1]), SETTLE),
    (evolve(SETTLE, payments=(evolve(SETTLE.payments[0], amount=Money(-1)),)), SETTLE),
    (evolve(REFILL, refills=REFILL.refills[:1]), REFILL),
    (evolve(REFILL, refills=(REFILL.refills[0], REFILL.refills[0])), REFILL),
    (evolve(OPEN, channels=OPEN.channels[:1]), OPEN),
    (evolve(OPEN, starting_xlm=Money.parse("20.01")), OPEN),
]


@pytest.mark.parametrize(("built", "asked"), OTHER_OWN)
def test_an_own_transaction_of_another_intent_gets_no_signature(built, asked):
    refused(own_envelope(built), asked, "operation|memo")


def test_a_payment_of_another_asset_gets_no_signature():
    envelope = build_own(
        PAY,
        Asset("USDC", address("another issuer")),
        sequence=SEQUENCE,
        max_time=MAX_TIME,
        fee_per_operation_stroops=100,
    )
    refused(envelope, PAY, "operation 0 differs")


def test_contract_data_on_a_payment_gets_no_signature():
    def change(envelope: xdr.TransactionEnvelope) -> None:
        contract_call = xdr.TransactionEnvelope.from_xdr(good(FUND))
        transaction(envelope).ext = transaction(contract_call).ext

    refused(tampered(PAY, change), PAY, "contract data")


# ------------------------------------------------------------------ any difference at all


def without_free_parts(envelope_xdr: str) -> bytes:
    """An envelope with what its builder may choose set to zero: fee, expiry, salt, resources."""
    envelope = xdr.TransactionEnvelope.from_xdr(envelope_xdr)
    tx = transaction(envelope)
    tx.fee = xdr.Uint32(0)
    tx.cond = xdr.Preconditions(xdr.PreconditionType.PRECOND_NONE)
    tx.ext = xdr.TransactionExt(0)
    if tx.operations[0].body.invoke_host_function_op is not None:
        for call in calls(envelope):
            if call.function_name.sc_symbol == b"tw_new_single_release_escrow":
                call.args[2] = scval.to_void()
    return envelope.to_xdr_bytes()


@given(
    intent=st.sampled_from([DEPLOY, FUND, RELEASE, RESOLVE, PAY, ACTIVATE]),
    place=st.integers(0, 10_000),
    mask=st.integers(1, 255),
)
def test_whatever_byte_is_changed_only_the_builders_free_choices_pass(intent, place, mask):
    original = good(intent)
    raw = bytearray(base64.b64decode(original))
    raw[place % len(raw)] ^= mask
    changed = base64.b64encode(raw).decode()
    try:
        checked = check(changed, intent)
    except ForeignTransaction:
        return
    assert without_free_parts(changed) == without_free_parts(original)
    assert checked.fee_stroops <= RULES.fee_max.stroops
    assert NOW < checked.max_time <= NOW + timedelta(seconds=RULES.lifetime_max_s)
