"""An order's walk over the chain: what each step plans, and what each end of one means (§2, §3)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain import order_decisions as decisions
from offerhub.domain.answers import OpenAnswer
from offerhub.domain.chain import ChainStatus, FailureKind, Subject
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.fees import FeePolicy, FeesKept, FeeTerms
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.order_decisions import Decision
from offerhub.domain.steps import RELEASE
from tests.domain.event_shapes import check_shape
from tests.domain.world import (
    ATTEMPTS_MAX,
    BUYER,
    CHANNEL,
    LIMITS,
    NOW,
    PARTIES,
    PAYEE_TERMS,
    PLATFORM,
    RETRY,
    SHOWN_NOW,
    at_release_step,
    claim,
    confirm,
    confirmed,
    context,
    contract_of,
    contract_stands,
    create,
    creation,
    escrow_asked,
    fail,
    failed,
    following,
    funding_asked,
    in_progress,
    payouts_of,
    planned_by,
    release_asked,
    reserved,
)

STEPS: dict[str, Callable[[], Decision]] = {
    "deploy": escrow_asked,
    "fund": funding_asked,
    "complete:0": release_asked,
    "release": lambda: at_release_step(release_asked()),
}
LATER = NOW + timedelta(minutes=5)


def test_an_escrow_bears_the_moment_of_its_own_last_change():
    order = in_progress(("30.00", "50.00"))
    assert order.escrow is not None
    assert NOW == order.escrow.updated_at

    done = decisions.complete_milestone(order, order.milestones[0].ref, context(at=LATER)).entity

    assert LATER == done.updated_at
    assert order.escrow == done.escrow
    done = decisions.complete_milestone(done, order.milestones[1].ref, context(at=LATER)).entity
    asked = chain_decisions.request_release(done, "BUYER", None, PARTIES, context(at=LATER)).entity
    assert asked.escrow is not None
    assert LATER == asked.escrow.updated_at


MAY_FALL_BACK = {"deploy": "FUNDS_RESERVED", "fund": "ESCROW_CREATING"}


def types(decision: Decision) -> list[str]:
    for event in decision.unit.events:
        check_shape(event)
    return [event.type for event in decision.unit.events]


def test_each_entered_state_is_told_once_and_in_order() -> None:
    reported = []
    order = decisions.create(creation(), LIMITS, PLATFORM, context())
    reported += types(order)
    step = decisions.reserve(order.entity, None, context())
    reported += types(step)
    step = chain_decisions.start_escrow(step.entity, PAYEE_TERMS, CHANNEL, PARTIES, context())
    reported += types(step)
    step = confirm(step.entity, planned_by(step))
    reported += types(step)
    step = chain_decisions.start_funding(step.entity, PARTIES, context())
    reported += types(step)
    step = confirm(step.entity, planned_by(step))
    reported += types(step)
    step = chain_decisions.request_release(step.entity, "BUYER", "done", PARTIES, context())
    while following(step) is not None:
        reported += types(step)
        step = confirm(step.entity, planned_by(step))
    reported += types(step)
    assert [
        "order.created",
        "balance.reserved",
        "order.funds_reserved",
        "order.escrow_creating",
        "escrow.created",
        "order.escrow_funding",
        "escrow.funding_started",
        "balance.debited",
        "escrow.funded",
        "order.escrow_funded",
        "order.in_progress",
        "order.release_requested",
        "balance.credited",
        "escrow.released",
        "order.released",
        "order.closed",
    ] == reported


def test_steps_go_to_the_lane_of_their_signer() -> None:
    """docs/spec/domain.md §3: deploy a channel; fund, approve and release the buyer; complete the seller."""
    seen = []
    step = release_asked(("30.00", "50.00"))
    while following(step) is not None:
        operation = planned_by(step)
        assert (Subject.ORDER, step.entity.id) == (operation.subject, operation.subject_id)
        assert ChainStatus.PLANNED is operation.status
        assert operation in step.unit.writes
        seen.append((str(operation.step), operation.source))
        step = confirm(step.entity, operation)
    assert [
        ("complete:0", "GSELLER"),
        ("complete:1", "GSELLER"),
        ("approve:0", "GBUYER"),
        ("approve:1", "GBUYER"),
        ("release", "GBUYER"),
    ] == seen
    assert "GCHANNEL" == planned_by(escrow_asked()).source
    assert "GBUYER" == planned_by(funding_asked()).source


def test_an_order_without_milestones_has_one_named_delivery_in_its_contract() -> None:
    assert () == in_progress().milestones
    assert ("delivery",) == in_progress().contract_milestones
    process = release_asked().entity.process
    assert process is not None
    assert ["complete:0", "approve:0", "release"] == [str(step) for step in process.steps]


def test_fee_terms_are_fixed_when_the_contract_is_planned() -> None:
    terms = FeeTerms(250, FeePolicy.PLATFORM)
    order = release_asked(terms=terms).entity
    assert terms == order.fee_terms


@pytest.mark.parametrize("step", STEPS)
def test_an_end_is_taken_once(step: str) -> None:
    asked = STEPS[step]()
    operation = planned_by(asked)
    after = confirm(asked.entity, operation).entity
    for stale in (confirmed(operation), failed(operation)):
        again = chain_ends.operation_ended(after, stale, PARTIES, RETRY, context())
        assert again is None


@pytest.mark.parametrize("status", [ChainStatus.PLANNED, ChainStatus.SIGNED, ChainStatus.SUBMITTED])
@pytest.mark.parametrize("step", STEPS)
def test_an_operation_that_has_not_ended_changes_nothing(step: str, status: ChainStatus) -> None:
    asked = STEPS[step]()
    operation = evolve(planned_by(asked), status=status, tx_hash="h")
    ended = chain_ends.operation_ended(asked.entity, operation, PARTIES, RETRY, context())
    assert ended is None


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("step", STEPS)
def test_a_failed_envelope_is_built_again_or_the_order_falls_back(
    step: str, kind: FailureKind
) -> None:
    """Only a deployment or a funding falls back; a definitive refusal does so at once."""
    decision = asked = STEPS[step]()
    may_fall_back = step in MAY_FALL_BACK
    definitive = kind in {FailureKind.REFUSED, FailureKind.FOREIGN}
    attempts = 0
    reported: list[str] = []
    while following(decision) is not None and attempts < 3 * ATTEMPTS_MAX:
        attempts += 1
        operation = planned_by(decision)
        assert attempts == operation.attempt
        before = decision.entity
        decision = fail(before, operation, kind, "SOME_CODE")
        reported += types(decision)
        assert before.version + 1 == decision.entity.version
        assert () == decision.unit.transfers
        assert decision.debits is None
    if not may_fall_back:
        assert 3 * ATTEMPTS_MAX == attempts
        assert asked.entity.status is decision.entity.status
        assert [] == reported
        assert decision.entity.process is not None
        assert f"it was {kind.value}" == decision.entity.process.last_error
        return
    assert (1 if definitive else ATTEMPTS_MAX) == attempts
    back = MAY_FALL_BACK[step]
    assert back == decision.entity.status.value
    assert ["escrow.attempt_failed"] * attempts + [f"order.{back.lower()}"] == reported
    assert decision.entity.process is None


@pytest.mark.parametrize("step", list(MAY_FALL_BACK))
def test_only_the_last_failure_does_not_promise_another_attempt(step: str) -> None:
    decision = STEPS[step]()
    promises = []
    while following(decision) is not None:
        decision = fail(decision.entity, planned_by(decision), FailureKind.DEAD)
        promises.append(decision.unit.events[0].payload["willRetry"])
    assert [True] * (ATTEMPTS_MAX - 1) + [False] == promises
    *_, back = decision.unit.events
    assert "it was dead" == back.payload["reason"]


def test_an_escrow_that_fell_back_is_null_and_takes_the_same_id_up_again() -> None:
    asked = escrow_asked()
    back = fail(asked.entity, planned_by(asked), FailureKind.REFUSED).entity
    assert back.escrow is None
    assert back.fee_terms is None
    assert back.escrow is None
    again = chain_decisions.start_escrow(back, PAYEE_TERMS, CHANNEL, PARTIES, context()).entity
    assert again.escrow is not None
    assert asked.entity.escrow_id == again.escrow.id == back.escrow_id
    assert again.failed_attempt is None


def test_a_funding_that_fell_back_leaves_the_contract_standing() -> None:
    asked = funding_asked()
    back = fail(asked.entity, planned_by(asked), FailureKind.REFUSED).entity
    assert back.escrow is not None
    assert ("CREATED", contract_of(back)) == (back.escrow.status.value, back.escrow.contract_id)
    failed_attempt = back.failed_attempt
    assert failed_attempt is not None
    assert ("fund", 1, "it was refused") == (
        failed_attempt.operation.value,
        failed_attempt.attempts,
        failed_attempt.last_error,
    )
    assert chain_decisions.start_funding(back, PARTIES, context()).entity.failed_attempt is None


@pytest.mark.parametrize("make", [reserved, contract_stands], ids=["cancel", "refund"])
def test_a_fall_back_can_be_left_by_giving_the_money_back(make: Callable[[], Order]) -> None:
    order = make()
    decision = (
        decisions.cancel(order, None, None, context())
        if make is reserved
        else decisions.refund_unfunded(order, None, "late", context())
    )
    assert decision.debits == BUYER
    (transfer,) = decision.unit.transfers
    assert {f"available/{BUYER}": 800_000_000, f"reserved/{BUYER}": -800_000_000} == {
        posting.account: posting.amount.stroops for posting in transfer.postings
    }
    assert "CLOSED" == decision.entity.status.value


def test_a_refund_before_funding_passes_all_its_states_in_one_commit() -> None:
    decision = decisions.refund_unfunded(contract_stands(), "BUYER", "late", context())
    assert [
        "order.refund_requested",
        "balance.released",
        "escrow.refunded",
        "order.refunded",
        "order.closed",
    ] == types(decision)
    order = decision.entity
    assert order.outcome is not None
    assert "REFUNDED" == order.outcome.value
    assert order.escrow is not None
    assert ("REFUNDED", NOW) == (order.escrow.status.value, order.escrow.refunded_at)
    assert FeesKept(Money.zero(), Money.zero()) == order.fees


@pytest.mark.parametrize(
    ("make", "reported"),
    [
        (create, ["order.canceled", "order.closed"]),
        (reserved, ["balance.released", "order.canceled", "order.closed"]),
    ],
)
def test_a_cancel_tells_whether_funds_were_released(
    make: Callable[[], Order], reported: list[str]
) -> None:
    order = make()
    decision = decisions.cancel(order, "BUYER", "no more", context())
    assert reported == types(decision)
    canceled, closed = decision.unit.events[-2:]
    assert (make is reserved) == canceled.payload["fundsReleased"]
    assert {
        "orderId": order.id,
        "finalStatus": "CLOSED",
        "outcome": "CANCELED",
        "closedAt": SHOWN_NOW,
    } == dict(closed.payload)


@pytest.mark.parametrize("step", STEPS)
def test_the_final_answer_stands_under_the_key_that_asked(step: str) -> None:
    """Only the last confirmation of a process answers, and it is not the key's first write."""
    asked = STEPS[step]()
    process = asked.entity.process
    assert process is not None
    trace = evolve(process.trace, idempotency=claim("order.release"))
    order = evolve(asked.entity, process=evolve(process, trace=trace))
    # The actor decides under the trace of the request that asked.
    record = _ended_under(order, asked, DecisionContext(NOW, context().ids, trace))
    if step == "complete:0":
        assert record.unit.idempotency is None
        return
    kept = record.unit.idempotency
    assert kept is not None
    assert ("done", False) == (kept.state.value, kept.first)
    assert OpenAnswer(record.entity, "order.release", "req-1", NOW) == kept.answer


