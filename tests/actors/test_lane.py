"""Lanes: one transaction in flight a source, and every outcome found out, never guessed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from attrs import evolve

from actors.lane_parts import Wake, XlmPolicy
from offerhub.domain.chain import (
    ALIVE_STATUSES,
    ChainOperation,
    ChainStatus,
    FailureKind,
    Subject,
)
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.money import Money
from offerhub.domain.order import EscrowStatus, Order, OrderStatus, Outcome
from offerhub.domain.withdrawal import WithdrawalStatus
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import AccountState, Rejected, SubmitResult
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.providers.trustless_work.port import EscrowRefused
from offerhub.providers.trustless_work.refusals import RefusalKind
from offerhub.sandbox.constants import ISSUER_ADDRESS
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from storage.memory import MemoryDatabase
from tests.actors.purchase import (
    BUILD,
    SEND,
    SUBMIT,
    Market,
    closing,
    doomed,
    failing_at,
    living,
    open_market,
)
from tests.simulation.world import Universe, choices, open_outside_account


def one_alive_a_source(database: MemoryDatabase) -> None:
    """After every commit: no source has two envelopes that may still be applied."""
    alive = [
        operation.source
        for operation in database.tables.of(ChainOperation).rows.values()
        if operation.status in ALIVE_STATUSES
    ]
    if len(alive) != len(set(alive)):
        msg = f"two envelopes of one source are alive: {alive}"
        raise InvariantViolated(msg)


def operations(universe: Universe, *, step: str) -> list[ChainOperation]:
    rows = universe.database.tables.of(ChainOperation).rows.values()
    return [row for row in rows if str(row.step) == step]


# One in flight.


async def test_a_source_has_one_transaction_in_flight_and_serves_in_turn(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        market.universe.database.on_commit = one_alive_a_source
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        asked = [await market.withdraw(user, f"{each}.00", outside) for each in range(1, 6)]
        for withdrawal in asked:
            assert WithdrawalStatus.COMPLETED is (await market.ended(withdrawal)).status
        paid = operations(market.universe, step="pay")
        by_sequence = sorted(paid, key=lambda each: each.sequence or 0)
        assert [each.id for each in asked] == [each.subject_id for each in by_sequence]
        assert 150_000_000 == market.on_chain(outside)


async def test_lanes_of_different_sources_run_side_by_side(autojump_clock: object) -> None:
    async with open_market() as market:
        users = [await market.user(f"user {each}", "10.00") for each in range(4)]
        outside = open_outside_account(market.universe, "outside")
        asked = [await market.withdraw(user, "10.00", outside) for user in users]
        for withdrawal in asked:
            await market.ended(withdrawal)
        assert 1 == len({each.ledger for each in operations(market.universe, step="pay")})


# Unknown outcomes.

LOST = (
    FaultKind.CLOSE_BEFORE,
    FaultKind.CLOSE_AFTER,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.TIMEOUT_AFTER,
    FaultKind.RATE_LIMITED,
)


@pytest.mark.parametrize("kind", LOST)
async def test_a_submission_whose_answer_is_lost_is_looked_up_and_never_built_again(
    autojump_clock: object, kind: FaultKind
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        market.fault(kind, SUBMIT)
        await market.start_funding(order)
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
        (funding,) = operations(market.universe, step="fund")
        assert (1, ChainStatus.CONFIRMED) == (funding.attempt, funding.status)
        await market.check_books()


@pytest.mark.parametrize(
    "kind", [*LOST, FaultKind.NOT_COMPLETE_YET, FaultKind.FAILED_BEFORE, FaultKind.FAILED_AFTER]
)
async def test_a_deployment_whose_answer_is_lost_is_found_by_its_hash(
    autojump_clock: object, kind: FaultKind
) -> None:
    """Its contract's id is known from the envelope, whatever the provider said."""
    async with open_market() as market:
        order = await market.reserved_order()
        market.fault(kind, SEND)
        await market.start_escrow(order)
        deployed = await market.settled(order)
        assert deployed.escrow is not None
        assert EscrowStatus.CREATED is deployed.escrow.status
        assert (deployed.escrow.contract_id,) == market.universe.sandbox.engine.contract_ids()
        (deployment,) = operations(market.universe, step="deploy")
        assert 1 == deployment.attempt


