"""Boards: the immutable snapshot of the last commit of what is active, and who waits for the next.

A board is plain memory. Its one writer puts a snapshot there after each commit and before anyone
is answered; readers take it without a query and without an await.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import trio

T = TypeVar("T")

_KEPT_MAX: Final = 50_000
"""Snapshots that are kept; the least recently written goes first, and is read from storage then."""


class Board(Generic[T]):
    """Snapshots by id."""

    def __init__(self, kept_max: int = _KEPT_MAX) -> None:
        self._snapshots: OrderedDict[str, T] = OrderedDict()
        self._waiting: dict[str, list[trio.Event]] = {}
        self._kept_max = kept_max
        self._patient = True

    @property
    def entries(self) -> int:
        """How many snapshots are kept."""
        return len(self._snapshots)

    def get(self, entity_id: str) -> T | None:
        """The snapshot of the last commit, or `None` if it is not here: ask storage."""
        return self._snapshots.get(entity_id)

    def put(self, entity_id: str, snapshot: T) -> None:
        """Replace the snapshot and wake who waits for it."""
        self._snapshots[entity_id] = snapshot
        self._snapshots.move_to_end(entity_id)
        if len(self._snapshots) > self._kept_max:
            self._snapshots.popitem(last=False)
        for event in self._waiting.pop(entity_id, ()):
            event.set()

    def drop(self, entity_id: str) -> None:
        """Forget a snapshot that may be stale."""
        self._snapshots.pop(entity_id, None)

    async def wait_until(
        self, entity_id: str, holds: Callable[[T], bool], timeout_s: float
    ) -> T | None:
        """Wait until a snapshot holds; `None` when the time is over, or `release_waiters` says so.

        Cancelling it is harmless.
        """
        with trio.move_on_after(timeout_s):
            while True:
                snapshot = self._snapshots.get(entity_id)
                if snapshot is not None and holds(snapshot):
                    return snapshot
                if not self._patient:
                    return None
                event = trio.Event()
                self._waiting.setdefault(entity_id, []).append(event)
                try:
                    await event.wait()
                finally:
                    waiting = self._waiting.get(entity_id)
                    if waiting is not None and event in waiting:
                        waiting.remove(event)
                        if not waiting:
                            del self._waiting[entity_id]
        return None

    def release_waiters(self) -> None:
        """Have nobody wait any longer: the process stops, and what runs goes on after a restart."""
        self._patient = False
        for events in self._waiting.values():
            for event in events:
                event.set()
        self._waiting.clear()

    def hold(self) -> None:
        """Let waiting begin again."""
        self._patient = True
