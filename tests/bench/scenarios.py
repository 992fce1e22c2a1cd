"""What is measured: reads, the cheap half of an order's life, and whole lifecycles on the chain."""

import time
import uuid
from collections.abc import Sequence
from itertools import count

import trio
from attrs import frozen

from tests.bench.client import Connection, Failed
from tests.bench.measuring import BalanceAfter, Watch, in_parallel

API = "/api/v1"
CLIENTS = 16
BUYERS = 50


@frozen
class Target:
    """A server to measure: where it is and the key to use."""

    host: str
    port: int
    key: str

    def connection(self) -> Connection:
        return Connection(self.host, self.port, self.key)


@frozen
class Market:
    """Users that the scenarios trade between."""

    buyers: Sequence[str]
    sellers: Sequence[str]
    addresses: Sequence[str]


def fresh_key() -> str:
    """A key as the documentation advises: a UUID v4."""
    return str(uuid.uuid4())


async def bare(target: Target, seconds: float) -> BalanceAfter:
    """The bare route of the same stack."""
    return await _hammer(target, "bare route", seconds, "GET", ["/bare"])


async def get_order(target: Target, order_ids: Sequence[str], seconds: float) -> BalanceAfter:
    """`GET /orders/{id}` of active orders."""
    paths = [f"{API}/orders/{order_id}" for order_id in order_ids]
    return await _hammer(target, "GET order", seconds, "GET", paths)


async def _hammer(
    target: Target, name: str, seconds: float, method: str, paths: Sequence[str]
) -> BalanceAfter:
    watch = Watch()
    end = time.perf_counter() + seconds

    async def work(index: int) -> None:
        async with target.connection() as connection:
            for turn in count(index):
                if time.perf_counter() >= end:
                    return
                path = paths[turn % len(paths)]
                status, body = await watch.timed(connection.call(method, path))
                if status != 200:
                    msg = f"{path}: {status} {body[:200]!r}"
                    raise Failed(msg)

    return watch.figure(name, await in_parallel(CLIENTS, work))


async def open_market(target: Target, tag: str, buyers: int) -> Market:
    """Create users and wait until their wallets can receive USDC."""
    async with target.connection() as connection:
        made = [
            await connection.data(
                "POST",
                f"{API}/users",
                {"externalUserId": f"{tag}-{index}"},
                key=fresh_key(),
                expected=201,
            )
            for index in range(2 * buyers)
        ]
        for user in made:
            while True:
                shown = await connection.data("GET", f"{API}/users/{user['id']}")
                if shown["wallet"]["status"] == "ACTIVE":
                    break
                await trio.sleep(0.05)
    addresses = [user["wallet"]["publicKey"] for user in made]
    ids = [user["id"] for user in made]
    return Market(ids[:buyers], ids[buyers:], addresses[:buyers])


async def deposit(target: Target, sandbox: Target, market: Market, amount: str) -> None:
    """Pay every buyer from the sandbox's faucet and wait for the credits."""

    async def pay(index: int) -> None:
        async with sandbox.connection() as connection:
            for address in market.addresses[index::CLIENTS]:
                status, body = await connection.call(
                    "POST", "/faucet", {"address": address, "amount": amount}
                )
                if status != 200:
                    raise Failed(body[:200])

    await in_parallel(CLIENTS, pay)
    async with target.connection() as connection:
        for buyer in market.buyers:
            while True:
                balance = await connection.data("GET", f"{API}/users/{buyer}/balance")
                if balance["available"] == amount:
                    break
                await trio.sleep(0.05)


async def create_reserve_cancel(
    target: Target, market: Market, seconds: float
) -> tuple[BalanceAfter, BalanceAfter, BalanceAfter]:
    """Create, reserve and cancel, each with an idempotency key, at 16 clients over 50 buyers."""
    watches = Watch(), Watch(), Watch()
    end = time.perf_counter() + seconds

    async def work(index: int) -> None:
        async with target.connection() as connection:
            for turn in count(index, CLIENTS):
                if time.perf_counter() >= end:
                    return
                order = await watches[0].timed(_create(connection, market, turn))
                for watch, action in zip(watches[1:], ("reserve", "cancel"), strict=True):
                    await watch.timed(
                        connection.data(
                            "POST", f"{API}/orders/{order}/{action}", {}, key=fresh_key()
                        )
                    )

    took = await in_parallel(CLIENTS, work)
    names = ("POST orders", "POST reserve", "POST cancel")
    # The three share the time: each one's rate is what it would be alone, from its own durations.
    spent = [sum(watch.durations) for watch in watches]
    figures = [
        watch.figure(name, took * part / sum(spent))
        for watch, name, part in zip(watches, names, spent, strict=True)
    ]
    return figures[0], figures[1], figures[2]


async def create_orders(target: Target, market: Market, number: int) -> list[str]:
    """Create orders to read."""
    async with target.connection() as connection:
        return [await _create(connection, market, index) for index in range(number)]


async def lifecycles(target: Target, market: Market, number: int, at_once: int) -> BalanceAfter:
    """Create, reserve, escrow, fund, release: whole lives of orders with their contracts."""
    watch = Watch()
    turns = iter(range(number))

    async def work(_: int) -> None:
        async with target.connection() as connection:
            for turn in turns:
                await watch.timed(_live(connection, market, turn))

    took = await in_parallel(at_once, work)
    return watch.figure("chain lifecycle", took)


async def _live(connection: Connection, market: Market, turn: int) -> None:
    order = await _create(connection, market, turn)
    for path in ("reserve", "escrow", "escrow/fund", "resolution/release"):
        await connection.data("POST", f"{API}/orders/{order}/{path}", {}, key=fresh_key())


async def _create(connection: Connection, market: Market, turn: int) -> str:
    order = await connection.data(
        "POST",
        f"{API}/orders",
        {
            "buyerId": market.buyers[turn % len(market.buyers)],
            "sellerId": market.sellers[turn % len(market.sellers)],
            "amount": "1.00",
            "title": "A logo",
        },
        key=fresh_key(),
        expected=201,
    )
    order_id: str = order["id"]
    return order_id
