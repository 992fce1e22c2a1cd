"""`offerhub audit verify`: whole or broken, where and why, by the status that scripts see."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio_asyncio
from click.testing import CliRunner

from offerhub.cli import exits, main
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage
from tests.storage.conftest import execute, random_bytes
from tests.storage.units import Hands

ENTRIES = 5


@pytest.fixture
def dsn(database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with a chain of some entries."""
    monkeypatch.chdir(tmp_path)
    hands = Hands()

    async def fill() -> None:
        async with trio_asyncio.open_loop(), open_pool(database_dsn, size_max=1) as pool:
            storage = await open_postgres_storage(
                pool, random_bytes=random_bytes(), clock=hands.clock
            )
            await storage.commit([hands.unit(audit=(hands.entry(),)) for _ in range(ENTRIES)])

    trio.run(fill)
    return database_dsn


@pytest.fixture
def tamper(dsn: str) -> Callable[[str], None]:
    """Change the audit as only whoever owns the database can."""

    def change(statement: str) -> None:
        async def run() -> None:
            async with trio_asyncio.open_loop(), open_pool(dsn, size_max=1) as pool:
                names = ["audit", "audit_from_000000000001"]
                off = "".join(f"ALTER TABLE {each} DISABLE TRIGGER append_only;" for each in names)
                await execute(pool, off + statement)

        trio.run(run)

    return change


def verify(dsn: str, *arguments: str) -> tuple[int, str]:
    environment = {"DATABASE_URL": dsn, "OFFERHUB_ENV": "development"}
    done = CliRunner().invoke(main, ["audit", "verify", *arguments], env=environment)
    return done.exit_code, done.stdout


def test_a_chain_as_it_was_written_is_whole(dsn: str) -> None:
    status, out = verify(dsn, "--json")

    found = json.loads(out)
    assert (exits.DONE, True, 1, ENTRIES) == (
        status,
        found["whole"],
        found["checkedFrom"],
        found["entries"],
    )
    assert 64 == len(found["lastHash"])
    assert "entries" in verify(dsn)[1]


@pytest.mark.parametrize(
    ("statement", "broken_at", "reason"),
    [
        (
            "UPDATE audit SET canonical = replace(canonical, '\"ok\"', '\"no\"') WHERE sequence = 3",
            3,
            "the entry's text is not what was hashed",
        ),
        (
            "UPDATE audit SET user_id = 'usr_x' WHERE sequence = 2",
            2,
            "the entry is listed as something else than its text says",
        ),
        ("DELETE FROM audit WHERE sequence = 4", 4, "the entry is missing"),
        ("DELETE FROM audit WHERE sequence > 3", 4, "the newest entries are missing"),
        ("DELETE FROM audit", 1, "the newest entries are missing"),
        (
            "UPDATE counters SET audit_hash = ''",
            ENTRIES,
            "the entry is not the one that was committed",
        ),
    ],
)
def test_where_it_was_changed_it_is_broken(
    dsn: str, tamper: Callable[[str], None], statement: str, broken_at: int, reason: str
) -> None:
    tamper(statement)

    status, out = verify(dsn, "--json")

    found = json.loads(out)
    assert (exits.REFUSED, False, broken_at, reason) == (
        status,
        found["whole"],
        found["brokenAt"],
        found["reason"],
    )
