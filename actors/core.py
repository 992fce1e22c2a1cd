"""What every actor works with: storage, the write path, time, ids and chance, held once."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import frozen

from actors.journal import Journal
from actors.patience import committed_when_possible, when_possible
from offerhub.domain.deciding import Deciding
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import CommitOutcome, UnitOfWork
from storage.port import Storage

T = TypeVar("T")


@frozen
class Core:
    """See the module; `random` gives numbers in [0, 1)."""

    storage: Storage
    journal: Journal
    now: Clock
    ids: Ids
    random: Callable[[], float]

    def deciding(self, trace: Trace) -> Deciding:
        """What a decision of this moment is given, under the trace of who asks."""
        return Deciding(self.now(), self.ids, trace)

    def deciding_as(self, system: str) -> Deciding:
        """What a decision is given that nobody asks for: `system` names the part that decides."""
        return self.deciding(Trace.system(system, self.ids.new("req")))

    async def when_possible(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat what nobody waits for while the database is away (`actors.patience`)."""
        return await when_possible(attempt, self.random)

    async def committed_when_possible(self, unit: UnitOfWork) -> CommitOutcome:
        """Commit a unit that nobody waits for. Cancelled, the outcome is unknown."""
        return await committed_when_possible(self.journal, unit, self.random)
