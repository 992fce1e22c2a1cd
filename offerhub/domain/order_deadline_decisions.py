"""Decisions about an order's deadlines: to set them later, and what happens when one is due."""

from datetime import datetime
from typing import Final

from attrs import frozen

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import iso
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.order_chain_decisions import request_release
from offerhub.domain.order_deadlines import checked, due_at, takes_effect
from offerhub.domain.order_decisions import Decision, closed_unfunded
from offerhub.domain.order_events import deadlines_shown, order_event
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import Parties
from offerhub.domain.order_transitions import changed, next_state
from offerhub.domain.unit_of_work import Event, UnitOfWork

SYSTEM: Final = "system"
"""Who acts when a deadline is due, in events."""


@frozen
class NewDeadlines:
    """The deadlines that a caller sets; `None` leaves one as it is."""

    expires_at: datetime | None = None
    auto_release_at: datetime | None = None


def change_deadlines(order: Order, asked: NewDeadlines, context: DecisionContext) -> Decision:
    """Set deadlines: a first time, or later than they are, and never once they are due.

    Raises:
        DomainError: `VALIDATION_ERROR` (none is given, or no moment that may be one),
            `INVALID_STATE_TRANSITION` (it could have no effect any more), `DEADLINE_PASSED`,
            `DEADLINE_NOT_LATER`.
    """
    expires_at, auto_release_at = _checked(asked, context.now)
    if expires_at is not None:
        next_state(order, Action.SET_EXPIRY)
        _check_later(order, "expiresAt", order.expires_at, expires_at, context.now)
    if auto_release_at is not None:
        next_state(order, Action.SET_AUTO_RELEASE)
        standing = order.auto_release_at
        if standing is not None and standing <= context.now and not takes_effect(order):
            standing = None
        _check_later(order, "autoReleaseAt", standing, auto_release_at, context.now)
    after = changed(
        order,
        context,
        expires_at=expires_at or order.expires_at,
        auto_release_at=auto_release_at or order.auto_release_at,
    )
    before_shown, shown = deadlines_shown(order), deadlines_shown(after)
    events: tuple[Event, ...] = ()
    if shown != before_shown:
        events = (order_event(after, context, "deadlines_changed", shown),)
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            events=events,
            audit=(
                context.audit(
                    "order.deadlines",
                    "Order",
                    order.id,
                    before=before_shown,
                    after=shown,
                    user_id=order.buyer_id,
                ),
            ),
            idempotency=context.final_answer(after),
        ),
    )


def is_due(order: Order, now: datetime) -> bool:
    """Whether the order is to be closed as expired, or released in silence, now."""
    moment = due_at(order)
    return moment is not None and moment <= now


def expire(order: Order, context: DecisionContext) -> Decision:
    """Close an order whose escrow was not begun in time; what was reserved goes back.

    `failed_attempt` stays: whoever still waits for an escrow that has failed is told so.
    """
    return closed_unfunded(
        order,
        Action.EXPIRE,
        "order.expire",
        {"canceledBy": SYSTEM, "reason": "expired"},
        "order_expired",
        context,
    )


def auto_release(order: Order, parties: Parties, context: DecisionContext) -> Decision:
    """Release an order whose buyer has stayed silent."""
    return request_release(order, SYSTEM, "auto_release", parties, context)


def releases(order: Order) -> bool:
    """Whether what is due on an order is its release; its expiry otherwise."""
    return order.status is OrderStatus.IN_PROGRESS


def _checked(asked: NewDeadlines, now: datetime) -> tuple[datetime | None, datetime | None]:
    expires_at, auto_release_at = asked.expires_at, asked.auto_release_at
    if expires_at is None and auto_release_at is None:
        fault = "give expiresAt, autoReleaseAt or both"
        raise DomainError(
            ErrorCode.VALIDATION_ERROR,
            fault,
            {"fields": [{"field": "expiresAt", "message": fault}]},
        )
    return (
        None if expires_at is None else checked("expiresAt", expires_at, now),
        None if auto_release_at is None else checked("autoReleaseAt", auto_release_at, now),
    )


def _check_later(
    order: Order, field: str, standing: datetime | None, asked: datetime, now: datetime
) -> None:
    """Check a new moment against the one that others count on."""
    if standing is None or (now < standing <= asked):
        return
    details = {
        "orderId": order.id,
        "currentState": order.status.value,
        "field": field,
        "deadline": iso(standing),
    }
    if standing <= now:
        raise DomainError(
            ErrorCode.DEADLINE_PASSED, f"{field} has passed and can no longer be changed", details
        )
    raise DomainError(
        ErrorCode.DEADLINE_NOT_LATER,
        f"{field} can only be moved to a later time",
        {**details, "given": iso(asked)},
    )
