"""Transitions of an order: what the state table permits, and the one error for what it does not."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.order import (
    Escrow,
    Order,
    OrderStatus,
)
from offerhub.domain.order_states import MOVES, RULES, Action, allowed_states

_VERBS: Final[Mapping[Action, str]] = {
    Action.RESERVE: "reserve funds for",
    Action.CANCEL: "cancel",
    Action.EXPIRE: "expire",
    Action.SET_EXPIRY: "set expiresAt of",
    Action.SET_AUTO_RELEASE: "set autoReleaseAt of",
    Action.START_ESCROW: "create an escrow for",
    Action.START_FUNDING: "fund the escrow of",
    Action.COMPLETE_MILESTONE: "complete a milestone of",
    Action.REQUEST_RELEASE: "release",
    Action.REFUND_UNFUNDED: "refund",
    Action.REQUEST_REFUND: "refund",
    Action.OPEN_DISPUTE: "dispute",
    Action.DISPUTE_RELEASE: "dispute",
    Action.ASSIGN_DISPUTE: "assign the dispute of",
    Action.RESOLVE_DISPUTE: "resolve the dispute of",
}
"""How a refusal names what a caller asked for; the object is always an order."""

_FACTS: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.FUNDS_ALREADY_RESERVED: "the order's funds are already reserved",
    ErrorCode.ESCROW_ALREADY_EXISTS: "the order already has an escrow",
    ErrorCode.DISPUTE_ALREADY_OPEN: "the order already has an open dispute",
    ErrorCode.MILESTONES_OPEN: "cannot release an order with open milestones",
    ErrorCode.MILESTONE_ALREADY_COMPLETED: "the milestone is already completed",
}
"""What the more precise codes say."""


@frozen
class Progress:
    """How far an order's work on the chain is; `operation` is its present one, if it was read."""

    order: Order
    operation: ChainOperation | None = None


def refusal(
    order: Order, code: ErrorCode, action: Action, operation: ChainOperation | None = None
) -> DomainError:
    """The one error for a move that the table does not permit (docs/spec/domain.md §2)."""
    details: dict[str, object] = {
        "orderId": order.id,
        "currentState": order.status.value,
        "allowedStates": allowed_states(order.status),
    }
    if order.process is not None:
        details["progress"] = Progress(order, operation)
    return DomainError(code, _FACTS.get(code) or _not_now(order, action), details)


def _not_now(order: Order, action: Action) -> str:
    verb = _VERBS.get(action, f"{action.value} of")
    said = f"cannot {verb} an order that is {order.status.value}"
    return said if order.process is None else f"{said} while a chain operation is in progress"


def next_state(order: Order, action: Action) -> OrderStatus:
    """The state that an action leads to, from the table; raises its refusal."""
    target = RULES[action][order.status]
    if isinstance(target, ErrorCode):
        raise refusal(order, target, action)
    return target


def asked_for(order: Order, action: Action) -> OrderStatus:
    """`next_state` for a caller's command: refused while an operation runs."""
    target = next_state(order, action)
    if order.process is not None:
        raise refusal(order, ErrorCode.INVALID_STATE_TRANSITION, action)
    return target


def check_moves(order: Order, *states: OrderStatus) -> None:
    """Check that states entered at once follow the table."""
    here = order.status
    for state in states:
        if state not in MOVES[here]:
            msg = f"{order.id} does not go from {here.value} to {state.value}"
            raise InvariantViolated(msg)
        here = state


def changed(order: Order, context: DecisionContext, **fields: object) -> Order:
    """The order one version on; an escrow that changes with it bears the moment."""
    escrow = fields.get("escrow")
    if isinstance(escrow, Escrow) and escrow != order.escrow:
        fields["escrow"] = evolve(escrow, updated_at=context.now)
    evolved: Order = evolve(
        order,
        version=order.version + 1,
        updated_at=context.now,
        **fields,  # type: ignore[arg-type]  # attrs checks the names when it runs
    )
    return evolved
