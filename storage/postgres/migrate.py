"""Bring the database's schema to the one that this version of the program knows.

The runner is pogo-core: migrations are SQL files in `migrations/`, applied each in a transaction
of its own together with the row that says so. Around it: one migrating process at a time (an
advisory lock), a connection of its own, and a refusal of a schema that is newer than the program.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import trio
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate as runner
from pogo_core.util import sql as runner_tables
from trio_asyncio import aio_as_trio

from storage.errors import StorageUnavailable

MIGRATIONS = Path(__file__).parent / "migrations"

# Any fixed number that nobody else locks: "offe" in ASCII.
_LOCK = 0x6F666665
_SCHEMA = "public"


class MigrationFailed(Exception):
    """A migration could not be applied; it left nothing behind; those before it are applied."""


class SchemaTooNew(Exception):
    """The database has migrations that this version of the program does not know."""

    def __init__(self, unknown: frozenset[str]) -> None:
        """Args: unknown: the migrations' names."""
        self.unknown = unknown
        super().__init__(
            "the database was written by a newer version of the program (it has "
            f"{', '.join(sorted(unknown))}): run that version, or restore an older backup"
        )


class SchemaOutdated(Exception):
    """The database was made by migrations of other contents than this version's; nothing was done."""

    def __init__(self, differing: frozenset[str]) -> None:
        """Args: differing: the migrations' names."""
        self.differing = differing
        super().__init__(
            "the database was made by an earlier version of the program whose schema this version "
            f"does not upgrade ({', '.join(sorted(differing))} differs): use an empty database or "
            "another OFFERHUB_HOME, or run that version; nothing was changed"
        )


async def migrate(
    dsn: str,
    *,
    directory: Path = MIGRATIONS,
    connect_timeout_s: float = 5.0,
    deadline_s: float = 300.0,
) -> tuple[str, ...]:
    """Apply what is missing, in order; returns the names of the migrations applied now.

    Safe to call from several processes at once and to repeat. Cancelling it rolls back the
    migration that was running.

    Raises:
        StorageUnavailable: the database cannot be reached or did not finish in time.
        MigrationFailed: a migration is at fault.
        SchemaTooNew: the database is ahead of the program.
        SchemaOutdated: a migration was changed since it was applied.
    """
    with trio.move_on_after(deadline_s):
        try:
            applied: tuple[str, ...] = await aio_as_trio(_aio_migrate)(
                dsn, directory, connect_timeout_s
            )
            return applied
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
            raise StorageUnavailable(
                f"the database is unavailable ({type(error).__name__})"
            ) from error
        except BadMigrationError as error:
            raise MigrationFailed(f"{error}: {error.__cause__ or 'bad file'}") from error
    raise StorageUnavailable(f"the migrations did not finish within {deadline_s:g} s")


async def _aio_migrate(dsn: str, directory: Path, connect_timeout_s: float) -> tuple[str, ...]:
    connection = await asyncpg.connect(
        dsn, timeout=connect_timeout_s, server_settings={"application_name": "offerhub-migrate"}
    )
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await runner_tables.ensure_pogo_sync(connection)
        before = await _aio_applied(connection)
        unknown = before - _known(directory)
        if unknown:
            raise SchemaTooNew(frozenset(unknown))
        await _aio_check_contents(connection, directory, before)
        await runner.apply(connection, directory, schema_name=_SCHEMA)
        return tuple(sorted(await _aio_applied(connection) - before))
    finally:
        # At once, whatever the connection is in the middle of: what was committed is committed,
        # the rest is rolled back, and the lock goes with the session.
        connection.terminate()


async def _aio_check_contents(connection: Any, directory: Path, applied: set[str]) -> None:
    """Refuse a schema that other files made, and note the contents of those to be applied.

    Noted before they are applied, so that a kill in between leaves a database that is still ours.
    """
    contents = contents_of(directory)
    noted: dict[str, str] = {}
    if await connection.fetchval("SELECT to_regclass('public.migration_contents') IS NOT NULL"):
        noted = dict(await connection.fetch("SELECT migration_id, sha256 FROM migration_contents"))
    differing = {name for name in applied if noted.get(name) != contents[name]}
    if differing:
        raise SchemaOutdated(frozenset(differing))
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migration_contents"
        " (migration_id text PRIMARY KEY, sha256 text NOT NULL)"
    )
    await connection.executemany(
        "INSERT INTO migration_contents VALUES ($1, $2)"
        " ON CONFLICT (migration_id) DO UPDATE SET sha256 = excluded.sha256",
        list(contents.items()),
    )


async def _aio_applied(connection: Any) -> set[str]:
    return set(await runner_tables.get_applied_migrations(connection, schema_name=_SCHEMA))


def _known(directory: Path) -> set[str]:
    return {path.stem for path in directory.glob("*.sql")}


def contents_of(directory: Path) -> dict[str, str]:
    """The migrations of this version, with the SHA-256 of each."""
    return {path.stem: sha256(path.read_bytes()).hexdigest() for path in directory.glob("*.sql")}
