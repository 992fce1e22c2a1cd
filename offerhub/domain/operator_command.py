"""What an operator asks of the running process by the command line: a row with its state and result.

The command line stores it, the process takes it up, and its end is committed together with its
effect: it is done once, or not at all, whoever is killed meanwhile. One that was not taken up by
`waits_until` is done by nobody any more.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import evolve, field, frozen


class CommandState(StrEnum):
    """`WAITING` for the process, `RUNNING` for longer than a moment, or ended.

    `REFUSED`: it cannot be done, and nothing was. `WITHDRAWN`: nobody took it up in time.
    """

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


@frozen
class CommandRefusal:
    """Why a command was refused: a domain error as it is stored."""

    code: str
    message: str
    details: Mapping[str, object] = field(factory=dict)


@frozen
class OperatorCommand:
    """See the module.

    Args:
        kind: which command, as `orders.retry`.
        arguments: JSON values, without secrets.
        by: the operator's user name, one word.
        waits_until: nobody begins it later.
        progress: how far one that is `RUNNING` has come; JSON values.
        result: of one that is `DONE`; JSON values.
    """

    id: str
    version: int
    kind: str
    arguments: Mapping[str, object]
    by: str
    waits_until: datetime
    created_at: datetime
    updated_at: datetime
    state: CommandState = CommandState.WAITING
    progress: Mapping[str, object] | None = None
    result: Mapping[str, object] | None = None
    refusal: CommandRefusal | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {CommandState.WAITING, CommandState.RUNNING}

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, however it did; `None` while it is open."""
        return None if self.is_open else self.updated_at

    @property
    def actor(self) -> str:
        """Who asks, as a `Trace` names it."""
        return f"cli:{self.by}"

    def running(self, progress: Mapping[str, object], at: datetime) -> "OperatorCommand":
        """It was begun, and has come so far."""
        return self._next(CommandState.RUNNING, at, progress=progress)

    def done(self, result: Mapping[str, object], at: datetime) -> "OperatorCommand":
        """It has had its effect."""
        return self._next(CommandState.DONE, at, result=result)

    def refused(self, refusal: CommandRefusal, at: datetime) -> "OperatorCommand":
        """It cannot be done."""
        return self._next(CommandState.REFUSED, at, refusal=refusal)

    def withdrawn(self, at: datetime) -> "OperatorCommand":
        """It shall not be begun any more."""
        return self._next(CommandState.WITHDRAWN, at)

    def _next(
        self,
        state: CommandState,
        at: datetime,
        *,
        progress: Mapping[str, object] | None = None,
        result: Mapping[str, object] | None = None,
        refusal: CommandRefusal | None = None,
    ) -> "OperatorCommand":
        return evolve(
            self,
            version=self.version + 1,
            state=state,
            updated_at=at,
            progress=self.progress if progress is None else progress,
            result=result,
            refusal=refusal,
        )
