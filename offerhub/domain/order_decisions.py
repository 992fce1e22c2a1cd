"""Decisions on an order that need no chain: create, reserve, cancel, milestones, early refund.

Each takes the current order and returns a `Decision`, or raises the `DomainError` of its
refusal. Those that walk the chain are in `order_chain_decisions`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from offerhub.domain import postings
from offerhub.domain.decision import Decided
from offerhub.domain.decision_context import DecisionContext, balance_reserved
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.fees import FeesKept
from offerhub.domain.ids import iso
from offerhub.domain.ledger import Side, Transfer
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.order import (
    EscrowStatus,
    Milestone,
    MilestoneOf,
    MilestoneStatus,
    Order,
    OrderStatus,
    Outcome,
)
from offerhub.domain.order_deadlines import checked
from offerhub.domain.order_events import (
    closed_event,
    deadlines_shown,
    escrow_event,
    fees_summary,
    given_back,
    milestone_summary,
    moved,
    order_event,
    summary,
)
from offerhub.domain.order_states import Action
from offerhub.domain.order_transitions import asked_for, changed, check_moves, refusal
from offerhub.domain.unit_of_work import BalanceAfter, UnitOfWork

MILESTONES_MAX: Final = 20


Decision = Decided[Order]


@frozen
class CreateOrder:
    """A new order, as the caller describes it."""

    order_id: str
    buyer_id: str
    seller_id: str
    amount: Money
    currency: str
    title: str
    description: str | None
    client_order_ref: str | None
    milestones: tuple[Milestone, ...]
    metadata: Mapping[str, object]
    expires_at: datetime | None = None
    auto_release_at: datetime | None = None


def create(
    command: CreateOrder, limits: Limits, platform_user_id: str, context: DecisionContext
) -> Decision:
    """Create an order; buyer, seller and the platform's user differ."""
    limits.check(command.amount)
    parties = {command.buyer_id, command.seller_id, platform_user_id}
    if len(parties) != 3:
        raise DomainError(
            ErrorCode.SAME_USER,
            "buyer and seller must be different users, and neither may be the platform's own",
            {},
        )
    _check_milestones(command)
    expires_at, auto_release_at = command.expires_at, command.auto_release_at
    if expires_at is not None:
        expires_at = checked("expiresAt", expires_at, context.now)
    if auto_release_at is not None:
        auto_release_at = checked("autoReleaseAt", auto_release_at, context.now)
    order = Order(
        id=command.order_id,
        version=1,
        buyer_id=command.buyer_id,
        seller_id=command.seller_id,
        amount=command.amount,
        currency=command.currency,
        title=command.title,
        description=command.description,
        client_order_ref=command.client_order_ref,
        milestones=command.milestones,
        metadata=command.metadata,
        status=OrderStatus.ORDER_CREATED,
        created_at=context.now,
        updated_at=context.now,
        expires_at=expires_at,
        auto_release_at=auto_release_at,
    )
    deadlines = {name: at for name, at in deadlines_shown(order).items() if at is not None}
    created = order_event(
        order,
        context,
        "created",
        {
            "buyerId": order.buyer_id,
            "sellerId": order.seller_id,
            "amount": order.amount.two_places(),
            "currency": order.currency,
            "title": order.title,
            **deadlines,
        },
    )
    return Decision(
        order,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(order,),
            events=(created,),
            audit=(
                context.audit(
                    "order.create", "Order", order.id, after=summary(order), user_id=order.buyer_id
                ),
            ),
            idempotency=context.final_answer(order),
        ),
    )


def reserve(order: Order, amount: Money | None, context: DecisionContext) -> Decision:
    """Move the order's amount from the buyer's available to reserved."""
    target = asked_for(order, Action.RESERVE)
    if amount is not None and amount != order.amount:
        raise DomainError(
            ErrorCode.RESERVE_MISMATCH_AMOUNT,
            "the amount to reserve must equal the order's amount",
            {
                "orderId": order.id,
                "expected": order.amount.two_places(),
                "given": amount.two_places(),
            },
        )
    after = changed(order, context, status=target, failed_attempt=None)
    figures: dict[str, object] = {
        "reservedBalance": BalanceAfter(order.buyer_id, Side.RESERVED),
        "availableBalance": BalanceAfter(order.buyer_id, Side.AVAILABLE),
    }
    shown = order.amount.two_places()
    events = (
        balance_reserved(
            context,
            order.buyer_id,
            order.amount,
            reference=order.id,
            order_id=order.id,
            history_of=order.id,
        ),
        order_event(
            order,
            context,
            "funds_reserved",
            {"amount": shown, "buyerId": order.buyer_id, **figures},
        ),
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=(
                context.transfer(
                    postings.reserve(order.buyer_id, order.amount),
                    reference=order.id,
                    cause=context.trace.correlation_id,
                ),
            ),
            events=events,
            audit=(moved("order.reserve", order, after, context),),
            idempotency=context.final_answer(after),
        ),
        debits=order.buyer_id,
    )


def cancel(
    order: Order, canceled_by: str | None, reason: str | None, context: DecisionContext
) -> Decision:
    """Close an order before its escrow; what was reserved goes back."""
    return closed_unfunded(
        evolve(order, failed_attempt=None),
        Action.CANCEL,
        "order.cancel",
        {"canceledBy": canceled_by, "reason": reason},
        reason or "order_canceled",
        context,
    )


