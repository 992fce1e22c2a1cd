"""What every actor works with: storage, the write path, time, ids and chance, held once."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import frozen

from actors.journal import Journal
from actors.outages import commit_with_retries, retry_until_available
from offerhub.domain.decision_context import DecisionContext
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

    def context(self, trace: Trace) -> DecisionContext:
        """What a decision of this moment is given, under the trace of who asks."""
        return DecisionContext(self.now(), self.ids, trace)

    def deciding_as(self, system: str) -> DecisionContext:
        """What a decision is given that nobody asks for: `system` names the part that decides."""
        return self.context(Trace.system(system, self.ids.new("req")))

    async def retry_until_available(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat what nobody waits for while the database is away (`actors.outages`)."""
        return await retry_until_available(attempt, self.random)

    async def commit_with_retries(self, unit: UnitOfWork) -> CommitOutcome:
        """Commit a unit that nobody waits for. Cancelled, the outcome is unknown."""
        return await commit_with_retries(self.journal, unit, self.random)
