"""The order's state machine is the table of docs/spec/domain.md §2, restated here and compared whole."""

from itertools import pairwise
from pathlib import Path

import pytest

from offerhub.domain.errors import ErrorCode
from offerhub.domain.order import OrderStatus
from offerhub.domain.order_states import MOVES, RULES, Action, allowed_states, diagram
from web.statuses import STATUS

STATES = [
    "ORDER_CREATED",
    "FUNDS_RESERVED",
    "ESCROW_CREATING",
    "ESCROW_FUNDING",
    "ESCROW_FUNDED",
    "IN_PROGRESS",
    "RELEASE_REQUESTED",
    "RELEASED",
    "REFUND_REQUESTED",
    "REFUNDED",
    "DISPUTED",
    "CLOSED",
]
SPEC_MOVES = {
    "ORDER_CREATED": "FUNDS_RESERVED CLOSED",
    "FUNDS_RESERVED": "ESCROW_CREATING CLOSED",
    "ESCROW_CREATING": "ESCROW_FUNDING FUNDS_RESERVED REFUND_REQUESTED",
    "ESCROW_FUNDING": "ESCROW_FUNDED ESCROW_CREATING",
    "ESCROW_FUNDED": "IN_PROGRESS",
    "IN_PROGRESS": "RELEASE_REQUESTED REFUND_REQUESTED DISPUTED",
    "RELEASE_REQUESTED": "RELEASED DISPUTED",
    "REFUND_REQUESTED": "REFUNDED",
    "DISPUTED": "RELEASED REFUNDED CLOSED",
    "RELEASED": "CLOSED",
    "REFUNDED": "CLOSED",
    "CLOSED": "",
}
"""Both copied from docs/spec/domain.md §2."""

FROM_TO = {
    "reserve": ("ORDER_CREATED", "FUNDS_RESERVED"),
    "start escrow": ("FUNDS_RESERVED", "ESCROW_CREATING"),
    "confirm deployment": ("ESCROW_CREATING", "ESCROW_CREATING"),
    "fail deployment": ("ESCROW_CREATING", "FUNDS_RESERVED"),
    "start funding": ("ESCROW_CREATING", "ESCROW_FUNDING"),
    "confirm funding": ("ESCROW_FUNDING", "ESCROW_FUNDED"),
    "fail funding": ("ESCROW_FUNDING", "ESCROW_CREATING"),
    "complete milestone": ("IN_PROGRESS", "IN_PROGRESS"),
    "request release": ("IN_PROGRESS", "RELEASE_REQUESTED"),
    "confirm release step": ("RELEASE_REQUESTED", "RELEASE_REQUESTED"),
    "confirm release": ("RELEASE_REQUESTED", "RELEASED"),
    "refund before funding": ("ESCROW_CREATING", "REFUND_REQUESTED"),
    "request refund": ("IN_PROGRESS", "REFUND_REQUESTED"),
    "confirm refund step": ("REFUND_REQUESTED", "REFUND_REQUESTED"),
    "confirm refund": ("REFUND_REQUESTED", "REFUNDED"),
    "open dispute": ("IN_PROGRESS", "DISPUTED"),
    "dispute by an operator": ("RELEASE_REQUESTED", "DISPUTED"),
    "confirm freeze": ("DISPUTED", "DISPUTED"),
    "assign dispute": ("DISPUTED", "DISPUTED"),
    "resolve dispute": ("DISPUTED", "DISPUTED"),
    "decide for release": ("DISPUTED", "RELEASED"),
    "decide for refund": ("DISPUTED", "REFUNDED"),
    "decide for split": ("DISPUTED", "CLOSED"),
}
"""What each action is for that one state allows."""

IN_SEVERAL = {
    "cancel": "ORDER_CREATED FUNDS_RESERVED",
    "expire": "ORDER_CREATED FUNDS_RESERVED",
    "set expiry": "ORDER_CREATED FUNDS_RESERVED",
    "set auto-release": (
        "ORDER_CREATED FUNDS_RESERVED ESCROW_CREATING ESCROW_FUNDING ESCROW_FUNDED IN_PROGRESS"
    ),
}
"""The actions that several states allow, and those states."""


def expected(action: str, state: str) -> str:
    """The next state or the code of the refusal, by the sentences of docs/spec/domain.md §2."""
    if action in IN_SEVERAL:
        if state in IN_SEVERAL[action].split():
            return "CLOSED" if action in {"cancel", "expire"} else state
    else:
        source, target = FROM_TO[action]
        if state == source:
            return target
    if action == "reserve" and state == "FUNDS_RESERVED":
        return "FUNDS_ALREADY_RESERVED"
    if action == "start escrow" and state not in {"ORDER_CREATED", "FUNDS_RESERVED", "CLOSED"}:
        return "ESCROW_ALREADY_EXISTS"
    if action == "open dispute" and state == "DISPUTED":
        return "DISPUTE_ALREADY_OPEN"
    return "INVALID_STATE_TRANSITION"


@pytest.mark.parametrize("state", list(OrderStatus))
@pytest.mark.parametrize("action", list(Action))
def test_every_pair_of_state_and_action_is_as_the_spec_says(
    action: Action, state: OrderStatus
) -> None:
    assert expected(action.value, state.value) == RULES[action][state].value


def test_the_moves_are_the_table_of_the_spec() -> None:
    spec = {state: set(followers.split()) for state, followers in SPEC_MOVES.items()}
    assert spec == {state.value: {s.value for s in followers} for state, followers in MOVES.items()}


def test_the_table_is_total() -> None:
    assert STATES == [state.value for state in OrderStatus]
    assert set(OrderStatus) == set(MOVES)
    assert set(Action) == set(RULES)
    assert all(set(OrderStatus) == set(row) for row in RULES.values())
    assert set(FROM_TO) | set(IN_SEVERAL) == {action.value for action in Action}


def test_every_target_may_follow_or_is_a_stay() -> None:
    for row in RULES.values():
        for state, target in row.items():
            if isinstance(target, OrderStatus):
                assert target is state or target in MOVES[state]


def test_refusals_are_conflicts() -> None:
    codes = {t for row in RULES.values() for t in row.values() if isinstance(t, ErrorCode)}
    assert {409} == {STATUS[code] for code in codes}


def test_closed_is_the_only_end_and_every_state_is_reached() -> None:
    assert [OrderStatus.CLOSED] == [state for state, followers in MOVES.items() if not followers]
    reached = {OrderStatus.ORDER_CREATED}
    for _ in OrderStatus:
        reached |= {follower for state in reached for follower in MOVES[state]}
    assert set(OrderStatus) == reached


@pytest.mark.parametrize("state", list(OrderStatus))
def test_allowed_states_are_the_followers_in_the_order_of_the_spec(state: OrderStatus) -> None:
    allowed = allowed_states(state)
    assert set(SPEC_MOVES[state.value].split()) == set(allowed)
    places = [STATES.index(name) for name in allowed]
    assert all(left < right for left, right in pairwise(places))


def test_the_diagram_has_every_move_and_no_other() -> None:
    arrows = {
        tuple(line.strip().partition(":")[0].split(" --> "))
        for line in diagram().splitlines()[1:]
        if "[*]" not in line
    }
    assert arrows == {
        (state, follower) for state, row in SPEC_MOVES.items() for follower in row.split()
    }


def test_the_documented_diagram_is_the_generated_one() -> None:
    documented = Path(__file__).parents[2] / "docs/order-states.md"
    assert f"```mermaid\n{diagram()}```" in documented.read_text(encoding="utf-8")
