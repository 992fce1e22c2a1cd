"""History is partitioned by sequence, with room ahead, and what must not repeat never does."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest
import trio
from attrs import evolve
from structlog.testing import LogCapture

from offerhub.domain.unit_of_work import RefusalKind, Refused
from storage.postgres.migrate import migrate
from storage.postgres.partitions import Partitions
from storage.postgres.pool import Connection, Pool, open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from storage.postgres.upkeep import Upkeep
from tests.storage.conftest import execute, random_bytes
from tests.storage.test_contract import commit, new_user
from tests.storage.units import Hands

SIZE = 20


@pytest.fixture
async def small_pool(aio_loop: None, empty_database_dsn: str) -> AsyncIterator[Pool]:
    """A pool on a database whose partitions are to be small."""
    await migrate(empty_database_dsn)
    async with open_pool(empty_database_dsn, size_max=4) as opened:
        yield opened


@pytest.fixture
async def small(small_pool: Pool, hands: Hands) -> PostgresStorage:
    """A storage whose partitions take 20 sequences each."""
    return await open_postgres_storage(
        small_pool, random_bytes=random_bytes(), clock=hands.clock, partition_size=SIZE
    )


async def _aio_partitions(connection: Connection) -> dict[str, list[tuple[int, int]]]:
    rows = await connection.fetch("SELECT parent, first, past FROM partitions ORDER BY first")
    found: dict[str, list[tuple[int, int]]] = {}
    for parent, first, past in rows:
        found.setdefault(parent, []).append((first, past))
    return found


async def _tell(storage: PostgresStorage, hands: Hands, count: int) -> None:
    for _ in range(count):
        await commit(storage, hands.unit(events=(hands.event(),), audit=(hands.entry(),)))


async def test_opening_leaves_a_whole_partition_ahead_of_every_sequence(
    small: PostgresStorage, small_pool: Pool, hands: Hands
) -> None:
    found = await small_pool.read(_aio_partitions)
    tables = ("audit", "events", "holdings", "postings", "transfers")
    assert found == {table: [(1, SIZE + 1)] for table in tables}
    await _tell(small, hands, 1)
    await Partitions(small_pool, size=SIZE).keep_ahead()
    found = await small_pool.read(_aio_partitions)
    assert found["events"] == [(1, SIZE + 1), (SIZE + 1, 2 * SIZE + 1)]
    assert found["transfers"] == [(1, SIZE + 1)]
    assert await Partitions(small_pool, size=SIZE).keep_ahead() == 0


async def test_another_size_begins_where_the_last_partition_ends(
    small: PostgresStorage, small_pool: Pool, hands: Hands
) -> None:
    await _tell(small, hands, 3)
    await Partitions(small_pool, size=2 * SIZE).keep_ahead()
    found = await small_pool.read(_aio_partitions)
    assert found["events"] == [(1, SIZE + 1), (SIZE + 1, 3 * SIZE + 1)]


async def test_upkeep_attaches_the_next_ones_while_commits_go_on(
    small: PostgresStorage, small_pool: Pool, hands: Hands
) -> None:
    upkeep = Upkeep(small_pool, Partitions(small_pool, size=SIZE), every_s=0.001)
    async with trio.open_nursery() as nursery:
        await nursery.start(upkeep.run)
        for reported in range(SIZE, 6 * SIZE, SIZE):
            await _tell(small, hands, SIZE)
            with trio.fail_after(20):
                while (await small_pool.read(_aio_partitions))["events"][-1][1] <= reported + SIZE:
                    await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    # Without the mark `expect_errors` no commit may have found its partition missing.
    sequences = [event.sequence for event in await small.events_after(0, 1000)]
    assert sequences == [*range(1, 5 * SIZE + 1)]


@pytest.mark.expect_errors
async def test_a_missing_partition_is_an_alarm_and_is_made_on_the_spot(
    small: PostgresStorage, hands: Hands, no_unexpected_errors: LogCapture
) -> None:
    await _tell(small, hands, SIZE + 1)
    assert await small.last_sequence() == SIZE + 1
    (alarm,) = [each for each in no_unexpected_errors.entries if each["log_level"] == "error"]
    assert alarm["event"] == "storage.partition_missing"


async def test_a_commit_does_not_wait_for_a_partition_that_is_being_attached(
    small: PostgresStorage, small_pool: Pool, hands: Hands
) -> None:
    attached, done = trio.Event(), trio.Event()

    async def _aio_attach(connection: Connection) -> None:
        for table in ("transfers", "postings", "holdings", "events", "audit"):
            await connection.execute("SELECT attach_partitions($1, 0, 100, 100)", table)
        attached.set()
        await _aio_until(done)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(small_pool.commit, _aio_attach, deadline_s=30))
        await attached.wait()
        user = await new_user(small, hands, "5.0")
        await commit(small, hands.reserve(user.id, "1.00"))
        done.set()


async def test_statements_on_a_partition_itself_are_refused_as_on_the_table(
    small: PostgresStorage, small_pool: Pool, hands: Hands
) -> None:
    user = await new_user(small, hands, "5.0")
    await commit(small, hands.reserve(user.id, "1.00"))
    for table in ("transfers", "postings", "holdings", "events", "audit"):
        for statement in ("DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await execute(small_pool, statement.format(f"{table}_from_000000000001"))
    with pytest.raises(asyncpg.CheckViolationError, match="do not sum to zero"):
        await execute(
            small_pool,
            "INSERT INTO postings_from_000000000001 (transfer_sequence, place, account, amount)"
            " VALUES (9, 0, 'external', 5), (9, 1, 'treasury', -4)",
        )


async def test_what_must_not_repeat_does_not_in_another_partition_either(
    small: PostgresStorage, small_pool: Pool, hands: Hands
) -> None:
    user = await new_user(small, hands)
    event = hands.event()
    once = hands.deposit(user.id, "5.0")
    await commit(small, hands.deposit(user.id, "5.0", dedupe="deposit/1"))
    await commit(small, evolve(once, events=(event,)))
    for _ in range(3):
        await Partitions(small_pool, size=SIZE).keep_ahead()
        for _ in range(SIZE):
            await commit(small, evolve(hands.deposit(user.id, "0.1"), events=(hands.event(),)))
    again = hands.deposit(user.id, "5.0", dedupe="deposit/1")
    outcomes = await small.commit([again, hands.unit(events=(event,)), once])
    assert outcomes == [
        Refused(RefusalKind.TAKEN, "dedupe"),
        Refused(RefusalKind.BROKEN, "events_id_key refuses a unit"),
        Refused(RefusalKind.BROKEN, "transfers_id_key refuses a unit"),
    ]


async def test_a_commit_finds_its_two_rows_without_searching_while_an_old_snapshot_is_held(
    aio_loop: None, database_dsn: str, pool: Pool, hands: Hands
) -> None:
    holding, done = trio.Event(), trio.Event()

    async def _aio_hold(connection: Connection) -> None:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("SELECT FROM counters")
        holding.set()
        await _aio_until(done)

    async def _aio_searches(connection: Connection) -> list[int]:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        rows = await connection.fetch(
            "SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables"
            " WHERE relname IN ('counters', 'writers') ORDER BY relname"
        )
        return [row[0] for row in rows]

    async with open_pool(database_dsn, size_max=1) as own, trio.open_nursery() as nursery:
        storage = await open_postgres_storage(own, random_bytes=random_bytes(), clock=hands.clock)
        nursery.start_soon(partial(pool.commit, _aio_hold, deadline_s=30))
        await holding.wait()
        await _tell(storage, hands, 1)
        before = await own.run(_aio_searches)
        await _tell(storage, hands, 100)
        refused = hands.reserve("usr_none", "1.00")
        await storage.commit([refused, hands.unit(events=(hands.event(),))])
        assert await own.run(_aio_searches) == before
        done.set()


async def test_an_old_snapshot_that_somebody_holds_is_reported_until_it_is_given_back(
    small_pool: Pool,
) -> None:
    holding, done = trio.Event(), trio.Event()
    reports: list[str | None] = []

    async def _aio_hold(connection: Connection) -> None:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("SELECT FROM counters")
        holding.set()
        await _aio_until(done)

    partitions = Partitions(small_pool, size=SIZE)
    patient, upkeep = Upkeep(small_pool, partitions), Upkeep(small_pool, partitions, old_s=0.0)
    patient.report = upkeep.report = reports.append
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(small_pool.commit, _aio_hold, deadline_s=30))
        await holding.wait()
        await patient.round()
        await upkeep.round()
        done.set()
    await upkeep.round()
    first, second, third = reports
    assert (first, third) == (None, None)
    assert second is not None
    assert "offerhub, idle in transaction" in second


async def _aio_until(done: trio.Event) -> None:
    while not done.is_set():
        await asyncio.sleep(0.005)
