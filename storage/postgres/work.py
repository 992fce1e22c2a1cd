"""Reads of what is on the way: operations by lane, and the entities that wait for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.withdrawal import Withdrawal
from storage.codec import decode
from storage.port import OnTheWay, OpenLane, OpenWork
from storage.postgres.entities import TABLES
from storage.postgres.pool import Connection

_OPEN: Final = "SELECT doc FROM chain_operations WHERE is_open"

_NEXT: Final = """
SELECT doc FROM chain_operations
WHERE is_open AND source = $1 AND (due_at IS NULL OR due_at <= $2)
ORDER BY tx_hash IS NULL, sequence LIMIT $3
"""

_OPEN_LANES: Final = """
SELECT sequence, source FROM chain_operations
WHERE is_open AND sequence > $1 ORDER BY sequence LIMIT $2
"""

# Over the index of what is open alone; the oldest is its first entry.
_OPEN_WORK: Final = """
SELECT count(*) AS open, count(tx_hash) AS signed, count(*) FILTER (WHERE source = $1) AS of_source,
    (SELECT doc FROM chain_operations WHERE is_open ORDER BY sequence LIMIT 1) AS oldest
FROM chain_operations WHERE is_open
"""

_OPEN_COMMANDS: Final = """
SELECT doc FROM operator_commands WHERE ended_at IS NULL ORDER BY sequence LIMIT $1
"""

# An inner query with a limit is asked row by row: never a look at every open operation.
_UNFINISHED: Final = """
SELECT waiting.sequence, waiting.id, open.id IS NOT NULL AS working
FROM (
    SELECT sequence, id FROM {table} WHERE in_flight AND sequence > $1
    ORDER BY sequence LIMIT $2) AS waiting
LEFT JOIN LATERAL (
    SELECT c.id FROM chain_operations AS c
    WHERE c.subject_id = waiting.id AND c.is_open LIMIT 1) AS open ON true
ORDER BY waiting.sequence
"""


async def aio_open_commands(connection: Connection, limit: int) -> list[OperatorCommand]:
    """Operators' commands that have not ended, oldest first."""
    rows = await connection.fetch(_OPEN_COMMANDS, limit)
    return [decode(OperatorCommand, row["doc"]) for row in rows]


async def aio_open_operations(
    connection: Connection, subject: Subject | None, source: str | None
) -> list[ChainOperation]:
    """Open operations, oldest first."""
    query, values = _OPEN, []
    for column, value in (("subject", subject and subject.value), ("source", source)):
        if value is not None:
            values.append(value)
            query += f" AND {column} = ${len(values)}"
    rows = await connection.fetch(f"{query} ORDER BY sequence", *values)
    return [decode(ChainOperation, row["doc"]) for row in rows]


async def aio_open_work(connection: Connection, source: str) -> OpenWork:
    """How much work is open."""
    row = await connection.fetchrow(_OPEN_WORK, source)
    oldest = row["oldest"]
    return OpenWork(
        row["open"],
        row["signed"],
        row["of_source"],
        None if oldest is None else decode(ChainOperation, oldest).created_at,
    )


async def aio_next_operations(
    connection: Connection, source: str, now: datetime, limit: int
) -> list[ChainOperation]:
    """Work of a lane that does not pause, signed envelopes first."""
    rows = await connection.fetch(_NEXT, source, now, limit)
    return [decode(ChainOperation, row["doc"]) for row in rows]


async def aio_open_lanes(connection: Connection, after: int, limit: int) -> list[OpenLane]:
    """Sources of open operations, by operation."""
    return [OpenLane(*row) for row in await connection.fetch(_OPEN_LANES, after, limit)]


async def aio_in_flight(
    connection: Connection, kind: type[Order] | type[Withdrawal], after: int, limit: int
) -> Sequence[OnTheWay]:
    """Entities with work on the chain."""
    query = _UNFINISHED.format(table=TABLES[kind].name)
    return [OnTheWay(*row) for row in await connection.fetch(query, after, limit)]
