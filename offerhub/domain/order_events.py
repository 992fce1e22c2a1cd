"""What an order emits: events (docs/spec/domain.md §6) and audit entries (§7)."""

from collections.abc import Mapping

from offerhub.domain.decision_context import DecisionContext, balance_released
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.fees import FeesKept
from offerhub.domain.ids import iso
from offerhub.domain.order import Milestone, Order, OrderStatus, Outcome
from offerhub.domain.unit_of_work import AuditEntry, Event


def order_event(
    order: Order, context: DecisionContext, name: str, payload: Mapping[str, object]
) -> Event:
    """An event of the order itself."""
    return context.event(
        f"order.{name}",
        "Order",
        order.id,
        {"orderId": order.id, **payload},
        user_id=order.buyer_id,
        order_id=order.id,
    )


def escrow_event(
    order: Order, context: DecisionContext, name: str, payload: Mapping[str, object]
) -> Event:
    """An event of the order's escrow; `amount` is the order's."""
    if order.escrow_id is None:
        msg = f"{order.id} has no escrow to report"
        raise InvariantViolated(msg)
    return context.event(
        f"escrow.{name}",
        "Escrow",
        order.escrow_id,
        {
            "escrowId": order.escrow_id,
            "orderId": order.id,
            "amount": order.amount.two_places(),
            **payload,
        },
        user_id=order.buyer_id,
        order_id=order.id,
    )


def closed_event(order: Order, context: DecisionContext) -> Event:
    """The event that every order ends with."""
    if order.outcome is None:
        msg = f"{order.id} is closed without an outcome"
        raise InvariantViolated(msg)
    payload: dict[str, object] = {
        "finalStatus": OrderStatus.CLOSED.value,
        "outcome": order.outcome.value,
        "closedAt": iso(context.now),
    }
    if order.outcome is Outcome.SPLIT and order.dispute is not None and order.dispute.ruling:
        payload["releaseAmount"] = order.dispute.ruling.release.two_places()
        payload["refundAmount"] = order.dispute.ruling.refund.two_places()
    return order_event(order, context, "closed", payload)


def given_back(order: Order, context: DecisionContext, reason: str) -> Event:
    """The event of reserved money that is the buyer's again."""
    return balance_released(
        context,
        order.buyer_id,
        order.amount,
        reference=order.id,
        reason=reason,
        order_id=order.id,
        history_of=order.id,
    )


def deadlines_shown(order: Order) -> dict[str, object]:
    """Both deadlines as the API shows them."""
    return {
        "expiresAt": None if order.expires_at is None else iso(order.expires_at),
        "autoReleaseAt": None if order.auto_release_at is None else iso(order.auto_release_at),
    }


def fees_summary(fees: FeesKept) -> dict[str, object]:
    """What the contract has kept, as events and the audit say it: seven places."""
    return {"protocol": fees.protocol.seven_places(), "platform": fees.platform.seven_places()}


def milestone_summary(milestone: Milestone) -> dict[str, object]:
    """What the audit keeps of a milestone: never its title, which is the caller's free text."""
    done = milestone.completed_at
    return {
        "ref": milestone.ref,
        "amount": milestone.amount.two_places(),
        "status": milestone.status.value,
        "completedAt": None if done is None else iso(done),
    }


def summary(order: Order) -> dict[str, object]:
    """What the audit keeps of an order's state: never the caller's free text."""
    return {
        "status": order.status.value,
        "amount": order.amount.seven_places(),
        "outcome": None if order.outcome is None else order.outcome.value,
        "escrow": None if order.escrow is None else order.escrow.status.value,
        "operation": None if order.process is None else order.process.operation.value,
        "step": None if order.process is None else str(order.process.current),
    }


def moved(action: str, before: Order, after: Order, context: DecisionContext) -> AuditEntry:
    """The audit entry of a change of state."""
    return context.audit(
        action,
        "Order",
        after.id,
        before=summary(before),
        after=summary(after),
        user_id=after.buyer_id,
    )
