"""What only PostgreSQL can get wrong: triggers, several processes, a database that is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import trio

from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused
from storage.audit_chain import verify_audit_chain
from storage.embedded import EmbeddedPostgres
from storage.errors import Displaced, StorageUnavailable
from storage.postgres.append import CHANNEL
from storage.postgres.migrate import migrate
from storage.postgres.pool import Connection, Pool, open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from tests.storage.conftest import execute, random_bytes
from tests.storage.test_contract import commit, figures, new_user, refused
from tests.storage.units import Hands


@pytest.mark.parametrize("table", ["transfers", "postings", "holdings", "events", "audit"])
async def test_what_has_been_told_is_append_only(
    pool: Pool, postgres: PostgresStorage, hands: Hands, table: str
) -> None:
    user = await new_user(postgres, hands, "5.0")
    await commit(postgres, hands.reserve(user.id, "1.00"))
    column = {"postings": "place", "holdings": "place"}.get(table, "sequence")
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await execute(pool, statement)


async def test_the_database_refuses_postings_that_do_not_sum_to_zero(
    pool: Pool, postgres: PostgresStorage
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await execute(
            pool,
            "INSERT INTO postings (transfer_sequence, place, account, amount)"
            " VALUES (1, 0, 'external', 5), (1, 1, 'treasury', -4)",
        )


async def test_the_database_refuses_a_balance_below_zero(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    user = await new_user(postgres, hands, "5.0")
    with pytest.raises(asyncpg.CheckViolationError):
        await execute(pool, f"UPDATE balances SET available = -1 WHERE user_id = '{user.id}'")


async def test_an_entry_that_was_rewritten_in_the_database_is_found(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    await postgres.commit([hands.unit(audit=(hands.entry(),)) for _ in range(5)])
    assert (await verify_audit_chain(postgres)).broken_at is None
    await execute(
        pool,
        "ALTER TABLE audit DISABLE TRIGGER append_only;"
        "UPDATE audit SET canonical = replace(canonical, '\"ok\"', '\"no\"') WHERE sequence = 3",
    )
    found = await verify_audit_chain(postgres, page=2)
    assert (found.entries, found.broken_at) == (2, 3)


async def test_each_group_notifies_of_the_last_sequence(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    heard: asyncio.Queue[str]

    async def _aio_listen(connection: Connection) -> str:
        nonlocal heard
        heard = asyncio.Queue()

        def hear(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            heard.put_nowait(payload)

        await connection.add_listener(CHANNEL, hear)
        listening.set()
        payload = await heard.get()
        await connection.remove_listener(CHANNEL, hear)
        return payload

    listening = trio.Event()
    payloads: list[str] = []
    async with trio.open_nursery() as nursery:

        async def listen() -> None:
            payloads.append(await pool.run(_aio_listen))

        nursery.start_soon(listen)
        await listening.wait()
        await postgres.commit([hands.unit(events=(hands.event(),)) for _ in range(3)])
    assert payloads == ["3"]


async def test_a_commit_goes_on_under_cancellation_and_tells_its_outcome(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    """The lock is held by somebody else when the cancellation comes: the commit waits for it."""
    order = hands.order()
    holding = trio.Event()
    reported: list[Any] = []

    async def _aio_hold(connection: Connection) -> None:
        await connection.execute("SELECT FROM counters FOR UPDATE")
        holding.set()
        await asyncio.sleep(0.2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.commit, _aio_hold)
        await holding.wait()
        with trio.move_on_after(0.05) as scope:
            reported += await postgres.commit([hands.unit(writes=(order,))])
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert [type(outcome) for outcome in reported] == [Committed]
    assert await postgres.load(Order, order.id) == order


async def test_two_processes_commit_one_after_the_other_without_gaps(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    """The command line joins the running process's epoch and does not fence it."""
    user = await new_user(postgres, hands, "1000.0")
    beside = await open_postgres_storage(
        pool, random_bytes=lambda count: b"c" * count, clock=hands.clock, take_over=False
    )

    async def work(storage: PostgresStorage) -> None:
        for _ in range(20):
            await commit(storage, hands.reserve(user.id, "1.00"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work, postgres)
        nursery.start_soon(work, beside)
    assert await figures(postgres, user.id) == ("960.00", "40.00")
    assert [event.sequence for event in await postgres.events_after(0, 99)] == [*range(1, 41)]
    assert (await verify_audit_chain(postgres)).entries == 40


async def test_a_fault_of_one_unit_leaves_the_others_committed(
    postgres: PostgresStorage, hands: Hands
) -> None:
    user = await new_user(postgres, hands, "10.0")
    reported = hands.event()
    await commit(postgres, hands.unit(events=(reported,)))
    twice = hands.unit(events=(reported,))
    _, outcome, _ = await postgres.commit(
        [hands.reserve(user.id, "1.00"), twice, hands.deposit(user.id, "5.0")]
    )
    assert outcome == Refused(RefusalKind.BROKEN, "events_id_key refuses a unit")
    assert await figures(postgres, user.id) == ("14.00", "1.00")


@pytest.fixture
async def restartable(
    aio_loop: None, server_home: Path, hands: Hands
) -> AsyncIterator[
    tuple[PostgresStorage, Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]
]:
    """A storage with its own server: the storage, a function that stops it, one that starts it."""
    service = EmbeddedPostgres(server_home / "away", random_bytes=bytes, durable=False)
    running: list[tuple[trio.CancelScope, trio.Event]] = []
    async with trio.open_nursery() as nursery:

        async def serve(*, task_status: trio.TaskStatus[str]) -> None:
            ended = trio.Event()
            with trio.CancelScope() as scope:
                running.append((scope, ended))
                await service.run(task_status=task_status)
            ended.set()

        async def start() -> None:
            await nursery.start(serve)

        async def stop() -> None:
            scope, ended = running.pop()
            scope.cancel()
            await ended.wait()

        dsn = await nursery.start(serve)
        await migrate(dsn)
        async with open_pool(dsn, size_max=4) as pool:
            yield (
                await open_postgres_storage(pool, random_bytes=random_bytes(), clock=hands.clock),
                stop,
                start,
            )
        await stop()


async def test_a_database_that_is_away_is_told_and_comes_back_by_itself(
    restartable: Any, hands: Hands
) -> None:
    storage, stop, start = restartable
    user = await new_user(storage, hands, "10.0")
    unit = hands.reserve(user.id, "1.00")
    await stop()
    with pytest.raises(StorageUnavailable):
        await storage.commit([unit])
    with pytest.raises(StorageUnavailable):
        await storage.balance(user.id)
    assert not await storage.ping()
    await start()
    assert await storage.ping()
    await commit(storage, unit)
    assert await figures(storage, user.id) == ("9.00", "1.00")


async def test_a_process_that_runs_for_months_is_not_forgotten(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    """The command line beside it clears up after processes that are fenced, and only those."""
    older = await open_postgres_storage(
        pool, random_bytes=lambda count: b"o" * count, clock=hands.clock
    )
    await execute(pool, "UPDATE writers SET opened_at = now() - interval '90 days'")
    await open_postgres_storage(
        pool, random_bytes=lambda count: b"c" * count, clock=hands.clock, take_over=False
    )
    await commit(older, hands.unit(events=(hands.event(),)))
    (outcome,) = await postgres.commit([hands.unit(events=(hands.event(),))])
    assert refused(outcome) == (RefusalKind.FENCED, "")


async def test_a_later_life_of_a_process_takes_over_from_itself_and_from_nobody_else(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    numbers = iter(range(100, 200))

    def source(count: int) -> bytes:
        return next(numbers).to_bytes(count)

    again = await open_postgres_storage(
        pool, random_bytes=source, clock=hands.clock, after=postgres.epoch
    )
    assert await postgres.displaced()
    other = await open_postgres_storage(pool, random_bytes=source, clock=hands.clock)
    with pytest.raises(Displaced):
        await open_postgres_storage(pool, random_bytes=source, clock=hands.clock, after=again.epoch)
    await commit(other, hands.unit(events=(hands.event(),)))


async def test_a_command_joins_the_owner_and_displaces_nobody(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    joined = await open_postgres_storage(
        pool, random_bytes=lambda count: b"j" * count, clock=hands.clock, take_over=False
    )
    assert (await postgres.displaced(), await joined.displaced()) == (False, False)
    await commit(joined, hands.unit(events=(hands.event(),)))
    await commit(postgres, hands.unit(events=(hands.event(),)))
