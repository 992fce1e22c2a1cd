"""A database with many rows, and what the plans of reads touch of them."""

import json
from typing import Any, Final

from attrs import define, field

from storage.postgres.pool import Connection

_FILL: Final = """
SELECT attach_partitions(parent, 0, $1, greatest($1 / 3, 1)) FROM unnest(
    ARRAY['transfers', 'postings', 'holdings', 'events', 'audit']) AS parent;

INSERT INTO orders
    (id, version, status, buyer_id, seller_id, contract_id, amount, in_flight, created_at, doc)
SELECT 'ord_' || n, 1,
    CASE WHEN n % 1000 = 7 THEN 'DISPUTED' WHEN n % 100 = 3 THEN 'IN_PROGRESS' ELSE 'CLOSED' END,
    'usr_' || n % 500, 'usr_' || n % 700, 'C' || n, 1, n % 500 = 5, $$moment$$, '{}'
FROM generate_series(1, $1) AS n;

INSERT INTO disputes (id, version, order_id, status, opened_by, doc)
SELECT 'dsp_' || n, 1, 'ord_' || n, CASE WHEN n % 1000 = 7 THEN 'OPEN' ELSE 'RESOLVED' END,
    CASE WHEN n % 2 = 0 THEN 'BUYER' ELSE 'SELLER' END, '{}'
FROM generate_series(1, $1) AS n;

INSERT INTO chain_operations
    (id, version, subject, subject_id, source, is_open, tx_hash, due_at, doc)
SELECT 'cop_' || n, 1, 'order', 'ord_' || n, CASE WHEN n % 20 = 5 THEN 'GBUSY' ELSE 'G' || n END,
    n % 10 = 5, CASE WHEN n % 1000 = 5 OR n % 10 <> 5 THEN 'hash_' || n END,
    CASE WHEN n % 50 = 5 THEN $$moment$$ END, '{}'
FROM generate_series(1, $1) AS n;

INSERT INTO users (id, version, external_user_id, doc)
SELECT 'usr_' || n, 1, 'external ' || n, '{}' FROM generate_series(0, $1) AS n;
INSERT INTO balances (user_id, available, reserved, due, updated_at)
SELECT 'usr_' || n, 1, 0, CASE WHEN n % 100 = 3 THEN n WHEN n % 100 = 4 THEN -n ELSE 0 END,
    $$moment$$
FROM generate_series(0, $1) AS n;
INSERT INTO wallets (id, version, user_id, role, status, public_key, key_version, doc)
SELECT 'wal_' || n, 1, 'usr_' || n, CASE WHEN n < 9 THEN 'channel' ELSE 'user' END,
    CASE WHEN n % 100 = 7 THEN 'ACTIVATING' ELSE 'ACTIVE' END, 'G' || md5(n::text), '1', '{}'
FROM generate_series(0, $1) AS n;
INSERT INTO withdrawals (id, version, user_id, status, amount, in_flight, doc)
SELECT 'wd_' || n, 1, 'usr_' || n % 500,
    CASE WHEN n % 1000 = 7 THEN 'WITHDRAWAL_CREATED' ELSE 'WITHDRAWAL_COMPLETED' END, 1, false, '{}'
FROM generate_series(1, $1) AS n;
INSERT INTO parked (id, version, user_id, amount, is_open, doc)
SELECT 'prk_' || n, 1, 'usr_' || n % 500, 1, n % 1000 = 7, '{}' FROM generate_series(1, $1) AS n;

INSERT INTO transfers (sequence, id, kind, reference, cause, created_at)
SELECT n, 'trf_' || n, 'deposit', 'tx', 'chain', $$moment$$ FROM generate_series(1, $1) AS n;
INSERT INTO transfer_ids SELECT 'trf_' || n, n FROM generate_series(1, $1) AS n;
INSERT INTO postings (transfer_sequence, place, account, user_id, amount)
SELECT n, place, CASE place WHEN 0 THEN 'external' ELSE 'available/usr_' || n % 500 END,
    CASE place WHEN 1 THEN 'usr_' || n % 500 END, 1 - 2 * place
FROM generate_series(1, $1) AS n, generate_series(0, 1) AS place;

INSERT INTO settlements (id, version, amount, in_flight, doc)
SELECT 'usr_' || n, 1, CASE WHEN n % 3000 = 3 THEN n ELSE 0 END, n % 3000 = 3, '{}'
FROM generate_series(1, $1) AS n WHERE n % 50 < 4;

INSERT INTO events
    (sequence, id, type, aggregate_type, aggregate_id, order_id, occurred_at, moment, body)
SELECT n, 'evt_' || n, 'order.created', 'Order', 'ord_' || n / 10, 'ord_' || n / 10, $$moment$$,
    $$moment$$, repeat('x', 200)
FROM generate_series(1, $1) AS n;
INSERT INTO event_ids SELECT 'evt_' || n, n FROM generate_series(1, $1) AS n;
INSERT INTO audit (sequence, id, at, action, resource_type, resource_id, user_id, canonical,
    previous_hash, hash)
SELECT n, 'aud_' || n, $$moment$$, CASE WHEN n % 10000 = 7 THEN 'api_key.revoke' ELSE 'order.x' END,
    CASE WHEN n % 10000 = 7 THEN 'ApiKey' ELSE 'Order' END, 'ord_' || n / 10, 'usr_' || n % 500, '{}',
    '', ''
FROM generate_series(1, $1) AS n;
UPDATE counters SET event_sequence = $1, transfer_sequence = $1;
""".replace("$$moment$$", "timestamptz '2026-01-01Z' + n * interval '1 second'")

_ANALYZE: Final = (
    "orders, disputes, chain_operations, transfers, transfer_ids, postings, events, event_ids,"
    " audit, counters, users, balances, wallets, withdrawals, parked, settlements"
)


async def aio_fill(connection: Connection, rows: int) -> None:
    """Write as many orders, events and transfers, one a second from the year's beginning on."""
    for statement in _FILL.replace("$1", str(rows)).split(";"):
        if statement.strip():
            await connection.execute(statement)


async def aio_analyze(connection: Connection) -> None:
    """Give the planner its statistics, and the indexes their visibility map."""
    for table in _ANALYZE.split(", "):
        await connection.execute(f"VACUUM (ANALYZE) {table}")


@define
class Explained:
    """A connection that has every query explained, with what it really did, before it is run."""

    connection: Connection
    plans: list[dict[str, Any]] = field(factory=list)

    async def fetch(self, query: str, *values: object) -> Any:
        await self._aio_explain(query, values)
        return await self.connection.fetch(query, *values)

    async def fetchrow(self, query: str, *values: object) -> Any:
        await self._aio_explain(query, values)
        return await self.connection.fetchrow(query, *values)

    async def fetchval(self, query: str, *values: object) -> Any:
        await self._aio_explain(query, values)
        return await self.connection.fetchval(query, *values)

    async def _aio_explain(self, query: str, values: tuple[object, ...]) -> None:
        text = await self.connection.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {query}", *values
        )
        self.plans.append(json.loads(text)[0])

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """Every node of every plan that was reached."""
        pending = [plan["Plan"] for plan in self.plans]
        found = []
        while pending:
            node = pending.pop()
            pending += node.get("Plans", [])
            if node["Actual Loops"] > 0:
                found.append(node)
        return found

    @property
    def rows_touched(self) -> int:
        """Rows that scans gave or threw away."""
        return sum(
            node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
            for node in self.nodes
            if node["Node Type"].endswith("Scan")
        )
