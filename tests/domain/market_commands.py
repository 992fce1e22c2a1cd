"""What the market of `test_books_stay_balanced` asks of an order, and what its chain answers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import evolve

from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_decisions as decisions
from offerhub.domain.chain import PayoutSeen
from offerhub.domain.errors import DomainError
from offerhub.domain.fees import FeeTerms
from offerhub.domain.money import Money
from offerhub.domain.order import MilestoneStatus, Order, OrderStatus
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_steps import Parties
from tests.domain.world import CHANNEL, PLATFORM, context, payouts_of

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
    return [
        lambda: decisions.reserve(order, None, context()),
        lambda: decisions.cancel(order, "BUYER", "no more", context()),
        lambda: chain_decisions.start_escrow(order, terms, CHANNEL, parties, context()),
        lambda: chain_decisions.start_funding(order, parties, context()),
        lambda: decisions.complete_milestone(order, first, context()),
        lambda: chain_decisions.request_release(order, None, "done", parties, context()),
        lambda: decisions.refund_unfunded(order, None, "late", context()),
    ]


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
        case _:
            raise AssertionError(f"no decision leaves an order {order.status} at rest")


def payouts_in_market(order: Order, net_off: int) -> tuple[PayoutSeen, ...]:
    """What a release pays; `net_off` stroops go to the fees instead of the seller."""
    addresses = {
        "GSELLER": (f"G{order.seller_id}", -net_off),
        "GPLATFORM": (f"G{PLATFORM}", 0),
        "GFEES": ("GFEES", net_off),
    }
    return tuple(
        evolve(
            seen,
            destination=addresses[seen.destination][0],
            amount=seen.amount + Money(addresses[seen.destination][1]),
        )
        for seen in payouts_of(order)
    )
