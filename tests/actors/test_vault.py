"""The vault signs what was asked for and nothing else; the seeds never leave it."""

import hashlib
import re
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import trio
from attrs import evolve
from stellar_sdk import Address, Keypair, scval, xdr
from structlog.testing import LogCapture

from actors.bootstrap import BootstrapFailed
from actors.kernel import State
from actors.ledger_clock import LedgerClock
from actors.sealing import KeyRing
from actors.signing import LocalSigner
from actors.tree import World, prepare
from offerhub.domain.chain import ChainStatus, FailureKind
from offerhub.domain.intents import PayUsdc
from offerhub.domain.order import OrderStatus, Outcome
from offerhub.domain.steps import StepKind
from offerhub.domain.users import Wallet
from offerhub.domain.withdrawal import WithdrawalStatus
from offerhub.providers.stellar.build import build_own
from offerhub.providers.stellar.envelope import attach
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import NetworkState
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.sandbox.constants import FACTORY_CONTRACT_ID, FEE_ADDRESS, USDC_CONTRACT_ID
from storage.memory import MemoryStorage
from storage.port import no_answers
from tests.actors.purchase import Market, closing, living, open_market
from tests.simulation.world import (
    ENCRYPTION_KEY,
    Universe,
    bytes_from,
    choices,
    now,
    open_outside_account,
)

THIEF = Keypair.from_raw_ed25519_seed(hashlib.sha256(b"a thief").digest())
SEED = re.compile(r"\bS[A-Z2-7]{55}\b")

Change = Callable[[xdr.Transaction], None]


def call_in(transaction: xdr.Transaction) -> xdr.InvokeContractArgs:
    invoke = transaction.operations[0].body.invoke_host_function_op
    assert invoke is not None
    call = invoke.host_function.invoke_contract
    assert call is not None
    return call


def authorised_in(transaction: xdr.Transaction) -> xdr.SorobanAuthorizedInvocation:
    invoke = transaction.operations[0].body.invoke_host_function_op
    assert invoke is not None
    return invoke.auth[0].root_invocation


def both(change: Callable[[xdr.InvokeContractArgs], None]) -> Change:
    """Change the call and its authorisation alike, as a liar who knows the rules would."""

    def apply(transaction: xdr.Transaction) -> None:
        change(call_in(transaction))
        authorised = authorised_in(transaction).function.contract_fn
        assert authorised is not None
        change(authorised)

    return apply


def other_source(transaction: xdr.Transaction) -> None:
    transaction.source_account = THIEF.xdr_muxed_account()


def later_sequence(transaction: xdr.Transaction) -> None:
    transaction.seq_num.sequence_number.int64 += 1


def no_time_bounds(transaction: xdr.Transaction) -> None:
    transaction.cond = xdr.Preconditions(xdr.PreconditionType.PRECOND_NONE)


def bounds(transaction: xdr.Transaction) -> xdr.TimeBounds:
    assert transaction.cond.time_bounds is not None
    return transaction.cond.time_bounds


def lives_for_ever(transaction: xdr.Transaction) -> None:
    bounds(transaction).max_time.time_point.uint64 = 0


def lives_too_long(transaction: xdr.Transaction) -> None:
    bounds(transaction).max_time.time_point.uint64 += 7200


def begins_later(transaction: xdr.Transaction) -> None:
    bounds(transaction).min_time.time_point.uint64 = 1


def costs_too_much(transaction: xdr.Transaction) -> None:
    transaction.fee = xdr.Uint32(20_000_001)


def has_a_memo(transaction: xdr.Transaction) -> None:
    transaction.memo = xdr.Memo(xdr.MemoType.MEMO_TEXT, text=b"hello")


def makes_two_calls(transaction: xdr.Transaction) -> None:
    transaction.operations = transaction.operations * 2


def pays_instead(transaction: xdr.Transaction) -> None:
    transaction.operations[0].body = xdr.OperationBody(
        xdr.OperationType.PAYMENT,
        payment_op=xdr.PaymentOp(
            destination=THIEF.xdr_muxed_account(),
            asset=xdr.Asset(xdr.AssetType.ASSET_TYPE_NATIVE),
            amount=xdr.Int64(10_000_000),
        ),
    )


