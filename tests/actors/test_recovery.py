"""Recovery: whatever was on the way goes on, at the start, after a crash, and from time to time."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio

from actors import failpoints
from actors.board import Board
from actors.core import Core
from actors.journal import Journal
from actors.owners import Owner, Owners
from actors.publisher import EventHub
from actors.recovery import PACE_S, PAGE, SWEEP_S, YIELD, Recovery, RecoveryParts
from offerhub.domain.chain import ChainStatus, Subject
from offerhub.domain.ids import Ids
from offerhub.domain.intents import TrustUsdc
from offerhub.domain.order import EscrowStatus, OrderStatus, Outcome
from offerhub.domain.withdrawal import WithdrawalStatus
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import OpenLane
from tests.actors.purchase import closing, doomed, living, open_market
from tests.simulation.world import Universe, open_outside_account
from tests.storage.units import Hands
from web.answers import body_of, read_text
from web.rendering import render_order

ORDER_POINTS = ("order.before_effects.deploy", "order.after_effects.deploy")


@pytest.mark.parametrize("point", ORDER_POINTS)
async def test_the_effects_of_a_confirmed_step_are_booked_once_after_a_kill(
    autojump_clock: object, point: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, point) as market:
            order = await market.reserved_order()
            await market.start_escrow(order)
        async with living(universe) as market:
            deployed = await market.settled(order)
            assert deployed.escrow is not None
            assert EscrowStatus.CREATED is deployed.escrow.status
            assert 1 == len(await market.events("escrow.created"))
            assert 1 == len(universe.sandbox.engine.contract_ids())


async def test_an_end_is_taken_while_the_platforms_accounts_cannot_be_looked_at(
    autojump_clock: object,
) -> None:
    """A deployment that has ended needs no channel, so the order does not wait for one."""
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, "order.before_effects.deploy") as market:
            order = await market.reserved_order()
            await market.start_escrow(order)
        universe.sandbox.faults.add(FaultSpec(FaultKind.ERROR_BEFORE, "GET /accounts/*", rate=1.0))
        async with living(universe) as market:
            assert (await market.settled(order)).escrow is not None
            states = {each.name: each for each in market.machine.supervisor.tree().children}
            assert 0 == states["orders"].restarts


@pytest.mark.parametrize("point", ["withdrawal.before_effects.pay", "withdrawal.after_effects.pay"])
async def test_the_end_of_a_payment_is_booked_once_after_a_kill(
    autojump_clock: object, point: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, point) as market:
            user = await market.user("user", "50.00")
            outside = open_outside_account(universe, "outside")
            withdrawal = await market.withdraw(user, "20.00", outside)
        async with living(universe) as market:
            assert WithdrawalStatus.COMPLETED is (await market.ended(withdrawal)).status
            assert 1 == len(await market.events("withdrawal.completed"))
            assert 200_000_000 == market.on_chain(outside)
            await market.check_books()


async def test_a_lost_wake_up_is_made_up_for_by_the_sweep(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        owners = market.machine.tree.owners
        with monkeypatch.context() as deaf:
            deaf.setattr(owners, "ended", lambda _: None)
            await market.start_escrow(order)
            await trio.sleep(20)
            (operation,) = await market.operations(order.id)
            assert ChainStatus.CONFIRMED is operation.status
            assert (await market.stored(order)).process is not None
        with trio.fail_after(SWEEP_S + 10):
            await market.settled(order)


async def test_many_unfinished_orders_all_reach_their_end_after_a_kill(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
            orders = [
                await market.reserve(await market.order(buyer, seller, "10.00")) for _ in range(8)
            ]
            for order in orders:
                await market.start_escrow(order)
        async with living(universe) as market:
            for order in orders:
                await market.settled(order)
                await market.start_funding(order)
        async with living(universe) as market:
            for order in orders:
                assert OrderStatus.IN_PROGRESS is (await market.settled(order)).status
                await market.start_release(order)
        async with living(universe) as market:
            for order in orders:
                assert Outcome.RELEASED is (await market.settled(order)).outcome
            await market.wait_available(seller, "79.76")
            assert 8 == len(universe.sandbox.engine.contract_ids())
            await market.check_books()


@pytest.mark.expect_errors
async def test_a_lane_that_crashes_on_everything_takes_nobody_with_it(
    autojump_clock: object,
) -> None:
    """Its askers wait out its quarantine; when the fault is gone the work is done."""
    async with open_market() as market:
        order = await market.reserved_order()
        points = ("lane.before_signed.activate", "lane.before_signed.deploy")
        broken = True

        def fail(reached: str) -> None:
            if broken and reached in points:
                msg = f"provoked at {reached}"
                raise RuntimeError(msg)

        failpoints.watch(fail)
        try:
            user = await market.new_user("user")
            await market.start_escrow(order)
            await trio.sleep(300)
            children = {each.name: each for each in market.machine.supervisor.tree().children}
            assert children["lanes"].restarts > 20
            assert {"lanes"} == {name for name, each in children.items() if each.restarts}
            broken = False
            await market.wait_active(user)
            assert OrderStatus.ESCROW_CREATING is (await market.settled(order)).status
        finally:
            failpoints.watch(None)


@pytest.mark.parametrize("step", ["complete:0", "release"])
async def test_the_answer_of_a_release_whose_caller_is_gone_is_written_after_the_restart(
    autojump_clock: object, step: str
) -> None:
    """The text is the whole answer under the first request's id, though no request waits for it."""
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, f"order.before_effects.{step}") as market:
            order = await market.funded_order()
            asked = market.trace("key", "order.release")
            await market.start_release(order, asked)
        async with living(universe) as market:
            order = await market.settled(order)
            claim = await market.storage.idempotency("key")
            assert claim is not None
            assert claim.answer is not None
            answer = read_text(claim.answer)
            body = msgspec.json.decode(answer.body)
            assert (200, "CLOSED") == (answer.status, body["data"]["status"])
            assert body_of(render_order(order), asked.correlation_id, order.updated_at) == (
                answer.body
            )


