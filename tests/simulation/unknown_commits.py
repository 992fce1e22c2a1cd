"""The twin as PostgreSQL behaves when a commit's answer is lost: applied or not, told late.

PostgreSQL's storage finds out by itself what such a commit did, however long the database is away,
and answers then; a process that is stopped meanwhile never hears it.
"""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Callable, Sequence

import trio

from offerhub.domain.ids import Clock
from offerhub.domain.unit_of_work import CommitOutcome, UnitOfWork
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import Encode, StorageUnavailable, no_answers
from tests.simulation.history import History

_LOOK_EVERY_S = 0.5


class DoubtfulStorage(MemoryStorage):
    """Loses the answers of some commits.

    Args:
        doubt: probability that the answer of a commit is lost.
    """

    def __init__(
        self,
        database: MemoryDatabase,
        clock: Clock,
        *,
        latency_s: Callable[[], float] | None,
        doubt: Callable[[], float],
        chance: random.Random,
        history: History,
    ) -> None:
        super().__init__(database, clock, latency_s=latency_s)
        self._doubt = doubt
        self._chance = chance
        self._history = history

    async def commit(
        self, group: Sequence[UnitOfWork], encode: Encode = no_answers
    ) -> Sequence[CommitOutcome]:
        """Commit, or lose the answer; cancelled while it is looked for, the outcome is unknown."""
        if self._chance.random() >= self._doubt():
            return await super().commit(group, encode)
        if self._chance.random() < 0.5:
            self._history.mark("a commit was lost and made again")
            await self._find_out()
            return await super().commit(group, encode)
        outcomes = await super().commit(group, encode)
        self._history.mark("a commit was told late")
        await self._find_out()
        return outcomes

    async def _find_out(self) -> None:
        await trio.sleep(self._chance.choice((0.05, 1, 8)) * self._chance.random())
        while True:
            try:
                await self._at()
            except StorageUnavailable:
                await trio.sleep(_LOOK_EVERY_S)
            else:
                return
