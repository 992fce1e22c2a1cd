"""Long outages with much on the way: what waits costs no more than it did at first."""

from collections import Counter

import trio

from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.sandbox.faucet import Faucet
from tests.simulation.asgi_client import Front
from tests.simulation.commit_checks import WatchedDatabase
from tests.simulation.history import History
from tests.simulation.resources import Resources
from tests.simulation.world import Universe, now, started

_ORDERS = 60
_PAIRS = 6
_CALLS_A_MINUTE = 200
"""Of a process with sixty orders of twelve users on the way: one a second looks for payments."""


async def _user(front: Front, universe: Universe, name: str) -> tuple[str, str]:
    reply = await front.request("POST", "/users", {"externalUserId": name})
    assert reply is not None
    address = str(reply.data["wallet"]["publicKey"])
    while universe.sandbox.engine.usdc_balance(address) is None:
        await trio.sleep(1)
    return str(reply.data["id"]), address


async def _order(front: Front, buyer: str, seller: str, place: int) -> None:
    body = {"buyerId": buyer, "sellerId": seller, "amount": "1.00", "title": f"Order {place}"}
    created = await front.request("POST", "/orders", body)
    assert created is not None
    path = f"/orders/{created.data['id']}"
    while (reserved := await front.request("POST", f"{path}/reserve")) is None or not reserved.ok:
        await trio.sleep(1)
    # It does not wait for the chain: the client's patience is over at once.
    with trio.move_on_after(0.5):
        await front.request("POST", f"{path}/escrow")


async def test_sixty_orders_through_an_hour_without_ledgers_stay_within_bounds(
    autojump_clock: object,
) -> None:
    """Mailboxes, tasks and calls a minute are no more after an hour than after a minute."""
    history = History()
    database = WatchedDatabase(history)
    universe = Universe(seed=1, database=database)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(universe.sandbox.close_ledgers, universe.ledger_s)
        calls: Counter[int] = Counter()

        async with started(universe) as machine, trio.open_nursery() as serving:
            task = trio.lowlevel.current_task()
            resources = Resources(machine, database, history, task)
            machine.transport.sent = resources.called
            front = Front(machine.system, serving)
            faucet = Faucet(universe.sandbox.shell, now)
            users = [await _user(front, universe, f"user-{place}") for place in range(2 * _PAIRS)]
            for _, address in users:
                await faucet.pay(address, Money.parse("100.00"))
            universe.sandbox.ledgers.pause()
            for place in range(_ORDERS):
                pair = users[2 * (place % _PAIRS) : 2 * (place % _PAIRS) + 2]
                serving.start_soon(_order, front, pair[0][0], pair[1][0], place)
            await trio.sleep(60)
            for minute in range(60):
                resources.check()
                calls[minute] = resources.calls_of_the_last_minute
                await trio.sleep(60)
            universe.sandbox.ledgers.resume()
            with trio.fail_after(3600):
                while any(
                    order.process is not None for order in database.tables.of(Order).rows.values()
                ):
                    await trio.sleep(5)
            serving.cancel_scope.cancel()
        nursery.cancel_scope.cancel()
    assert [] == history.violations
    assert len(database.tables.of(Order).rows) == _ORDERS
    assert max(calls.values()) <= _CALLS_A_MINUTE
