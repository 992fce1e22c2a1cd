"""The database read directly, beside the running process or after its death."""

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import outcome
import trio
import trio_asyncio

from offerhub.domain.chain import ChainOperation
from offerhub.domain.order import Order
from offerhub.domain.withdrawal import Withdrawal
from storage.port import Storage, StoredClaim
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage

T = TypeVar("T")

_DEADLINE_S = 60
_POLL_S = 0.05


def read(database_url: str, question: Callable[[Storage], Awaitable[T]]) -> T:
    """Ask the storage something; the running process stays the owner of the database."""

    async def main() -> outcome.Outcome[T]:
        with trio.fail_after(_DEADLINE_S):
            async with trio_asyncio.open_loop(), open_pool(database_url, size_max=1) as pool:
                storage = await open_postgres_storage(
                    pool,
                    random_bytes=os.urandom,
                    clock=lambda: datetime.now(UTC),
                    take_over=False,
                )
                return await outcome.acapture(question, storage)

    # Unwrapped out here, a failed assertion is not wrapped into the groups of the nurseries.
    return trio.run(main).unwrap()


def record_under(database_url: str, key: str) -> StoredClaim | None:
    """What stands under an idempotency key; `None` before the schema stands, too."""
    return read(database_url, lambda storage: storage.idempotency(key))


async def at_rest(storage: Storage) -> None:
    """Wait until nothing is on the way any more. Raises `AssertionError` after 30 s."""
    standing: dict[str, object] = {}
    with trio.move_on_after(30):
        while True:
            standing = {
                "operations": [
                    (str(each.step), each.status.value, each.last_error)
                    for each in await storage.open_operations()
                ],
                "orders": await storage.in_flight(Order, 0, 1_000),
                "withdrawals": await storage.in_flight(Withdrawal, 0, 1_000),
                "wallets": [each.id for each in await storage.wallets_activating()],
            }
            if not any(standing.values()):
                return
            await trio.sleep(_POLL_S)
    raise AssertionError(f"still on the way: {standing}")


async def until(storage: Storage, fulfilled: Callable[[Sequence[ChainOperation]], bool]) -> None:
    """Wait until the open chain operations are as wanted. Raises `AssertionError` after 30 s."""
    with trio.move_on_after(30):
        while not fulfilled(await storage.open_operations()):
            await trio.sleep(_POLL_S)
        return
    raise AssertionError("no such chain operation came")
