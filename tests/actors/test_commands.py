"""Operators' commands: done once, with their effect, or refused and said so."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from actors import tree
from actors.commands import CommandKind, Job
from actors.messages import CancelOrder
from actors.order_commands import RETRY
from offerhub.domain.chain import ChainOperation
from offerhub.domain.command_decisions import withdrawn
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.sandbox.fault_plan import FaultKind
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import StorageUnavailable
from tests.actors.commanding import command
from tests.actors.purchase import BUILD, WAIT_S, Market, closing, doomed, living, open_market
from tests.simulation.world import Universe, now

KINDS = ("test.cancel", "test.late", "test.long", "test.fail", "test.forget", "test.silent")

Work = Callable[[Job], Awaitable[None]]


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, Work]:
    """Kinds of commands of the test's own, which take the place of those of orders."""
    own: dict[str, Work] = {}

    def kind(name: str) -> CommandKind:
        async def work(job: Job) -> None:
            await own[name](job)

        return CommandKind(name, work)

    monkeypatch.setattr(tree, "order_commands", lambda *_: [kind(name) for name in KINDS])
    return own


async def pausing(market: Market) -> ChainOperation:
    """An operation that pauses."""
    with trio.fail_after(WAIT_S):
        while True:
            for operation in await market.storage.open_operations():
                if operation.not_before is not None and operation.not_before > now():
                    return operation
            await trio.sleep(0.05)


async def paused_order(market: Market) -> Order:
    order = await market.reserved_order()
    market.fault(FaultKind.ERROR_BEFORE, BUILD, times=6)
    return await market.start_escrow(order)


def command_rows(universe: Universe) -> list[OperatorCommand]:
    return list(universe.database.tables.of(OperatorCommand).rows.values())


async def test_retry_ends_the_pause_of_an_order_and_is_audited(autojump_clock: MockClock) -> None:
    async with open_market() as market:
        order = await paused_order(market)
        operation = await pausing(market)
        ended = await command(market.storage, RETRY, {"orderId": order.id})
        assert ended.state is CommandState.DONE
        assert ended.result is not None
        assert operation.id == ended.result["operationId"]
        (entry,) = await market.audit("order.retry")
        assert ("cli:root", order.id) == (entry["actor"], entry["resourceId"])
        assert OrderStatus.ESCROW_CREATING is (await market.settled(order)).status


async def test_what_cannot_be_done_is_refused_with_its_reason_and_audited(
    autojump_clock: MockClock,
) -> None:
    async with open_market() as market:
        idle = await market.reserved_order()
        asked: tuple[tuple[dict[str, object], str], ...] = (
            ({"orderId": "ord_missing"}, "ORDER_NOT_FOUND"),
            ({"orderId": idle.id}, "INVALID_STATE_TRANSITION"),
            ({}, "VALIDATION_ERROR"),
        )
        for arguments, code in asked:
            ended = await command(market.storage, RETRY, arguments)
            assert CommandState.REFUSED is ended.state
            assert ended.refusal is not None
            assert code == ended.refusal.code
        unknown = await command(market.storage, "orders.paint", {})
        assert unknown.refusal is not None
        assert "cannot do orders.paint" in unknown.refusal.message
        entries = await market.audit(RETRY)
        assert [("refused", code) for _, code in asked] == [
            (entry["result"], entry["error"]) for entry in entries
        ]


