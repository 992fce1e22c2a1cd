"""The journal: what waits is committed in one group, and every asker gets its own outcome."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from actors.board import Board
from actors.journal import GROUP_MAX, Journal, JournalClosed
from actors.kernel import ChildSpec, Service, Supervisor
from actors.publisher import EventHub
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.unit_of_work import (
    Balance,
    CommitOutcome,
    Committed,
    CommittedEvent,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from offerhub.sandbox.fault_plan import FaultKind
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import Encode, StorageUnavailable, no_answers
from tests.actors.purchase import SUBMIT, Market, failing_at, open_market
from tests.storage.units import Hands


class Watched(MemoryStorage):
    """The twin, with a count of its commits and a gate before each."""

    groups: list[int]
    gate: trio.Event | None = None
    broken: bool = False

    async def commit(
        self, group: Sequence[UnitOfWork], encode: Encode = no_answers
    ) -> Sequence[CommitOutcome]:
        self.groups.append(len(group))
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            msg = "provoked"
            raise RuntimeError(msg)
        return await super().commit(group, encode)


class Hub(EventHub):
    """Notes what was published, and what the board showed then."""

    def __init__(self, storage: MemoryStorage, board: Board[Balance]) -> None:
        super().__init__(storage)
        self.board = board
        self.shown: list[tuple[str, str | None]] = []

    def publish(self, events: Sequence[CommittedEvent]) -> None:
        for event in events:
            balance = self.board.get(event.aggregate_id)
            shown = None if balance is None else balance.reserved.two_places()
            self.shown.append((event.id, shown))
        super().publish(events)


@define
class Desk:
    """A journal that runs, and one who asks it."""

    storage: Watched
    board: Board[Balance]
    hub: Hub
    journal: Journal
    nursery: trio.Nursery
    hands: Hands = field(factory=Hands)
    outcomes: dict[str, object] = field(factory=dict)

    def ask(self, name: str, unit: UnitOfWork) -> None:
        self.nursery.start_soon(self._ask, name, unit)

    async def _ask(self, name: str, unit: UnitOfWork) -> None:
        try:
            self.outcomes[name] = await self.journal.commit(unit)
        except (DomainError, JournalClosed) as error:
            self.outcomes[name] = error


@asynccontextmanager
async def desk(*, running: bool = True) -> AsyncIterator[Desk]:
    hands = Hands()
    storage = Watched(MemoryDatabase(), hands.clock)
    storage.groups = []
    board: Board[Balance] = Board()
    hub = Hub(storage, board)
    journal = Journal(storage, board, hub)
    async with trio.open_nursery() as nursery:
        if running:
            await nursery.start(journal.run)
        yield Desk(storage, board, hub, journal, nursery, hands)
        nursery.cancel_scope.cancel()


async def test_units_that_wait_are_committed_in_one_group() -> None:
    async with desk() as at:
        at.storage.gate = trio.Event()
        for each in range(10):
            at.ask(str(each), at.hands.unit(writes=(at.hands.user(),)))
            if not each:
                await wait_all_tasks_blocked()
        await wait_all_tasks_blocked()
        at.storage.gate.set()
        await wait_all_tasks_blocked()
        assert [1, 9] == at.storage.groups
        assert 10 == len(at.outcomes)
        assert all(isinstance(each, Committed) for each in at.outcomes.values())


async def test_a_group_has_a_greatest_size() -> None:
    async with desk(running=False) as at:
        for each in range(GROUP_MAX + 1):
            at.ask(str(each), at.hands.unit(writes=(at.hands.user(),)))
        await wait_all_tasks_blocked()
        at.nursery.start_soon(at.journal.run)
        await wait_all_tasks_blocked()
        assert [GROUP_MAX, 1] == at.storage.groups


async def test_what_a_unit_wrote_is_shown_after_its_commit_and_never_if_it_is_refused() -> None:
    """A snapshot that is shown earlier is a reservation that nobody has made."""
    async with desk(running=False) as at:
        shown: list[str] = []
        at.journal = Journal(
            at.storage, at.board, at.hub, on_write=lambda entity: shown.append(entity.id)
        )
        await at.nursery.start(at.journal.run)
        at.storage.gate = trio.Event()
        at.ask("first", at.hands.unit(writes=(at.hands.user(id="usr_1"),)))
        at.ask("again", at.hands.unit(writes=(at.hands.user(id="usr_1"),)))
        await wait_all_tasks_blocked()
        assert [] == shown
        at.storage.gate.set()
        await wait_all_tasks_blocked()
        assert ["usr_1"] == shown
        at.nursery.cancel_scope.cancel()


async def test_a_refused_unit_does_not_hurt_its_neighbours() -> None:
    async with desk() as at:
        user = at.hands.user(id="usr_1")
        await at.journal.commit(at.hands.unit(writes=(user,)))
        at.storage.gate = trio.Event()
        at.ask("first", at.hands.unit(writes=(at.hands.user(),)))
        await wait_all_tasks_blocked()
        for name, unit in (
            ("deposit", at.hands.deposit("usr_1", "10")),
            ("too much", at.hands.reserve("usr_1", "11.00")),
            ("conflict", at.hands.unit(writes=(user,))),
            ("enough", at.hands.reserve("usr_1", "10.00")),
        ):
            at.ask(name, unit)
            await wait_all_tasks_blocked()
        at.storage.gate.set()
        await wait_all_tasks_blocked()
        assert isinstance(at.outcomes["deposit"], Committed)
        assert isinstance(at.outcomes["enough"], Committed)
        assert Refused(RefusalKind.FUNDS, "usr_1") == at.outcomes["too much"]
        assert Refused(RefusalKind.CONFLICT, "usr_1") == at.outcomes["conflict"]
        assert [1, 1, 4] == at.storage.groups


async def test_units_of_one_asker_are_committed_in_its_order() -> None:
    async with desk(running=False) as at:
        at.ask("user", at.hands.unit(writes=(at.hands.user(id="usr_1"),)))
        await wait_all_tasks_blocked()
        at.ask("deposit", at.hands.deposit("usr_1", "10"))
        await wait_all_tasks_blocked()
        at.ask("reserve", at.hands.reserve("usr_1", "10.00"))
        await wait_all_tasks_blocked()
        at.nursery.start_soon(at.journal.run)
        await wait_all_tasks_blocked()
        assert all(isinstance(each, Committed) for each in at.outcomes.values())


async def test_a_unit_whose_asker_was_cancelled_is_committed_all_the_same() -> None:
    async with desk() as at:
        at.storage.gate = trio.Event()
        user = at.hands.user(id="usr_1")
        with trio.CancelScope() as impatient:
            at.nursery.start_soon(_cancel_when_blocked, impatient)
            await at.journal.commit(at.hands.unit(writes=(user,)))
        assert impatient.cancelled_caught
        waiting = at.hands.user(id="usr_2")
        with trio.CancelScope() as impatient:
            at.nursery.start_soon(_cancel_when_blocked, impatient)
            await at.journal.commit(at.hands.unit(writes=(waiting,)))
        at.storage.gate.set()
        await wait_all_tasks_blocked()
        assert user == await at.storage.load(type(user), "usr_1")
        assert waiting == await at.storage.load(type(user), "usr_2")


async def _cancel_when_blocked(scope: trio.CancelScope) -> None:
    await wait_all_tasks_blocked()
    scope.cancel()


async def test_balances_are_shown_before_anyone_is_answered_and_before_events_are_told() -> None:
    async with desk() as at:
        await at.journal.commit(at.hands.unit(writes=(at.hands.user(id="usr_1"),)))
        await at.journal.commit(at.hands.deposit("usr_1", "10"))
        assert "10.00" == _shown(at.board, "usr_1")
        await at.journal.commit(at.hands.reserve("usr_1", "4.00"))
        assert "6.00" == _shown(at.board, "usr_1")
        assert ["4.00"] == [shown for _, shown in at.hub.shown]


def _shown(board: Board[Balance], user_id: str) -> str | None:
    balance = board.get(user_id)
    return None if balance is None else balance.available.two_places()


async def test_the_database_away_is_a_refusal_and_then_it_goes_on() -> None:
    async with desk() as at:
        database = at.storage._database
        database.available = False
        with pytest.raises(DomainError) as refused:
            await at.journal.commit(at.hands.unit(writes=(at.hands.user(),)))
        assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code
        database.available = True
        outcome = await at.journal.commit(at.hands.unit(writes=(at.hands.user(),)))
        assert isinstance(outcome, Committed)


async def test_a_crash_of_the_journal_is_told_to_those_who_wait() -> None:
    async with desk(running=False) as at:
        at.storage.broken = True
        at.ask("in the group", at.hands.unit(writes=(at.hands.user(),)))
        await wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="provoked"):
            await at.journal.run()
        await wait_all_tasks_blocked()
        assert isinstance(at.outcomes["in the group"], JournalClosed)
        at.storage.broken = False
        at.nursery.start_soon(at.journal.run)
        outcome = await at.journal.commit(at.hands.unit(writes=(at.hands.user(),)))
        assert isinstance(outcome, Committed)


async def test_a_stop_of_the_journal_lets_nobody_wait_for_ever() -> None:
    async with desk(running=False) as at:
        at.storage.gate = trio.Event()
        with trio.CancelScope() as life:
            at.nursery.start_soon(_cancel_when_blocked, life)
            at.ask("waits", at.hands.unit(writes=(at.hands.user(),)))
            await at.journal.run()
        await wait_all_tasks_blocked()
        assert isinstance(at.outcomes["waits"], JournalClosed)


async def test_a_crashed_journal_is_started_again_by_its_supervisor(
    autojump_clock: object,
) -> None:
    async with desk(running=False) as at:
        reported: list[str] = []
        supervisor = Supervisor(
            "root",
            [ChildSpec(Service("journal", at.journal.run))],
            random=lambda: 0.5,
            on_crash=lambda name, _: reported.append(name),
        )
        await at.nursery.start(supervisor.run)
        at.storage.broken = True
        with pytest.raises(JournalClosed):
            await at.journal.commit(at.hands.unit(writes=(at.hands.user(),)))
        at.storage.broken = False
        with trio.fail_after(10):
            outcome = await at.journal.commit(at.hands.unit(writes=(at.hands.user(),)))
        assert isinstance(outcome, Committed)
        assert ["journal"] == reported
        (child,) = supervisor.tree().children
        assert ("journal", 1) == (child.name, child.restarts)


# In the whole tree.


async def test_an_order_is_shown_before_its_events_are_told(autojump_clock: object) -> None:
    """Who hears of a change and asks for the order sees the change."""
    async with open_market() as market:
        system = market.machine.system
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        order = await market.order(buyer, seller)
        honest = system.hub.publish
        seen: list[tuple[str, str]] = []

        def publish(events: Sequence[CommittedEvent]) -> None:
            for event in events:
                shown = system.order_board.get(order.id)
                if event.order_id == order.id and shown is not None:
                    seen.append((event.type, shown.status.value))
            honest(events)

        market.machine.tree.journal._hub.publish = publish  # type: ignore[method-assign]
        await market.reserve(order)
        await market.settled(await market.start_escrow(order))
        assert ("order.funds_reserved", "FUNDS_RESERVED") in seen
        assert ("order.escrow_creating", "ESCROW_CREATING") in seen
        assert ("order.funds_reserved", "ORDER_CREATED") not in seen


@pytest.mark.expect_errors
@pytest.mark.parametrize("point", ["journal.before_commit", "journal.after_commit"])
async def test_a_purchase_ends_well_although_the_journal_crashes(
    autojump_clock: object, point: str
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        await market.start_funding(order)
        async with failing_at(point, times=2) as crashes:
            funded = await market.settled(order)
            assert 2 == crashes()
        assert funded.escrow is not None
        assert funded.escrow.funded_at is not None
        assert 1 == len([x for x in await market.operations(order.id) if str(x.step) == "fund"])
        await market.check_books()


async def test_the_database_away_refuses_commands_and_work_on_the_chain_goes_on_after_it(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.deployed_order()
        other = await market.order(await market.buyer(order), await market.seller(order), "5.00")
        market.fault(FaultKind.SLOW, SUBMIT, delay_s=5)
        await market.start_funding(order)
        market.universe.database.available = False
        with pytest.raises(DomainError) as refused:
            await market.reserve(other)
        assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code
        with pytest.raises(DomainError) as refused:
            await market.new_user("somebody")
        assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code
        with pytest.raises(StorageUnavailable):
            await market.stored(other)
        await trio.sleep(300)
        market.universe.database.available = True
        assert (await market.settled(order)).escrow.funded_at is not None  # type: ignore[union-attr]
        await market.reserve(other)
        await _all_running(market)
        await market.check_books()


async def _all_running(market: Market) -> None:
    children = market.machine.supervisor.tree().children
    assert {("bootstrap", 0)} == {
        (each.name, each.restarts) for each in children if each.state.value != "running"
    }
    assert {0} == {each.restarts for each in children}
