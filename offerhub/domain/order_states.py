"""The order's state machine: one total table (docs/spec/domain.md §2).

`MOVES` says which state may follow which. `RULES` says, for every action and every state, the
state that the action leads to, or the code of its refusal. The diagram in
`docs/order-states.md` is made from this table.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from offerhub.domain.errors import ErrorCode
from offerhub.domain.order import OrderStatus as S


class Action(StrEnum):
    """What may be asked of an order, by a caller or by the chain."""

    RESERVE = "reserve"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SET_EXPIRY = "set expiry"
    SET_AUTO_RELEASE = "set auto-release"
    START_ESCROW = "start escrow"
    CONFIRM_DEPLOYMENT = "confirm deployment"
    FAIL_DEPLOYMENT = "fail deployment"
    START_FUNDING = "start funding"
    CONFIRM_FUNDING = "confirm funding"
    FAIL_FUNDING = "fail funding"
    COMPLETE_MILESTONE = "complete milestone"
    REQUEST_RELEASE = "request release"
    CONFIRM_RELEASE_STEP = "confirm release step"
    CONFIRM_RELEASE = "confirm release"
    REFUND_UNFUNDED = "refund before funding"
    REQUEST_REFUND = "request refund"
    CONFIRM_REFUND_STEP = "confirm refund step"
    CONFIRM_REFUND = "confirm refund"
    OPEN_DISPUTE = "open dispute"
    DISPUTE_RELEASE = "dispute by an operator"
    CONFIRM_FREEZE = "confirm freeze"
    ASSIGN_DISPUTE = "assign dispute"
    RESOLVE_DISPUTE = "resolve dispute"
    DECIDE_RELEASE = "decide for release"
    DECIDE_REFUND = "decide for refund"
    DECIDE_SPLIT = "decide for split"


MOVES: Final[Mapping[S, frozenset[S]]] = MappingProxyType(
    {
        S.ORDER_CREATED: frozenset({S.FUNDS_RESERVED, S.CLOSED}),
        S.FUNDS_RESERVED: frozenset({S.ESCROW_CREATING, S.CLOSED}),
        S.ESCROW_CREATING: frozenset({S.ESCROW_FUNDING, S.FUNDS_RESERVED, S.REFUND_REQUESTED}),
        S.ESCROW_FUNDING: frozenset({S.ESCROW_FUNDED, S.ESCROW_CREATING}),
        S.ESCROW_FUNDED: frozenset({S.IN_PROGRESS}),
        S.IN_PROGRESS: frozenset({S.RELEASE_REQUESTED, S.REFUND_REQUESTED, S.DISPUTED}),
        S.RELEASE_REQUESTED: frozenset({S.RELEASED, S.DISPUTED}),
        S.REFUND_REQUESTED: frozenset({S.REFUNDED}),
        S.DISPUTED: frozenset({S.RELEASED, S.REFUNDED, S.CLOSED}),
        S.RELEASED: frozenset({S.CLOSED}),
        S.REFUNDED: frozenset({S.CLOSED}),
        S.CLOSED: frozenset(),
    }
)

_NO: Final = ErrorCode.INVALID_STATE_TRANSITION
_EXISTS: Final = ErrorCode.ESCROW_ALREADY_EXISTS
_WITH_ESCROW: Final = (
    S.ESCROW_CREATING,
    S.ESCROW_FUNDING,
    S.ESCROW_FUNDED,
    S.IN_PROGRESS,
    S.RELEASE_REQUESTED,
    S.RELEASED,
    S.REFUND_REQUESTED,
    S.REFUNDED,
    S.DISPUTED,
)

_ALLOWED: Final[Mapping[Action, Mapping[S, S | ErrorCode]]] = {
    Action.RESERVE: {
        S.ORDER_CREATED: S.FUNDS_RESERVED,
        S.FUNDS_RESERVED: ErrorCode.FUNDS_ALREADY_RESERVED,
    },
    Action.CANCEL: {S.ORDER_CREATED: S.CLOSED, S.FUNDS_RESERVED: S.CLOSED},
    Action.EXPIRE: {S.ORDER_CREATED: S.CLOSED, S.FUNDS_RESERVED: S.CLOSED},
    Action.SET_EXPIRY: {state: state for state in (S.ORDER_CREATED, S.FUNDS_RESERVED)},
    Action.SET_AUTO_RELEASE: {
        state: state
        for state in (
            S.ORDER_CREATED,
            S.FUNDS_RESERVED,
            S.ESCROW_CREATING,
            S.ESCROW_FUNDING,
            S.ESCROW_FUNDED,
            S.IN_PROGRESS,
        )
    },
    Action.START_ESCROW: {
        S.FUNDS_RESERVED: S.ESCROW_CREATING,
        **dict.fromkeys(_WITH_ESCROW, _EXISTS),
    },
    Action.CONFIRM_DEPLOYMENT: {S.ESCROW_CREATING: S.ESCROW_CREATING},
    Action.FAIL_DEPLOYMENT: {S.ESCROW_CREATING: S.FUNDS_RESERVED},
    Action.START_FUNDING: {S.ESCROW_CREATING: S.ESCROW_FUNDING},
    Action.CONFIRM_FUNDING: {S.ESCROW_FUNDING: S.ESCROW_FUNDED},
    Action.FAIL_FUNDING: {S.ESCROW_FUNDING: S.ESCROW_CREATING},
    Action.COMPLETE_MILESTONE: {S.IN_PROGRESS: S.IN_PROGRESS},
    Action.REQUEST_RELEASE: {S.IN_PROGRESS: S.RELEASE_REQUESTED},
    Action.CONFIRM_RELEASE_STEP: {S.RELEASE_REQUESTED: S.RELEASE_REQUESTED},
    Action.CONFIRM_RELEASE: {S.RELEASE_REQUESTED: S.RELEASED},
    Action.REFUND_UNFUNDED: {S.ESCROW_CREATING: S.REFUND_REQUESTED},
    Action.REQUEST_REFUND: {S.IN_PROGRESS: S.REFUND_REQUESTED},
    Action.CONFIRM_REFUND_STEP: {S.REFUND_REQUESTED: S.REFUND_REQUESTED},
    Action.CONFIRM_REFUND: {S.REFUND_REQUESTED: S.REFUNDED},
    Action.OPEN_DISPUTE: {
        S.IN_PROGRESS: S.DISPUTED,
        S.DISPUTED: ErrorCode.DISPUTE_ALREADY_OPEN,
    },
    Action.DISPUTE_RELEASE: {S.RELEASE_REQUESTED: S.DISPUTED},
    Action.CONFIRM_FREEZE: {S.DISPUTED: S.DISPUTED},
    Action.ASSIGN_DISPUTE: {S.DISPUTED: S.DISPUTED},
    Action.RESOLVE_DISPUTE: {S.DISPUTED: S.DISPUTED},
    Action.DECIDE_RELEASE: {S.DISPUTED: S.RELEASED},
    Action.DECIDE_REFUND: {S.DISPUTED: S.REFUNDED},
    Action.DECIDE_SPLIT: {S.DISPUTED: S.CLOSED},
}

RULES: Final[Mapping[Action, Mapping[S, S | ErrorCode]]] = MappingProxyType(
    {
        action: MappingProxyType({state: _ALLOWED[action].get(state, _NO) for state in S})
        for action in Action
    }
)
"""For every action and every state: the next state, or the code of the refusal."""

_UNASKED: Final[Mapping[S, str]] = {
    S.ESCROW_FUNDED: "at once, same commit",
    S.RELEASED: "at once, same commit",
    S.REFUNDED: "at once, same commit",
}
"""How a state is left by the moves that no action of `RULES` makes."""


def allowed_states(state: S) -> list[str]:
    """States that may follow, in the order of the enumeration: `allowedStates` of a refusal."""
    return [follower.value for follower in S if follower in MOVES[state]]


def diagram() -> str:
    """Mermaid state diagram of the table, for the documentation."""
    arrows = {
        (state, target, action)
        for action, row in RULES.items()
        for state, target in row.items()
        if isinstance(target, S) and target is not state
    }
    lines = ["stateDiagram-v2", "    [*] --> ORDER_CREATED"]
    lines += [
        f"    {state.value} --> {target.value}: {action.value}"
        for state, target, action in sorted(
            arrows, key=lambda arrow: (list(S).index(arrow[0]), list(Action).index(arrow[2]))
        )
    ]
    drawn = {(state, target) for state, target, _ in arrows}
    lines += [
        f"    {state.value} --> {follower.value}: {_UNASKED[state]}"
        for state in S
        for follower in S
        if follower in MOVES[state] and (state, follower) not in drawn
    ]
    lines.append("    CLOSED --> [*]")
    return "\n".join(lines) + "\n"
