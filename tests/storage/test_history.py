"""Old history is exported and detached; what is left proves the whole, and never says less."""

import asyncio
import csv
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve

from offerhub.domain.ledger import Books, check_identities
from offerhub.domain.unit_of_work import CommittedEvent, RefusalKind
from storage.audit_chain import verify_audit_chain
from storage.errors import OutcomeUnknown
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import AuditFilter, HistoryDetached, Storage, UnknownCursor
from storage.postgres.export import HistoryBroken
from storage.postgres.history import HistoryBusy
from storage.postgres.migrate import migrate
from storage.postgres.pool import Connection, Pool, open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from tests.storage.conftest import execute
from tests.storage.test_contract import commit, new_user, refused
from tests.storage.units import Hands

SIZE = 10
_numbers = itertools.count(1)


@define
class Past:
    """A storage with history in it: one user whose orders each have an event and a transfer."""

    storage: Storage
    detach: Callable[[int], Awaitable[None]]
    """Detach the first sequences of everything."""
    user_id: str
    events: list[CommittedEvent]


@pytest.fixture
async def past_pool(aio_loop: None, empty_database_dsn: str) -> AsyncIterator[Pool]:
    await migrate(empty_database_dsn)
    async with open_pool(empty_database_dsn, size_max=4) as opened:
        yield opened


async def _open(pool: Pool, hands: Hands, *, take_over: bool = True) -> PostgresStorage:
    return await open_postgres_storage(
        pool,
        random_bytes=lambda count: next(_numbers).to_bytes(count, "big"),
        clock=hands.clock,
        take_over=take_over,
        partition_size=SIZE,
    )


async def _live(storage: Storage, hands: Hands, user_id: str, count: int) -> list[CommittedEvent]:
    """Reserve for one order after the other: `ord_0` three times, `ord_1` three times, and so on."""
    events: list[CommittedEvent] = []
    for number in range(count):
        hands.pass_time(minutes=1)
        unit = hands.reserve(user_id, "0.10", order_id=f"ord_{number // 4}")
        done = await commit(storage, unit)
        events += done.events
        if isinstance(storage, PostgresStorage):
            await storage.upkeep.round()
    return events


@pytest.fixture(params=["twin", "postgres"])
def past_dsn(request: pytest.FixtureRequest) -> str | None:
    """The DSN of the empty database; `None` for the twin."""
    return request.getfixturevalue("empty_database_dsn") if request.param == "postgres" else None


@pytest.fixture
async def past(
    past_dsn: str | None, hands: Hands, aio_loop: None, tmp_path: Path
) -> AsyncIterator[Past]:
    """26 sequences of history in three partitions; ten of them may be detached at a time."""
    if past_dsn is None:
        database = MemoryDatabase()

        async def detach_twin(end: int) -> None:
            hands.pass_time(days=2)
            database.detach_history(events=end, transfers=end, audit=end, at=hands.now)

        yield await _past(MemoryStorage(database, hands.clock), hands, detach_twin)
        return
    await migrate(past_dsn)
    async with open_pool(past_dsn, size_max=4) as pool:

        async def detach(end: int) -> None:
            moment = made.events[end - 1].occurred_at + timedelta(seconds=1)
            hands.pass_time(days=2)
            beside = await _open(pool, hands, take_over=False)
            assert (await beside.history.export(moment, tmp_path / "out")).manifest is not None

        made = await _past(await _open(pool, hands), hands, detach)
        yield made


async def _past(storage: Storage, hands: Hands, detach: Callable[[int], Awaitable[None]]) -> Past:
    user = await new_user(storage, hands)
    await commit(storage, hands.deposit(user.id, "100.0", dedupe="deposit/1"))
    # The deposit is the first transfer, and has neither an event nor an audit entry.
    await commit(storage, hands.unit(events=(hands.event(),), audit=(hands.entry(),)))
    events = list(await storage.events_after(0, 1))
    return Past(storage, detach, user.id, events + await _live(storage, hands, user.id, 25))