class Waking:
    """A registry of lanes that notes when each is woken."""

    def __init__(self) -> None:
        self.woken: dict[str, float] = {}

    def wake(self, source: str, _key: object) -> None:
        self.woken[source] = trio.current_time()


@pytest.mark.parametrize(("read_s", "least_s"), [(0.0, 19 * PACE_S), (0.2, 19 * YIELD * 0.2)])
async def test_lanes_are_woken_oldest_first_at_a_pace_that_yields_to_a_slow_database(
    autojump_clock: object, read_s: float, least_s: float
) -> None:
    hands, database = Hands(), MemoryDatabase()

    class Slow(MemoryStorage):
        async def open_lanes(self, after: int, limit: int) -> Sequence[OpenLane]:
            await trio.sleep(read_s)
            return await super().open_lanes(after, limit)

    storage = Slow(database, hands.clock)
    rows = [hands.operation(intent=TrustUsdc(f"G{each:04}")) for each in range(20 * PAGE)]
    await storage.commit([hands.unit(writes=tuple(rows))])
    lanes: Any = Waking()
    journal = Journal(storage, Board(), EventHub(storage))
    core = Core(storage, journal, hands.clock, Ids(bytes), lambda: 0.5)
    owners = Owners(Owner(subject, lambda *_: None) for subject in Subject)
    wallets: Any = SimpleNamespace(wake=lambda _: None)
    async with trio.open_nursery() as nursery:
        began = trio.current_time()
        await nursery.start(Recovery(RecoveryParts(core, lanes, owners, wallets, wallets)).run)
        await trio.sleep(50)
        nursery.cancel_scope.cancel()
    moments = list(lanes.woken.values())
    assert [row.source for row in rows] == list(lanes.woken)
    assert sorted(moments) == moments
    assert least_s <= moments[-1] - began < 50
