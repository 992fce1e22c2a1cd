"""Deadlines of orders, under the mock clock: on time, in a race, and after a kill."""

from contextlib import suppress
from datetime import timedelta

import pytest
import trio

from actors.messages import CancelOrder
from actors.timer import AGAIN_S, PACE_S
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.order import Milestone, Order, OrderStatus, Outcome
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.providers.trustless_work.port import EscrowRefused
from offerhub.providers.trustless_work.refusals import RefusalKind
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.purchase import BUILD, Market, closing, doomed, living, open_market
from tests.simulation.world import Universe, now

ON_TIME_S = 2 * PACE_S
TWO_PARTS = (
    Milestone("draft", "Draft", Money.parse("30.00")),
    Milestone("final", "Final", Money.parse("50.00")),
)


def in_s(seconds: float):
    return now() + timedelta(seconds=seconds)


async def closed(market: Market, order: Order) -> Order:
    with trio.fail_after(3600):
        while True:
            found = await market.stored(order)
            if found.status is OrderStatus.CLOSED:
                return found
            await trio.sleep(0.2)


async def funded(market: Market, milestones: tuple[Milestone, ...] = ()) -> Order:
    buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
    order = await market.reserve(await market.order(buyer, seller, milestones=milestones))
    await market.settled(await market.start_escrow(order))
    return await market.settled(await market.start_funding(order))


async def refusal_of(asked) -> DomainError:
    with pytest.raises(DomainError) as refused:
        await asked
    return refused.value


# Expiry.