async def test_what_reaches_into_detached_history_is_refused_and_the_rest_is_whole(
    past: Past,
) -> None:
    storage, events = past.storage, past.events
    await past.detach(10)
    for reading in (storage.events_after(9, 5), storage.audit_after(9, 5)):
        with pytest.raises(HistoryDetached):
            await reading
    assert [each.sequence for each in await storage.events_after(10, 3)] == [11, 12, 13]
    assert [each.sequence for each in await storage.audit_after(10, 3)] == [11, 12, 13]
    assert await storage.last_sequence() == 26
    assert await storage.event_sequence(events[4].id) == 5
    with pytest.raises(HistoryDetached):
        await storage.sequence_before(events[8].occurred_at)
    assert await storage.sequence_before(events[9].occurred_at) == 10
    assert await storage.sequence_before(events[15].occurred_at) == 16


async def test_an_orders_events_end_with_a_cursor_where_older_ones_are_detached(past: Past) -> None:
    storage, events = past.storage, past.events
    await past.detach(10)
    with pytest.raises(HistoryDetached):
        await storage.order_events("ord_0", None, 10)
    page = await storage.order_events("ord_2", None, 10)
    assert [each.sequence for each in page.items] == [13, 12, 11]
    assert page.next_cursor == events[10].id
    for cursor in (page.next_cursor, events[9].id):
        with pytest.raises(HistoryDetached):
            await storage.order_events("ord_2", cursor, 10)
    whole = await storage.order_events("ord_3", None, 10)
    assert (len(whole.items), whole.next_cursor) == (4, None)
    for unknown in ("evt_none", events[20].id):
        with pytest.raises(UnknownCursor):
            await storage.order_events("ord_2", unknown, 10)
    assert (await storage.order_events("ord_none", None, 10)).items == ()


async def test_the_audit_ends_with_a_cursor_where_older_entries_are_detached(past: Past) -> None:
    storage = past.storage
    made = {entry.sequence: entry for entry in await storage.audit_after(0, 30)}
    await past.detach(10)

    page = await storage.audit_log(AuditFilter(), None, 99)
    # The checkpoint's own entry is the newest.
    assert [*range(27, 10, -1)] == [entry.sequence for entry in page.items]
    assert page.next_cursor == made[11].id
    for cursor in (made[11].id, made[10].id, made[2].id):
        with pytest.raises(HistoryDetached):
            await storage.audit_log(AuditFilter(), cursor, 99)
    with pytest.raises(HistoryDetached):
        await storage.audit_log(AuditFilter(resource_id="nobody's"), None, 99)
    with pytest.raises(HistoryDetached):
        await storage.audit_log(AuditFilter(since=made[10].at, until=made[10].at), None, 99)

    later = AuditFilter(since=made[10].at + timedelta(milliseconds=1))
    whole = await storage.audit_log(later, None, 99)
    assert (17, None) == (len(whole.items), whole.next_cursor)
    nothing = AuditFilter(since=later.since, resource_id="nobody's")
    assert () == (await storage.audit_log(nothing, None, 99)).items


async def test_a_users_ledger_ends_with_a_cursor_where_older_transfers_are_detached(
    past: Past, hands: Hands
) -> None:
    storage = past.storage
    whole = [each.id for each in (await storage.user_ledger([past.user_id], None, 99)).items]
    other = await new_user(storage, hands)
    await past.detach(20)
    page = await storage.user_ledger([past.user_id], None, 99)
    assert [each.id for each in page.items] == whole[:6]
    assert all(each.postings for each in page.items)
    assert page.next_cursor == whole[5]
    for cursor in (whole[5], whole[6], whole[-1]):
        with pytest.raises(HistoryDetached):
            await storage.user_ledger([past.user_id], cursor, 99)
    assert (await storage.user_ledger([past.user_id], whole[2], 3)).next_cursor == whole[5]
    assert (await storage.user_ledger([other.id], None, 9)).items == ()
    with pytest.raises(UnknownCursor):
        await storage.user_ledger([past.user_id], "trf_none", 9)


