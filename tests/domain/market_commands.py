"""What the market of `test_books_stay_balanced` asks of an order, and what its chain answers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import evolve

from offerhub.domain import dispute_decisions as disputes
from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_decisions as decisions
from offerhub.domain.chain import ChainOperation, PayoutSeen
from offerhub.domain.dispute import DisputeReason, Party, Verdict
from offerhub.domain.errors import DomainError
from offerhub.domain.fees import FeeTerms
from offerhub.domain.intents import ResolveDispute
from offerhub.domain.money import Money
from offerhub.domain.order import MilestoneStatus, Order, OrderStatus
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_steps import Parties, shares_of
from offerhub.domain.steps import RELEASE
from tests.domain.world import CHANNEL, PLATFORM, context, payouts_of, resolution_payouts

T = TypeVar("T")
Command = Callable[[], Decision]


def one_of(things: Sequence[T], which: int) -> T:
    return things[which % len(things)]


def outcome_of(command: Callable[[], T]) -> tuple[T | None, dict[str, object]]:
    """What a command decides, or the details of its refusal."""
    try:
        return command(), {}
    except DomainError as refused:
        return None, refused.details


def parties_of(order: Order) -> Parties:
    return Parties(f"G{order.buyer_id}", f"G{order.seller_id}", f"G{PLATFORM}", "GISSUER", "USDC")


def commands_of(order: Order, terms: FeeTerms) -> list[Command]:
    """Every command that a caller has, allowed now or not."""
    parties = parties_of(order)
    first = order.milestones[0].ref if order.milestones else "none"
    dispute_id = "none" if order.dispute is None else order.dispute.id
    part = Money(order.amount.stroops * 3 // 8 // 100_000 * 100_000)
    return [
        lambda: decisions.reserve(order, None, context()),
        lambda: decisions.cancel(order, "BUYER", "no more", context()),
        lambda: chain_decisions.start_escrow(order, terms, CHANNEL, parties, context()),
        lambda: chain_decisions.start_funding(order, parties, context()),
        lambda: decisions.complete_milestone(order, first, context()),
        lambda: chain_decisions.request_release(order, None, "done", parties, context()),
        lambda: decisions.refund_unfunded(order, None, "late", context()),
        lambda: chain_decisions.request_refund(order, None, "late", parties, context()),
        *(
            lambda side=side: disputes.open_dispute(
                order, disputes.OpenDispute(side, DisputeReason.OTHER), parties, context()
            )
            for side in Party
        ),
        lambda: disputes.assign(order, dispute_id, "agent", context()),
        *(
            lambda ruling=ruling: disputes.resolve(order, dispute_id, ruling, parties, context())
            for ruling in (
                disputes.Resolution(Verdict.FULL_RELEASE),
                disputes.Resolution(Verdict.FULL_REFUND),
                disputes.Resolution(Verdict.SPLIT, part, order.amount - part),
                disputes.Resolution(Verdict.SPLIT, order.amount, part),
            )
        ),
    ]


DISPUTES = slice(8, 15)
"""Which of the commands open a dispute, assign and resolve it."""


def next_command(order: Order, terms: FeeTerms) -> Command:
    """The command that brings an order without work on the chain one step nearer to its release."""
    parties = parties_of(order)
    still_open = [each.ref for each in order.milestones if each.status is MilestoneStatus.OPEN]
    match order.status:
        case OrderStatus.ORDER_CREATED:
            return lambda: decisions.reserve(order, order.amount, context())
        case OrderStatus.FUNDS_RESERVED:
            return lambda: chain_decisions.start_escrow(order, terms, CHANNEL, parties, context())
        case OrderStatus.ESCROW_CREATING:
            return lambda: chain_decisions.start_funding(order, parties, context())
        case OrderStatus.IN_PROGRESS if still_open:
            return lambda: decisions.complete_milestone(order, still_open[0], context())
        case OrderStatus.IN_PROGRESS:
            return lambda: chain_decisions.request_release(order, "BUYER", None, parties, context())
        case OrderStatus.DISPUTED:
            assert order.dispute is not None
            dispute_id, half = order.dispute.id, Money(order.amount.stroops // 200_000 * 100_000)
            ruling = disputes.Resolution(Verdict.SPLIT, half, order.amount - half)
            return lambda: disputes.resolve(order, dispute_id, ruling, parties, context())
        case _:
            raise AssertionError(f"no decision leaves an order {order.status} at rest")


def payouts_in_market(
    order: Order, operation: ChainOperation, net_off: int
) -> tuple[PayoutSeen, ...]:
    """What a payout pays; `net_off` stroops go to the fees instead of to who gets the most."""
    if operation.step == RELEASE:
        seen_payouts, payee = payouts_of(order), "GSELLER"
    elif isinstance(operation.intent, ResolveDispute):
        seller, buyer = shares_of(order)
        payee = "GSELLER" if seller >= buyer else "GBUYER"
        seen_payouts = resolution_payouts(order, operation.intent.surplus or Money.zero())
    else:
        return ()
    addresses = {
        "GSELLER": (f"G{order.seller_id}", 0),
        "GBUYER": (f"G{order.buyer_id}", 0),
        "GPLATFORM": (f"G{PLATFORM}", 0),
        "GFEES": ("GFEES", net_off),
    }
    addresses[payee] = (addresses[payee][0], -net_off)
    return tuple(
        evolve(
            seen,
            destination=addresses[seen.destination][0],
            amount=seen.amount + Money(addresses[seen.destination][1]),
        )
        for seen in seen_payouts
    )
