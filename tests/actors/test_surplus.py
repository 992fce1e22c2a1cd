"""A stranger's money in a contract is logged when its order ends, wherever it goes."""

import trio
from structlog.testing import LogCapture

from offerhub.domain.money import Money
from offerhub.domain.order import Order
from tests.actors.purchase import Market, open_market
from tests.actors.test_disputes import refund
from tests.actors.test_reconciler import set_on_chain


async def told_of(order: Order, logged: LogCapture) -> list[tuple[str, bool]]:
    """What the log says of an order's surplus, once everything that nobody waits for is done."""
    await trio.sleep(60)
    return [
        (entry["amount"], entry["left_in_contract"])
        for entry in logged.entries
        if entry["event"] == "escrow.surplus" and entry["order"] == order.id
    ]


async def funded_with_more(market: Market, surplus: str) -> Order:
    order = await market.funded_order()
    assert order.escrow is not None
    assert order.escrow.contract_id is not None
    held = order.amount + Money.parse(surplus)
    await set_on_chain(market, order.escrow.contract_id, held.stroops)
    return order


async def test_a_release_leaves_it_behind(
    autojump_clock: object, no_unexpected_errors: LogCapture
) -> None:
    async with open_market() as market:
        order = await funded_with_more(market, "3.00")
        await market.settled(await market.start_release(order))
        assert [("3.0000000", True)] == await told_of(order, no_unexpected_errors)


async def test_a_resolution_pays_it_to_the_platform(
    autojump_clock: object, no_unexpected_errors: LogCapture
) -> None:
    async with open_market() as market:
        order = await funded_with_more(market, "3.00")
        await market.settled(await refund(market, order))
        assert [("3.0000000", False)] == await told_of(order, no_unexpected_errors)


async def test_where_nobody_paid_in_nothing_is_told(
    autojump_clock: object, no_unexpected_errors: LogCapture
) -> None:
    async with open_market() as market:
        released = await market.funded_order()
        await market.settled(await market.start_release(released))
        assert [] == await told_of(released, no_unexpected_errors)
