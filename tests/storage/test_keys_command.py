"""`offerhub keys list` shows when each key was last used."""

import json
from pathlib import Path

import pytest
import trio
import trio_asyncio
from click.testing import CliRunner

from offerhub.cli import main
from offerhub.domain.ids import iso
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage
from tests.storage.conftest import random_bytes
from tests.storage.units import Hands


def test_the_list_shows_the_last_use(
    database_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hands = Hands()
    used, unused = hands.api_key(), hands.api_key()

    async def fill() -> None:
        async with trio_asyncio.open_loop(), open_pool(database_dsn, size_max=1) as pool:
            storage = await open_postgres_storage(
                pool, random_bytes=random_bytes(), clock=hands.clock
            )
            await storage.commit([hands.unit(writes=(used, unused))])
            await storage.note_key_uses({used.id: hands.now})

    trio.run(fill)
    environment = {"DATABASE_URL": database_dsn, "OFFERHUB_ENV": "development"}
    done = CliRunner().invoke(main, ["keys", "list", "--json"], env=environment)

    shown = {row["id"]: row["lastUsedAt"] for row in json.loads(done.stdout)}
    assert {used.id: iso(hands.now), unused.id: None} == shown
