"""An order's moves: what the state table allows, and the one error of what it does not."""

from attrs import evolve

from offerhub.domain.chain import ChainOperation
from offerhub.domain.deciding import Deciding
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.order import (
    Order,
    OrderStatus,
)
from offerhub.domain.order_states import MOVES, RULES, Action, allowed_states
from offerhub.domain.resources import progress_resource


def refusal(
    order: Order, code: ErrorCode, command: str, operation: ChainOperation | None = None
) -> DomainError:
    """The one error of a move that the table does not allow (docs/spec/domain.md §2)."""
    details: dict[str, object] = {
        "orderId": order.id,
        "currentState": order.status.value,
        "allowedStates": allowed_states(order.status),
    }
    if order.process is not None:
        details["progress"] = progress_resource(order, order.process, operation)
    return DomainError(
        code, f"the order is {order.status.value}: it does not allow to {command}", details
    )


def next_state(order: Order, action: Action) -> OrderStatus:
    """The state that an action leads to, from the table; raises its refusal."""
    target = RULES[action][order.status]
    if isinstance(target, ErrorCode):
        raise refusal(order, target, action.value)
    return target


def asked_for(order: Order, action: Action) -> OrderStatus:
    """`next_state` for a caller's command: refused while an operation runs."""
    target = next_state(order, action)
    if order.process is not None:
        raise refusal(order, ErrorCode.INVALID_STATE_TRANSITION, action.value)
    return target


def passed_through(order: Order, *states: OrderStatus) -> None:
    """Check that states entered at once follow the table."""
    here = order.status
    for state in states:
        if state not in MOVES[here]:
            msg = f"{order.id} does not go from {here.value} to {state.value}"
            raise InvariantViolated(msg)
        here = state


def changed(order: Order, deciding: Deciding, **fields: object) -> Order:
    """The order one version on."""
    evolved: Order = evolve(
        order,
        version=order.version + 1,
        updated_at=deciding.now,
        **fields,  # type: ignore[arg-type]  # attrs checks the names when it runs
    )
    return evolved