async def test_books_and_audit_chain_are_proven_from_the_checkpoint(
    past: Past, hands: Hands
) -> None:
    storage = past.storage
    before = await storage.books()
    for end in (10, 20):
        await past.detach(end)
        assert _not_zero(await storage.books()) == _not_zero(before)
        assert (await verify_audit_chain(storage)).broken_at is None
    checkpoint = await storage.checkpoint()
    assert checkpoint is not None
    assert (checkpoint.number, checkpoint.audit_sequence) == (2, 20)
    await commit(storage, hands.reserve(past.user_id, "7.00"))
    books = await storage.books()
    check_identities(books, "usr_platform")
    rebuilt = [
        (row.user_id, row.available, row.reserved)
        for row in await storage.balances()
        if books.account(f"available/{row.user_id}") == row.available
        and books.account(f"reserved/{row.user_id}") == row.reserved
    ]
    assert len(rebuilt) == len(await storage.balances())


async def test_what_was_detached_still_cannot_repeat(past: Past, hands: Hands) -> None:
    storage = past.storage
    await past.detach(20)
    (again,) = await storage.commit([hands.deposit(past.user_id, "100.0", dedupe="deposit/1")])
    assert refused(again) == (RefusalKind.TAKEN, "dedupe")
    (repeated,) = await storage.commit([hands.unit(events=(hands.event(id=past.events[3].id),))])
    assert refused(repeated)[0] is RefusalKind.BROKEN


def _not_zero(books: Books) -> tuple[dict[str, int], dict[str, int]]:
    return (
        {name: amount for name, amount in books.accounts.items() if amount != 0},
        {name: amount for name, amount in books.holdings.items() if amount != 0},
    )


class Killed(Exception):
    """Where the process dies in a test."""


@define
class Old:
    """PostgreSQL with 26 sequences of history, all of them two days old."""

    pool: Pool
    owner: PostgresStorage
    hands: Hands
    user_id: str
    directory: Path
    before: Any

    async def export(self, step: Callable[[str], None] = lambda _: None) -> Any:
        beside = await _open(self.pool, self.hands, take_over=False)
        return await beside.history.export(self.before, self.directory, step)

    async def attached(self) -> list[str]:
        async def _aio_names(connection: Connection) -> list[str]:
            rows = await connection.fetch("SELECT name FROM partitions ORDER BY parent, first")
            return [row[0] for row in rows if not row[0].endswith("31")]

        return await self.pool.read(_aio_names)


@pytest.fixture
async def old(past_pool: Pool, hands: Hands, tmp_path: Path) -> Old:
    owner = await _open(past_pool, hands)

    async def detach(_end: int) -> None:
        raise NotImplementedError

    made = await _past(owner, hands, detach)
    before = hands.now + timedelta(minutes=1)
    hands.pass_time(days=2)
    return Old(past_pool, owner, hands, made.user_id, tmp_path / "out", before)


_TABLES = ("audit", "events", "holdings", "postings", "transfers")
_LAST = [f"{table}_from_000000000021" for table in _TABLES]


async def test_the_manifest_holds_every_row_of_what_was_complete_and_nothing_else(
    old: Old,
) -> None:
    before = await old.owner.books()
    exported = await old.export()
    assert len(exported.detached) == 2 * len(_TABLES)
    assert await old.attached() == _LAST
    manifest = json.loads(exported.manifest.read_text())
    for file in manifest["files"]:
        data = (old.directory / file["file"]).read_bytes()
        assert file["sha256"] == sha256(data).hexdigest()
        rows = list(csv.DictReader(data.decode().splitlines()))
        assert file["rows"] == len(rows)
        if file["table"] in {"events", "audit", "transfers"}:
            numbers = [int(row["sequence"]) for row in rows]
            assert numbers == [*range(file["first"], file["last"] + 1)]
    assert sorted(file["file"] for file in manifest["files"]) == sorted(
        f"{table}_from_{first:012d}.csv" for table in _TABLES for first in (1, 11)
    )
    checkpoint = await old.owner.checkpoint()
    assert checkpoint is not None
    assert manifest["checkpoint"] == {"number": 1, **checkpoint.facts}
    assert _not_zero(await old.owner.books()) == _not_zero(before)
    (entry,) = [
        json.loads(each.canonical)
        for each in await old.owner.audit_after(20, 99)
        if b"history.checkpoint" in each.canonical
    ]
    assert entry["after"]["manifest"] == sha256(exported.manifest.read_bytes()).hexdigest()
    assert (await old.export()).manifest is None