def operation_of_another(transaction: xdr.Transaction) -> None:
    transaction.operations[0].source_account = THIEF.xdr_muxed_account()


def no_authorisation(transaction: xdr.Transaction) -> None:
    invoke = transaction.operations[0].body.invoke_host_function_op
    assert invoke is not None
    invoke.auth = []


def authorises_twice(transaction: xdr.Transaction) -> None:
    invoke = transaction.operations[0].body.invoke_host_function_op
    assert invoke is not None
    invoke.auth = invoke.auth * 2


def authorises_below(transaction: xdr.Transaction) -> None:
    root = authorised_in(transaction)
    root.sub_invocations = [
        xdr.SorobanAuthorizedInvocation(function=root.function, sub_invocations=[]),
        *root.sub_invocations,
        xdr.SorobanAuthorizedInvocation(function=root.function, sub_invocations=[]),
    ]


def authorises_another_call(transaction: xdr.Transaction) -> None:
    authorised = authorised_in(transaction).function.contract_fn
    assert authorised is not None
    authorised.function_name = xdr.SCSymbol(b"withdraw_everything")


@both
def other_contract(call: xdr.InvokeContractArgs) -> None:
    stranger = xdr.ContractID(xdr.Hash(hashlib.sha256(b"a contract").digest()))
    call.contract_address = xdr.SCAddress(
        xdr.SCAddressType.SC_ADDRESS_TYPE_CONTRACT, contract_id=stranger
    )


@both
def other_function(call: xdr.InvokeContractArgs) -> None:
    call.function_name = xdr.SCSymbol(b"transfer")


@both
def one_argument_less(call: xdr.InvokeContractArgs) -> None:
    call.args = call.args[:-1]


@both
def other_code(call: xdr.InvokeContractArgs) -> None:
    call.args[1] = scval.to_bytes(hashlib.sha256(b"other code").digest())


def in_the_terms(key: str, value: xdr.SCVal) -> Change:
    """Another value under a key of the contract's terms, wherever they are nested."""

    def replace(node: xdr.SCVal) -> bool:
        if node.vec is not None:
            return any(replace(each) for each in node.vec.sc_vec)
        if node.map is None:
            return False
        found = False
        for entry in node.map.sc_map:
            if entry.key.sym is not None and entry.key.sym.sc_symbol.decode() == key:
                entry.val = value
                found = True
            else:
                found = replace(entry.val) or found
        return found

    @both
    def change(call: xdr.InvokeContractArgs) -> None:
        assert any(replace(argument) for argument in call.args)

    return change


FOREIGN_DEPLOYMENTS: dict[str, Change] = {
    "source": other_source,
    "sequence number": later_sequence,
    "no time bounds": no_time_bounds,
    "no end": lives_for_ever,
    "too long a life": lives_too_long,
    "begins later": begins_later,
    "fee": costs_too_much,
    "memo": has_a_memo,
    "two operations": makes_two_calls,
    "another operation": pays_instead,
    "another operation's source": operation_of_another,
    "contract": other_contract,
    "function": other_function,
    "number of arguments": one_argument_less,
    "code": other_code,
    "amount": in_the_terms("amount", scval.to_int128(1)),
    "receiver": in_the_terms("receiver", scval.to_address(THIEF.public_key)),
    "release signer": in_the_terms("release_signer", scval.to_address(THIEF.public_key)),
    "dispute resolver": in_the_terms("dispute_resolver", scval.to_address(THIEF.public_key)),
    "platform": in_the_terms("platform", scval.to_address(THIEF.public_key)),
    "platform's fee": in_the_terms("platform_fee", scval.to_uint32(9_000)),
    "no authorisation": no_authorisation,
    "two authorisations": authorises_twice,
    "authorises calls below": authorises_below,
    "authorises another call": authorises_another_call,
}


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], pytest.MonkeyPatch]:
    """From now on the provider returns what it was asked for, changed."""
    honest = TrustlessWorkClient.build

    def lie(change: Change) -> pytest.MonkeyPatch:
        async def build(self: TrustlessWorkClient, intent: Any) -> str:
            envelope = xdr.TransactionEnvelope.from_xdr(await honest(self, intent))
            assert envelope.v1 is not None
            change(envelope.v1.tx)
            return envelope.to_xdr()

        monkeypatch.setattr(TrustlessWorkClient, "build", build)
        return monkeypatch

    return lie


