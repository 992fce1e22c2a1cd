"""Old snapshots that somebody holds: while one is held, nothing that commits leave behind is cleared.

A dump, a forgotten transaction, a prepared one, or a replica that reports what it reads: every
version of a row that a commit replaces stays, and tables that are rewritten often swell.
"""

from typing import Final

from attrs import frozen

from storage.postgres.pool import Connection

OLD_S: Final = 900.0
"""A transaction that is older is old: our own end after a minute at most, a dump may take hours."""

OLD_AGE: Final = 200_000
"""Transactions since, for holders whose beginning we may not see: half an hour at 100 a second."""

_HOLDERS: Final = """
SELECT 'process ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed') || ', '
    || coalesce(state, 'state unknown') || ')' AS holder
FROM pg_stat_activity
WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND pid <> pg_backend_pid()
    AND backend_type NOT LIKE 'autovacuum%' AND datname = current_database()
    AND (xact_start < now() - make_interval(secs => $1)
        OR (xact_start IS NULL AND age(coalesce(backend_xmin, backend_xid)) > $2))
UNION ALL
SELECT 'prepared transaction ' || gid FROM pg_prepared_xacts
WHERE database = current_database() AND prepared < now() - make_interval(secs => $1)
UNION ALL
SELECT 'replication slot ' || slot_name FROM pg_replication_slots
WHERE age(coalesce(xmin, catalog_xmin)) > $2
ORDER BY holder LIMIT 5
"""


@frozen
class OldSnapshots:
    """Who holds one, in words for an operator."""

    holders: tuple[str, ...]


async def aio_old_snapshots(
    connection: Connection, old_s: float = OLD_S, old_age: int = OLD_AGE
) -> OldSnapshots:
    """Those who hold an old snapshot now."""
    rows = await connection.fetch(_HOLDERS, old_s, old_age)
    return OldSnapshots(tuple(row["holder"] for row in rows))