async def test_the_command_fences_nobody(old: Old) -> None:
    await old.export()
    await commit(old.owner, old.hands.reserve(old.user_id, "1.00"))


async def test_a_run_that_was_killed_at_any_step_is_finished_by_the_next(old: Old) -> None:
    before = _not_zero(await old.owner.books())
    steps: list[str] = []
    for number in range(99):
        counted: list[str] = []

        def step(name: str, number: int = number, counted: list[str] = counted) -> None:
            counted.append(name)
            if len(counted) == number + 1:
                raise Killed(name)

        try:
            await old.export(step)
        except Killed as killed:
            steps.append(str(killed).split(" ", maxsplit=1)[0])
            assert _not_zero(await old.owner.books()) == before
            assert (await verify_audit_chain(old.owner)).broken_at is None
            await commit(old.owner, old.hands.unit(events=(old.hands.event(),)))
        else:
            break
    assert {"export", "checkpoint", "detach"} <= set(steps)
    assert [name for name in await old.attached() if name in _LAST] == _LAST
    assert not [name for name in await old.attached() if name.endswith(("001", "011"))]


async def test_a_detaching_that_was_cut_off_is_finalized(old: Old) -> None:
    """It waits for a transaction that reads the table; its session dies in that wait."""
    holding, done = trio.Event(), trio.Event()

    async def _aio_hold(connection: Connection) -> None:
        await connection.execute("SELECT count(*) FROM events")
        holding.set()
        while not done.is_set():
            await asyncio.sleep(0.005)

    async def _aio_cut(connection: Connection) -> bool:
        return bool(
            await connection.fetchval(
                "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE query LIKE '%events%DETACH%CONCURRENTLY%' AND wait_event_type = 'Lock'"
                " AND pid <> pg_backend_pid()"
            )
        )

    async def cut() -> None:
        with trio.fail_after(20):
            while not await old.pool.run(_aio_cut):
                await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(old.pool.commit, _aio_hold, deadline_s=40))
        await holding.wait()
        nursery.start_soon(cut)
        with pytest.raises(OutcomeUnknown):
            await old.export()
        done.set()
    exported = await old.export()
    assert "events_from_000000000001" in exported.detached
    assert await old.attached() == _LAST
    assert await old.owner.last_sequence() == 26


async def test_only_one_run_is_at_work(old: Old) -> None:
    async def _aio_other(connection: Connection) -> None:
        await connection.fetchval("SELECT pg_advisory_lock($1)", 0x6F666668)
        try:
            holding.set()
            while not done.is_set():
                await asyncio.sleep(0.005)
        finally:
            await connection.fetchval("SELECT pg_advisory_unlock($1)", 0x6F666668)

    holding, done = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(old.pool.run, _aio_other)
        await holding.wait()
        with pytest.raises(HistoryBusy):
            await old.export()
        done.set()


async def test_what_is_younger_than_a_day_stays(old: Old) -> None:
    with pytest.raises(ValueError, match="24 hours"):
        await evolve(old, before=old.hands.now).export()
    await evolve(old, before=old.before - timedelta(minutes=15)).export()
    checkpoint = await old.owner.checkpoint()
    assert checkpoint is not None
    assert checkpoint.event_sequence == 10


async def test_a_chain_that_is_broken_is_not_detached(old: Old) -> None:
    await execute(
        old.pool,
        "ALTER TABLE audit DISABLE TRIGGER append_only;"
        "UPDATE audit SET canonical = replace(canonical, '\"ok\"', '\"no\"') WHERE sequence = 3",
    )
    with pytest.raises(HistoryBroken, match="entry 3"):
        await old.export()
    assert await old.owner.checkpoint() is None


async def test_a_checkpoint_that_was_changed_is_found(old: Old) -> None:
    await old.export()
    await execute(
        old.pool,
        "UPDATE checkpoint_sums SET amount = amount + 1 WHERE name LIKE 'available/%'",
    )
    found = await verify_audit_chain(old.owner)
    assert found.reason == "the chain does not confirm the checkpoint that it is checked from"
