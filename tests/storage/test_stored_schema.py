"""What a released version stored opens under today's code, and goes on.

A difference in the migrations' contents is refused: a released migration is never edited. While a
schema is unreleased, `python -m tests.storage.dump` makes its dump anew.
"""

import asyncpg
from trio_asyncio import aio_as_trio

from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import RefusalKind
from storage.audit_chain import verify_audit_chain
from storage.port import OrderFilter
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage
from tests.storage.dump import DUMP, ORDERS, SIZE
from tests.storage.test_contract import commit, refused
from tests.storage.units import Hands


async def _aio_restore(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(DUMP.read_text())
    finally:
        await connection.close()


async def test_a_dump_of_the_first_schema_opens_and_goes_on(
    aio_loop: None, empty_database_dsn: str, hands: Hands
) -> None:
    await aio_as_trio(_aio_restore)(empty_database_dsn)
    await migrate(empty_database_dsn)
    async with open_pool(empty_database_dsn, size_max=4) as pool:
        storage = await open_postgres_storage(
            pool, random_bytes=lambda count: b"n" * count, clock=hands.clock, partition_size=SIZE
        )
        orders = (await storage.orders(OrderFilter(), None, 99)).items
        assert len(orders) == ORDERS
        assert await storage.load(Order, orders[0].id) == orders[0]
        balance = await storage.balance(orders[0].buyer_id)
        assert balance is not None
        assert (await storage.books()).account(f"reserved/{balance.user_id}") == balance.reserved
        checkpoint = await storage.checkpoint()
        assert checkpoint is not None
        assert checkpoint.transfer_sequence == SIZE
        assert (await verify_audit_chain(storage)).broken_at is None
        again = hands.deposit(balance.user_id, "100.0", dedupe="deposit/1", id="trf_new")
        assert refused((await storage.commit([again]))[0]) == (RefusalKind.TAKEN, "dedupe")
        hands.number = 10_000
        await commit(storage, hands.reserve(balance.user_id, "1.00"))
