"""The two stores that the contract suite runs against."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from attrs import define

from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import Storage
from storage.postgres.pool import Connection, Pool, open_pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from tests.storage.units import Hands


@define
class Store:
    """What outlives a process: `open` gives each new process its handle."""

    open: Callable[[], Awaitable[Storage]]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(params=["twin", "postgres"])
def store_dsn(request: pytest.FixtureRequest) -> str | None:
    """The DSN of the fresh database; `None` for the twin, which needs no server."""
    return request.getfixturevalue("database_dsn") if request.param == "postgres" else None


@pytest.fixture
async def store(store_dsn: str | None, aio_loop: None, hands: Hands) -> AsyncIterator[Store]:
    if store_dsn is None:
        database = MemoryDatabase()

        async def open_twin() -> Storage:
            return MemoryStorage(database, hands.clock)

        yield Store(open_twin)
        return
    async with open_pool(store_dsn, size_max=4) as pool:
        source = random_bytes()

        async def open_postgres() -> Storage:
            return await open_postgres_storage(pool, random_bytes=source, clock=hands.clock)

        yield Store(open_postgres)


@pytest.fixture
async def storage(store: Store) -> Storage:
    return await store.open()


def random_bytes() -> Callable[[int], bytes]:
    """Bytes that differ from call to call."""
    numbers = iter(range(1, 256))
    return lambda count: bytes([next(numbers)]) * count


async def execute(pool: Pool, statement: str) -> None:
    """Commit what a statement does."""

    async def _aio_execute(connection: Connection) -> None:
        await connection.execute(statement)

    await pool.commit(_aio_execute)


@pytest.fixture
async def postgres(pool: Pool, hands: Hands) -> PostgresStorage:
    return await open_postgres_storage(pool, random_bytes=random_bytes(), clock=hands.clock)
