"""Units of work on PostgreSQL: what a cancellation, a deadline and a restart leave behind."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
import trio

from storage.embedded import EmbeddedPostgres
from storage.errors import OutcomeUnknown, StorageUnavailable
from storage.postgres.pool import Connection, Pool, open_pool


async def _aio_create_table(connection: Connection) -> None:
    await connection.execute("CREATE TABLE IF NOT EXISTS notes (id int PRIMARY KEY)")


async def _aio_insert(connection: Connection, note: int) -> None:
    await connection.execute("INSERT INTO notes VALUES ($1)", note)


async def _aio_notes(connection: Connection) -> set[int]:
    return {row["id"] for row in await connection.fetch("SELECT id FROM notes")}


async def _aio_others(connection: Connection) -> list[str]:
    """The states of this database's other sessions that are ours."""
    rows = await connection.fetch(
        "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND application_name = 'offerhub'"
    )
    return [row["state"] for row in rows]


async def _aio_sleep(connection: Connection, seconds: float) -> None:
    await connection.execute("SELECT pg_sleep($1)", seconds)


async def _aio_insert_and_hang(connection: Connection, note: int) -> None:
    await _aio_insert(connection, note)
    await asyncio.sleep(60)


async def _aio_hang_at_commit(connection: Connection) -> None:
    await connection.execute(
        """
        CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER hang AFTER INSERT ON notes
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang();
        """
    )


async def wait_no_other_session_is_busy(pool: Pool) -> None:
    """Every session that is not idle has ended: no open transaction, no running statement."""
    with trio.fail_after(5):
        while any(state != "idle" for state in await pool.read(_aio_others)):
            await trio.sleep(0.02)


async def check_nothing_leaked(pool: Pool) -> set[int]:
    """No transaction is open, every connection can be had at once; returns what is stored."""
    await wait_no_other_session_is_busy(pool)
    statistics = pool.statistics()
    assert statistics.size == statistics.idle <= statistics.size_max
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            for _ in range(statistics.size_max):
                nursery.start_soon(pool.read, _aio_sleep, 0.05)
    return await pool.read(_aio_notes)


async def test_a_committed_unit_is_there(empty_pool: Pool) -> None:
    await empty_pool.commit(_aio_create_table)
    await empty_pool.commit(_aio_insert, 1)
    assert await empty_pool.read(_aio_notes) == {1}


async def test_an_exception_in_a_unit_rolls_it_back(empty_pool: Pool) -> None:
    async def _aio_break(connection: Connection) -> None:
        await _aio_insert(connection, 2)
        await _aio_insert(connection, 1)

    await empty_pool.commit(_aio_create_table)
    await empty_pool.commit(_aio_insert, 1)
    with pytest.raises(asyncpg.UniqueViolationError):
        await empty_pool.commit(_aio_break)
    assert await empty_pool.read(_aio_notes) == {1}


async def test_a_commit_goes_on_under_cancellation(empty_pool: Pool) -> None:
    async def _aio_slow(connection: Connection) -> None:
        await _aio_insert(connection, 1)
        await asyncio.sleep(0.1)

    await empty_pool.commit(_aio_create_table)
    ended = False
    with trio.move_on_after(0.03) as scope:
        await empty_pool.commit(_aio_slow)
        ended = True  # the outcome is reported before the cancellation is
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert ended
    assert await empty_pool.read(_aio_notes) == {1}


async def test_a_commit_that_is_cancelled_before_it_begins_does_nothing(empty_pool: Pool) -> None:
    await empty_pool.commit(_aio_create_table)
    with trio.CancelScope() as scope:
        scope.cancel()
        await empty_pool.commit(_aio_insert, 1)
    assert scope.cancelled_caught
    assert await empty_pool.read(_aio_notes) == set()


async def test_cancellation_around_a_commit_leaves_no_connection_and_no_transaction(
    empty_pool: Pool,
) -> None:
    """The trap: cancelled at any instant, some are committed and some are not; reading tells."""

    async def _aio_transaction(connection: Connection, note: int, scope: trio.CancelScope) -> None:
        asyncio.get_running_loop().call_later(note % 60 * 0.00005, scope.cancel)
        async with connection.transaction():
            await _aio_insert(connection, note)

    await empty_pool.commit(_aio_create_table)
    reported: set[int] = set()
    for note in range(120):
        with trio.CancelScope() as scope:
            await empty_pool.run(_aio_transaction, note, scope)
            reported.add(note)
    stored = await check_nothing_leaked(empty_pool)
    assert reported <= stored
    assert stored != set(range(120)), "never cancelled before the commit: the test is too slow"


async def test_cancelled_after_the_commit_was_sent_is_committed_and_reading_tells(
    empty_pool: Pool,
) -> None:
    async def _aio_transaction(connection: Connection, note: int, scope: trio.CancelScope) -> None:
        transaction = connection.transaction()
        await transaction.start()
        await _aio_insert(connection, note)
        asyncio.get_running_loop().call_soon(scope.cancel)
        await transaction.commit()

    await empty_pool.commit(_aio_create_table)
    reported: set[int] = set()
    for note in range(30):
        with trio.CancelScope() as scope:
            await empty_pool.run(_aio_transaction, note, scope)
            reported.add(note)
    stored = await check_nothing_leaked(empty_pool)
    assert stored - reported, "never cancelled after the commit: the test misses its trap"


