"""The timer: wakes the owners of what comes due (`offerhub.domain.due`), oldest first.

Due times are in the rows of the entities that they belong to, so the timer keeps nothing that a
crash could lose. It reads the next ones in their order, wakes the owners of those whose moment has
come, a bounded batch at a time, and sleeps until the next. The journal tells it what was
committed, so that an earlier moment than the one it sleeps for is not slept through.

An owner decides by itself whether its moment has come, so a wake-up too many is harmless. What is
still due after its owner was woken (it was refused, or has crashed) does not hold up
what came due later: the timer goes on behind it, and begins anew with the oldest once a minute.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import trio
from attrs import frozen

from actors.core import Core
from actors.outages import retry_until_available
from offerhub.domain.due import Due, due_of
from offerhub.domain.unit_of_work import Entity

BATCH: Final = 32
"""How many are woken at once: each will read its row and commit."""

PACE_S: Final = 0.2
"""Between two looks: 160 owners a second at most, and what comes due meanwhile is one batch."""

AGAIN_S: Final = 60.0
"""How long what stays due waits to be woken again, and how late a step of the clock is noticed."""


@frozen
class TimerParts:
    """What the timer works with.

    Args:
        wake: wakes the owner of what is due; never waits, and coalesces.
    """

    core: Core
    wake: Callable[[Due], None]


class Timer:
    """A service of the tree."""

    def __init__(self, parts: TimerParts) -> None:
        self._parts = parts
        self._place: Due | None = None
        self._sleeps_until: datetime | None = None
        self._earlier = trio.Event()

    def note(self, entity: Entity) -> None:
        """An entity was committed: wake its owner, or look earlier, if its moment is earlier."""
        due = due_of(entity)
        if due is None:
            return
        if due.at <= self._parts.core.now():
            self._parts.wake(due)
        elif self._sleeps_until is None or due.at < self._sleeps_until:
            self._earlier.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Wake what comes due until cancelled; the database being away is waited for."""
        self._place = None
        ends_s = trio.current_time() + AGAIN_S
        task_status.started()
        while True:
            # What is committed from here on may be missing in what is read.
            self._sleeps_until, self._earlier = None, trio.Event()
            found = await retry_until_available(
                lambda: self._parts.core.storage.due(self._place, BATCH), self._parts.core.random
            )
            coming = self._wake_those_due(found)
            await trio.sleep(PACE_S)
            if coming is None and len(found) == BATCH:
                continue
            left_s = max(0.0, ends_s - trio.current_time())
            if coming is not None:
                left_s = min(left_s, max(0.0, (coming - self._parts.core.now()).total_seconds()))
            self._sleeps_until = self._parts.core.now() + timedelta(seconds=left_s)
            with trio.move_on_after(left_s):
                await self._earlier.wait()
            if trio.current_time() >= ends_s:
                self._place = None
                ends_s = trio.current_time() + AGAIN_S

    def _wake_those_due(self, found: Sequence[Due]) -> datetime | None:
        """Wake the owners of what is due; returns when the first of the others is."""
        now = self._parts.core.now()
        for due in found:
            if due.at > now:
                return due.at
            self._parts.wake(due)
            self._place = due
        return None