def closed_unfunded(
    order: Order,
    action: Action,
    audit_action: str,
    canceled: Mapping[str, object],
    back_reason: str,
    context: DecisionContext,
) -> Decision:
    """Close an order that has no escrow as canceled.

    Args:
        canceled: who canceled it and why, for `order.canceled`.
        back_reason: why reserved money goes back, for `balance.released`.
    """
    target = asked_for(order, action)
    had_reserved = order.status is OrderStatus.FUNDS_RESERVED
    after = changed(order, context, status=target, outcome=Outcome.CANCELED, closed_at=context.now)
    events = [
        order_event(order, context, "canceled", {**canceled, "fundsReleased": had_reserved}),
        closed_event(after, context),
    ]
    transfers: tuple[Transfer, ...] = ()
    if had_reserved:
        transfers = (
            context.transfer(
                postings.unreserve(order.buyer_id, order.amount),
                reference=order.id,
                cause=context.trace.correlation_id,
            ),
        )
        events.insert(0, given_back(order, context, back_reason))
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=transfers,
            events=tuple(events),
            audit=(moved(audit_action, order, after, context),),
            idempotency=context.final_answer(after),
        ),
        debits=order.buyer_id if had_reserved else None,
    )


def complete_milestone(order: Order, ref: str, context: DecisionContext) -> Decision:
    """Record that the seller has completed a milestone: at once, without the chain."""
    target = asked_for(order, Action.COMPLETE_MILESTONE)
    found = next((milestone for milestone in order.milestones if milestone.ref == ref), None)
    if found is None:
        raise DomainError(
            ErrorCode.MILESTONE_NOT_FOUND,
            "the order has no milestone with this ref",
            {"orderId": order.id, "ref": ref},
        )
    if found.status is MilestoneStatus.COMPLETED:
        error = refusal(order, ErrorCode.MILESTONE_ALREADY_COMPLETED, Action.COMPLETE_MILESTONE)
        error.details["ref"] = ref
        raise error
    done = evolve(found, status=MilestoneStatus.COMPLETED, completed_at=context.now)
    after = changed(
        order,
        context,
        status=target,
        milestones=tuple(
            done if milestone.ref == ref else milestone for milestone in order.milestones
        ),
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            events=(
                escrow_event(
                    after,
                    context,
                    "milestone_completed",
                    {"milestoneRef": ref, "completedAt": iso(context.now)},
                ),
            ),
            audit=(
                context.audit(
                    "milestone.complete",
                    "Order",
                    order.id,
                    before=milestone_summary(found),
                    after=milestone_summary(done),
                    user_id=order.seller_id,
                ),
            ),
            idempotency=context.final_answer(MilestoneOf(order.id, done)),
        ),
    )


def refund_unfunded(
    order: Order, requested_by: str | None, reason: str, context: DecisionContext
) -> Decision:
    """Refund before funding: nothing on the chain, no fee, everything in one commit."""
    asked_for(order, Action.REFUND_UNFUNDED)
    check_moves(order, OrderStatus.REFUND_REQUESTED, OrderStatus.REFUNDED, OrderStatus.CLOSED)
    if order.escrow is None:
        msg = f"{order.id} has no escrow to refund"
        raise InvariantViolated(msg)
    nothing = FeesKept(Money.zero(), Money.zero())
    after = changed(
        order,
        context,
        status=OrderStatus.CLOSED,
        outcome=Outcome.REFUNDED,
        closed_at=context.now,
        fees=nothing,
        failed_attempt=None,
        escrow=evolve(order.escrow, status=EscrowStatus.REFUNDED, refunded_at=context.now),
    )
    events = (
        order_event(
            order, context, "refund_requested", {"requestedBy": requested_by, "reason": reason}
        ),
        given_back(order, context, "order_refunded"),
        escrow_event(after, context, "refunded", {"refundedAt": iso(context.now)}),
        order_event(
            order,
            context,
            "refunded",
            {
                "buyerId": order.buyer_id,
                "amount": order.amount.two_places(),
                "fees": fees_summary(nothing),
                "refundedAt": iso(context.now),
                "newBuyerBalance": BalanceAfter(order.buyer_id, Side.AVAILABLE),
            },
        ),
        closed_event(after, context),
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=(
                context.transfer(
                    postings.unreserve(order.buyer_id, order.amount),
                    reference=order.id,
                    cause=context.trace.correlation_id,
                ),
            ),
            events=events,
            audit=(moved("order.refund", order, after, context),),
            idempotency=context.final_answer(after),
        ),
        debits=order.buyer_id,
    )


def _check_milestones(command: CreateOrder) -> None:
    faults = []
    refs = [milestone.ref for milestone in command.milestones]
    if len(refs) > MILESTONES_MAX:
        faults.append(f"at most {MILESTONES_MAX} milestones are allowed")
    if len(set(refs)) != len(refs):
        faults.append("the refs of the milestones must differ")
    total = Money.total(milestone.amount for milestone in command.milestones)
    if command.milestones and total != command.amount:
        faults.append("the amounts of the milestones must sum to the order's amount")
    if faults:
        raise DomainError(
            ErrorCode.VALIDATION_ERROR,
            "; ".join(faults),
            {"fields": [{"field": "milestones", "message": fault} for fault in faults]},
        )
