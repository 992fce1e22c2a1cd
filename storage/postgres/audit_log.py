"""Reads of the audit: the chain in its order, and its entries as a list."""

from typing import Any, Final

from storage.port import AuditFilter, HistoryDetached, Page, StoredAudit, UnknownCursor
from storage.postgres.checkpoints import DETACHED_AUDIT, DETACHED_AUDIT_UNTIL
from storage.postgres.event_log import aio_check_gap
from storage.postgres.paging import PagedList, aio_page
from storage.postgres.pool import Connection

_COLUMNS: Final = (
    "sequence, id, at, action, resource_type, resource_id, user_id, canonical, previous_hash, hash"
)

_CHAIN: Final = f"""
SELECT {_COLUMNS} FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""  # noqa: S608 - our own text

_LOG: Final = PagedList("audit", _COLUMNS, scope="sequence > {}", order=("at", "sequence"))


async def aio_audit_after(connection: Connection, sequence: int, limit: int) -> list[StoredAudit]:
    """Audit entries with a greater sequence, ascending."""
    rows = await connection.fetch(_CHAIN, sequence, limit)
    await aio_check_gap(connection, sequence, rows, DETACHED_AUDIT)
    return [_entry(row) for row in rows]


async def aio_audit_end(connection: Connection) -> tuple[int, bytes]:
    """Sequence and hash of the newest entry."""
    row = await connection.fetchrow("SELECT audit_sequence, audit_hash FROM counters")
    return row["audit_sequence"], row["audit_hash"]


async def aio_audit_log(
    connection: Connection, where: AuditFilter, cursor: str | None, limit: int
) -> Page[StoredAudit]:
    """A page of entries, newest first."""
    detached, moment = await connection.fetchrow(DETACHED_AUDIT_UNTIL)
    conditions = [
        ("sequence > {}", detached),
        *(
            (condition, value)
            for condition, value in (
                ("resource_type = {}", where.resource_type),
                ("resource_id = {}", where.resource_id),
                ("action = {}", where.action),
                ("user_id = {}", where.user_id),
                ("at >= {}", where.since),
                ("at < {}", where.until),
            )
            if value is not None
        ),
    ]
    try:
        found = await aio_page(connection, _LOG, _entry, conditions, cursor, limit)
    except UnknownCursor:
        if detached:
            raise HistoryDetached(cursor) from None
        raise
    reaches = moment is not None and (where.since is None or where.since <= moment)
    if found.next_cursor is not None or not reaches:
        return found
    if not found.items:
        raise HistoryDetached("the end of what is attached")
    return Page(found.items, found.items[-1].id)


def _entry(row: Any) -> StoredAudit:
    values = dict(row)
    return StoredAudit(**{**values, "canonical": values["canonical"].encode()})
