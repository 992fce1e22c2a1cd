"""Addresses: where an actor is asked, told and woken, in whichever life it is."""

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import outcome
import trio

from actors.kernel._asks import note_ask
from actors.kernel._failure import AskTimeout
from actors.kernel._message import Asks
from actors.kernel._views import MailboxStatistics

if TYPE_CHECKING:
    from actors.kernel._cell import Cell

R = TypeVar("R")
M_contra = TypeVar("M_contra", contravariant=True)


class Address(Generic[M_contra]):
    """Where an actor is reached; valid across its restarts and its sleep."""

    def __init__(self, cell: "Cell[Any]") -> None:
        self._cell = cell

    def _find(self) -> "Cell[Any]":
        return self._cell

    @property
    def name(self) -> str:
        """The actor's name, for logs."""
        return self._cell.name

    async def ask(self, message: Asks[M_contra, R], timeout_s: float = 30.0) -> R:
        """Posts a message and returns the answer.

        Cancelled or timed out, the outcome is unknown: a posted message is handled to its end.

        Args:
            timeout_s: seconds; `math.inf` for an ask that runs under a deadline of its caller's
                (a scope of its own is a third of what an ask costs).

        Raises:
            Refusal: the actor refused.
            ActorCrashed: it crashed on this message (outcome unknown), or is quarantined.
            ActorStopped: it is stopped.
            AskTimeout: no answer within `timeout_s` seconds (outcome unknown).
            AskCycle: watched, and asking back; nothing was posted.
        """
        if timeout_s == math.inf:
            return await self._ask(message)
        with trio.move_on_after(timeout_s):
            return await self._ask(message)
        raise AskTimeout(self.name, timeout_s)

    async def _ask(self, message: Asks[M_contra, R]) -> R:
        await trio.lowlevel.checkpoint_if_cancelled()
        reply = Reply()
        cell = self._find()
        note_ask(cell.kind)
        await cell.put((message, reply))
        return cast("R", await reply.wait())

    async def tell(self, message: M_contra) -> None:
        """Posts a message, waiting for room in the mailbox; cancelled, nothing was posted.

        Raises:
            ActorCrashed: the actor is quarantined.
            ActorStopped: it is stopped.
        """
        await trio.lowlevel.checkpoint()
        await self._find().put((message, None))

    def wake(self, key: Hashable) -> None:
        """Sets a wake-up: never waits, never fails, coalesces with waiting ones of the same key."""
        self._find().wake(key)

    def statistics(self) -> MailboxStatistics:
        """The mailbox now."""
        return self._cell.statistics()


class Reply:
    """A one-shot answer: settled once by the kernel, waited for by at most one asker."""

    __slots__ = ("_outcome", "_task")

    def __init__(self) -> None:
        self._outcome: outcome.Outcome[object] | None = None
        self._task: trio.lowlevel.Task | None = None

    def settle(self, answer: outcome.Outcome[object]) -> None:
        """Answers; a second answer, or one whose asker has gone, is dropped."""
        if self._outcome is None:
            self._outcome = answer
            if self._task is not None:
                trio.lowlevel.reschedule(self._task, answer)
                self._task = None

    async def wait(self) -> object:
        if self._outcome is not None:
            await trio.lowlevel.checkpoint()
            return self._outcome.unwrap()
        self._task = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
