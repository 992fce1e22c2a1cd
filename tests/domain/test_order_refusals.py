"""Every command of a caller in every state: done, or refused with the details of docs/spec/domain.md §2.

A refusal is an exception and the order is frozen: nothing is written, nothing has changed.
"""

from collections.abc import Callable

import pytest
from attrs import evolve

from offerhub.domain import dispute_decisions as disputes
from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_decisions as decisions
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.dispute import DisputeReason, Party
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_states import allowed_states
from offerhub.domain.order_transitions import Progress
from tests.domain.world import (
    CHANNEL,
    LIMITS,
    PARTIES,
    PAYEE_TERMS,
    PLATFORM,
    STANDING,
    claim,
    context,
    create,
    creation,
    in_progress,
    milestones,
)

COMMANDS: dict[str, Callable[[Order, DecisionContext], Decision]] = {
    "reserve": lambda order, d: decisions.reserve(order, None, d),
    "cancel": lambda order, d: decisions.cancel(order, "BUYER", "changed my mind", d),
    "escrow": lambda order, d: chain_decisions.start_escrow(
        order, PAYEE_TERMS, CHANNEL, PARTIES, d
    ),
    "fund": lambda order, d: chain_decisions.start_funding(order, PARTIES, d),
    "complete milestone": lambda order, d: decisions.complete_milestone(order, "m0", d),
    "release": lambda order, d: chain_decisions.request_release(order, None, None, PARTIES, d),
    "refund before funding": lambda order, d: decisions.refund_unfunded(order, None, "late", d),
    "refund": lambda order, d: chain_decisions.request_refund(order, None, "late", PARTIES, d),
    "dispute": lambda order, d: disputes.open_dispute(
        order, disputes.OpenDispute(Party.BUYER, DisputeReason.OTHER), PARTIES, d
    ),
}

DONE = {
    "reserve": {"ORDER_CREATED"},
    "cancel": {"ORDER_CREATED", "FUNDS_RESERVED"},
    "escrow": {"FUNDS_RESERVED"},
    "fund": {"ESCROW_CREATING"},
    # The order of the table has no milestones: the state allows it, the milestone is missing.
    "complete milestone": set[str](),
    "release": {"IN_PROGRESS"},
    "refund before funding": {"ESCROW_CREATING"},
    "refund": {"IN_PROGRESS"},
    "dispute": {"IN_PROGRESS"},
}
"""Where each command is allowed; an operation on the chain refuses all of them."""


def expected_code(command: str, standing: str) -> str:
    state = standing.replace(",", " ").split()[0]
    if command == "reserve" and state == "FUNDS_RESERVED":
        return "FUNDS_ALREADY_RESERVED"
    if command == "escrow" and state not in {"ORDER_CREATED", "CLOSED"}:
        return "ESCROW_ALREADY_EXISTS"
    if command == "complete milestone" and state == "IN_PROGRESS":
        return "MILESTONE_NOT_FOUND"
    if command == "dispute" and state == "DISPUTED":
        return "DISPUTE_ALREADY_OPEN"
    return "INVALID_STATE_TRANSITION"


@pytest.mark.parametrize("standing", STANDING)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_done_or_refused_with_the_precise_code(command: str, standing: str) -> None:
    order = STANDING[standing]()
    if standing in DONE[command]:
        decision = COMMANDS[command](order, context())
        assert order.version + 1 == decision.entity.version
        assert decision.entity in decision.unit.writes
        return
    with pytest.raises(DomainError) as refused:
        COMMANDS[command](order, context())
    assert expected_code(command, standing) == refused.value.code.value


@pytest.mark.parametrize("standing", STANDING)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_conflict_says_where_the_order_stands(command: str, standing: str) -> None:
    order = STANDING[standing]()
    if standing in DONE[command] or (command, standing) == ("complete milestone", "IN_PROGRESS"):
        return
    with pytest.raises(DomainError) as refused:
        COMMANDS[command](order, context())
    details = refused.value.details
    assert order.id == details["orderId"]
    assert order.status.value == details["currentState"]
    assert allowed_states(order.status) == details["allowedStates"]
    assert standing.endswith("ing") == ("progress" in details)
    assert "late" not in refused.value.message


@pytest.mark.parametrize(
    ("command", "standing", "message"),
    [
        ("cancel", "CLOSED by release", "cannot cancel an order that is CLOSED"),
        ("fund", "FUNDS_RESERVED", "cannot fund the escrow of an order that is FUNDS_RESERVED"),
        (
            "refund before funding",
            "ESCROW_CREATING, deploying",
            "cannot refund an order that is ESCROW_CREATING while a chain operation is in progress",
        ),
        ("reserve", "FUNDS_RESERVED", "the order's funds are already reserved"),
        ("escrow", "IN_PROGRESS", "the order already has an escrow"),
    ],
)
def test_a_refusal_names_the_action_and_the_state(
    command: str, standing: str, message: str
) -> None:
    with pytest.raises(DomainError) as refused:
        COMMANDS[command](STANDING[standing](), context())
    assert message == refused.value.message


