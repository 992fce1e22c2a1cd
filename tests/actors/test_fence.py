"""A displaced process learns of it by its first commit, or by a look, and has itself ended once."""

import pytest
import trio

from actors.board import Board
from actors.fence import Fence
from actors.journal import Journal
from actors.publisher import EventHub
from offerhub.domain.errors import DomainError, ErrorCode
from storage.memory import MemoryDatabase, MemoryStorage
from tests.simulation.world import now
from tests.storage.units import Hands

pytestmark = pytest.mark.expect_errors


async def test_a_commit_of_a_displaced_process_is_refused_as_retryable_and_trips_the_fence(
    autojump_clock: object,
) -> None:
    database = MemoryDatabase()
    storage = MemoryStorage(database, now)
    tripped: list[str] = []
    fence = Fence(storage, lambda: tripped.append("ended"))
    hands = Hands()
    journal = Journal(storage, Board(), EventHub(storage), on_fenced=fence.trip)
    async with trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        MemoryStorage(database, now)
        for _ in range(3):
            with pytest.raises(DomainError) as refused:
                await journal.commit(hands.unit(events=(hands.event(),)))
            assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code
        nursery.cancel_scope.cancel()
    assert ["ended"] == tripped


async def test_a_process_that_writes_nothing_learns_of_it_within_seconds(
    autojump_clock: object,
) -> None:
    database = MemoryDatabase()
    storage = MemoryStorage(database, now)
    ended = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(Fence(storage, ended.set).run)
        database.available = False
        await trio.sleep(60)
        assert not ended.is_set()
        database.available = True
        MemoryStorage(database, now)
        with trio.fail_after(10):
            await ended.wait()
        nursery.cancel_scope.cancel()
