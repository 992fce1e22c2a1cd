"""Write the dump of today's schema with a little data: `python -m tests.storage.dump`.

It is made anew only while a schema is unreleased; the dump of a released one stays, and what comes
after it is a migration of its own.
"""

import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Final

import trio
import trio_asyncio

from storage.embedded import EmbeddedPostgres, discard_home
from storage.embedded.binaries import postgres_programs
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage
from tests.storage.conftest import random_bytes
from tests.storage.test_contract import commit, new_user
from tests.storage.units import Hands

DUMP: Final = Path(__file__).parent / "stored" / "schema_v1.sql"
SIZE: Final = 10
ORDERS: Final = 13


async def main(home: Path) -> None:
    """Live a little in a fresh database, put a part away, and dump it."""
    async with trio_asyncio.open_loop(), trio.open_nursery() as nursery:
        dsn = await nursery.start(EmbeddedPostgres(home, random_bytes=bytes, durable=False).run)
        await migrate(dsn)
        async with open_pool(dsn, size_max=4) as pool:
            hands = Hands()
            storage = await open_postgres_storage(
                pool, random_bytes=random_bytes(), clock=hands.clock, partition_size=SIZE
            )
            user = await new_user(storage, hands)
            await commit(storage, hands.deposit(user.id, "100.0", dedupe="deposit/1"))
            for _ in range(ORDERS):
                order = hands.order(buyer_id=user.id)
                await commit(
                    storage,
                    hands.reserve(user.id, "1.00", order_id=order.id, writes=(order,)),
                )
                await storage.upkeep.round()
            before = hands.now + timedelta(seconds=1)
            hands.pass_time(days=2)
            await storage.history.export(before, home / "out")
            await commit(storage, hands.unit(idempotency=hands.record("key-1")))
        text = await trio.to_thread.run_sync(_dumped, dsn)
        await trio.Path(DUMP).write_text(text)
        nursery.cancel_scope.cancel()


def _dumped(dsn: str) -> str:
    program = postgres_programs(None) / "pg_dump"
    done = subprocess.run(
        [program, "--no-owner", "--no-privileges", "--inserts", dsn],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    # Lines for psql only, whose keys differ from dump to dump.
    return "".join(
        line for line in done.stdout.splitlines(keepends=True) if not line.startswith("\\")
    )


if __name__ == "__main__":
    home = Path(tempfile.mkdtemp(prefix="offerhub-dump-"))
    try:
        trio.run(main, home)
    finally:
        discard_home(home)
