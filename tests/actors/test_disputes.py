"""Disputes and refunds of a funded order through the actors, on the twin and the sandbox's core."""

import pytest

from actors.messages import AssignDispute, OpenDispute, RequestRefund, ResolveDispute
from offerhub.domain import dispute_decisions as disputes
from offerhub.domain.api_keys import Scope
from offerhub.domain.dispute import Dispute, DisputeReason, DisputeStatus, Party, Verdict
from offerhub.domain.money import Money
from offerhub.domain.order import EscrowStatus, Order, OrderStatus, Outcome
from tests.actors.purchase import Market, open_market

FUNDED = "80.00"


async def refund(market: Market, order: Order, key: str | None = None) -> Order:
    trace = market.trace(key, "order.refund")
    return await market.order_address(order.id).ask(RequestRefund("BUYER", "late", trace))


async def dispute(
    market: Market,
    order: Order,
    by: Party = Party.BUYER,
    scopes: tuple[Scope, ...] = (Scope.WRITE,),
    key: str | None = None,
) -> Order:
    said = disputes.OpenDispute(by, DisputeReason.QUALITY_ISSUE, ("https://shop.test/1",))
    trace = market.trace(key, "order.dispute")
    return await market.order_address(order.id).ask(OpenDispute(said, scopes, trace))


async def resolve(
    market: Market,
    order: Order,
    verdict: Verdict = Verdict.SPLIT,
    release: str | None = "50.00",
    refunded: str | None = "30.00",
) -> Order:
    assert order.dispute is not None
    is_split = verdict is Verdict.SPLIT
    asked = disputes.Resolution(
        verdict,
        Money.parse(release) if is_split and release else None,
        Money.parse(refunded) if is_split and refunded else None,
        "half done",
    )
    trace = market.trace(None, "dispute.resolve")
    return await market.order_address(order.id).ask(ResolveDispute(order.dispute.id, asked, trace))


def escrow_of(order: Order) -> EscrowStatus:
    assert order.escrow is not None
    return order.escrow.status


def dispute_of(order: Order) -> Dispute:
    assert order.dispute is not None
    return order.dispute


async def stored_dispute(market: Market, order: Order) -> Dispute:
    assert order.dispute is not None
    found = await market.storage.load(Dispute, order.dispute.id)
    assert found is not None
    return found


async def figures(market: Market, order: Order) -> tuple[str, str, int]:
    """Available of the buyer and of the seller, and what the contract still holds."""
    assert order.escrow is not None
    buyer, seller = await market.buyer(order), await market.seller(order)
    held = market.on_chain(order.escrow.contract_id or "") or 0
    return await market.available(buyer), await market.available(seller), held


async def test_a_funded_order_is_refunded_on_chain(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        asked = await refund(market, order)
        assert OrderStatus.REFUND_REQUESTED is asked.status
        assert asked.process is not None
        assert ["dispute", "resolve"] == [str(step) for step in asked.process.steps]
        closed = await market.settled(order)
        assert (OrderStatus.CLOSED, Outcome.REFUNDED) == (closed.status, closed.outcome)
        assert EscrowStatus.REFUNDED is escrow_of(closed)
        assert closed.dispute is None
        assert ("99.76", "0.00", 0) == await figures(market, closed)
        await market.check_books()
        (told,) = await market.events("order.refunded")
        assert {"protocol": "0.2400000", "platform": "0.0000000"} == told["payload"]["fees"]
        credited = (await market.events("balance.credited"))[-1]
        assert "escrow_refund" == credited["payload"]["source"]


@pytest.mark.parametrize("by", list(Party))
async def test_a_dispute_is_split_by_whoever_opens_it(autojump_clock: object, by: Party) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        asked = await dispute(market, order, by)
        assert OrderStatus.DISPUTED is asked.status
        assert EscrowStatus.FUNDED is escrow_of(asked)
        frozen = await market.settled(order)
        assert EscrowStatus.DISPUTED is escrow_of(frozen)
        (signer,) = {
            each.source for each in await market.operations(order.id) if str(each.step) == "dispute"
        }
        opener = await (market.buyer(order) if by is Party.BUYER else market.seller(order))
        assert opener.public_key == signer
        await market.order_address(order.id).ask(
            AssignDispute(dispute_of(frozen).id, "agent 7", market.trace())
        )
        decided = await resolve(market, frozen)
        assert DisputeStatus.UNDER_REVIEW is dispute_of(decided).status
        closed = await market.settled(order)
        assert (OrderStatus.CLOSED, Outcome.SPLIT) == (closed.status, closed.outcome)
        assert EscrowStatus.RELEASED is escrow_of(closed)
        assert DisputeStatus.RESOLVED is dispute_of(closed).status
        assert closed.dispute == await stored_dispute(market, closed)
        # 20.00 that were never in the order, and 30.00 and 50.00 less 0.3 %.
        assert ("49.91", "49.85", 0) == await figures(market, closed)
        await market.check_books()


@pytest.mark.parametrize(
    ("verdict", "outcome", "shown"),
    [
        (Verdict.FULL_RELEASE, Outcome.RELEASED, ("20.00", "79.76", 0)),
        (Verdict.FULL_REFUND, Outcome.REFUNDED, ("99.76", "0.00", 0)),
    ],
)
async def test_a_dispute_is_decided_for_one_side(
    autojump_clock: object, verdict: Verdict, outcome: Outcome, shown: tuple[str, str, int]
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        await dispute(market, order)
        await resolve(market, await market.settled(order), verdict)
        closed = await market.settled(order)
        assert outcome is closed.outcome
        assert shown == await figures(market, closed)
        await market.check_books()
        sources = [each["payload"]["source"] for each in await market.events("balance.credited")]
        assert ["stellar_deposit", "dispute_resolution"] == sources


async def test_a_share_of_nothing_is_left_out(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        await dispute(market, order)
        await resolve(market, await market.settled(order), Verdict.SPLIT, "80.00", "0.00")
        closed = await market.settled(order)
        assert Outcome.SPLIT is closed.outcome
        assert ("20.00", "79.76", 0) == await figures(market, closed)
