"""The fence: a process that was displaced notices it, and ends.

Whoever starts on a database takes it over; storage then refuses every commit of the process before
(`FENCED`). That process must not live on: what it shows gets older, and nothing that it is asked
for can be done. It learns from the first refusal, or, if it writes nothing, from a look every few seconds.
"""

from collections.abc import Callable
from typing import Final

import structlog
import trio

from storage.port import Storage, StorageUnavailable

log = structlog.get_logger(__name__)

_LOOK_S: Final = 2.0


class Fence:
    """A service of the tree.

    Args:
        on_displaced: ends the process; called once, never waits.
    """

    def __init__(self, storage: Storage, on_displaced: Callable[[], None]) -> None:
        self._storage = storage
        self._on_displaced = on_displaced
        self._tripped = False

    def trip(self) -> None:
        """The process was displaced: say so, and have it end."""
        if self._tripped:
            return
        self._tripped = True
        log.error(
            "process.displaced",
            reason="another process has taken over the database; this one ends",
        )
        self._on_displaced()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look whether the database is still ours, until cancelled."""
        task_status.started()
        while True:
            try:
                if await self._storage.displaced():
                    self.trip()
            except StorageUnavailable:
                pass  # Nobody can displace us there, or say so.
            await trio.sleep(_LOOK_S)