async def test_a_unit_out_of_time_is_an_unknown_outcome_and_its_transaction_is_rolled_back(
    empty_pool: Pool,
) -> None:
    async def _aio_open_transaction(connection: Connection) -> None:
        async with connection.transaction():
            await _aio_insert_and_hang(connection, 1)

    await empty_pool.commit(_aio_create_table)
    with pytest.raises(OutcomeUnknown):
        await empty_pool.run(_aio_open_transaction, deadline_s=0.1)
    await wait_no_other_session_is_busy(empty_pool)
    assert await empty_pool.read(_aio_notes) == set()


async def test_a_commit_out_of_time_before_its_commit_has_done_nothing(empty_pool: Pool) -> None:
    await empty_pool.commit(_aio_create_table)
    with pytest.raises(StorageUnavailable):
        await empty_pool.commit(_aio_insert_and_hang, 1, deadline_s=0.1)
    await wait_no_other_session_is_busy(empty_pool)
    assert await empty_pool.read(_aio_notes) == set()


async def test_a_commit_out_of_time_in_its_commit_is_an_unknown_outcome(empty_pool: Pool) -> None:
    """A deferred trigger makes the COMMIT itself hang; reading tells what became of it."""
    await empty_pool.commit(_aio_create_table)
    await empty_pool.commit(_aio_hang_at_commit)
    with pytest.raises(OutcomeUnknown):
        await empty_pool.commit(_aio_insert, 1, deadline_s=0.2)
    await wait_no_other_session_is_busy(empty_pool)
    assert await empty_pool.read(_aio_notes) == set()


async def test_a_statement_of_a_dropped_connection_is_ended_by_the_server(
    empty_pool: Pool,
) -> None:
    with pytest.raises(StorageUnavailable):
        await empty_pool.read(_aio_sleep, 60.0, deadline_s=0.1)
    await wait_no_other_session_is_busy(empty_pool)


async def test_the_server_ends_a_statement_that_takes_too_long(
    aio_loop: None, empty_database_dsn: str
) -> None:
    async with open_pool(empty_database_dsn, statement_timeout_s=0.1) as pool:
        with pytest.raises(StorageUnavailable):
            await pool.read(_aio_sleep, 60.0)
        assert await pool.ping()


async def test_units_wait_for_a_connection_within_their_deadline(
    aio_loop: None, empty_database_dsn: str
) -> None:
    async with (
        open_pool(empty_database_dsn, size_max=1) as pool,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(pool.read, _aio_sleep, 0.5)
        await trio.sleep(0.1)
        with pytest.raises(StorageUnavailable):
            await pool.commit(_aio_create_table, deadline_s=0.1)
        assert await pool.ping()


async def test_a_database_that_is_away_is_told_quickly(aio_loop: None, tmp_path: Path) -> None:
    async with open_pool(f"postgresql://offerhub:secret@/offerhub?host={tmp_path}") as pool:
        started = trio.current_time()
        with pytest.raises(StorageUnavailable) as caught:
            await pool.commit(_aio_create_table)
        assert "secret" not in str(caught.value)
        assert not await pool.ping()
        assert trio.current_time() - started < 1


async def test_a_server_that_does_not_answer_is_told_within_the_deadline(aio_loop: None) -> None:
    async def silent(stream: trio.SocketStream) -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, silent, 0)
        port = listeners[0].socket.getsockname()[1]
        async with open_pool(f"postgresql://a:b@localhost:{port}/c?sslmode=disable") as pool:
            with pytest.raises(StorageUnavailable):
                await pool.commit(_aio_create_table, deadline_s=0.2)
        nursery.cancel_scope.cancel()


async def test_a_restart_of_postgresql_is_told_and_then_survived(
    aio_loop: None, server_home: Path
) -> None:
    service = EmbeddedPostgres(server_home / "restarted", random_bytes=bytes, durable=False)
    async with trio.open_nursery() as first:
        dsn = await first.start(service.run)
        manager = open_pool(dsn, size_max=4)
        pool = await manager.__aenter__()
        await pool.commit(_aio_create_table)
        failures: list[BaseException] = []

        async def hang() -> None:
            try:
                await pool.commit(_aio_sleep, 60.0)
            except StorageUnavailable as error:
                failures.append(error)

        async with trio.open_nursery() as users:
            users.start_soon(hang)
            users.start_soon(hang)
            await trio.sleep(0.2)
            first.cancel_scope.cancel()
    assert len(failures) == 2
    with pytest.raises(StorageUnavailable):
        await pool.commit(_aio_insert, 1)
    async with trio.open_nursery() as second:
        await second.start(service.run)
        await pool.commit(_aio_insert, 2)
        assert await pool.read(_aio_notes) == {2}
        await manager.__aexit__(None, None, None)
        second.cancel_scope.cancel()
