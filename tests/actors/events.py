"""A journal on the twin that commits events, and a publisher that can be watched."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import trio

from actors.board import Board
from actors.journal import Journal
from actors.publisher import EventHub, Publisher, Subscription
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Event, UnitOfWork
from storage.memory import MemoryDatabase, MemoryStorage

START = datetime(2026, 11, 22, tzinfo=UTC)


def evt(number: int) -> str:
    return f"evt_{number:021d}"


def unit(
    *numbers: int, type: str = "order.created", aggregate: str = "Order", padding: int = 0
) -> UnitOfWork:
    return UnitOfWork(
        at=START + timedelta(seconds=min(numbers)),
        trace=Trace("req", "system:test"),
        events=tuple(
            Event(evt(n), type, aggregate, f"ord_{n}", {"n": n, "padding": "x" * padding})
            for n in numbers
        ),
    )


class Market:
    """A database, a journal on it and a hub; `elsewhere` commits as another process does."""

    def __init__(self, *, kept_max: int = 4096, buffer=None, look_s: float = 1.0) -> None:
        self.database = MemoryDatabase()
        self.storage = MemoryStorage(self.database, lambda: START)
        self.hub = EventHub(self.storage, buffer, kept_max=kept_max)
        self.journal = Journal(self.storage, Board(), self.hub)
        self.publisher = Publisher(self.hub, self.storage, buffer, look_s=look_s)
        self.committed = 0

    async def commit(self, count: int = 1, **kind: Any) -> None:
        numbers = range(self.committed + 1, self.committed + count + 1)
        self.committed += count
        await self.journal.commit(unit(*numbers, **kind))

    async def elsewhere(self, count: int = 1, **kind: Any) -> None:
        numbers = range(self.committed + 1, self.committed + count + 1)
        self.committed += count
        await self.storage.commit([unit(*numbers, **kind)])

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Market"]:
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                await nursery.start(self.publisher.run)
                await nursery.start(self.journal.run)
                yield self
                nursery.cancel_scope.cancel()


async def received(subscription: Subscription, count: int) -> Sequence[int]:
    """The sequences of the next `count` events."""
    found: list[int] = []
    while len(found) < count:
        found += [reported.sequence for reported in await subscription.receive()]
    return found
