"""What the database needs from the process that owns it, every half minute.

Room for history, and a look for old snapshots.
"""

from collections.abc import Callable

import structlog
import trio

from storage.errors import StorageUnavailable
from storage.postgres.old_snapshots import OLD_S, aio_old_snapshots
from storage.postgres.partitions import KEEP_EVERY_S, Partitions
from storage.postgres.pool import Pool

log = structlog.get_logger(__name__)


class Upkeep:
    """A service of the tree; made by `open_postgres_storage`.

    Args:
        pool: asked who holds an old snapshot.
        partitions: kept ahead.
        every_s: between two rounds.
        old_s: from which age on a snapshot is old.

    `report` is called after each round with who holds an old snapshot, in words; `None`: nobody.
    """

    def __init__(
        self,
        pool: Pool,
        partitions: Partitions,
        *,
        every_s: float = KEEP_EVERY_S,
        old_s: float = OLD_S,
    ) -> None:
        self._pool = pool
        self._partitions = partitions
        self._every_s = every_s
        self._old_s = old_s
        self.report: Callable[[str | None], None] = lambda _reason: None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Look after the database, for ever. Cancelling it is harmless."""
        task_status.started()
        while True:
            try:
                await self.round()
            except StorageUnavailable as away:
                log.warning("storage.upkeep_delayed", reason=str(away))
            await trio.sleep(self._every_s)

    async def round(self) -> None:
        """Look after it once. Raises `StorageUnavailable`."""
        await self._partitions.keep_ahead()
        held = await self._pool.read(aio_old_snapshots, self._old_s)
        if held.holders:
            log.warning("storage.old_snapshot", holders=list(held.holders))
            self.report(f"held by {', '.join(held.holders)}: the database swells")
        else:
            self.report(None)
