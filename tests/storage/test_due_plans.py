"""What comes due is found by index, however many rows wait for nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from offerhub.domain.due import Perishable
from storage.postgres import due
from storage.postgres.pool import Connection, Pool
from tests.storage.conftest import execute

ROWS = 20_000
MANY = (
    f"""
INSERT INTO orders (id, version, status, buyer_id, seller_id, amount, on_the_way, created_at, due_at, doc)
SELECT 'ord_' || n, 1, 'CLOSED', 'b', 's', 1, false, now(),
    CASE WHEN n % 100 = 0 THEN now() + n * interval '1 second' END, ''
FROM generate_series(1, {ROWS}) AS n
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
INSERT INTO idempotency (key, fingerprint, state, created_at, first)
SELECT n::text, 'f', 'done', now() + n * interval '1 second', true
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
    for index in ("orders_due", "api_keys_due"):
        assert f"Index Only Scan using {index}" in shown


@pytest.mark.parametrize("what", list(Perishable))
async def test_what_has_perished_is_found_and_deleted_by_index(
    full: Pool, what: Perishable
) -> None:
    perishing = due.PERISHING[what]
    assert "Seq Scan" not in await plan(full, perishing.oldest, [])
    assert "Seq Scan" not in await plan(full, perishing.delete, [MOMENT, 500])
