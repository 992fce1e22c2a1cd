"""Disputes and refunds of a funded order through the actors, on the twin and the sandbox's core."""

import pytest
import trio
from attrs import evolve

from actors.messages import AssignDispute, OpenDispute, RequestRefund, ResolveDispute
from actors.order_commands import DISPUTE
from offerhub.domain import dispute_decisions as disputes
from offerhub.domain import intents
from offerhub.domain.api_keys import Scope
from offerhub.domain.dispute import Dispute, DisputeReason, DisputeStatus, Party, Verdict
from offerhub.domain.intents import EscrowIntent
from offerhub.domain.money import Money
from offerhub.domain.operator_command import CommandState
from offerhub.domain.order import EscrowStatus, Order, OrderStatus, Outcome
from offerhub.domain.unit_of_work import IdempotencyState
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.commanding import command
from tests.actors.purchase import Market, closing, doomed, living, open_market
from tests.simulation.world import Universe, open_outside_account, pay_into_contract

RESOLVE = "POST /escrow/single-release/resolve-dispute"
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


# What a stranger sends to a contract.


async def paid_in(market: Market, order: Order, amount: str) -> None:
    """A stranger's money in the order's contract."""
    assert order.escrow is not None
    outside = open_outside_account(market.universe, "stranger")
    await market.machine.control.faucet(outside, Money.parse(amount))
    contract = order.escrow.contract_id or ""
    pay_into_contract(market.universe, "stranger", contract, Money.parse(amount))


async def treasury_of(market: Market) -> tuple[int, int]:
    """What is booked to the treasury and to its wallet, in stroops, since the start."""
    books = await market.storage.books()
    return books.account("treasury").stroops, books.holding("wallet/treasury").stroops


