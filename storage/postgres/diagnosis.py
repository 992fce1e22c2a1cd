"""What an operator's doctor wants to know of a database, without changing anything in it."""

from pathlib import Path
from typing import Final

from attrs import frozen

from storage.postgres.migrate import MIGRATIONS, contents_of
from storage.postgres.pool import Connection, Pool

_SERVER: Final = """
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes,
    to_regclass('public.counters') IS NOT NULL AS has_schema
"""

# How far behind the last partition of each table the sequence that it serves stands.
_ROOM: Final = """
SELECT min(room) FROM counters, LATERAL (
    SELECT max(past) - 1 - CASE parent WHEN 'events' THEN event_sequence
        WHEN 'audit' THEN audit_sequence ELSE transfer_sequence END AS room
    FROM partitions GROUP BY parent) AS each
"""

DETACHED: Final = """
SELECT relname::text FROM pg_class
WHERE relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace
    AND relname ~ '^(transfers|postings|holdings|events|audit)_from_[0-9]{12}$'
ORDER BY relname
"""
"""Partitions that were detached and are ordinary tables now."""

_APPLIED: Final = """
SELECT applied.migration_id, noted.sha256 FROM _pogo_migration AS applied
LEFT JOIN migration_contents AS noted USING (migration_id)
"""


@frozen
class Diagnosis:
    """A database as it is.

    Args:
        bytes: its size.
        missing: migrations that are not applied; `None` of a database without our schema.
        foreign: migrations that this version does not know, or that had other contents.
        room: sequences that the attached partitions still take, of the table that has least.
        detached: tables of history that was exported and can be dropped.
    """

    version: str
    bytes: int
    missing: tuple[str, ...] | None
    foreign: tuple[str, ...]
    room: int | None
    detached: tuple[str, ...]


async def diagnose(pool: Pool, directory: Path = MIGRATIONS) -> Diagnosis:
    """Look. Raises `StorageUnavailable`."""
    return await pool.read(_aio_diagnose, directory)


async def _aio_diagnose(connection: Connection, directory: Path) -> Diagnosis:
    server = await connection.fetchrow(_SERVER)
    if not server["has_schema"]:
        return Diagnosis(server["version"], server["bytes"], None, (), None, ())
    contents = contents_of(directory)
    applied = dict(await connection.fetch(_APPLIED))
    return Diagnosis(
        version=server["version"],
        bytes=server["bytes"],
        missing=tuple(sorted(set(contents) - set(applied))),
        foreign=tuple(
            sorted(name for name, noted in applied.items() if contents.get(name) != noted)
        ),
        room=await connection.fetchval(_ROOM),
        detached=tuple(row[0] for row in await connection.fetch(DETACHED)),
    )