async def check_nothing_was_signed(market: Market, order_id: str, step: str) -> None:
    (operation,) = [each for each in await market.operations(order_id) if str(each.step) == step]
    assert operation.envelope is None
    assert operation.tx_hash is None
    assert ChainStatus.FAILED is operation.status
    assert operation.failure is not None
    assert FailureKind.FOREIGN is operation.failure.kind
    refused = await market.audit("transaction.refuse_to_sign")
    assert {operation.id} == {entry["resourceId"] for entry in refused}
    assert {"refused"} == {entry["result"] for entry in refused}
    (reported,) = await market.events("escrow.attempt_failed")
    assert (step, "PROVIDER_ERROR", False) == (
        reported["payload"]["operation"],
        reported["payload"]["errorCode"],
        reported["payload"]["willRetry"],
    )


@pytest.mark.parametrize("change", FOREIGN_DEPLOYMENTS.values(), ids=FOREIGN_DEPLOYMENTS.keys())
async def test_a_foreign_deployment_gets_no_signature_and_the_order_falls_back(
    autojump_clock: object,
    lying: Callable[[Change], pytest.MonkeyPatch],
    change: Change,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        buyer = await market.buyer(order)
        lying(change)
        await market.start_escrow(order)
        back = await market.settled(order)
        assert OrderStatus.FUNDS_RESERVED is back.status
        assert back.escrow is None
        assert back.failed_attempt is not None
        await check_nothing_was_signed(market, order.id, "deploy")
        assert ("20.00", "80.00") == (await market.available(buyer), await market.reserved(buyer))
        assert () == market.universe.sandbox.engine.contract_ids()


def other_amount(transaction: xdr.Transaction) -> None:
    call_in(transaction).args[2] = scval.to_int128(1)
    authorised = authorised_in(transaction).function.contract_fn
    assert authorised is not None
    authorised.args[2] = scval.to_int128(1)


def transfers_below(token: str, destination: str, stroops: int) -> Change:
    """Authorise a transfer below the call other than the one that funding needs."""

    def change(transaction: xdr.Transaction) -> None:
        root = authorised_in(transaction)
        payer = call_in(transaction).args[0]
        root.sub_invocations = [
            xdr.SorobanAuthorizedInvocation(
                function=xdr.SorobanAuthorizedFunction(
                    xdr.SorobanAuthorizedFunctionType.SOROBAN_AUTHORIZED_FUNCTION_TYPE_CONTRACT_FN,
                    contract_fn=xdr.InvokeContractArgs(
                        contract_address=Address(token).to_xdr_sc_address(),
                        function_name=xdr.SCSymbol(b"transfer"),
                        args=[
                            payer,
                            scval.to_address(destination),
                            scval.to_int128(stroops),
                        ],
                    ),
                ),
                sub_invocations=[],
            )
        ]

    return change


FOREIGN_FUNDINGS: dict[str, Change] = {
    "amount": other_amount,
    "destination": transfers_below(USDC_CONTRACT_ID, THIEF.public_key, 800_000_000),
    "transferred amount": transfers_below(USDC_CONTRACT_ID, FEE_ADDRESS, 1_000_000_000),
    "token": transfers_below(FACTORY_CONTRACT_ID, FEE_ADDRESS, 800_000_000),
    "contract": other_contract,
    "source": other_source,
}


@pytest.mark.parametrize("change", FOREIGN_FUNDINGS.values(), ids=FOREIGN_FUNDINGS.keys())
async def test_a_foreign_funding_gets_no_signature_and_the_order_falls_back(
    autojump_clock: object,
    lying: Callable[[Change], pytest.MonkeyPatch],
    change: Change,
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        buyer = await market.buyer(order)
        with lying(change).context():
            await market.start_funding(order)
            back = await market.settled(order)
        assert OrderStatus.ESCROW_CREATING is back.status
        await check_nothing_was_signed(market, order.id, "fund")
        assert 1_000_000_000 == market.on_chain(buyer.public_key)
        await market.check_books()


async def test_a_foreign_release_is_never_signed_and_goes_on_once_the_provider_is_honest(
    autojump_clock: object, lying: Callable[[Change], pytest.MonkeyPatch]
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        liar = lying(other_contract)
        await market.start_release(order)
        await trio.sleep(120)
        stuck = await market.stored(order)
        assert OrderStatus.RELEASE_REQUESTED is stuck.status
        assert stuck.process is not None
        assert stuck.process.last_error is not None
        attempts = stuck.process.attempt
        assert attempts > 5
        assert {None} == {
            each.tx_hash
            for each in await market.operations(order.id)
            if each.step.kind is StepKind.COMPLETE
        }
        liar.undo()
        assert Outcome.RELEASED is (await market.settled(order)).outcome


@pytest.mark.expect_errors
async def test_nothing_is_signed_for_another_network(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        honest = HorizonClient.state

        async def state(self: HorizonClient) -> Any:
            return evolve(await honest(self), passphrase="Another network")

        monkeypatch.setattr(HorizonClient, "state", state)
        await trio.sleep(2)
        await market.start_escrow(order)
        back = await market.settled(order)
        assert OrderStatus.FUNDS_RESERVED is back.status
        await check_nothing_was_signed(market, order.id, "deploy")


@pytest.mark.parametrize("moved", [timedelta(days=9000), -timedelta(hours=1)])
@pytest.mark.expect_errors
async def test_nothing_is_signed_by_a_clock_that_is_not_ours(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch, moved: timedelta
) -> None:
    """Even if a lane asks for it: an envelope of 2050 was signed, and lived till then."""
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        honest = LedgerClock.state

        async def trusted(self: LedgerClock, max_age_s: float = 1.0) -> NetworkState:
            state = await honest(self, max_age_s)
            return evolve(state, latest_closed_at=state.latest_closed_at + moved)

        monkeypatch.setattr(LedgerClock, "trusted", trusted)
        withdrawal = await market.withdraw(user, "5.00", outside)
        await market.ended(withdrawal)
        attempts = await market.operations(withdrawal.id)
        assert {None} == {each.envelope for each in attempts}
        assert {FailureKind.STALE} == {each.failure and each.failure.kind for each in attempts}


async def test_a_payment_to_another_destination_is_not_signed_and_the_money_comes_back(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own builder is not trusted more than the provider's."""
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        thief = open_outside_account(market.universe, "thief")
        honest = build_own

        def build(intent: Any, *arguments: Any, **named: Any) -> str:
            if isinstance(intent, PayUsdc):
                intent = evolve(intent, destination=thief)
            return honest(intent, *arguments, **named)

        monkeypatch.setattr("actors.lane.build_own", build)
        ended = await market.ended(await market.withdraw(user, "20.00", outside))
        assert WithdrawalStatus.FAILED is ended.status
        assert (0, 0) == (market.on_chain(outside), market.on_chain(thief))
        await market.wait_available(user, "50.00")
        await market.check_books()


# Keys and seeds.


@pytest.mark.expect_errors
async def test_a_seed_of_another_row_is_not_used_and_the_process_stays_up(
    autojump_clock: object,
) -> None:
    """Somebody who can write rows gives a buyer's wallet the seed of another's."""
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            order = await market.deployed_order()
            buyer, seller = await market.buyer(order), await market.seller(order)
            honest = await market.wallet(buyer)
            forged = evolve(honest, seed=(await market.wallet(seller)).seed)
        universe.database.tables.of(Wallet).rows[honest.id] = forged
        async with living(universe) as market:
            await market.start_funding(order)
            back = await market.settled(order)
            assert OrderStatus.ESCROW_CREATING is back.status
            assert 1_000_000_000 == market.on_chain(buyer.public_key)
            refused = await market.audit("transaction.refuse_to_sign")
            assert all("seed" in entry["error"] for entry in refused)
            assert refused
            await market.user("another")
            states = {each.name: each for each in market.machine.supervisor.tree().children}
            assert (State.RUNNING, 0) == (states["vault"].state, states["vault"].restarts)


def secrets_of(market: Market) -> set[str]:
    """Every seed of the database, opened by the test, and the key."""
    ring = KeyRing(ENCRYPTION_KEY, bytes_from("test"))
    wallets = market.universe.database.tables.of(Wallet).rows.values()
    seeds = {ring.open(each.seed, each.id, each.public_key) for each in wallets}
    raw = {Keypair.from_secret(seed).raw_secret_key().hex() for seed in seeds}
    return seeds | raw | {ENCRYPTION_KEY.hex(), repr(ENCRYPTION_KEY)}


@pytest.mark.expect_errors
async def test_no_secret_is_told_by_a_purchase_or_by_a_crash_of_the_vault(
    autojump_clock: object,
    monkeypatch: pytest.MonkeyPatch,
    no_unexpected_errors: LogCapture,
) -> None:
    """Logs, tracebacks, events, audit, rows and reprs are searched for every seed and the key."""
    async with open_market() as market:
        order = await market.deployed_order()
        with monkeypatch.context() as broken:
            honest = attach
            crashes = 0

            def fail(checked: Any, signatures: Any) -> str:
                nonlocal crashes
                if not crashes:
                    crashes += 1
                    msg = "provoked while a seed was open"
                    raise RuntimeError(msg)
                return honest(checked, signatures)

            broken.setattr("actors.vault.attach", fail)
            await market.start_funding(order)
            assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
            assert 1 == crashes
        reported = [repr(entry) for entry in no_unexpected_errors.entries]
        reported += [
            "".join(traceback.format_exception(entry["exc_info"]))
            for entry in no_unexpected_errors.entries
            if isinstance(entry.get("exc_info"), BaseException)
        ]
        reported += [repr(await market.events()), repr(await market.audit())]
        reported += [repr(market.machine.supervisor.tree()), repr(market.machine)]
        for rows in (await market.operations(order.id), await market.storage.wallets_of_platform()):
            reported.append(repr(rows))
        everything = "\n".join(reported)
        assert "provoked while a seed was open" in everything
        assert [] == SEED.findall(everything)
        for secret in secrets_of(market):
            assert secret not in everything


async def test_a_new_keypair_shows_no_seed(autojump_clock: object) -> None:
    universe = Universe(seed=3)
    world = world_of(universe, ENCRYPTION_KEY)
    assert ENCRYPTION_KEY.hex() not in repr(world)
    assert [] == SEED.findall(repr(world))
    async with open_market() as market:
        user = await market.new_user("user")
        wallet = await market.wallet(user)
        assert wallet.seed.ciphertext.hex() not in repr(wallet)
        assert repr(wallet.seed.ciphertext) not in repr(wallet)


def world_of(universe: Universe, key: bytes) -> World:
    """A world without a network: enough to prepare."""
    random_bytes = bytes_from("start")
    nothing: Any = None
    return World(
        storage=MemoryStorage(universe.database, now),
        network=nothing,
        provider=nothing,
        now=now,
        random_bytes=random_bytes,
        random=lambda: 0.5,
        signer=LocalSigner(KeyRing(key, random_bytes), random_bytes),
        encode=no_answers,
    )


async def test_the_start_stops_under_another_encryption_key(autojump_clock: object) -> None:
    universe = Universe(seed=3)
    await prepare(world_of(universe, ENCRYPTION_KEY), choices())
    stored = universe.database.settings["vault_check"]
    other = hashlib.sha256(b"another key").digest()
    with pytest.raises(BootstrapFailed) as stopped:
        await prepare(world_of(universe, other), choices())
    assert "check value" in str(stopped.value)
    assert other.hex() not in str(stopped.value)
    assert stored == universe.database.settings["vault_check"]
    await prepare(world_of(universe, ENCRYPTION_KEY), choices())


async def test_the_start_goes_on_with_the_old_key_beside_the_new_one(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=3)
    await prepare(world_of(universe, ENCRYPTION_KEY), choices())
    new = hashlib.sha256(b"a new key").digest()
    world = evolve(
        world_of(universe, ENCRYPTION_KEY),
        signer=LocalSigner(
            KeyRing(new, bytes_from("rotated"), (ENCRYPTION_KEY,)), bytes_from("rotated")
        ),
    )
    before = (await prepare(world, choices())).wallet
    assert before == (await prepare(world, choices())).wallet
