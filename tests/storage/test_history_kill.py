"""`offerhub history export` killed by SIGKILL: the next run finishes what it had begun.

The command is the real one, a process of its own, beside an owner that goes on committing.
"""

import asyncio
import csv
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
import trio
from attrs import define, field

from offerhub.domain.ids import iso
from offerhub.domain.ledger import Books, check_identities
from storage.audit_chain import verify_audit_chain
from storage.postgres.migrate import migrate
from storage.postgres.pool import Connection, Pool, open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from tests.storage.test_contract import commit, new_user
from tests.storage.units import Hands

_SIZE: Final = 10
_EVENTS: Final = 26
"""Three partitions of each table, the first two complete."""
_TABLES: Final = ("audit", "events", "holdings", "postings", "transfers")
_DENSE: Final = ("audit", "events", "transfers")
"""Those with exactly one row a sequence."""
_LONG_AGO: Final = datetime(2024, 2, 3, 12, tzinfo=UTC)
"""The command measures age by the real clock, wherever this runs."""
_PATIENCE_S: Final = 60.0

_numbers = itertools.count(1)


@define
class Old:
    """A database with old history, its owner, and where the command writes."""

    dsn: str
    pool: Pool
    owner: PostgresStorage
    hands: Hands
    home: Path
    before: datetime
    _books: Books = field(init=False)

    @property
    def out(self) -> Path:
        return self.home / "out"

    async def look(self) -> None:
        """Remember the books, as they must be after whatever happens."""
        self._books = await self.owner.books()

    @asynccontextmanager
    async def exporting(self, failpoint: str | None = None) -> AsyncIterator[trio.Process]:
        """A run of the command; whatever still lives at the end is killed."""
        environment: Mapping[str, str] = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "DATABASE_URL": self.dsn,
            "OFFERHUB_HOME": str(self.home),
            "OFFERHUB_ENV": "development",
            **({} if failpoint is None else {"OFFERHUB_FAILPOINT": failpoint}),
        }
        arguments = ("history", "export", "--before", iso(self.before)[:19] + "Z")
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "offerhub", *arguments, "--out", str(self.out)],
            env=environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            with trio.CancelScope(shield=True):
                process.kill()
                await process.wait()

    async def die_at(self, failpoint: str) -> bool:
        """Whether a run died at a failpoint; one that did not must have come to its end."""
        async with self.exporting(failpoint) as process:
            with trio.fail_after(_PATIENCE_S):
                status = await process.wait()
        assert status in {0, -signal.SIGKILL}
        await self.check()
        return status != 0

    async def finish(self) -> None:
        """Run until it is done: what a dead run's session still holds is given back in a moment."""
        with trio.fail_after(_PATIENCE_S):
            while True:
                async with self.exporting() as process:
                    if await process.wait() == 0:
                        break
                await trio.sleep(0.2)
        await self.check()

    async def check(self) -> None:
        """Books, audit chain and the owner's commits are as they would be without the command."""
        books = await self.owner.books()
        check_identities(books, "usr_platform")
        assert _not_zero(books) == _not_zero(self._books)
        assert (await verify_audit_chain(self.owner)).broken_at is None
        await commit(self.owner, self.hands.unit(events=(self.hands.event(),)))

    async def check_whole(self) -> None:
        """Every sequence is in the files that a manifest vouches for, or attached; none in both."""
        kept: dict[str, list[int]] = {}
        for manifest in sorted(self.out.glob("checkpoint-*.json")):
            for file in json.loads(manifest.read_text())["files"]:
                data = (self.out / file["file"]).read_bytes()
                assert file["sha256"] == sha256(data).hexdigest()
                rows = list(csv.DictReader(data.decode().splitlines()))
                assert file["rows"] == len(rows)
                if file["table"] in _DENSE:
                    kept.setdefault(file["table"], []).extend(int(row["sequence"]) for row in rows)
        for table in _DENSE:
            attached = await self._sequences(table)
            whole = sorted(kept[table]) + attached
            assert whole == [*range(1, len(whole) + 1)], table
            assert len(kept[table]) == 2 * _SIZE
        assert await self._attached() == [f"{table}_from_{21:012d}" for table in _TABLES]

    async def _sequences(self, table: str) -> list[int]:
        async def _aio_read(connection: Connection) -> list[int]:
            rows = await connection.fetch(f"SELECT sequence FROM {table} ORDER BY sequence")
            return [int(row[0]) for row in rows]

        return await self.pool.read(_aio_read)

    async def _attached(self) -> list[str]:
        async def _aio_names(connection: Connection) -> list[str]:
            rows = await connection.fetch(
                "SELECT name FROM partitions WHERE first <= $1 ORDER BY parent, first", _EVENTS
            )
            return [str(row[0]) for row in rows]

        return await self.pool.read(_aio_names)

    async def waits_for_a_lock(self) -> str:
        """Wait until the command waits for somebody else's lock: with which statement."""

        async def _aio_waiting(connection: Connection) -> str | None:
            found: str | None = await connection.fetchval(
                "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            return found

        with trio.fail_after(_PATIENCE_S):
            while (waiting := await self.pool.read(_aio_waiting)) is None:
                await trio.sleep(0.02)
        return waiting

    @asynccontextmanager
    async def holding(self, statement: str) -> AsyncIterator[None]:
        """Keep the locks of a statement for the time of the block."""
        holds, done = trio.Event(), trio.Event()

        async def _aio_hold(connection: Connection) -> None:
            await connection.execute(statement)
            holds.set()
            while not done.is_set():
                await asyncio.sleep(0.005)

        async def hold() -> None:
            await self.pool.commit(_aio_hold, deadline_s=2 * _PATIENCE_S)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hold)
            await holds.wait()
            try:
                yield
            finally:
                done.set()


