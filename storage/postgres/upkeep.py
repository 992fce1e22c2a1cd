"""What the database needs from the process that owns it, every half minute: room for history."""

import structlog
import trio

from storage.errors import StorageUnavailable
from storage.postgres.partitions import KEEP_EVERY_S, Partitions

log = structlog.get_logger(__name__)


class Upkeep:
    """A service of the tree; made by `open_postgres_storage`.

    Args:
        partitions: kept ahead.
        every_s: between two rounds.
    """

    def __init__(self, partitions: Partitions, *, every_s: float = KEEP_EVERY_S) -> None:
        self._partitions = partitions
        self._every_s = every_s

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
