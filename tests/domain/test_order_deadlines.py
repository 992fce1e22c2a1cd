"""Deadlines of an order: what they may be, when they are due, and what they do then."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_decisions as decisions
from offerhub.domain.chain import FailureKind
from offerhub.domain.due import DueKind, due_of
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import iso
from offerhub.domain.order import MilestoneStatus, Order, OrderStatus, Outcome
from offerhub.domain.order_deadline_decisions import (
    NewDeadlines,
    auto_release,
    change_deadlines,
    expire,
    is_due,
    releases,
)
from offerhub.domain.order_deadlines import HORIZON, due_at
from tests.domain.unit_checks import check_order_events
from tests.domain.world import (
    LIMITS,
    NOW,
    PARTIES,
    PAYEE_TERMS,
    PLATFORM,
    STANDING,
    claim,
    context,
    creation,
    escrow_asked,
    fail,
    following,
    in_progress,
    planned_by,
    reserved,
)

HOUR = timedelta(hours=1)
SOON = (NOW + HOUR).replace(microsecond=0)
LATER = SOON + HOUR
AHEAD = st.timedeltas(timedelta(milliseconds=1), HORIZON)


def refusal(command: Callable[[], object]) -> DomainError:
    with pytest.raises(DomainError) as refused:
        command()
    return refused.value


def created(**deadlines: datetime) -> Order:
    command = evolve(creation(), **deadlines)  # type: ignore[arg-type]  # any of its fields
    return decisions.create(command, LIMITS, PLATFORM, context()).entity


def completed(order: Order) -> Order:
    for milestone in order.milestones:
        order = decisions.complete_milestone(order, milestone.ref, context()).entity
    return order


def changed(order: Order, at: datetime = NOW, **deadlines: datetime) -> Order:
    return change_deadlines(order, NewDeadlines(**deadlines), context(at=at)).entity


FIELDS = pytest.mark.parametrize("field", ["expires_at", "auto_release_at"])
NAMES = {"expires_at": "expiresAt", "auto_release_at": "autoReleaseAt"}


# Which moments they may have.


def test_an_order_has_no_deadlines_unless_it_is_given_some() -> None:
    order = created()
    assert (None, None) == (order.expires_at, order.auto_release_at)
    for standing in STANDING.values():
        assert due_at(standing()) is None


@FIELDS
@given(ahead=AHEAD)
def test_a_deadline_is_kept_in_the_milliseconds_that_are_shown(
    field: str, ahead: timedelta
) -> None:
    order = created(**{field: NOW + ahead})
    kept = getattr(order, field)
    assert iso(NOW + ahead) == iso(kept)
    assert NOW < kept <= NOW + ahead
    assert 0 == kept.microsecond % 1000


@FIELDS
@pytest.mark.parametrize(
    ("moment", "fault"),
    [
        (NOW, "must be in the future"),
        (NOW - HOUR, "must be in the future"),
        # Shown in milliseconds it would be the present.
        (NOW + timedelta(microseconds=1), "must be in the future"),
        (NOW + HORIZON + timedelta(milliseconds=1), "must be within ten years"),
    ],
)
def test_a_moment_that_cannot_be_a_deadline_is_a_fault(
    field: str, moment: datetime, fault: str
) -> None:
    for command in (
        lambda: created(**{field: moment}),
        lambda: changed(created(), **{field: moment}),
    ):
        error = refusal(command)
        assert ErrorCode.VALIDATION_ERROR is error.code
        assert [{"field": NAMES[field], "message": fault}] == error.details["fields"]


def test_the_deadlines_of_a_new_order_are_in_its_event() -> None:
    command = evolve(creation(), expires_at=SOON, auto_release_at=LATER)
    (event,) = decisions.create(command, LIMITS, PLATFORM, context()).unit.events
    assert (iso(SOON), iso(LATER)) == (event.payload["expiresAt"], event.payload["autoReleaseAt"])
    (event,) = decisions.create(creation(), LIMITS, PLATFORM, context()).unit.events
    assert not {"expiresAt", "autoReleaseAt"} & set(event.payload)


# Setting them later.


@FIELDS
def test_a_deadline_can_be_set_once_the_order_exists_and_moved_to_a_later_time(field: str) -> None:
    order = changed(created(), **{field: SOON})
    decision = change_deadlines(order, NewDeadlines(**{field: LATER}), context(claim=claim()))
    after = decision.entity
    assert LATER == getattr(after, field)
    assert order.version + 1 == after.version
    (event,) = decision.unit.events
    assert "order.deadlines_changed" == event.type
    assert iso(LATER) == event.payload[NAMES[field]]
    (entry,) = decision.unit.audit
    assert entry.before is not None
    assert entry.after is not None
    assert (iso(SOON), iso(LATER)) == (entry.before[NAMES[field]], entry.after[NAMES[field]])
    assert decision.unit.idempotency is not None
    check_order_events(order, after, decision.unit)


def test_one_deadline_leaves_the_other_as_it_is() -> None:
    order = changed(created(expires_at=SOON), auto_release_at=LATER)
    assert (SOON, LATER) == (order.expires_at, order.auto_release_at)


@FIELDS
@given(ahead=AHEAD, other=AHEAD)
def test_a_deadline_never_moves_to_an_earlier_time(
    field: str, ahead: timedelta, other: timedelta
) -> None:
    order = created(**{field: NOW + ahead})
    standing = getattr(order, field)
    given_at = NOW + other
    assume(iso(given_at) < iso(standing))
    error = refusal(lambda: changed(order, **{field: given_at}))
    assert ErrorCode.DEADLINE_NOT_LATER is error.code
    assert {
        "orderId": order.id,
        "currentState": "ORDER_CREATED",
        "field": NAMES[field],
        "deadline": iso(standing),
        "given": iso(given_at),
    } == error.details


@FIELDS
def test_the_same_moment_again_changes_nothing_and_tells_nothing(field: str) -> None:
    order = created(**{field: SOON})
    decision = change_deadlines(order, NewDeadlines(**{field: SOON}), context())
    assert SOON == getattr(decision.entity, field)
    assert () == decision.unit.events


def test_an_expiry_that_is_due_cannot_be_moved() -> None:
    order = created(expires_at=SOON)

    for at in (SOON, SOON + HOUR):
        error = refusal(partial(changed, order, at, expires_at=at + HOUR))
        assert ErrorCode.DEADLINE_PASSED is error.code
        assert ("expiresAt", iso(SOON)) == (error.details["field"], error.details["deadline"])


def test_an_auto_release_that_waits_for_milestones_cannot_be_moved_once_its_moment_has_come() -> (
    None
):
    order = changed(in_progress(("80.00",)), auto_release_at=SOON)
    error = refusal(lambda: changed(order, SOON, auto_release_at=LATER))
    assert ErrorCode.DEADLINE_PASSED is error.code


def test_nothing_given_is_a_fault() -> None:
    error = refusal(lambda: changed(created()))
    assert ErrorCode.VALIDATION_ERROR is error.code


@pytest.mark.parametrize("standing", STANDING)
@FIELDS
def test_a_deadline_can_be_set_only_where_it_can_still_have_an_effect(
    field: str, standing: str
) -> None:
    order = STANDING[standing]()
    state = standing.partition(",")[0].split()[0]
    allowed = ["ORDER_CREATED", "FUNDS_RESERVED"]
    if field == "auto_release_at":
        allowed += ["ESCROW_CREATING", "ESCROW_FUNDING", "ESCROW_FUNDED", "IN_PROGRESS"]
    if state in allowed:
        assert SOON == getattr(changed(order, **{field: SOON}), field)
        return
    error = refusal(lambda: changed(order, **{field: SOON}))
    assert ErrorCode.INVALID_STATE_TRANSITION is error.code
    assert state == error.details["currentState"]


def test_of_two_deadlines_neither_is_set_when_one_is_refused() -> None:
    order = in_progress()
    error = refusal(lambda: changed(order, expires_at=SOON, auto_release_at=LATER))
    assert ErrorCode.INVALID_STATE_TRANSITION is error.code


# When they are due.


@pytest.mark.parametrize("standing", STANDING)
@given(passed=st.timedeltas(timedelta(), timedelta(days=400)))
def test_only_an_order_that_can_take_it_is_due(standing: str, passed: timedelta) -> None:
    """Whatever the state and the time: what is due is always allowed, and done by one commit."""
    order = evolve(STANDING[standing](), expires_at=SOON, auto_release_at=SOON + HOUR)
    moment = due_at(order)
    if moment is None:
        assert standing not in {"ORDER_CREATED", "FUNDS_RESERVED", "IN_PROGRESS"}
        return
    now = moment + passed
    assert is_due(order, now)
    assert not is_due(order, moment - timedelta(milliseconds=1))
    d = context(at=now)
    decision = auto_release(order, PARTIES, d) if releases(order) else expire(order, d)
    assert due_at(decision.entity) is None
    check_order_events(order, decision.entity, decision.unit)


def test_the_timer_wakes_an_order_for_the_deadline_that_is_next() -> None:
    order = created(expires_at=SOON, auto_release_at=LATER)
    due = due_of(order)
    assert due is not None
    assert (SOON, DueKind.ORDER, order.id) == (due.at, due.kind, due.owner)
    assert due_of(created()) is None
    going = changed(in_progress(), auto_release_at=LATER)
    due = due_of(going)
    assert due is not None
    assert LATER == due.at


def test_an_escrow_that_was_begun_stops_the_expiry() -> None:
    order = evolve(reserved(), expires_at=SOON)
    asked = chain_decisions.start_escrow(order, PAYEE_TERMS, "GCHANNEL", PARTIES, context())
    assert due_at(asked.entity) is None
    error = refusal(lambda: expire(asked.entity, context(at=LATER)))
    assert ErrorCode.INVALID_STATE_TRANSITION is error.code


def test_an_escrow_call_after_the_expiry_finds_the_order_closed() -> None:
    order = expire(evolve(reserved(), expires_at=SOON), context(at=SOON)).entity
    error = refusal(
        lambda: chain_decisions.start_escrow(order, PAYEE_TERMS, "GCHANNEL", PARTIES, context())
    )
    assert ErrorCode.INVALID_STATE_TRANSITION is error.code


def test_an_order_whose_deployment_has_failed_for_good_expires_after_all() -> None:
    asked = escrow_asked()
    order = evolve(asked.entity, expires_at=SOON)
    back = fail(order, planned_by(asked), FailureKind.REFUSED, "code").entity
    assert OrderStatus.FUNDS_RESERVED is back.status
    assert SOON == due_at(back)
    closed = expire(back, context(at=LATER)).entity
    # Whoever still waits for the escrow learns that it has failed.
    assert back.failed_attempt is not None
    assert back.failed_attempt == closed.failed_attempt


def test_an_auto_release_waits_for_the_last_milestone() -> None:
    order = changed(in_progress(("30.00", "50.00")), auto_release_at=SOON)
    assert due_at(order) is None
    half = decisions.complete_milestone(order, "m0", context()).entity
    assert due_at(half) is None
    late = decisions.complete_milestone(half, "m1", context(at=LATER)).entity
    assert SOON == due_at(late)
    assert is_due(late, LATER)


def test_a_moment_that_passed_before_the_escrow_was_funded_has_no_effect() -> None:
    """And it can be set anew: nobody was silent about work that could not begin."""
    funded = in_progress()
    for passed in (NOW, NOW - HOUR):
        order = evolve(funded, auto_release_at=passed)
        assert due_at(order) is None
        assert SOON == due_at(changed(order, auto_release_at=SOON))
    unfunded = evolve(reserved(), auto_release_at=NOW - HOUR)
    assert SOON == changed(unfunded, auto_release_at=SOON).auto_release_at


def test_every_milestone_of_what_is_released_in_silence_is_completed() -> None:
    order = completed(changed(in_progress(("30.00", "50.00")), auto_release_at=SOON))
    assert due_at(order) == SOON
    assert all(each.status is MilestoneStatus.COMPLETED for each in order.milestones)


# What they do.


@pytest.mark.parametrize("had_reserved", [False, True])
def test_an_expired_order_is_canceled_by_the_system_and_its_money_given_back(
    had_reserved: bool,
) -> None:
    order = evolve(reserved() if had_reserved else created(), expires_at=SOON)
    decision = expire(order, context(at=SOON))
    after = decision.entity
    assert (OrderStatus.CLOSED, Outcome.CANCELED) == (after.status, after.outcome)
    assert SOON == after.closed_at
    reported = {event.type: event.payload for event in decision.unit.events}
    assert {
        "orderId": order.id,
        "canceledBy": "system",
        "reason": "expired",
        "fundsReleased": had_reserved,
    } == reported["order.canceled"]
    assert had_reserved == ("balance.released" in reported)
    if had_reserved:
        assert "order_expired" == reported["balance.released"]["reason"]
    assert (order.buyer_id if had_reserved else None) == decision.debits
    assert had_reserved == bool(decision.unit.transfers)
    (entry,) = decision.unit.audit
    assert "order.expire" == entry.action


def test_a_release_in_silence_is_an_ordinary_release_asked_for_by_the_system() -> None:
    order = changed(in_progress(), auto_release_at=SOON)
    decision = auto_release(order, PARTIES, context(at=SOON))
    asked = chain_decisions.request_release(order, None, None, PARTIES, context(at=SOON))
    assert decision.entity.process is not None
    assert asked.entity.process is not None
    assert asked.entity.process.steps == decision.entity.process.steps
    (event,) = decision.unit.events
    assert {
        "orderId": order.id,
        "requestedBy": "system",
        "reason": "auto_release",
    } == event.payload
    assert following(decision) is not None


@pytest.mark.parametrize(
    "standing", ["DISPUTED", "REFUND_REQUESTED, refunding", "RELEASE_REQUESTED, releasing"]
)
def test_a_dispute_and_a_refund_stop_the_auto_release(standing: str) -> None:
    order = evolve(STANDING[standing](), auto_release_at=SOON)
    assert due_at(order) is None
    error = refusal(lambda: auto_release(order, PARTIES, context(at=LATER)))
    assert ErrorCode.INVALID_STATE_TRANSITION is error.code
