"""Exported history is dropped only where its files are proven to hold it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from storage.postgres.export import HistoryBroken
from storage.postgres.pool import Connection, Pool
from storage.postgres.storage import PostgresStorage
from tests.storage.test_contract import commit, new_user
from tests.storage.test_history import _live, _open, past_pool  # noqa: F401 - a fixture
from tests.storage.units import Hands


async def tables(pool: Pool) -> set[str]:
    async def _aio_tables(connection: Connection) -> set[str]:
        rows = await connection.fetch(
            "SELECT relname::text FROM pg_class WHERE relname ~ '_from_[0-9]+$'"
            " AND relkind = 'r' AND NOT relispartition"
        )
        return {row[0] for row in rows}

    return await pool.read(_aio_tables)


@pytest.fixture
async def exported(past_pool: Pool, hands: Hands, tmp_path: Path) -> PostgresStorage:  # noqa: F811
    """A storage whose old history lies in files, its tables detached and still there."""
    storage = await _open(past_pool, hands)
    user = await new_user(storage, hands)
    await commit(storage, hands.deposit(user.id, "100.0", dedupe="deposit/1"))
    await _live(storage, hands, user.id, 25)
    before = hands.now + timedelta(seconds=1)
    hands.pass_time(days=2)
    await storage.history.export(before, tmp_path)
    assert await tables(past_pool)
    return storage


async def test_what_is_proven_is_dropped_and_audited_and_the_rest_lives_on(
    exported: PostgresStorage,
    past_pool: Pool,  # noqa: F811
    tmp_path: Path,
) -> None:
    there = await tables(past_pool)
    last = await exported.last_sequence()
    proven = await exported.history.drop(tmp_path, "root")
    assert (there, {}) == (set(proven.safe), proven.unproven)
    assert set() == await tables(past_pool)
    assert last == await exported.last_sequence()
    checkpoint = await exported.checkpoint()
    assert checkpoint is not None
    entries = await exported.audit_after(checkpoint.audit_sequence, 100)
    said = [json.loads(entry.canonical) for entry in entries]
    (entry,) = [each for each in said if each["action"] == "history.drop"]
    assert ("cli:root", dict(proven.safe)) == (entry["actor"], entry["after"]["tables"])
    again = await exported.history.drop(tmp_path, "root")
    assert ({}, {}) == (again.safe, again.unproven)


async def test_a_table_whose_file_is_changed_or_missing_stays(
    exported: PostgresStorage,
    past_pool: Pool,  # noqa: F811
    tmp_path: Path,
) -> None:
    there = sorted(await tables(past_pool))
    changed, missing = there[0], there[1]
    with (tmp_path / f"{changed}.csv").open("a") as file:
        file.write("x")
    (tmp_path / f"{missing}.csv").unlink()
    proven = await exported.history.drop(tmp_path, "root")
    assert {changed, missing} == set(proven.unproven) == await tables(past_pool)
    assert "other contents" in proven.unproven[changed]
    assert "missing" in proven.unproven[missing]


async def test_a_manifest_that_nobody_vouches_for_proves_nothing(
    exported: PostgresStorage,
    past_pool: Pool,  # noqa: F811
    tmp_path: Path,
) -> None:
    there = await tables(past_pool)
    manifest = tmp_path / "checkpoint-000001.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(HistoryBroken):
        await exported.history.drop(tmp_path, "root")
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    elsewhere = await exported.history.drop(empty, "root")
    assert there == set(elsewhere.unproven) == await tables(past_pool)
