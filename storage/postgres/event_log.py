"""Reads of the event log and of the audit chain."""

from datetime import datetime
from typing import Any, Final

from offerhub.domain.unit_of_work import CommittedEvent
from storage.port import StoredAudit
from storage.postgres.paging import PagedList
from storage.postgres.pool import Connection

EVENT_COLUMNS: Final = (
    "sequence, id, type, aggregate_type, aggregate_id, occurred_at, body, order_id"
)

ORDER_EVENTS: Final = PagedList("events", EVENT_COLUMNS, scope="order_id = {}")

_EVENTS: Final = f"""
SELECT {EVENT_COLUMNS} FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""  # noqa: S608 - our own text

_LAST: Final = "SELECT coalesce(max(sequence), 0) FROM events"

_SEQUENCE: Final = "SELECT sequence FROM event_ids WHERE id = $1"

_BEFORE: Final = """
SELECT coalesce(
    (SELECT sequence - 1 FROM events WHERE moment > $1 ORDER BY moment, sequence LIMIT 1),
    (SELECT max(sequence) FROM events),
    0
)
"""

_AUDIT: Final = """
SELECT sequence, id, canonical, previous_hash, hash FROM audit
WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""


def event(row: Any) -> CommittedEvent:
    """A row of `EVENT_COLUMNS` as an event."""
    return CommittedEvent(*row)


async def aio_events_after(
    connection: Connection, sequence: int, limit: int
) -> list[CommittedEvent]:
    """Events with a greater sequence, ascending."""
    return [event(row) for row in await connection.fetch(_EVENTS, sequence, limit)]


async def aio_last_sequence(connection: Connection) -> int:
    """Sequence of the newest event, or 0."""
    return int(await connection.fetchval(_LAST))


async def aio_event_sequence(connection: Connection, event_id: str) -> int | None:
    """An event's place, if there is such an event."""
    sequence: int | None = await connection.fetchval(_SEQUENCE, event_id)
    return sequence


async def aio_sequence_before(connection: Connection, moment: datetime) -> int:
    """Sequence before the first event after a moment: none that is later is left out."""
    return int(await connection.fetchval(_BEFORE, moment) or 0)


async def aio_audit_after(connection: Connection, sequence: int, limit: int) -> list[StoredAudit]:
    """Audit entries with a greater sequence, ascending."""
    return [
        StoredAudit(
            sequence=row["sequence"],
            id=row["id"],
            canonical=row["canonical"].encode(),
            previous_hash=row["previous_hash"],
            hash=row["hash"],
        )
        for row in await connection.fetch(_AUDIT, sequence, limit)
    ]
