"""Real servers for tests: one PostgreSQL and one Redis a session, a fresh database a test.

Load with `pytest_plugins = ["tests.storage.fixtures"]`. The servers start when the first test
asks for them and run on a Trio loop of their own in a thread; they are the embedded servers that
the program ships. They are stopped at the end of the session, Ctrl-C included; what a session
that was killed left behind is removed by the next one.
"""

import asyncio
import itertools
import os
import queue
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis
import trio
import trio_asyncio
from attrs import define

from storage.embedded import EmbeddedPostgres, EmbeddedRedis, HomeInUse, discard_home
from storage.postgres.migrate import migrate
from storage.postgres.partitions import Partitions
from storage.postgres.pool import Pool, open_pool
from storage.redis import RedisBuffer, open_redis

_PREFIX = f"offerhub-tests-{os.geteuid()}-"
_START_DEADLINE_S = 60
_LEFT_BEHIND_S = 1800.0
_MIGRATED = "template_migrated"


@define
class Server:
    """A running server; `address` is a PostgreSQL DSN or a Redis URL."""

    address: str

    def database(self, name: str) -> str:
        """The DSN of another database of the same PostgreSQL."""
        return self.address.replace("@/offerhub?", f"@/{name}?")


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A home that unprivileged servers can reach, removed at the end."""
    for leftover in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Old: of a session that was killed, not of one beside this that has not begun to use it.
        with suppress(HomeInUse, OSError):
            age_s = time.time() - leftover.stat().st_mtime  # noqa: TID251 - of a file, by its clock
            if age_s > _LEFT_BEHIND_S:
                discard_home(leftover)
    home = Path(tempfile.mkdtemp(prefix=_PREFIX))
    yield home
    discard_home(home)


@pytest.fixture(scope="session")
def postgres_server(server_home: Path) -> Iterator[Server]:
    """The session's PostgreSQL, without fsync."""
    service = EmbeddedPostgres(server_home, random_bytes=bytes, durable=False)
    yield from _serve(service)


@pytest.fixture(scope="session")
def redis_server(server_home: Path) -> Iterator[Server]:
    """The session's Redis."""
    yield from _serve(EmbeddedRedis(server_home, random_bytes=bytes))


@pytest.fixture(scope="session")
def migrated_template(postgres_server: Server) -> str:
    """The name of a database with all migrations and partitions of the usual size, to be copied."""
    _execute(postgres_server, f"CREATE DATABASE {_MIGRATED}")

    async def main() -> None:
        async with trio_asyncio.open_loop():
            await migrate(postgres_server.database(_MIGRATED))
            async with open_pool(postgres_server.database(_MIGRATED), size_max=1) as opened:
                await Partitions(opened).keep_ahead()

    trio.run(main)
    return _MIGRATED


@pytest.fixture
def database_dsn(postgres_server: Server, migrated_template: str) -> Iterator[str]:
    """The DSN of a fresh database with the whole schema."""
    yield from fresh_database(postgres_server, migrated_template)


@pytest.fixture
def empty_database_dsn(postgres_server: Server) -> Iterator[str]:
    """The DSN of a fresh database without tables."""
    yield from fresh_database(postgres_server, "template0")


@pytest.fixture
def redis_url(redis_server: Server) -> str:
    """The URL of a Redis that holds nothing."""
    client = redis.Redis.from_url(redis_server.address)
    with client:
        client.flushall()
    return redis_server.address


@pytest.fixture
async def aio_loop() -> AsyncIterator[None]:
    """trio-asyncio's loop around the test, as `open_loop()` is around the program."""
    async with trio_asyncio.open_loop():
        yield


@pytest.fixture
async def pool(aio_loop: None, database_dsn: str) -> AsyncIterator[Pool]:
    """A pool of at most four connections on a fresh database with the whole schema."""
    async with open_pool(database_dsn, size_max=4) as opened:
        yield opened


@pytest.fixture
async def empty_pool(aio_loop: None, empty_database_dsn: str) -> AsyncIterator[Pool]:
    """A pool of at most four connections on a fresh database without tables."""
    async with open_pool(empty_database_dsn, size_max=4) as opened:
        yield opened


@pytest.fixture
async def redis_buffer(aio_loop: None, redis_url: str) -> AsyncIterator[RedisBuffer]:
    """A buffer on an empty Redis, patient enough for a busy machine."""
    async with open_redis(redis_url, deadline_s=5) as opened:
        yield opened


_numbers = itertools.count(1)


def fresh_database(server: Server, template: str) -> Iterator[str]:
    """The DSN of a copy of another database, dropped at the end."""
    name = f"test_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.database(name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(server: Server, statement: str) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(server.address)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(main())


def _serve(service: Any) -> Iterator[Server]:
    """Run an embedded server on a Trio loop in a thread for as long as the fixture lives."""
    started: queue.Queue[tuple[str, trio.lowlevel.TrioToken, trio.CancelScope] | BaseException]
    started = queue.Queue()
    thread = threading.Thread(target=_run_until_cancelled, args=(service, started), daemon=True)
    thread.start()
    answer = started.get(timeout=_START_DEADLINE_S)
    if isinstance(answer, BaseException):
        raise answer
    address, token, scope = answer
    try:
        yield Server(address)
    finally:
        with suppress(trio.RunFinishedError):
            token.run_sync_soon(scope.cancel)
        thread.join(timeout=30)


def _run_until_cancelled(service: Any, started: "queue.Queue[Any]") -> None:
    async def main() -> None:
        async with trio_asyncio.open_loop(), trio.open_nursery() as nursery:
            address = await nursery.start(service.run)
            started.put((address, trio.lowlevel.current_trio_token(), nursery.cancel_scope))

    try:
        trio.run(main)
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
        started.put(error)
