"""The timer: what comes due wakes its owner on time, whatever was in between."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import trio
from attrs import define, evolve, field

from actors.board import Board
from actors.core import Core
from actors.journal import Journal
from actors.publisher import EventHub
from actors.timer import AGAIN_S, BATCH, PACE_S, Timer, TimerParts
from offerhub.domain.api_keys import ApiKey
from offerhub.domain.due import Due
from offerhub.domain.ids import Ids
from offerhub.domain.unit_of_work import Committed
from storage.memory import MemoryDatabase, MemoryStorage
from tests.simulation.world import now
from tests.storage.units import Hands


@define
class Desk:
    """A storage with API keys that expire, and what the timer has woken, when."""

    settle: bool = True
    database: MemoryDatabase = field(factory=MemoryDatabase)
    hands: Hands = field(factory=Hands)
    step: timedelta = timedelta()
    woken: list[tuple[float, str]] = field(factory=list)
    journal: Journal | None = None
    reads: int = 0

    def clock(self) -> datetime:
        return now() + self.step

    def ids(self) -> list[str]:
        return [owner for _, owner in self.woken]

    def wake(self, due: Due) -> None:
        self.woken.append((trio.current_time(), due.owner))
        if self.settle:
            # As its owner would: what was due is settled, in the twin, without a commit's wait.
            key = self.database.tables.of(ApiKey).rows[due.owner]
            settled = evolve(key, version=key.version + 1, expired_at=self.clock())
            self.database.tables.write((settled,))

    async def key(self, in_s: float) -> str:
        """A key that ends so many seconds from now, committed by the journal of this life."""
        assert self.journal is not None
        at = self.clock() + timedelta(seconds=in_s)
        key = self.hands.api_key(expires_at=at)
        assert isinstance(await self.journal.commit(self.hands.unit(writes=(key,))), Committed)
        return key.id

    @asynccontextmanager
    async def life(self) -> AsyncIterator[Timer]:
        """A process with its timer; leaving the context kills it."""
        storage = Counting(self.database, self.clock)
        storage.desk = self
        journal = self.journal = Journal(
            storage,
            Board(),
            EventHub(storage),
            on_write=lambda written: timer.note(written),  # noqa: PLW0108 - made below
        )
        core = Core(storage, journal, self.clock, Ids(bytes), lambda: 0.5)
        timer = Timer(TimerParts(core, self.wake))
        async with trio.open_nursery() as nursery:
            await nursery.start(self.journal.run)
            await nursery.start(timer.run)
            yield timer
            nursery.cancel_scope.cancel()


class Counting(MemoryStorage):
    """The twin, which counts how often it is asked what comes due."""

    desk: Desk

    async def due(self, after, limit):
        self.desk.reads += 1
        return await super().due(after, limit)


async def wait_until(true: Callable[[], bool]) -> None:
    with trio.fail_after(3600):
        while not true():
            await trio.sleep(0.01)


async def test_owners_are_woken_when_their_moment_comes_oldest_first(autojump_clock):
    desk = Desk()
    async with desk.life():
        late, early = await desk.key(50), await desk.key(20)
        await trio.sleep(19)
        assert [] == desk.ids()
        await trio.sleep(2)
        assert [early] == desk.ids()
        await trio.sleep(30)
        assert [early, late] == desk.ids()


async def test_an_earlier_moment_that_is_committed_is_not_slept_through(autojump_clock):
    desk = Desk()
    async with desk.life():
        await desk.key(55)
        await trio.sleep(5)
        early = await desk.key(10)
        await trio.sleep(10 + 2 * PACE_S)
        assert [early] == desk.ids()


async def test_a_moment_that_is_past_when_it_is_committed_wakes_at_once(autojump_clock):
    desk = Desk()
    async with desk.life():
        await trio.sleep(5)
        overdue = await desk.key(-3)
        assert [overdue] == desk.ids()


async def test_what_came_due_while_no_process_lived_is_woken_by_the_next(autojump_clock):
    desk = Desk()
    async with desk.life():
        ids = [await desk.key(30 - at) for at in range(3)]
    await trio.sleep(3600)
    assert [] == desk.ids()
    async with desk.life():
        await wait_until(lambda: len(desk.woken) == 3)
    assert [*reversed(ids)] == desk.ids()


async def test_a_crash_between_due_and_handled_loses_nothing(autojump_clock):
    """An owner that was woken and has not acted is woken by the next process."""
    desk = Desk(settle=False)
    async with desk.life():
        key = await desk.key(1)
        await wait_until(lambda: desk.ids() == [key])
    desk.settle = True
    async with desk.life():
        await wait_until(lambda: desk.ids() == [key, key])
        await trio.sleep(10 * AGAIN_S)
    assert [key, key] == desk.ids()


async def test_many_that_are_due_are_woken_in_bounded_batches(autojump_clock):
    desk = Desk()
    async with desk.life():
        ids = [await desk.key(30 + at / 1000) for at in range(5 * BATCH)]
    await trio.sleep(60)
    async with desk.life():
        await wait_until(lambda: len(desk.woken) == len(ids))
    assert ids == desk.ids()
    moments = [at for at, _ in desk.woken]
    assert {BATCH} == {moments.count(at) for at in moments}
    pauses = [b - a for a, b in zip(sorted(set(moments)), sorted(set(moments))[1:], strict=False)]
    assert all(pause >= PACE_S for pause in pauses)


async def test_those_that_stay_due_do_not_stand_in_the_way_of_later_ones(autojump_clock):
    """More than a batch whose owners cannot act, and one behind them: it is woken all the same."""
    desk = Desk(settle=False)
    async with desk.life():
        stuck = [await desk.key(1) for _ in range(2 * BATCH)]
        later = await desk.key(5)
        await wait_until(lambda: later in desk.ids())
        assert len(stuck) + 1 == len(desk.woken)
        await trio.sleep(AGAIN_S)
        assert 2 * (len(stuck) + 1) == len(desk.woken)


async def test_the_database_being_away_is_waited_for(autojump_clock):
    desk = Desk()
    async with desk.life():
        key = await desk.key(30)
        desk.database.available = False
        await trio.sleep(600)
        assert [] == desk.ids()
        desk.database.available = True
        await wait_until(lambda: desk.ids() == [key])


async def test_a_clock_that_is_set_forward_is_noticed(autojump_clock):
    desk = Desk()
    async with desk.life():
        key = await desk.key(5 * 3600)
        await trio.sleep(10)
        desk.step = timedelta(hours=6)
        await trio.sleep(AGAIN_S)
        assert [key] == desk.ids()


async def test_a_clock_that_is_set_back_wakes_nobody_too_early_and_loses_nobody(autojump_clock):
    desk = Desk()
    async with desk.life():
        await desk.key(10)
        await trio.sleep(20)
        desk.step = -timedelta(seconds=300)
        key = await desk.key(120)
        await trio.sleep(110)
        assert key not in desk.ids()
        await trio.sleep(10 + AGAIN_S)
        assert key in desk.ids()


async def test_a_timer_with_nothing_to_do_looks_once_a_minute(autojump_clock):
    desk = Desk()
    async with desk.life():
        await trio.sleep(0.5)
        began = desk.reads
        await trio.sleep(600)
        assert desk.reads - began <= 10


async def test_moments_that_lie_close_together_are_one_look(autojump_clock):
    desk = Desk()
    async with desk.life():
        for at in range(20):
            await desk.key(30 + at / 100)
        await trio.sleep(1)
        began = desk.reads
        await trio.sleep(30)
        assert 20 == len(desk.woken)
        assert desk.reads - began <= 3
