"""Disputes and refunds of a funded order through the actors, on the twin and the sandbox's core."""

import pytest
import trio

from actors.messages import AssignDispute, OpenDispute, RequestRefund, ResolveDispute
from actors.order_commands import DISPUTE
from offerhub.domain import dispute_decisions as disputes
from offerhub.domain.api_keys import Scope
from offerhub.domain.dispute import Dispute, DisputeReason, DisputeStatus, Party, Verdict
from offerhub.domain.money import Money
from offerhub.domain.operator_command import CommandState
from offerhub.domain.order import EscrowStatus, Order, OrderStatus, Outcome
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.commanding import command
from tests.actors.purchase import Market, open_market

COMPLETE = "POST /escrow/single-release/change-milestone-status"


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


async def test_an_operator_disputes_a_release_that_is_stuck(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        market.fault(FaultKind.ERROR_BEFORE, COMPLETE, times=1000)
        await market.start_release(order)
        await trio.sleep(60)
        asked = {"orderId": order.id, "openedBy": "SELLER", "reason": "OTHER"}
        ended = await command(market.storage, DISPUTE, asked)
        assert CommandState.DONE is ended.state
        frozen = await market.settled(order)
        assert {
            "orderId": order.id,
            "status": "DISPUTED",
            "disputeId": dispute_of(frozen).id,
        } == ended.result
        assert EscrowStatus.DISPUTED is escrow_of(frozen)
        (entry,) = await market.audit("dispute.open")
        assert "cli:root" == entry["actor"]
        again = await command(market.storage, DISPUTE, asked)
        assert again.refusal is not None
        assert "DISPUTE_ALREADY_OPEN" == again.refusal.code
        await resolve(market, frozen)
        assert Outcome.SPLIT is (await market.settled(order)).outcome
        await market.check_books()


async def test_a_dispute_that_an_operator_words_wrongly_is_refused(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        for wrong, code in (
            ({"openedBy": "PLATFORM"}, "VALIDATION_ERROR"),
            ({"reason": "WEATHER"}, "VALIDATION_ERROR"),
            ({"orderId": "ord_000000000000000000000"}, "ORDER_NOT_FOUND"),
        ):
            asked = {"orderId": order.id, "openedBy": "BUYER", "reason": "OTHER", **wrong}
            ended = await command(market.storage, DISPUTE, asked)
            assert ended.refusal is not None
            assert code == ended.refusal.code
        assert order == await market.stored(order)


async def test_a_lane_that_signs_while_the_release_is_taken_back_submits_nothing(
    autojump_clock: object,
) -> None:
    """The lane is between the provider's answer and its commit when the dispute is opened."""
    async with open_market() as market:
        order = await market.funded_order()
        market.fault(FaultKind.SLOW, COMPLETE, times=1, delay_s=20)
        await market.start_release(order)
        await trio.sleep(1)
        await dispute(market, order, Party.SELLER, (Scope.SUPPORT,))
        frozen = await market.settled(order)
        assert EscrowStatus.DISPUTED is escrow_of(frozen)
        await trio.sleep(60)
        (taken_back,) = [
            each for each in await market.operations(order.id) if str(each.step) == "complete:0"
        ]
        assert taken_back.envelope is None
        assert taken_back.tx_hash is None
        assert order.escrow is not None
        assert frozen.escrow is not None
        steps = [str(each.step) for each in frozen.escrow.transaction_hashes]
        assert ["deploy", "fund", "dispute"] == steps
