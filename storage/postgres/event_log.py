"""Reads of the event log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from offerhub.domain.unit_of_work import CommittedEvent
from storage.port import HistoryDetached, Page, UnknownCursor
from storage.postgres.checkpoints import DETACHED_EVENTS, HAS_DETACHED
from storage.postgres.pool import Connection

EVENT_COLUMNS: Final = (
    "sequence, id, type, aggregate_type, aggregate_id, occurred_at, body, order_id"
)

_ORDER_EVENTS: Final = f"""
SELECT {EVENT_COLUMNS} FROM events WHERE order_id = $1 AND sequence < $2
ORDER BY sequence DESC LIMIT $3
"""  # noqa: S608 - our own text

_IS_OF_ORDER: Final = "SELECT EXISTS (SELECT FROM events WHERE sequence = $1 AND order_id = $2)"

_END: Final = 2**63 - 1
"""Behind every event."""

_EVENTS: Final = f"""
SELECT {EVENT_COLUMNS} FROM events WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""  # noqa: S608 - our own text

_LAST: Final = """
SELECT coalesce((SELECT max(sequence) FROM events), (SELECT event_sequence FROM detached))
"""

_SEQUENCE: Final = "SELECT sequence FROM event_ids WHERE id = $1"

_BEFORE: Final = """
SELECT coalesce(
    (SELECT sequence - 1 FROM events WHERE moment > $1 ORDER BY moment, sequence LIMIT 1),
    (SELECT max(sequence) FROM events),
    event_sequence
), coalesce(event_moment > $1, false) FROM detached
"""


def event(row: Any) -> CommittedEvent:
    """A row of `EVENT_COLUMNS` as an event."""
    return CommittedEvent(*row)


async def aio_events_after(
    connection: Connection, sequence: int, limit: int
) -> list[CommittedEvent]:
    """Events with a greater sequence, ascending."""
    rows = await connection.fetch(_EVENTS, sequence, limit)
    await aio_check_gap(connection, sequence, rows, DETACHED_EVENTS)
    return [event(row) for row in rows]


async def aio_last_sequence(connection: Connection) -> int:
    """Sequence of the newest event, or 0."""
    return int(await connection.fetchval(_LAST))


async def aio_event_sequence(connection: Connection, event_id: str) -> int | None:
    """An event's place, if there is such an event."""
    sequence: int | None = await connection.fetchval(_SEQUENCE, event_id)
    return sequence


async def aio_sequence_before(connection: Connection, moment: datetime) -> int:
    """Sequence before the first event after a moment: none that is later is left out."""
    sequence, is_detached = await connection.fetchrow(_BEFORE, moment)
    if is_detached:
        raise HistoryDetached("an event later than the moment")
    return int(sequence)


async def aio_order_events(
    connection: Connection, order_id: str, cursor: str | None, limit: int
) -> Page[CommittedEvent]:
    """A page of an order's events, newest first."""
    place: int | None = _END
    if cursor is not None:
        place = await aio_event_sequence(connection, cursor)
        if place is None:
            raise UnknownCursor(cursor)
        if not await connection.fetchval(_IS_OF_ORDER, place, order_id):
            if place <= await connection.fetchval(DETACHED_EVENTS):
                raise HistoryDetached(cursor)
            raise UnknownCursor(cursor)
    rows = await connection.fetch(_ORDER_EVENTS, order_id, place, limit + 1)
    items = tuple(event(row) for row in rows[:limit])
    more = len(rows) > limit or await aio_has_detached(connection, [order_id], shown=bool(items))
    return Page(items, items[-1].id if more else None)


async def aio_has_detached(connection: Connection, owners: Sequence[str], *, shown: bool) -> bool:
    """Whether older rows of orders or users are detached, at the end of those that are not.

    Raises `HistoryDetached` if there is none to be shown before them.
    """
    found = bool(await connection.fetchval(HAS_DETACHED, owners))
    if found and not shown:
        raise HistoryDetached(", ".join(owners))
    return found


async def aio_check_gap(
    connection: Connection, sequence: int, rows: Sequence[Any], detached: str
) -> None:
    """A sequence has no gaps: only where the next row is missing may it be detached."""
    missing = not rows or rows[0]["sequence"] != sequence + 1
    if missing and sequence < await connection.fetchval(detached):
        raise HistoryDetached(f"what follows sequence {sequence}")
