"""The journal: the write path. It commits every unit that waits in one transaction.

Why it is a service: docs/decisions/0001-journal-as-a-service-with-group-commit.md.

While one group is being committed, the next gathers. A unit's asker gets its own outcome. After a
commit, and before any asker is answered, the snapshots of what it changed are replaced; then the
committed events go to the publisher.
"""

from collections.abc import Callable, Sequence
from typing import Final

import structlog
import trio
from attrs import define

from actors.answers import Answers
from actors.board import Board
from actors.failpoints import reach
from actors.publisher import EventHub
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.unit_of_work import (
    Balance,
    CommitOutcome,
    Committed,
    Entity,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from storage.port import Storage, StorageUnavailable

log = structlog.get_logger(__name__)

GROUP_MAX: Final = 64
"""Units of one transaction at most: more would only make the first of them wait."""

_WAITING_MAX: Final = 1024

_NOT_NOW: Final = {
    RefusalKind.UNAVAILABLE: "the database is not responding; nothing was changed",
    RefusalKind.FENCED: "another process has taken over, and this one ends; nothing was changed",
}
"""What may be asked again: of the database when it is back, of the other process at once."""


class JournalClosed(Exception):
    """The journal does not run; the unit was not committed, or its outcome must be looked up."""


@define(eq=False)
class _Entry:
    unit: UnitOfWork
    outcome: CommitOutcome | None = None
    failed: bool = False
    task: trio.lowlevel.Task | None = None


class Journal:
    """Commits units in groups; its `run` is a service of the tree.

    Args:
        on_fenced: told when storage refuses what this process commits, because a newer process owns
            the database; never waits.
        on_write: given every entity that a unit wrote, once it is committed and before its events
            are published; never waits.
        answers: writes the text of final answers, within the commit, and has it for the request
            that waits for it.
    """

    def __init__(
        self,
        storage: Storage,
        balances: Board[Balance],
        hub: EventHub,
        on_write: Callable[[Entity], None] | None = None,
        on_fenced: Callable[[], None] = lambda: None,
        answers: Answers | None = None,
    ) -> None:
        self._storage = storage
        self._balances = balances
        self._hub = hub
        self._on_write = on_write
        self._on_fenced = on_fenced
        self._answers = answers or Answers()
        self.observe_group: Callable[[int, float], None] = lambda _units, _seconds: None
        """Told the size of each group that was committed, and how long that took; for metrics."""
        self.observe_violation: Callable[[], None] = lambda: None
        """Told of each unit that breaks a rule of money; for metrics."""
        self._waiting: list[_Entry] = []
        self._filled = trio.Event()
        self._room = trio.Semaphore(_WAITING_MAX)

    async def commit(self, unit: UnitOfWork) -> CommitOutcome:
        """Commit a unit and return what storage said of it.

        Cancelled, the outcome is unknown: the unit may still be committed. Raises `DomainError`
        `SERVICE_UNAVAILABLE` when the database is away, or a newer process has taken it over, and
        the unit is known not to be committed, and `JournalClosed` when the journal crashed on it: look it up.
        """
        async with self._room:
            entry = _Entry(unit)
            self._waiting.append(entry)
            self._filled.set()
            if entry.outcome is None and not entry.failed:
                entry.task = trio.lowlevel.current_task()

                def abort(_: object) -> trio.lowlevel.Abort:
                    entry.task = None
                    return trio.lowlevel.Abort.SUCCEEDED

                await trio.lowlevel.wait_task_rescheduled(abort)
        if entry.outcome is None:
            msg = "the journal stopped before it knew the outcome"
            raise JournalClosed(msg)
        if isinstance(entry.outcome, Refused) and entry.outcome.kind in _NOT_NOW:
            raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, _NOT_NOW[entry.outcome.kind])
        return entry.outcome

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Commit what waits, group by group, until cancelled."""
        group: Sequence[_Entry] = ()
        try:
            task_status.started()
            while True:
                await self._filled.wait()
                group = self._waiting[:GROUP_MAX]
                del self._waiting[:GROUP_MAX]
                if not self._waiting:
                    self._filled = trio.Event()
                await self._commit_group(group)
                group = ()
        finally:
            for entry in (*group, *self._waiting):
                if entry.outcome is None:
                    entry.failed = True
                    _wake(entry)
            self._waiting.clear()
            self._filled = trio.Event()

    async def _commit_group(self, group: Sequence[_Entry]) -> None:
        reach("journal.before_commit")
        began = trio.current_time()
        try:
            outcomes = await self._storage.commit(
                [entry.unit for entry in group], self._answers.encode
            )
        except StorageUnavailable:
            outcomes = [Refused(RefusalKind.UNAVAILABLE)] * len(group)
        else:
            self.observe_group(len(group), trio.current_time() - began)
        reach("journal.after_commit")
        for entry, outcome in zip(group, outcomes, strict=True):
            entry.outcome = outcome
            if isinstance(outcome, Refused) and outcome.kind is RefusalKind.BROKEN:
                log.error("journal.invariant_violated", rule=outcome.subject)
                self.observe_violation()
            if isinstance(outcome, Refused) and outcome.kind is RefusalKind.FENCED:
                self._on_fenced()
            if isinstance(outcome, Committed):
                self._show(entry.unit, outcome)
        for entry in group:
            if isinstance(entry.outcome, Committed):
                self._hub.publish(entry.outcome.events)
            _wake(entry)

    def _show(self, unit: UnitOfWork, committed: Committed) -> None:
        if unit.idempotency is not None and committed.answer is not None:
            record = unit.idempotency
            self._answers.put(record.key, record.fingerprint, committed.answer)
        for user_id, balance in committed.balances.items():
            self._balances.put(user_id, balance)
        for entity in unit.writes:
            if self._on_write is not None:
                self._on_write(entity)


def _wake(entry: _Entry) -> None:
    if entry.task is not None:
        trio.lowlevel.reschedule(entry.task)
        entry.task = None
