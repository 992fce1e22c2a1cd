"""Storage for the command line: beside a running orchestrator, or with a server of its own.

A command never takes the database over: whoever owns it goes on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

import trio
import trio_asyncio

from actors.kernel import ungrouped
from offerhub import app
from offerhub.cli.output import Working, working
from offerhub.composition.work import Sources
from offerhub.settings import Settings
from storage.embedded import EmbeddedPostgres, HomeInUse, hold_home
from storage.postgres.pool import open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage

T = TypeVar("T")

_HOME_FREE_S: Final = 15.0
"""How long a process that is just starting or stopping on the same home is waited for."""
_AGAIN_S: Final = 0.2


def with_storage(settings: Settings, work: Callable[[PostgresStorage], Awaitable[T]]) -> T:
    """Do something with the storage, on the database of the settings; a command's whole work."""
    return with_storage_shown(settings, lambda storage, _: work(storage))


def with_storage_shown(
    settings: Settings, work: Callable[[PostgresStorage, Working], Awaitable[T]]
) -> T:
    """As `with_storage`, for work that says how far it is."""

    async def main(shown: Working) -> T:
        sources = app.real_sources()
        with ungrouped():
            async with (
                trio_asyncio.open_loop(),
                open_beside(settings.database_url, settings.home, sources) as storage,
            ):
                return await work(storage, shown)

    with working("opening the database") as shown:
        return trio.run(main, shown)


@asynccontextmanager
async def open_beside(
    database_url: str | None, home: Path, sources: Sources
) -> AsyncIterator[PostgresStorage]:
    """The storage, whether a process runs on it or not; needs trio-asyncio's loop around it.

    Args:
        database_url: `None`: the embedded server of the home, started for the command if it does
            not run.
    """
    async with (
        open_database(database_url, home, sources) as dsn,
        open_pool(dsn, size_max=1, application_name="offerhub-cli") as pool,
    ):
        yield await open_postgres_storage(
            pool, random_bytes=sources.random_bytes, clock=sources.now, take_over=False
        )


@asynccontextmanager
async def open_database(
    database_url: str | None, home: Path, sources: Sources
) -> AsyncIterator[str]:
    """A URL (a secret) at which the database answers while the context is open.

    Raises:
        HomeInUse: another process has the home, and no database runs in it.
    """
    if database_url is not None:
        yield database_url
        return
    server = EmbeddedPostgres(home, random_bytes=sources.random_bytes)
    with ExitStack() as held:
        running = await _running_or_held(server, home, held)
        if running is not None:
            yield running
            return
        async with trio.open_nursery() as nursery:
            yield await nursery.start(server.run)
            nursery.cancel_scope.cancel()


async def _running_or_held(server: EmbeddedPostgres, home: Path, held: ExitStack) -> str | None:
    """The URL of the home's server, or `None` when the home is held: then nobody runs one."""
    give_up_at = trio.current_time() + _HOME_FREE_S
    while True:
        running = server.running_dsn()
        if running is not None:
            return running
        try:
            held.enter_context(hold_home(home))
        except HomeInUse:
            if trio.current_time() >= give_up_at:
                raise
        else:
            return None
        await trio.sleep(_AGAIN_S)
