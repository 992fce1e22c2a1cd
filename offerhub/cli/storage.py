"""Storage for the command line, beside a running orchestrator and without taking its place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from offerhub.composition.work import Sources
from storage.embedded import EmbeddedPostgres
from storage.postgres.pool import open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage


@asynccontextmanager
async def open_beside(
    database_url: str | None, home: Path, sources: Sources
) -> AsyncIterator[PostgresStorage]:
    """The storage that the running process uses; needs trio-asyncio's loop around it.

    Args:
        database_url: `None`: the embedded server of the home, which must run.
    """
    dsn = database_url
    if dsn is None:
        dsn = EmbeddedPostgres(home, random_bytes=sources.random_bytes).running_dsn()
    if dsn is None:
        msg = "the embedded PostgreSQL of this home is not running"
        raise click.ClickException(msg)
    async with open_pool(dsn, size_max=1) as pool:
        yield await open_postgres_storage(
            pool, random_bytes=sources.random_bytes, clock=sources.now, take_over=False
        )