@pytest.fixture
async def old(aio_loop: None, empty_database_dsn: str, tmp_path: Path) -> AsyncIterator[Old]:
    await migrate(empty_database_dsn)
    async with open_pool(empty_database_dsn, size_max=4) as pool:
        hands = Hands(now=_LONG_AGO)
        owner = await open_postgres_storage(
            pool,
            random_bytes=lambda count: next(_numbers).to_bytes(count, "big"),
            clock=hands.clock,
            partition_size=_SIZE,
        )
        user = await new_user(owner, hands)
        await commit(owner, hands.deposit(user.id, "100.0"))
        await commit(owner, hands.unit(events=(hands.event(),), audit=(hands.entry(),)))
        for number in range(_EVENTS - 1):
            hands.pass_time(minutes=1)
            await commit(owner, hands.reserve(user.id, "0.10", order_id=f"ord_{number // 4}"))
            await owner.upkeep.round()
        made = Old(
            empty_database_dsn, pool, owner, hands, tmp_path, hands.now + timedelta(minutes=1)
        )
        await made.look()
        hands.pass_time(days=2)
        yield made


async def test_an_export_that_is_killed_is_finished_by_the_next(old: Old) -> None:
    for failpoint in ("history.before_checkpoint#1", "history.before_detach#3"):
        assert await old.die_at(failpoint)
    await old.finish()
    await old.check_whole()


@pytest.mark.kill
async def test_an_export_that_is_killed_at_every_step_in_turn_is_finished(old: Old) -> None:
    """Each run detaches one more than the one before it, and dies."""
    for step in ("export", "checkpoint", "checkpoint"):
        assert await old.die_at(f"history.before_{step}#1")
    deaths = 0
    while await old.die_at(f"history.before_detach#{deaths + 1}"):
        deaths += 1
    assert deaths > 2
    await old.finish()
    await old.check_whole()


@pytest.mark.kill
@pytest.mark.parametrize(
    ("statement", "waiting"),
    [
        ("SELECT 1 FROM counters FOR UPDATE", "lock_for_commit"),
        ("SELECT count(*) FROM events", "DETACH PARTITION"),
    ],
    ids=["committing", "detaching"],
)
async def test_an_export_that_is_killed_within_a_step_is_finished(
    old: Old, statement: str, waiting: str
) -> None:
    """Its session outlives it, waiting for the lock; the next run must bear with it."""
    async with old.exporting() as process, old.holding(statement):
        assert waiting in await old.waits_for_a_lock()
        process.kill()
        await process.wait()
    await old.finish()
    await old.check_whole()


@pytest.mark.kill
async def test_an_export_that_is_killed_between_two_files_is_finished(old: Old) -> None:
    """A pipe that nobody reads stands where the next file is written: it waits there."""
    old.out.mkdir()
    pipe = old.out / "postings_from_000000000011.csv.part"
    os.mkfifo(pipe)
    async with old.exporting() as process:
        with trio.fail_after(_PATIENCE_S):
            while not (old.out / "postings_from_000000000001.csv").exists():
                await trio.sleep(0.02)
        await trio.sleep(0.05)
        process.kill()
        await process.wait()
    await old.check()
    pipe.unlink()
    await old.finish()
    await old.check_whole()


def _not_zero(books: Books) -> tuple[dict[str, Any], dict[str, Any]]:
    return (
        {name: amount for name, amount in books.accounts.items() if amount != 0},
        {name: amount for name, amount in books.holdings.items() if amount != 0},
    )