def test_progress_says_what_runs() -> None:
    order = STANDING["RELEASE_REQUESTED, releasing"]()
    with pytest.raises(DomainError) as refused:
        COMMANDS["release"](order, context())
    assert Progress(order) == refused.value.details["progress"]


def test_release_waits_for_every_milestone() -> None:
    order = in_progress(("30.00", "50.00"))
    order = decisions.complete_milestone(order, "m1", context()).entity
    with pytest.raises(DomainError) as refused:
        COMMANDS["release"](order, context())
    assert ErrorCode.MILESTONES_OPEN is refused.value.code
    assert {
        "orderId": order.id,
        "currentState": "IN_PROGRESS",
        "allowedStates": ["RELEASE_REQUESTED", "REFUND_REQUESTED", "DISPUTED"],
        "refs": ["m0"],
    } == refused.value.details


def test_a_milestone_is_completed_once() -> None:
    order = decisions.complete_milestone(in_progress(("80.00",)), "m0", context()).entity
    with pytest.raises(DomainError) as refused:
        decisions.complete_milestone(order, "m0", context())
    assert ErrorCode.MILESTONE_ALREADY_COMPLETED is refused.value.code
    details = refused.value.details
    assert order.id == details["orderId"]
    assert "m0" == details["ref"]
    assert "IN_PROGRESS" == details["currentState"]
    assert allowed_states(order.status) == details["allowedStates"]


def test_the_amount_to_reserve_is_the_orders() -> None:
    order = create("80.00")
    with pytest.raises(DomainError) as refused:
        decisions.reserve(order, Money.parse("79.99"), context())
    assert ErrorCode.RESERVE_MISMATCH_AMOUNT is refused.value.code
    assert {"orderId": order.id, "expected": "80.00", "given": "79.99"} == refused.value.details
    decisions.reserve(order, Money.parse("80.00"), context())


@pytest.mark.parametrize("amount", ["0.99", "100000.01", "0.00"])
def test_an_amount_outside_of_the_limits_makes_no_order(amount: str) -> None:
    with pytest.raises(DomainError) as refused:
        decisions.create(creation(amount), LIMITS, PLATFORM, context())
    assert ErrorCode.AMOUNT_OUT_OF_LIMITS is refused.value.code
    assert {"min": "1.00", "max": "100000.00"} == refused.value.details


@pytest.mark.parametrize("amount", ["1.00", "100000.00"])
def test_the_limits_themselves_are_allowed(amount: str) -> None:
    decisions.create(creation(amount), LIMITS, PLATFORM, context())


@pytest.mark.parametrize(
    "parties",
    [
        ("usr_a", "usr_a"),
        (PLATFORM, "usr_a"),
        ("usr_a", PLATFORM),
    ],
)
def test_buyer_seller_and_platform_differ(parties: tuple[str, str]) -> None:
    command = evolve(creation(), buyer_id=parties[0], seller_id=parties[1])
    with pytest.raises(DomainError) as refused:
        decisions.create(command, LIMITS, PLATFORM, context())
    assert ErrorCode.SAME_USER is refused.value.code


@pytest.mark.parametrize(
    "parts",
    [
        milestones("30.00", "49.99"),
        milestones("80.00", "80.00"),
        (milestones("40.00")[0], milestones("40.00")[0]),
        milestones(*["4.00"] * 20, "0.00"),
    ],
    ids=["too little", "too much", "a ref twice", "twenty-one"],
)
def test_milestones_that_do_not_make_up_the_order_are_a_fault(parts: tuple) -> None:
    with pytest.raises(DomainError) as refused:
        decisions.create(evolve(creation(), milestones=parts), LIMITS, PLATFORM, context())
    assert ErrorCode.VALIDATION_ERROR is refused.value.code
    fields = refused.value.details["fields"]
    assert isinstance(fields, list)
    assert ["milestones"] == [fault["field"] for fault in fields]


def test_twenty_milestones_are_allowed() -> None:
    parts = milestones(*["4.00"] * 20)
    order = decisions.create(
        evolve(creation(), milestones=parts), LIMITS, PLATFORM, context()
    ).entity
    assert parts == order.milestones


@pytest.mark.parametrize("command", COMMANDS)
def test_an_allowed_command_claims_its_idempotency_key_first(command: str) -> None:
    """The record is committed with the effect that it guards, and must be the first of its key."""
    standing = next(iter(DONE[command]), "IN_PROGRESS")
    order = in_progress(("80.00",)) if standing == "IN_PROGRESS" else STANDING[standing]()
    if command == "release":
        order = decisions.complete_milestone(order, "m0", context()).entity
    record = COMMANDS[command](order, context(claim=claim())).unit.idempotency
    assert record is not None
    assert record.first
    assert ("k-1", "f-1") == (record.key, record.fingerprint)
    runs_on = command in {"escrow", "fund", "release", "refund", "dispute"}
    assert ("running" if runs_on else "done") == record.state.value
    assert runs_on == (record.answer is None)
    assert runs_on == (record.resource_id is not None)
