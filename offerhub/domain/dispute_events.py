"""What a dispute emits, keeps in the audit, and refuses (docs/spec/domain.md §2, §6, §7)."""

from collections.abc import Mapping

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.dispute import DISPUTE_MOVES, Dispute, Party
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.order import Order
from offerhub.domain.order_transitions import Progress
from offerhub.domain.unit_of_work import AuditEntry, Event


def opener(order: Order, dispute: Dispute) -> str:
    """The user who opened a dispute."""
    return order.seller_id if dispute.opened_by is Party.SELLER else order.buyer_id


def dispute_event(
    order: Order,
    dispute: Dispute,
    context: DecisionContext,
    name: str,
    payload: Mapping[str, object],
) -> Event:
    """An event of a dispute; part of its order's history."""
    return context.event(
        f"dispute.{name}",
        "Dispute",
        dispute.id,
        {"disputeId": dispute.id, "orderId": order.id, **payload},
        user_id=opener(order, dispute),
        order_id=order.id,
    )


def dispute_moved(
    action: str,
    order: Order,
    before: Dispute | None,
    after: Dispute,
    context: DecisionContext,
) -> AuditEntry:
    """The audit entry of a dispute's change."""
    return context.audit(
        action,
        "Dispute",
        after.id,
        before=None if before is None else _summary(before),
        after=_summary(after),
        user_id=opener(order, after),
    )


def refused(order: Order, dispute: Dispute, verb: str) -> DomainError:
    """The refusal of what a dispute's state, or work on its way, does not permit."""
    details: dict[str, object] = {
        "disputeId": dispute.id,
        "orderId": order.id,
        "currentState": dispute.status.value,
        "allowedStates": [state.value for state in DISPUTE_MOVES[dispute.status]],
    }
    said = f"cannot {verb} a dispute that is {dispute.status.value}"
    if order.process is not None:
        details["progress"] = Progress(order)
        said = f"{said} while a chain operation is in progress"
    return DomainError(ErrorCode.INVALID_STATE_TRANSITION, said, details)


def _summary(dispute: Dispute) -> dict[str, object]:
    """What the audit keeps of a dispute: never the parties' free text."""
    ruling = dispute.ruling
    return {
        "orderId": dispute.order_id,
        "status": dispute.status.value,
        "openedBy": dispute.opened_by.value,
        "reason": dispute.reason.value,
        "assignedTo": dispute.assigned_to,
        "decision": None if ruling is None else ruling.verdict.value,
        "releaseAmount": None if ruling is None else ruling.release.two_places(),
        "refundAmount": None if ruling is None else ruling.refund.two_places(),
    }