def _ended_under(order: Order, asked: Decision, under: DecisionContext) -> Decision:
    operation = confirmed(planned_by(asked), contract_id=contract_of(order))
    if operation.step == RELEASE:
        operation = evolve(operation, payouts=payouts_of(order))
    ended = chain_ends.operation_ended(order, operation, PARTIES, RETRY, under)
    assert ended is not None
    return ended


def test_a_fall_back_forgets_the_key_so_that_it_tries_again() -> None:
    asked = escrow_asked()
    process = asked.entity.process
    assert process is not None
    order = evolve(
        asked.entity, process=evolve(process, trace=evolve(process.trace, idempotency=claim()))
    )
    record = fail(order, planned_by(asked), FailureKind.REFUSED).unit.idempotency
    assert record is not None
    assert ("released", False) == (record.state.value, record.first)


def test_a_planned_operation_never_carries_the_claim() -> None:
    decision = chain_decisions.start_escrow(
        reserved(), PAYEE_TERMS, CHANNEL, PARTIES, context(claim=claim())
    )
    assert planned_by(decision).trace.idempotency is None
    assert "req-1" == planned_by(decision).trace.correlation_id


def test_only_the_funding_takes_from_a_balance_when_the_chain_confirms() -> None:
    debits = {}
    for step, make in STEPS.items():
        asked = make()
        assert asked.debits is None
        debits[step] = confirm(asked.entity, planned_by(asked)).debits
    assert {"deploy": None, "fund": BUYER, "complete:0": None, "release": None} == debits


def test_the_error_of_a_step_is_forgotten_when_the_next_one_begins() -> None:
    asked = release_asked()
    retried = fail(asked.entity, planned_by(asked))
    following = confirm(retried.entity, planned_by(retried)).entity.process
    assert following is not None
    assert ("approve:0", 1, None) == (
        str(following.current),
        following.attempt,
        following.last_error,
    )
