"""The partitions of history: attached ahead of the sequences, so that no commit waits for one.

The five tables that only grow are partitioned by their sequence (docs/decisions/0008). A commit
that finds no partition for its rows is refused by PostgreSQL as a whole; `keep_ahead` sees to it
that this does not happen, and the committer calls it on the spot if it does.
"""

from typing import Final

import structlog

from storage.errors import OutcomeUnknown
from storage.postgres.pool import Connection, Pool

PARTITION_SIZE: Final = 1_000_000
"""Sequences a partition.

About a gigabyte of events: it is exported in a minute, and what is detached is no coarser than what
anyone keeps. A purchase takes some fifteen events, so a marketplace of 4 000 purchases a day fills
one in two weeks and has a hundred in four years; hundreds are planned in milliseconds. At a
thousand purchases a minute one lasts for an hour, and there is always another whole one ahead.
"""

KEEP_EVERY_S: Final = 30.0
"""Between two looks at how much room is left: 30 s fill a thirtieth of a partition at 1 000 events
a second, and a whole one is kept ahead."""

_REACHED: Final = {
    "transfers": "transfer_sequence",
    "postings": "transfer_sequence",
    "holdings": "transfer_sequence",
    "events": "event_sequence",
    "audit": "audit_sequence",
}
"""The partitioned tables, and the column of `counters` that says how far each has come."""

_SHORT: Final = f"""
SELECT reached.parent, reached.sequence
FROM counters, LATERAL (VALUES {", ".join(f"('{t}', {c})" for t, c in _REACHED.items())})
    AS reached (parent, sequence)
WHERE coalesce((SELECT max(past) FROM partitions WHERE parent = reached.parent), 1) - 1
    < reached.sequence + $1
"""  # noqa: S608 - our own names

_ATTACH: Final = "SELECT attach_partitions($1, $2, $3, $4)"

log = structlog.get_logger(__name__)


class Partitions:
    """Keeps room ahead of the sequences.

    Args:
        pool: connections.
        size: sequences a partition; those that exist stay as they are.
        deadline_s: for the partitions of one table.
    """

    def __init__(self, pool: Pool, *, size: int = PARTITION_SIZE, deadline_s: float = 10.0) -> None:
        self._pool = pool
        self._size = size
        self._deadline_s = deadline_s

    async def keep_ahead(self) -> int:
        """Attach what is missing for a whole partition to be ahead; how many it attached.

        Safe to repeat and beside commits, none of which waits for it. Cancelled, it leaves whole
        partitions or none.

        Raises:
            StorageUnavailable: the database is away.
        """
        short = await self._pool.read(_aio_short, self._size, deadline_s=self._deadline_s)
        made = 0
        for parent, reached in short:
            try:
                made += await self._pool.commit(
                    _aio_attach, parent, reached, self._size, deadline_s=self._deadline_s
                )
            except OutcomeUnknown:
                continue  # whole or not at all; the next look shows it
        if made:
            log.info("storage.partitions_attached", count=made)
        return made


async def _aio_short(connection: Connection, ahead: int) -> list[tuple[str, int]]:
    return [tuple(row) for row in await connection.fetch(_SHORT, ahead)]


async def _aio_attach(connection: Connection, parent: str, reached: int, size: int) -> int:
    return int(await connection.fetchval(_ATTACH, parent, reached, size, size))
