"""Operators' commands: taken up from their rows, worked by their kind, ended with their effect.

The command line stores a command (`offerhub.domain.operator_command`) and waits at its row. This
actor is woken by the notice of it, and looks every few seconds for what a lost notice has left. What
a kind does is registered by the part that owns it: `actors/tree.py` gathers the kinds.

A command's end is written by the unit that has its effect, so nothing is done twice: a
command that a crash has interrupted is still open, and is taken up again.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Never, assert_never

import structlog
import trio
from attrs import frozen

from actors.along import Along, CommandGone, check_not_gone
from actors.core import Core
from actors.kernel import described
from actors.outages import WokenActor, is_outage
from offerhub.domain import command_decisions as decisions
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import (
    CommitOutcome,
    Committed,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from storage.port import StorageUnavailable

log = structlog.get_logger(__name__)

AT_ONCE_MAX: Final = 8
"""Commands that are worked side by side; more of them wait for the next look."""

LOOK_S: Final = 5.0
"""Between looks without a notice, and before what met an outage is tried again."""

_LISTEN_AGAIN_S: Final = 1.0


class Job:
    """A command at work: what its kind is given."""

    def __init__(self, command: OperatorCommand, core: Core) -> None:
        self.command = command
        self._core = core
        self._trace = Trace(core.ids.new("req"), command.actor, causation_id=command.id)

    @property
    def arguments(self) -> Mapping[str, object]:
        return self.command.arguments

    @property
    def trace(self) -> Trace:
        """For what others are asked for on behalf of the operator."""
        return self._trace

    def context(self) -> DecisionContext:
        """What a decision of this moment is given."""
        return self._core.context(self._trace)

    def text(self, name: str) -> str:
        """An argument that must be a text; raises `VALIDATION_ERROR`."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            raise DomainError(ErrorCode.VALIDATION_ERROR, f"the command lacks {name}")
        return value

    def along(self, message: object, result: Callable[[Any], Mapping[str, object]]) -> Along:
        """A message for an entity's owner, whose effect ends this command."""
        return Along(message, self.command, result)

    async def commit(self, unit: UnitOfWork, result: Mapping[str, object]) -> bool:
        """Commit the effect with the end of the command; false on a conflict: decide again.

        Raises:
            CommandGone: it has ended meanwhile.
            DomainError: the database is away.
            InvariantViolated: storage refuses the unit for another reason.
        """
        return self._taken(
            await self._core.journal.commit(decisions.with_end(unit, self.command, result))
        )

    async def report(self, progress: Mapping[str, object]) -> None:
        """Store how far the command has come; from the first time on it is resumed after a crash."""
        after, unit = decisions.begun(self.command, progress, self.context())
        if self._taken(await self._core.journal.commit(unit)):
            self.command = after

    def _taken(self, outcome: CommitOutcome) -> bool:
        check_not_gone(outcome, self.command)
        match outcome:
            case Committed():
                return True
            case Refused(RefusalKind.CONFLICT):
                return False
            case Refused():
                raise InvariantViolated(
                    f"{self.command.kind}: {outcome.kind.value} {outcome.subject}"
                )
            case _:
                assert_never(outcome)


@frozen
class CommandKind:
    """A kind of command, as the part that owns it registers it.

    Args:
        name: as its row names it; also the action of the audit entry of a refusal.
        work: does it, and has its effect committed with its end: by `Job.commit`, or by an owner
            that is sent `Job.along`. A `DomainError` refuses it. It may be called again after a crash.
    """

    name: str
    work: Callable[[Job], Awaitable[None]]


class Commands(WokenActor[Never]):
    """See the module."""

    def __init__(self, core: Core, kinds: Iterable[CommandKind]) -> None:
        self._core = core
        self._kinds = {kind.name: kind for kind in kinds}
        self._at_work: set[str] = set()

    async def start(self) -> None:
        """Listen, and look."""
        self.spawn(self._listen)
        self.spawn(self._keep_looking)

    async def handle(self, message: Never) -> Never:
        """Nothing is asked of it."""
        assert_never(message)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Take up what waits; trouble of storage is waited out by the next look."""
        del keys
        try:
            found = await self._core.storage.open_commands(AT_ONCE_MAX)
        except StorageUnavailable:
            return
        for command in found:
            if command.id not in self._at_work:
                self._at_work.add(command.id)
                self.spawn(self._work, command)

    async def _listen(self) -> None:
        while True:
            with suppress(StorageUnavailable):  # what comes meanwhile is found by looking
                await self._core.storage.listen_for_commands(
                    lambda: self.self_address.wake("notice")
                )
            await trio.sleep(_LISTEN_AGAIN_S)

    async def _keep_looking(self) -> None:
        while True:
            await trio.sleep(LOOK_S)
            self.self_address.wake("look")

    async def _work(self, command: OperatorCommand) -> None:
        job = Job(command, self._core)
        try:
            await self._end(job)
        except CommandGone:
            pass
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("command.waits", command=command.id, reason=described(error))
            return  # still open: taken up again by the next look
        finally:
            self._at_work.discard(command.id)
        self.self_address.wake("next")

    async def _end(self, job: Job) -> None:
        """Work a command to its end, whatever that is."""
        command = job.command
        if command.state is CommandState.WAITING and command.waits_until < self._core.now():
            await self._core.journal.commit(decisions.withdrawn(command, job.context()))
            return
        kind = self._kinds.get(command.kind)
        try:
            if kind is None:
                raise DomainError(ErrorCode.NOT_FOUND, f"this version cannot do {command.kind}")
            await kind.work(job)
            left = await self._core.storage.load(OperatorCommand, command.id)
            if left is not None and left.is_open:
                raise InvariantViolated(f"{command.kind} left its command open")
        except DomainError as refused:
            if is_outage(refused):
                raise
            await self._refuse(job, refused)
        except CommandGone:
            raise
        except Exception as error:
            if is_outage(error):
                raise
            # Whatever it was: had it had its effect, its row would have ended with it.
            log.error("command.failed", command=command.id, kind=command.kind, exc_info=error)  # noqa: TRY400 - exc_info says it
            await self._refuse(
                job, DomainError(ErrorCode.INTERNAL_ERROR, "the command failed; see the log")
            )

    async def _refuse(self, job: Job, why: DomainError) -> None:
        await self._core.journal.commit(decisions.refused(job.command, why, job.context()))
