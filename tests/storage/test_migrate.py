"""Migrations: in order, once, whole or not at all, by one process at a time."""

from pathlib import Path

import asyncpg
import pytest
import trio

from storage.errors import StorageUnavailable
from storage.postgres.migrate import MigrationFailed, SchemaOutdated, SchemaTooNew, migrate
from storage.postgres.pool import Connection, Pool

_FIRST = """\
-- A table and a function whose body has semicolons.
-- depends:

-- migrate: apply
CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.id > 0 THEN
        RAISE EXCEPTION 'append-only; always';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER refuse BEFORE DELETE ON things FOR EACH ROW EXECUTE FUNCTION refuse();

-- migrate: rollback
DROP TABLE things;
"""
_SECOND = """\
-- A row.
-- depends: 20261101_01_first

-- migrate: apply
INSERT INTO things VALUES (1, 'one; two');

-- migrate: rollback
DELETE FROM things;
"""
_BROKEN = """\
-- A row and a mistake.
-- depends: 20261101_02_second

-- migrate: apply
INSERT INTO things VALUES (2, 'two');
INSERT INTO things VALUES (2, 'two again');

-- migrate: rollback
DELETE FROM things;
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "20261101_01_first.sql").write_text(_FIRST)
    (tmp_path / "20261101_02_second.sql").write_text(_SECOND)
    return tmp_path


async def _aio_things(connection: Connection) -> list[int]:
    return [row["id"] for row in await connection.fetch("SELECT id FROM things ORDER BY id")]


async def _aio_delete(connection: Connection) -> None:
    await connection.execute("DELETE FROM things")


async def test_they_are_applied_in_order_and_once(
    empty_pool: Pool, empty_database_dsn: str, directory: Path
) -> None:
    applied = await migrate(empty_database_dsn, directory=directory)
    assert applied == ("20261101_01_first", "20261101_02_second")
    assert await migrate(empty_database_dsn, directory=directory) == ()
    assert await empty_pool.read(_aio_things) == [1]
    with pytest.raises(asyncpg.RaiseError, match="append-only; always"):
        await empty_pool.commit(_aio_delete)


async def test_several_processes_at_once_apply_each_once(
    empty_pool: Pool, empty_database_dsn: str, directory: Path
) -> None:
    applied: list[str] = []

    async def one() -> None:
        applied.extend(await migrate(empty_database_dsn, directory=directory))

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(one)
    assert sorted(applied) == ["20261101_01_first", "20261101_02_second"]


async def test_one_that_fails_leaves_nothing_and_those_before_it_stand(
    empty_pool: Pool, empty_database_dsn: str, directory: Path
) -> None:
    broken = directory / "20261101_03_broken.sql"
    broken.write_text(_BROKEN)
    with pytest.raises(MigrationFailed, match="20261101_03_broken"):
        await migrate(empty_database_dsn, directory=directory)
    assert await empty_pool.read(_aio_things) == [1]
    broken.write_text(_BROKEN.replace("(2, 'two again')", "(3, 'three')"))
    assert await migrate(empty_database_dsn, directory=directory) == ("20261101_03_broken",)
    assert await empty_pool.read(_aio_things) == [1, 2, 3]


async def test_a_database_ahead_of_the_program_is_refused(
    aio_loop: None, empty_database_dsn: str, directory: Path
) -> None:
    await migrate(empty_database_dsn, directory=directory)
    (directory / "20261101_02_second.sql").unlink()
    with pytest.raises(SchemaTooNew, match="20261101_02_second"):
        await migrate(empty_database_dsn, directory=directory)


async def test_a_database_that_other_contents_made_is_refused_and_left_as_it_was(
    empty_pool: Pool, empty_database_dsn: str, directory: Path
) -> None:
    await migrate(empty_database_dsn, directory=directory)
    first = directory / "20261101_01_first.sql"
    first.write_text(_FIRST.replace("name text NOT NULL", "name text"))
    with pytest.raises(SchemaOutdated, match="20261101_01_first differs"):
        await migrate(empty_database_dsn, directory=directory)
    first.write_text(_FIRST)
    assert await migrate(empty_database_dsn, directory=directory) == ()


async def test_a_database_of_a_version_that_noted_no_contents_is_refused(
    empty_pool: Pool, empty_database_dsn: str, directory: Path
) -> None:
    await migrate(empty_database_dsn, directory=directory)

    async def _aio_forget(connection: Connection) -> None:
        await connection.execute("DROP TABLE migration_contents")

    await empty_pool.commit(_aio_forget)
    with pytest.raises(SchemaOutdated, match="another OFFERHUB_HOME"):
        await migrate(empty_database_dsn, directory=directory)


async def test_a_database_that_is_away_is_told(aio_loop: None, tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await migrate(f"postgresql://a:b@/c?host={tmp_path}")


async def test_the_program_s_own_migrations_apply(aio_loop: None, empty_database_dsn: str) -> None:
    await migrate(empty_database_dsn)
    assert await migrate(empty_database_dsn) == ()