async def test_a_command_that_goes_along_ends_in_the_commit_of_its_effect(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()
        seen: list[tuple[OrderStatus, CommandState]] = []

        def look(database: MemoryDatabase) -> None:
            (row,) = database.tables.of(OperatorCommand).rows.values()
            seen.append((database.tables.of(Order).rows[order.id].status, row.state))

        async def cancel(job: Job) -> None:
            message = CancelOrder("operator", None, job.trace)
            along = job.along(message, lambda after: {"status": after.status.value})
            await market.order_address(order.id).ask(along)

        kinds["test.cancel"] = cancel
        market.universe.database.on_commit = look
        ended = await command(market.storage, "test.cancel", {})
        assert {"status": "CLOSED"} == ended.result
        assert (OrderStatus.CLOSED, CommandState.DONE) in seen
        assert (OrderStatus.CLOSED, CommandState.WAITING) not in seen


async def test_a_command_that_was_withdrawn_meanwhile_has_no_effect(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    async with open_market() as market:
        order = await market.reserved_order()

        async def cancel(job: Job) -> None:
            gone = withdrawn(job.command, job.context())
            (outcome,) = await market.storage.commit([gone])
            assert isinstance(outcome, Committed)
            message = CancelOrder("operator", None, job.trace)
            await market.order_address(order.id).ask(job.along(message, lambda _: {}))

        kinds["test.cancel"] = cancel
        ended = await command(market.storage, "test.cancel", {})
        assert CommandState.WITHDRAWN is ended.state
        await trio.sleep(60)
        assert OrderStatus.FUNDS_RESERVED is (await market.stored(order)).status


async def test_nobody_does_a_command_that_was_not_taken_up_in_time(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    universe = Universe(seed=1)
    idle = MemoryStorage(universe.database, now)
    ended = await command(idle, "test.late", {})
    assert CommandState.WITHDRAWN is ended.state

    async def fail(_: Job) -> None:
        raise AssertionError

    kinds["test.late"] = fail
    async with closing(universe), living(universe):
        await trio.sleep(60)
    assert [CommandState.WITHDRAWN] == [row.state for row in command_rows(universe)]


@pytest.mark.parametrize("point", ["command.before_retry", "command.after_retry"])
async def test_a_kill_leaves_a_command_undone_or_done_once(
    autojump_clock: MockClock, point: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, point) as market:
            order = await paused_order(market)
            await pausing(market)
            await command(market.storage, RETRY, {"orderId": order.id})
        async with living(universe) as market:
            with trio.fail_after(WAIT_S):
                while any(row.is_open for row in command_rows(universe)):
                    await trio.sleep(1)
            (row,) = command_rows(universe)
            assert CommandState.DONE is row.state
            assert 1 == len(await market.audit("order.retry"))


async def test_a_long_command_reports_and_is_resumed_by_the_next_process(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    universe = Universe(seed=1)
    lives: list[object] = []

    async def long(job: Job) -> None:
        lives.append(job.command.progress)
        await job.report({"done": len(lives)})
        if len(lives) == 1:
            await trio.sleep_forever()
        context = job.context()
        entry = context.audit("test.long", "Instance", "instance")
        unit = UnitOfWork(at=context.now, trace=context.trace, audit=(entry,))
        assert await job.commit(unit, {"lives": len(lives)})

    kinds["test.long"] = long
    async with closing(universe), living(universe) as market, trio.open_nursery() as nursery:
        nursery.start_soon(command, market.storage, "test.long", {})
        await trio.sleep(60)
        (row,) = command_rows(universe)
        assert (CommandState.RUNNING, {"done": 1}) == (row.state, row.progress)
        nursery.cancel_scope.cancel()
    async with closing(universe), living(universe):
        await trio.sleep(60)
    (row,) = command_rows(universe)
    assert (CommandState.DONE, {"lives": 2}) == (row.state, row.result)
    assert [None, {"done": 1}] == lives


async def test_a_command_that_meets_an_outage_is_taken_up_again(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    tries = 0

    async def late(job: Job) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            message = "the database is away"
            raise StorageUnavailable(message)
        context = job.context()
        audit = (context.audit("test.late", "Instance", "instance"),)
        await job.commit(UnitOfWork(at=context.now, trace=context.trace, audit=audit), {})

    kinds["test.late"] = late
    async with open_market() as market:
        ended = await command(market.storage, "test.late", {})
        assert (CommandState.DONE, 2) == (ended.state, tries)


@pytest.mark.expect_errors
async def test_a_command_that_fails_is_refused_and_the_next_one_is_done(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    async def fail(_: Job) -> None:
        raise RuntimeError

    async def forget(_: Job) -> None:
        """Leaves its command open, which is a fault too."""

    kinds.update({"test.fail": fail, "test.forget": forget})
    async with open_market() as market:
        for kind in kinds:
            ended = await command(market.storage, kind, {})
            assert ended.refusal is not None
            assert "INTERNAL_ERROR" == ended.refusal.code


@pytest.mark.expect_errors
async def test_an_effect_that_is_not_audited_is_refused(
    autojump_clock: MockClock, kinds: dict[str, Work]
) -> None:
    universe = Universe(seed=1)

    async def silent(job: Job) -> None:
        context = job.context()
        await job.commit(UnitOfWork(at=context.now, trace=context.trace), {})

    kinds["test.silent"] = silent
    async with closing(universe), living(universe) as market:
        ended = await command(market.storage, "test.silent", {})
        assert CommandState.REFUSED is ended.state
