"""Reads that a caller waits for touch the rows that they give and hardly any other."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
import trio_asyncio

from offerhub.domain.order import Order
from storage.port import AuditFilter, DisputeFilter, OrderFilter
from storage.postgres import audit_log, dues, event_log, ledger, lookups, reconciliation, work
from storage.postgres.migrate import migrate
from storage.postgres.pool import Connection, open_pool
from tests.storage.filled import Explained, aio_analyze, aio_fill
from tests.storage.fixtures import Server, fresh_database

ROWS = 30_000
LIMIT = 20
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MIDDLE = BEGINNING + timedelta(seconds=ROWS / 2)
"""When half of the rows were written."""

_SMALL = {"counters", "checkpoints", "detached_owners"}


@pytest.fixture(scope="module")
def filled_dsn(postgres_server: Server) -> Iterator[str]:
    """A database that is filled once for all tests here, which only read it."""
    for dsn in fresh_database(postgres_server, "template0"):

        async def main(dsn: str = dsn) -> None:
            async with trio_asyncio.open_loop():
                await migrate(dsn)
                async with open_pool(dsn, size_max=1) as pool:
                    await pool.commit(aio_fill, ROWS, deadline_s=60)
                    await pool.run(aio_analyze, deadline_s=60)

        trio.run(main)
        yield dsn


async def _explained(dsn: str, aio_read: Callable[..., Awaitable[Any]], *args: object) -> Explained:
    async def _aio_unit(connection: Connection) -> Explained:
        explained = Explained(connection)
        await aio_read(explained, *args)
        return explained

    async with open_pool(dsn, size_max=1) as pool:
        return await pool.read(_aio_unit)


def _check(explained: Explained) -> None:
    """No scan of a table or an index as a whole, and no sort of more than what is given."""
    scanned = {node["Relation Name"] for node in explained.nodes if node["Node Type"] == "Seq Scan"}
    assert scanned <= _SMALL
    sorted_rows = [node["Actual Rows"] for node in explained.nodes if node["Node Type"] == "Sort"]
    assert all(rows <= 3 * LIMIT for rows in sorted_rows)
    assert explained.rows_touched <= 10 * LIMIT


@pytest.mark.parametrize(
    "where",
    [
        OrderFilter(),
        OrderFilter(status="DISPUTED"),
        OrderFilter(status="IN_PROGRESS"),
        OrderFilter(status="ORDER_CREATED"),
        OrderFilter(status="CLOSED"),
        OrderFilter(buyer_id="usr_7"),
        OrderFilter(seller_id="usr_7"),
        OrderFilter(created_before=MIDDLE),
        OrderFilter(created_after=MIDDLE, created_before=MIDDLE + timedelta(hours=1)),
        OrderFilter(status="DISPUTED", created_before=MIDDLE),
        OrderFilter(buyer_id="usr_7", created_before=MIDDLE),
    ],
    ids=repr,
)
@pytest.mark.parametrize("cursor", [None, "ord_14007"])
async def test_a_page_of_orders(
    aio_loop: None,
    filled_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    where: OrderFilter,
    cursor: str | None,
) -> None:
    monkeypatch.setattr(lookups, "decode", lambda _kind, _doc: _Row())
    _check(await _explained(filled_dsn, lookups.aio_orders, where, cursor, LIMIT))


@pytest.mark.parametrize(
    "where",
    [
        DisputeFilter(),
        DisputeFilter(order_id="ord_7"),
        DisputeFilter(status="OPEN"),
        DisputeFilter(status="RESOLVED"),
        DisputeFilter(status="UNDER_REVIEW", opened_by="SELLER"),
        DisputeFilter(opened_by="BUYER"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("cursor", [None, "dsp_14007"])
async def test_a_page_of_disputes(
    aio_loop: None,
    filled_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    where: DisputeFilter,
    cursor: str | None,
) -> None:
    monkeypatch.setattr(lookups, "decode", lambda _kind, _doc: _Row())
    _check(await _explained(filled_dsn, lookups.aio_disputes, where, cursor, LIMIT))


class _Row:
    """What a list needs of an item; the filled documents are empty."""

    id = "ord_1"


async def test_what_is_to_be_woken_after_a_start(aio_loop: None, filled_dsn: str) -> None:
    for after in (0, ROWS // 2):
        _check(await _explained(filled_dsn, work.aio_in_flight, Order, after, LIMIT))
        _check(await _explained(filled_dsn, work.aio_open_lanes, after, LIMIT))


async def test_the_next_operation_of_a_lane(
    aio_loop: None, filled_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "decode", lambda _kind, _doc: _Row())
    for source in ("GBUSY", "G7", "GNOBODY"):
        _check(await _explained(filled_dsn, work.aio_next_operations, source, MIDDLE, 1))


async def test_an_orders_events(aio_loop: None, filled_dsn: str) -> None:
    for cursor in (None, "evt_14005"):
        _check(await _explained(filled_dsn, event_log.aio_order_events, "ord_1400", cursor, LIMIT))


@pytest.mark.parametrize("hours", [-1, 0, 2, 5, 24])
async def test_the_place_of_a_moment_among_the_events(
    aio_loop: None, filled_dsn: str, hours: int
) -> None:
    moment = BEGINNING + timedelta(hours=hours)
    explained = await _explained(filled_dsn, event_log.aio_sequence_before, moment)
    _check(explained)


async def test_events_after_a_sequence_and_the_place_of_an_event(
    aio_loop: None, filled_dsn: str
) -> None:
    _check(await _explained(filled_dsn, event_log.aio_events_after, 14_000, LIMIT))
    _check(await _explained(filled_dsn, event_log.aio_event_sequence, "evt_14000"))
    _check(await _explained(filled_dsn, event_log.aio_last_sequence))


@pytest.mark.parametrize("cursor", [None, "trf_14007"])
async def test_a_page_of_a_users_ledger(
    aio_loop: None, filled_dsn: str, cursor: str | None
) -> None:
    _check(await _explained(filled_dsn, ledger.aio_user_ledger, ["usr_7"], cursor, LIMIT))


@pytest.mark.parametrize(
    "where",
    [
        AuditFilter(),
        AuditFilter(action="api_key.revoke"),
        AuditFilter(action="order.x"),
        AuditFilter(action="nothing"),
        AuditFilter(resource_type="ApiKey"),
        AuditFilter(resource_type="Order"),
        AuditFilter(resource_id="ord_1400"),
        AuditFilter(resource_id="ord_1400", action="order.x", resource_type="Order"),
        AuditFilter(user_id="usr_7"),
        AuditFilter(until=MIDDLE),
        AuditFilter(since=MIDDLE, until=MIDDLE + timedelta(hours=1)),
        AuditFilter(action="api_key.revoke", until=MIDDLE),
        AuditFilter(user_id="usr_7", until=MIDDLE),
    ],
    ids=repr,
)
@pytest.mark.parametrize("cursor", [None, "aud_14007"])
async def test_a_page_of_the_audit(
    aio_loop: None, filled_dsn: str, where: AuditFilter, cursor: str | None
) -> None:
    _check(await _explained(filled_dsn, audit_log.aio_audit_log, where, cursor, LIMIT))


@pytest.mark.parametrize(
    ("aio_read", "arguments"),
    [
        (reconciliation.aio_claims, ([f"usr_{n}" for n in range(LIMIT)],)),
        (reconciliation.aio_active_wallets, ("", LIMIT)),
        (reconciliation.aio_contracts, (0, LIMIT, False)),
        (reconciliation.aio_contracts, (ROWS // 2, LIMIT, True)),
        (reconciliation.aio_parked, (True, None, LIMIT)),
    ],
)
async def test_a_page_of_what_is_held_against_the_chain_touches_hardly_more(
    filled_dsn: str,
    aio_loop: None,
    monkeypatch: pytest.MonkeyPatch,
    aio_read: Callable[..., Awaitable[Any]],
    arguments: Any,
) -> None:
    monkeypatch.setattr(reconciliation, "decode", lambda _kind, _doc: _Row())
    _check(await _explained(filled_dsn, aio_read, *arguments))


async def test_what_is_due_and_whether_a_wallet_can_pay(
    aio_loop: None, filled_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dues, "decode", lambda _kind, _doc: _Row())
    _check(await _explained(filled_dsn, dues.aio_standing, "usr_3"))
    for owing in (False, True):
        for users in (None, ["usr_3", "usr_104", "usr_5"]):
            reads = (dues.aio_unsettled, MIDDLE, LIMIT, owing, users)
            _check(await _explained(filled_dsn, *reads))
    _check(await _explained(filled_dsn, dues.aio_settlements_in_flight))
    _check(await _explained(filled_dsn, dues.aio_treasury))