async def test_an_order_whose_escrow_was_not_begun_is_closed_when_it_expires(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        created = await market.order(buyer, seller, expires_at=in_s(600))
        order = await market.reserve(await market.order(buyer, seller, expires_at=in_s(600)))
        assert "20.00" == await market.available(buyer)
        await trio.sleep(600 - 1)
        assert OrderStatus.FUNDS_RESERVED is (await market.stored(order)).status
        await trio.sleep(1 + ON_TIME_S)
        for each in (created, order):
            assert Outcome.CANCELED is (await market.stored(each)).outcome
        assert ("100.00", "0.00") == (await market.available(buyer), await market.reserved(buyer))
        reported = [event["payload"] for event in await market.events("order.canceled")]
        assert [("system", "expired")] * 2 == [(e["canceledBy"], e["reason"]) for e in reported]
        entries = await market.audit("order.expire")
        assert ["system:timer"] * 2 == [entry["actor"] for entry in entries]
        await market.check_books()


async def test_an_order_without_deadlines_waits_for_ever(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await trio.sleep(2 * 3600)
        assert order == await market.stored(order)


async def test_an_escrow_call_that_was_accepted_before_the_expiry_wins(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(60))
        # Accepted, and still on its way when the moment comes.
        market.fault(FaultKind.SLOW, BUILD, delay_s=20)
        await trio.sleep(59)
        await market.start_escrow(order)
        await trio.sleep(5)
        assert OrderStatus.ESCROW_CREATING is (await market.stored(order)).status
        deployed = await market.settled(order)
        await trio.sleep(2 * AGAIN_S)
        assert deployed == await market.stored(order)
        assert [] == await market.events("order.canceled")


async def test_an_expiry_that_came_before_the_escrow_call_wins(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(60))
        await trio.sleep(60 + ON_TIME_S)
        error = await refusal_of(market.start_escrow(order))
        assert ErrorCode.INVALID_STATE_TRANSITION is error.code
        assert "CLOSED" == error.details["currentState"]
        assert [] == await market.operations(order.id)


async def test_of_an_escrow_call_and_an_expiry_at_one_instant_exactly_one_happens(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        outcomes = set()
        for number in range(20):
            order = await market.reserve(await market.order(buyer, seller, "1.00"))
            await market.set_deadlines(order, expires_at=in_s(30))
            # The timer looks within its pace after the moment: calls around it go either way.
            await trio.sleep(30 + number * PACE_S / 20)
            with suppress(DomainError):
                await market.start_escrow(order)
            settled = await market.settled(order)
            canceled = settled.outcome is Outcome.CANCELED
            assert canceled == (settled.escrow is None)
            assert canceled != bool(await market.operations(order.id))
            outcomes.add(canceled)
        assert {True, False} == outcomes
        await market.check_books()


async def test_an_order_whose_deployment_fails_after_its_moment_expires_then(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse_late(*_: object) -> str:
        await trio.sleep(10)
        msg = "Cannot define more than 50 milestones in an escrow"
        raise EscrowRefused(msg, RefusalKind.TOO_MANY_MILESTONES)

    monkeypatch.setattr(TrustlessWorkClient, "build", refuse_late)
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(5))
        await market.start_escrow(order)
        ended = await closed(market, order)
        assert Outcome.CANCELED is ended.outcome
        assert ended.failed_attempt is not None
        assert "100.00" == await market.available(await market.buyer(order))


@pytest.mark.parametrize("point", ["order.before_deadline", "journal.after_commit"])
async def test_a_kill_between_due_and_handled_expires_the_order_once(
    autojump_clock: object, point: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            order = await market.reserved_order()
            await market.set_deadlines(order, expires_at=in_s(60))
        async with doomed(universe, point):
            await trio.sleep(60)
        async with living(universe) as market:
            assert Outcome.CANCELED is (await closed(market, order)).outcome
            assert 1 == len(await market.events("order.canceled"))
            assert 1 == len(await market.events("balance.released"))
            await market.check_books()


async def test_deadlines_that_passed_while_no_process_lived_are_met_after_the_start(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
            orders = [
                await market.reserve(
                    await market.order(buyer, seller, "1.00", expires_at=in_s(60 + number))
                )
                for number in range(40)
            ]
        await trio.sleep(600)
        async with living(universe) as market:
            for order in orders:
                assert Outcome.CANCELED is (await closed(market, order)).outcome
            assert "100.00" == await market.available(buyer)
            reported = [event["aggregateId"] for event in await market.events("order.canceled")]
            assert sorted(order.id for order in orders) == sorted(reported)


async def test_a_database_that_is_away_when_an_order_expires_only_delays_it(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(60))
        await trio.sleep(59)
        market.universe.database.available = False
        await trio.sleep(300)
        market.universe.database.available = True
        assert Outcome.CANCELED is (await closed(market, order)).outcome


async def test_an_expiry_that_is_moved_in_time_is_met_at_its_new_moment(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(60))
        await trio.sleep(50)
        await market.set_deadlines(order, expires_at=in_s(60))
        await trio.sleep(59)
        assert OrderStatus.FUNDS_RESERVED is (await market.stored(order)).status
        await trio.sleep(1 + ON_TIME_S)
        assert OrderStatus.CLOSED is (await market.stored(order)).status


async def test_a_wake_up_before_the_moment_changes_nothing(autojump_clock: object) -> None:
    """The order decides by its own state and clock, whoever has woken it."""
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(60))
        before = await market.stored(order)
        market.machine.system.orders.wake(order.id, "too early")
        await trio.sleep(30)
        assert before == await market.stored(order)


async def test_a_canceled_order_does_not_expire(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        await market.set_deadlines(order, expires_at=in_s(60))
        await market.order_address(order.id).ask(CancelOrder("buyer", None, market.trace()))
        await trio.sleep(200)
        assert 1 == len(await market.events("order.canceled"))


# Auto-release.


async def test_a_completed_order_is_released_when_the_buyer_stays_silent(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await funded(market, TWO_PARTS)
        await market.set_deadlines(order, auto_release_at=in_s(600))
        for milestone in TWO_PARTS:
            await market.complete(order, milestone.ref)
        await trio.sleep(599)
        assert OrderStatus.IN_PROGRESS is (await market.stored(order)).status
        assert Outcome.RELEASED is (await closed(market, order)).outcome
        (reported,) = await market.events("order.release_requested")
        assert {"orderId": order.id, "requestedBy": "system", "reason": "auto_release"} == (
            reported["payload"]
        )
        await market.check_books()


async def test_an_auto_release_waits_for_the_last_milestone_and_then_not_any_longer(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await funded(market, TWO_PARTS)
        await market.set_deadlines(order, auto_release_at=in_s(60))
        await market.complete(order, "draft")
        await trio.sleep(300)
        assert OrderStatus.IN_PROGRESS is (await market.stored(order)).status
        await market.complete(order, "final")
        await trio.sleep(ON_TIME_S)
        assert OrderStatus.RELEASE_REQUESTED is (await market.stored(order)).status
        assert Outcome.RELEASED is (await closed(market, order)).outcome


async def test_a_release_that_the_buyer_asked_for_is_not_asked_for_again(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await funded(market)
        await market.set_deadlines(order, auto_release_at=in_s(30))
        await trio.sleep(29.9)
        await market.start_release(order)
        assert Outcome.RELEASED is (await closed(market, order)).outcome
        await trio.sleep(100)
        (reported,) = await market.events("order.release_requested")
        assert reported["payload"]["requestedBy"] is None


async def test_a_moment_that_passed_before_the_funding_releases_nothing(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        order = await market.order(buyer, seller, auto_release_at=in_s(10))
        await trio.sleep(20)
        await market.settled(await market.start_escrow(await market.reserve(order)))
        order = await market.settled(await market.start_funding(order))
        await trio.sleep(2 * AGAIN_S)
        assert order == await market.stored(order)
        await market.set_deadlines(order, auto_release_at=in_s(30))
        assert Outcome.RELEASED is (await closed(market, order)).outcome


async def test_a_kill_before_an_auto_release_is_committed_releases_once(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            order = await funded(market)
            await market.set_deadlines(order, auto_release_at=in_s(60))
        async with doomed(universe, "order.before_deadline"):
            await trio.sleep(60)
        async with living(universe) as market:
            assert Outcome.RELEASED is (await closed(market, order)).outcome
            assert 1 == len(await market.events("order.release_requested"))
            assert 1 == len(await market.events("escrow.released"))
            await market.check_books()
