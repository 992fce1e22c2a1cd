"""An old snapshot that somebody holds degrades health until it is given back."""

import asyncio
from functools import partial

import trio

from offerhub.composition.work import watch_upkeep
from storage.postgres.partitions import Partitions
from storage.postgres.pool import Connection, open_pool
from storage.postgres.upkeep import Upkeep
from tests.web.running import RunningInstance


async def concerns(running: RunningInstance) -> tuple[str, dict[str, str]]:
    data = (await (await running.get("/health/detailed")).get_json())["data"]
    return data["status"], data["concerns"]


async def test_who_holds_an_old_snapshot_is_a_concern_until_it_is_given_back(
    aio_loop: None, database_dsn: str, running: RunningInstance
) -> None:
    holding, done = trio.Event(), trio.Event()

    async def _aio_hold(connection: Connection) -> None:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await connection.execute("SELECT FROM counters")
        holding.set()
        while not done.is_set():
            await asyncio.sleep(0.005)

    async with open_pool(database_dsn, size_max=2) as pool:
        # In seconds what takes a quarter of an hour where a snapshot is not old at once.
        upkeep = Upkeep(pool, Partitions(pool), old_s=0.0)
        watch_upkeep(upkeep, running.system.alarms)
        await upkeep.round()
        assert ("healthy", {}) == await concerns(running)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(pool.commit, _aio_hold, deadline_s=30))
            await holding.wait()
            await upkeep.round()
            status, found = await concerns(running)
            assert "degraded" == status
            assert "idle in transaction" in found["old_snapshot"]
            assert "the database swells" in found["old_snapshot"]
            done.set()
        await upkeep.round()
        assert ("healthy", {}) == await concerns(running)
