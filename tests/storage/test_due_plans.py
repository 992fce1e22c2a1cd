"""What comes due is found by index, however many rows wait for nothing."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
import trio

from offerhub.domain.due import Perishable
from storage.postgres import due
from storage.postgres.pool import Connection, Pool
from storage.postgres.storage import PostgresStorage
from tests.storage.conftest import execute
from tests.storage.test_contract import commit
from tests.storage.units import Hands

ROWS = 20_000
MANY = (
    f"""
INSERT INTO orders (id, version, status, buyer_id, seller_id, amount, in_flight, created_at, due_at, doc)
SELECT 'ord_' || n, 1, 'CLOSED', 'b', 's', 1, false, now(),
    CASE WHEN n % 100 = 0 THEN now() + n * interval '1 second' END, ''
FROM generate_series(1, {ROWS}) AS n
""",
    f"""
INSERT INTO chain_operations (id, version, subject, subject_id, source, is_open, due_at, doc)
SELECT 'cop_' || n, 1, 'order', 'ord', 'G', false, NULL, '' FROM generate_series(1, {ROWS}) AS n
""",
    f"""
INSERT INTO api_keys (id, version, digest, due_at, doc)
SELECT 'key_' || n, 1, n::text::bytea, NULL, '' FROM generate_series(1, {ROWS}) AS n
""",
    f"""
INSERT INTO api_tokens (id, version, digest, api_key_id, expires_at, doc)
SELECT 'tok_' || n, 1, n::text::bytea, 'key', now() + n * interval '1 second', ''
FROM generate_series(1, {ROWS}) AS n
""",
    f"""
INSERT INTO webhooks (id, version, source, event_id, ended_at, doc)
SELECT 'whk_' || n, 1, 's', n, now() + n * interval '1 second', ''
FROM generate_series(1, {ROWS}) AS n
""",
    f"""
INSERT INTO operator_commands (id, version, ended_at, doc)
SELECT 'cmd_' || n, 1, now() + n * interval '1 second', '' FROM generate_series(1, {ROWS}) AS n
""",
    f"""
INSERT INTO idempotency (key, fingerprint, state, created_at)
SELECT n::text, 'f', 'done', now() + n * interval '1 second'
FROM generate_series(1, {ROWS}) AS n
""",
    "ANALYZE",
)
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


async def plan(pool: Pool, query: str, values: Sequence[object]) -> str:
    async def _aio_explain(connection: Connection) -> str:
        # Rows are typed by the statement's own parameters, as they are when it runs.
        rows = await connection.fetch(f"EXPLAIN {query}", *values)
        return "\n".join(row[0] for row in rows)

    return await pool.commit(_aio_explain)


@pytest.fixture
async def full(pool: Pool) -> Pool:
    for statement in MANY:
        await execute(pool, statement)
    return pool


async def test_the_next_moments_are_read_from_the_indexes(full: Pool) -> None:
    shown = await plan(full, due.DUE, [MOMENT, "", 32])
    assert "Seq Scan" not in shown
    for index in ("orders_due", "chain_operations_due", "api_keys_due"):
        assert f"using {index}" in shown


@pytest.mark.parametrize("what", list(Perishable))
async def test_what_has_perished_is_found_and_deleted_by_index(
    full: Pool, what: Perishable
) -> None:
    perishing = due.PERISHING[what]
    assert "Seq Scan" not in await plan(full, perishing.oldest, [])
    assert "Seq Scan" not in await plan(full, perishing.delete, [MOMENT, 500])


async def test_a_deletion_waits_for_no_commit_that_holds_a_row(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    """So it can never deadlock with one; what it skipped comes with the next."""
    for key in ("held", "free"):
        await commit(postgres, hands.unit(idempotency=hands.record(key)))
    hands.pass_time(hours=25)
    held, done = trio.Event(), asyncio.Event()

    async def _aio_hold(connection: Connection) -> None:
        await connection.execute("SELECT FROM idempotency WHERE key = 'held' FOR UPDATE")
        held.set()
        await done.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.commit, _aio_hold)
        await held.wait()
        assert 1 == await postgres.clean_up(Perishable.IDEMPOTENCY, hands.now, 100)
        done.set()
    assert 1 == await postgres.clean_up(Perishable.IDEMPOTENCY, hands.now, 100)