async def test_a_bad_sequence_number_of_an_applied_hash_counts_as_applied(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = HorizonClient.submit

    async def submit(self: HorizonClient, envelope_xdr: str, tx_hash: str) -> SubmitResult:
        await honest(self, envelope_xdr, tx_hash)
        return Rejected("tx_bad_seq", (), included=None)

    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        monkeypatch.setattr(HorizonClient, "submit", submit)
        ended = await market.ended(await market.withdraw(user, "20.00", outside))
        assert WithdrawalStatus.COMPLETED is ended.status
        assert 1 == len(operations(market.universe, step="pay"))
        assert 200_000_000 == market.on_chain(outside)


async def test_an_envelope_lives_while_no_ledger_has_closed_after_its_time(
    autojump_clock: object,
) -> None:
    """A network that stands still proves nothing; when it goes on, the dead one is built anew."""
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        market.universe.sandbox.ledgers.pause()
        withdrawal = await market.withdraw(user, "20.00", outside)
        await trio.sleep(1000)
        (alive,) = operations(market.universe, step="pay")
        assert ChainStatus.SUBMITTED is alive.status
        market.universe.sandbox.ledgers.resume()
        assert WithdrawalStatus.COMPLETED is (await market.ended(withdrawal)).status
        first, second = operations(market.universe, step="pay")
        assert (ChainStatus.EXPIRED, FailureKind.DEAD) == (
            first.status,
            first.failure and first.failure.kind,
        )
        assert (ChainStatus.CONFIRMED, 2) == (second.status, second.attempt)
        assert 200_000_000 == market.on_chain(outside)
        await market.check_books()


async def test_an_envelope_that_never_arrives_is_built_again_only_after_its_time(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        faults = market.universe.sandbox.faults
        fault = faults.add(FaultSpec(FaultKind.CLOSE_BEFORE, SUBMIT, rate=1.0))
        await market.start_funding(order)
        with trio.fail_after(3600):
            while len(operations(market.universe, step="fund")) < 2:
                await trio.sleep(1)
        faults.remove(fault.id)
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
        first, second = operations(market.universe, step="fund")
        assert first.max_time is not None
        assert first.updated_at.timestamp() > first.max_time
        assert (ChainStatus.EXPIRED, ChainStatus.CONFIRMED) == (first.status, second.status)
        (told,) = await market.events("escrow.attempt_failed")
        assert told["payload"]["willRetry"]
        buyer = await market.buyer(order)
        assert 200_000_000 == market.on_chain(buyer.public_key)


async def test_an_envelope_that_is_built_expired_is_not_signed_and_is_asked_for_again(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        market.fault(FaultKind.EXPIRED_BOUNDS, BUILD, times=3)
        await market.start_escrow(order)
        deployed = await market.settled(order)
        assert OrderStatus.ESCROW_CREATING is deployed.status
        failed = [each for each in await market.operations(order.id) if each.failure is not None]
        assert {FailureKind.STALE} == {each.failure.kind for each in failed if each.failure}
        assert {None} == {each.tx_hash for each in failed}
        assert 1 == len(market.universe.sandbox.engine.contract_ids())


async def test_an_account_that_is_told_late_does_not_make_an_honest_envelope_foreign(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers agree after a while (docs/spec/stellar-horizon.md §2.3): the sequence number is read again."""
    honest = HorizonClient.account
    asked: list[str] = []

    async def account(self: HorizonClient, address: str) -> AccountState | None:
        found = await honest(self, address)
        if found is None or asked:
            return found
        asked.append(address)
        return evolve(found, sequence=found.sequence - 1)

    async with open_market() as market:
        order = await market.deployed_order()
        buyer = await market.buyer(order)
        monkeypatch.setattr(HorizonClient, "account", account)
        await market.start_funding(order)
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
        assert [buyer.public_key] == asked
        (funding,) = operations(market.universe, step="fund")
        assert 1 == funding.attempt


# Refusals and attempts.


def refusing(kind: RefusalKind, times: int) -> Callable[..., Awaitable[str]]:
    honest = TrustlessWorkClient.build
    left = times

    async def build(self: TrustlessWorkClient, intent: Any) -> str:
        nonlocal left
        if left:
            left -= 1
            msg = f"refused: {kind.name}"
            raise EscrowRefused(msg, kind)
        return await honest(self, intent)

    return build


async def test_a_definitive_refusal_of_the_provider_makes_a_funding_fall_back_at_once(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        with monkeypatch.context() as patched:
            patched.setattr(
                TrustlessWorkClient, "build", refusing(RefusalKind.PROPERTIES_MISMATCH, 1)
            )
            await market.start_funding(order)
            back = await market.settled(order)
        assert OrderStatus.ESCROW_CREATING is back.status
        assert back.failed_attempt is not None
        assert 1 == back.failed_attempt.attempts
        await market.start_funding(order)
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status


async def test_a_refusal_that_may_pass_is_asked_again_within_the_attempt(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        monkeypatch.setattr(TrustlessWorkClient, "build", refusing(RefusalKind.NOT_FOUND, 3))
        await market.start_funding(order)
        assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
        (funding,) = operations(market.universe, step="fund")
        assert 1 == funding.attempt


async def test_a_provider_that_is_away_costs_time_and_no_attempt(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        faults = market.universe.sandbox.faults
        away = faults.add(FaultSpec(FaultKind.ERROR_BEFORE, BUILD, rate=1.0))
        await market.start_escrow(order)
        await trio.sleep(600)
        waiting = await market.stored(order)
        assert waiting.process is not None
        (deployment,) = operations(market.universe, step="deploy")
        assert (ChainStatus.PLANNED, 1) == (deployment.status, waiting.process.attempt)
        assert deployment.last_error is not None
        faults.remove(away.id)
        assert EscrowStatus.CREATED is (await market.settled(order)).escrow.status  # type: ignore[union-attr]


async def test_an_escrow_whose_attempts_are_used_up_falls_back_with_no_envelope_alive(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=evolve(choices(), attempts_max=2)) as market:
        order = await market.reserved_order()
        faults = market.universe.sandbox.faults
        for route in (SEND, SUBMIT):
            faults.add(FaultSpec(FaultKind.CLOSE_BEFORE, route, rate=1.0))
        await market.start_escrow(order)
        back = await market.settled(order)
        assert OrderStatus.FUNDS_RESERVED is back.status
        assert back.failed_attempt is not None
        assert 2 == back.failed_attempt.attempts
        attempts = operations(market.universe, step="deploy")
        assert {ChainStatus.EXPIRED} == {each.status for each in attempts}
        told = await market.events("escrow.attempt_failed")
        assert [True, False] == [each["payload"]["willRetry"] for each in told]
        assert () == market.universe.sandbox.engine.contract_ids()


async def test_a_release_never_falls_back(autojump_clock: object) -> None:
    async with open_market(chosen=evolve(choices(), attempts_max=1)) as market:
        order = await market.funded_order()
        faults = market.universe.sandbox.faults
        gone = faults.add(FaultSpec(FaultKind.CLOSE_BEFORE, SUBMIT, rate=1.0))
        await market.start_release(order)
        await trio.sleep(800)
        trying = await market.stored(order)
        assert OrderStatus.RELEASE_REQUESTED is trying.status
        assert trying.process is not None
        assert trying.process.attempt > 1
        assert trying.process.last_error is not None
        assert [] == await market.events("escrow.attempt_failed")
        faults.remove(gone.id)
        assert Outcome.RELEASED is (await market.settled(order)).outcome
        await market.check_books()


# XLM for the source's own fees.


async def test_a_wallet_short_of_xlm_is_refilled_before_it_signs(autojump_clock: object) -> None:
    policy = XlmPolicy(minimum=Money(20_000_000), level=Money(20_000_000))
    async with open_market(chosen=evolve(choices(), wallet_xlm=policy)) as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        for _ in range(2):
            ended = await market.ended(await market.withdraw(user, "10.00", outside))
            assert WithdrawalStatus.COMPLETED is ended.status
        (refill,) = operations(market.universe, step="refill")
        assert (Subject.REFILL, ChainStatus.CONFIRMED) == (refill.subject, refill.status)
        assert refill.source not in {user.public_key, ISSUER_ADDRESS}


@pytest.mark.parametrize("channels", [1, 2])
async def test_channels_that_are_all_short_of_xlm_at_once_are_refilled(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    """Each carries the refill of the other, or its own: none may wait for itself."""
    policy = XlmPolicy(minimum=Money(499_999_900), level=Money(500_000_000))
    monkeypatch.setattr("actors.tree.CHANNEL_XLM", policy)
    async with open_market(chosen=choices(channels)) as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        orders = [
            await market.reserve(await market.order(buyer, seller, "10.00")) for _ in range(4)
        ]
        for order in orders:
            await market.start_escrow(order)
        for order in orders:
            assert EscrowStatus.CREATED is (await market.settled(order)).escrow.status  # type: ignore[union-attr]
        refills = operations(market.universe, step="refill")
        assert refills
        assert ChainStatus.CONFIRMED in {each.status for each in refills}


# Kills and crashes.

STEPS = ("deploy", "fund", "complete:0", "approve:0", "release", "pay")
POINTS = ("before_signed", "after_signed", "before_submit", "after_submit")


async def play(market: Market, order: Order | None = None) -> Order:
    """A whole purchase, from wherever it stands."""
    if order is None:
        order = await market.reserved_order()
    order = await market.settled(order)
    if order.status is OrderStatus.FUNDS_RESERVED:
        order = await market.settled(await market.start_escrow(order))
    if order.status is OrderStatus.ESCROW_CREATING:
        order = await market.settled(await market.start_funding(order))
    if order.status is OrderStatus.IN_PROGRESS:
        order = await market.settled(await market.start_release(order))
    assert Outcome.RELEASED is order.outcome
    seller = await market.seller(order)
    if market.universe.database.tables.of(ChainOperation).rows and not operations(
        market.universe, step="pay"
    ):
        outside = open_outside_account(market.universe, "outside")
        await market.withdraw(seller, "79.76", outside)
    return order


async def only_order(market: Market) -> Order:
    (order,) = market.universe.database.tables.of(Order).rows.values()
    return order


async def check_one_effect_each(market: Market, outside: str) -> None:
    with trio.fail_after(3600):
        while market.on_chain(outside) != 797_600_000:
            await trio.sleep(0.5)
    await trio.sleep(10)
    universe = market.universe
    for step in STEPS:
        (operation,) = operations(universe, step=step)
        assert (1, ChainStatus.CONFIRMED) == (operation.attempt, operation.status), step
    assert 1 == len(universe.sandbox.engine.contract_ids())
    sequences = [event.sequence for event in universe.database.events]
    assert list(range(1, len(sequences) + 1)) == sequences
    assert 797_600_000 == market.on_chain(outside)
    await market.check_books()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("point", POINTS)
async def test_a_process_that_is_killed_around_a_submission_has_one_effect(
    autojump_clock: object, step: str, point: str
) -> None:
    """Killed with a step planned, signed or handed in, the next life goes on from what is stored."""
    universe = Universe(seed=5)
    async with closing(universe):
        async with doomed(universe, f"lane.{point}.{step}") as market:
            await play(market)
        async with living(universe) as market:
            await play(market, await only_order(market))
            await check_one_effect_each(market, open_outside_account(universe, "outside"))


@pytest.mark.expect_errors
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("point", POINTS)
async def test_a_lane_that_crashes_around_a_submission_has_one_effect(
    autojump_clock: object, step: str, point: str
) -> None:
    async with open_market() as market, failing_at(f"lane.{point}.{step}") as crashes:
        await play(market)
        await check_one_effect_each(market, open_outside_account(market.universe, "outside"))
        assert 1 == crashes()


@pytest.mark.expect_errors
@pytest.mark.parametrize("step", ["activate", "refill", "trust", "open_channels"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_lane_that_crashes_on_the_platforms_own_work_takes_it_up_again(
    autojump_clock: object, step: str, point: str
) -> None:
    policy = XlmPolicy(minimum=Money(20_000_000), level=Money(20_000_000))
    async with failing_at(f"lane.{point}.{step}") as crashes:
        async with open_market(chosen=evolve(choices(), wallet_xlm=policy)) as market:
            user = await market.user("user", "50.00")
            outside = open_outside_account(market.universe, "outside")
            for _ in range(2):
                ended = await market.ended(await market.withdraw(user, "10.00", outside))
                assert WithdrawalStatus.COMPLETED is ended.status
        assert 1 == crashes()


async def test_a_lane_that_is_woken_many_times_has_one_effect(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        planned = await market.start_funding(order)
        assert planned.process is not None
        buyer = await market.buyer(order)
        lane = market.machine.tree.lanes.address(buyer.public_key)
        for _ in range(5):
            lane.wake(Wake.WORK)
        await market.settled(order)
        for _ in range(5):
            lane.wake(Wake.WORK)
        await trio.sleep(5)
        assert 200_000_000 == market.on_chain(buyer.public_key)
        assert 1 == len(operations(market.universe, step="fund"))
        await market.check_books()