async def test_what_a_stranger_sent_to_the_contract_goes_to_the_platform(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        await paid_in(market, order, "20.00")
        before = await treasury_of(market)
        await dispute(market, order)
        await resolve(market, await market.settled(order))
        closed = await market.settled(order)
        assert ("49.91", "49.85", 0) == await figures(market, closed)
        assert closed.fees is not None
        assert "0.2400000" == closed.fees.protocol.seven_places()
        after = await treasury_of(market)
        # 20.00 less the protocol's 0.06, and nothing for the platform, whose percent is 0.
        assert [199_400_000, 199_400_000] == [b - a for a, b in zip(before, after, strict=True)]
        assert [] == [each for each in await market.audit() if each["result"] == "alarm"]
        await market.check_books()


async def test_money_that_arrives_while_a_resolution_is_built_is_paid_out_with_it(
    autojump_clock: object,
) -> None:
    """The provider reads the contract later than the lane did, and refuses the sum."""
    async with open_market() as market:
        order = await market.funded_order()
        await dispute(market, order)
        frozen = await market.settled(order)
        market.fault(FaultKind.SLOW, RESOLVE, times=1, delay_s=20)
        await resolve(market, frozen)
        await trio.sleep(5)
        await paid_in(market, order, "20.00")
        closed = await market.settled(order)
        assert ("49.91", "49.85", 0) == await figures(market, closed)
        attempts = [
            (each.status.value, each.failure.code if each.failure else None)
            for each in await market.operations(order.id)
            if str(each.step) == "resolve"
        ]
        assert [
            ("failed", "DISTRIBUTIONS_MUST_EQUAL_BALANCE"),
            ("confirmed", None),
        ] == attempts
        await market.check_books()


# Kills: nothing is lost, and nothing happens twice.

LANE = (
    "lane.before_signed",
    "lane.after_signed",
    "lane.before_submit",
    "lane.after_submit",
    "lane.before_confirmed",
    "lane.after_confirmed",
    "order.before_effects",
    "order.after_effects",
)


@pytest.mark.parametrize("step", ["dispute", "resolve"])
@pytest.mark.parametrize("place", LANE)
async def test_a_refund_ends_whenever_it_is_killed(
    autojump_clock: object, place: str, step: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, f"{place}.{step}") as market:
            order = await market.funded_order()
            await refund(market, order)
        async with living(universe) as market:
            closed = await market.settled(order)
            assert Outcome.REFUNDED is closed.outcome
            assert ("99.76", "0.00", 0) == await figures(market, closed)
            assert 1 == len(await market.events("order.refunded"))
            await market.check_books()


@pytest.mark.parametrize("step", ["dispute", "resolve"])
@pytest.mark.parametrize("place", ["lane.after_submit", "order.before_effects"])
async def test_a_dispute_ends_whenever_it_is_killed(
    autojump_clock: object, place: str, step: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, f"{place}.{step}") as market:
            order = await market.funded_order()
            await dispute(market, order, Party.SELLER)
            await resolve(market, await market.settled(order))
        async with living(universe) as market:
            frozen = await market.settled(order)
            if frozen.status is OrderStatus.DISPUTED:
                await resolve(market, frozen)
            closed = await market.settled(order)
            assert ("49.91", "49.85", 0) == await figures(market, closed)
            for told in ("order.disputed", "escrow.disputed", "dispute.resolved"):
                assert 1 == len(await market.events(told))
            await market.check_books()


async def test_whoever_a_dispute_left_without_an_answer_has_it_after_a_kill(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, "order.before_answer.release") as market:
            order = await market.funded_order()
            market.fault(FaultKind.ERROR_BEFORE, COMPLETE, times=1000)
            await market.start_release(order, market.trace("r", "order.release"))
            await trio.sleep(60)
            await dispute(market, order, scopes=(Scope.SUPPORT,))
        async with living(universe) as market:
            await market.settled(order)
            kept = await market.storage.idempotency("r")
            assert kept is not None
            assert IdempotencyState.DONE is kept.state
            assert kept.answer is not None
            assert b"409" == kept.answer[:3]


async def test_a_contract_that_seems_to_hold_too_little_is_looked_at_again(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read model that lags shows less than the order's amount: nothing is built meanwhile."""
    honest, lagging = TrustlessWorkClient.balance, [True]

    async def balance(
        self: TrustlessWorkClient, contract_id: str, *, for_step: bool = False
    ) -> Money:
        assert for_step
        held = await honest(self, contract_id, for_step=for_step)
        return held - Money(1) if lagging[0] else held

    monkeypatch.setattr(TrustlessWorkClient, "balance", balance)
    async with open_market() as market:
        order = await market.funded_order()
        await refund(market, order)
        await trio.sleep(120)
        waiting = await market.stored(order)
        assert OrderStatus.REFUND_REQUESTED is waiting.status
        assert waiting.process is not None
        assert "less than the 80.0000000" in (waiting.process.last_error or "")
        resolutions = [
            each for each in await market.operations(order.id) if str(each.step) == "resolve"
        ]
        assert all(each.envelope is None for each in resolutions)
        lagging[0] = False
        assert Outcome.REFUNDED is (await market.settled(order)).outcome
        await market.check_books()


async def test_resolutions_queue_up_in_the_platforms_lane(autojump_clock: object) -> None:
    """One transaction of the platform's wallet is in flight: three decisions take three ledgers."""
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        frozen = []
        for _ in range(3):
            order = await market.reserve(await market.order(buyer, seller, "10.00"))
            await market.settled(await market.start_escrow(order))
            await market.settled(await market.start_funding(order))
            await dispute(market, order)
            frozen.append(await market.settled(order))
        for order in frozen:
            await resolve(market, order, Verdict.FULL_RELEASE)
        resolutions = []
        for order in frozen:
            assert Outcome.RELEASED is (await market.settled(order)).outcome
            resolutions += [
                each for each in await market.operations(order.id) if str(each.step) == "resolve"
            ]
        assert 3 == len({each.ledger for each in resolutions})
        sequences = sorted(each.sequence or 0 for each in resolutions)
        assert [0, 1, 2] == [each - sequences[0] for each in sequences]
        assert "29.91" == await market.available(seller)
        await market.check_books()


async def test_a_payout_to_a_thief_gets_no_signature(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider builds a resolution in which the buyer's share goes elsewhere."""
    honest, lying, thieves = TrustlessWorkClient.build, [True], list[str]()

    async def build(self: TrustlessWorkClient, intent: EscrowIntent) -> str:
        if lying[0] and isinstance(intent, intents.ResolveDispute):
            (share,) = intent.distributions
            intent = evolve(intent, distributions=(evolve(share, address=thieves[0]),))
        return await honest(self, intent)

    monkeypatch.setattr(TrustlessWorkClient, "build", build)
    async with open_market() as market:
        order = await market.funded_order()
        thieves.append(open_outside_account(market.universe, "thief"))
        await refund(market, order)
        await trio.sleep(120)
        resolutions = [
            each for each in await market.operations(order.id) if str(each.step) == "resolve"
        ]
        assert all(each.envelope is None and each.tx_hash is None for each in resolutions)
        refused = await market.audit("transaction.refuse_to_sign")
        assert {each.id for each in resolutions} >= {entry["resourceId"] for entry in refused}
        assert "argument 2 of resolve_dispute differs" == refused[0]["error"]
        assert order.escrow is not None
        assert 800_000_000 == market.on_chain(order.escrow.contract_id or "")
        lying[0] = False
        assert Outcome.REFUNDED is (await market.settled(order)).outcome
        await market.check_books()
