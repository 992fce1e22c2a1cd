"""Withdrawals of USDC: the money leaves once, or comes back once (docs/spec/domain.md §2, §3)."""

import pytest
from attrs import evolve

from offerhub.domain import withdrawal_decisions as decisions
from offerhub.domain.answers import OpenAnswer
from offerhub.domain.chain import ChainOperation, ChainStatus, FailureKind, Subject
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.intents import PayUsdc
from offerhub.domain.money import Money
from offerhub.domain.withdrawal import (
    ENDED,
    WITHDRAWAL_MOVES,
    DestinationType,
    Withdrawal,
    WithdrawalStatus,
)
from offerhub.domain.withdrawal_decisions import CreateWithdrawal, WithdrawalDecision
from tests.domain.event_shapes import check_shape
from tests.domain.world import (
    ATTEMPTS_MAX,
    LIMITS,
    NOW,
    RETRY,
    claim,
    confirmed,
    context,
    failed,
    following,
    planned_by,
)

MOVES = {
    "CREATED": "COMMITTED FAILED CANCELED",
    "COMMITTED": "PENDING PENDING_USER_ACTION COMPLETED FAILED CANCELED",
    "PENDING": "PENDING_USER_ACTION COMPLETED FAILED CANCELED",
    "PENDING_USER_ACTION": "PENDING COMPLETED FAILED CANCELED",
    "COMPLETED": "",
    "FAILED": "",
    "CANCELED": "",
}
"""docs/spec/domain.md §2, end."""

USER = "usr_seller"
OUT = {f"available/{USER}": -500_000_000, f"withdrawing/{USER}": 500_000_000}
BACK = {account: -amount for account, amount in OUT.items()}


def created(*, commit: bool, under: DecisionContext | None = None) -> WithdrawalDecision:
    command = CreateWithdrawal(
        withdrawal_id=context().ids.new("wd"),
        user_id=USER,
        amount=Money.parse("50.00"),
        currency="USDC",
        destination_ref="GOUTSIDE",
        destination_memo="invoice 7",
        description=None,
        commit=commit,
    )
    return decisions.create(command, LIMITS, "GSELLER", under or context())


def planned(decision: WithdrawalDecision) -> ChainOperation:
    assert following(decision) is not None
    return planned_by(decision)


def ended(withdrawal: Withdrawal, operation: ChainOperation) -> WithdrawalDecision:
    decision = decisions.operation_ended(withdrawal, operation, RETRY, context())
    assert decision is not None
    return decision


def types(decision: WithdrawalDecision) -> list[str]:
    for event in decision.unit.events:
        check_shape(event)
    return [event.type for event in decision.unit.events]


def posted(decision: WithdrawalDecision) -> dict[str, int]:
    (transfer,) = decision.unit.transfers
    assert decision.entity.id == transfer.reference
    return {posting.account: posting.amount.stroops for posting in transfer.postings}


def test_the_moves_are_the_specs() -> None:
    assert {state: set(row.split()) for state, row in MOVES.items()} == {
        state.name: {follower.name for follower in followers}
        for state, followers in WITHDRAWAL_MOVES.items()
    }
    assert all(f"WITHDRAWAL_{state.name}" == state.value for state in WithdrawalStatus)
    assert {"COMPLETED", "FAILED", "CANCELED"} == {state.name for state in ENDED}


def test_a_created_withdrawal_has_left_available() -> None:
    decision = created(commit=False)
    assert OUT == posted(decision)
    assert USER == decision.debits
    assert ["balance.debited", "withdrawal.created"] == types(decision)
    assert WithdrawalStatus.CREATED is decision.entity.status
    assert not decision.entity.committed
    assert following(decision) is None


def test_the_payment_carries_amount_destination_and_memo_as_asked_for() -> None:
    """A memo that is lost is money that an exchange credits to nobody."""
    asked = PayUsdc("GSELLER", "GOUTSIDE", Money.parse("50.00"), "invoice 7")
    assert asked == planned(created(commit=True)).intent
    later = decisions.commit(created(commit=False).entity, "GSELLER", context())
    assert asked == planned(later).intent


def test_a_committed_one_is_created_and_committed_in_one_unit() -> None:
    decision = created(commit=True)
    assert OUT == posted(decision)
    assert ["balance.debited", "withdrawal.created", "withdrawal.committed"] == types(decision)
    operation = planned(decision)
    assert (Subject.WITHDRAWAL, decision.entity.id, "pay", "GSELLER", 1) == (
        operation.subject,
        operation.subject_id,
        str(operation.step),
        operation.source,
        operation.attempt,
    )
    assert (decision.entity, operation) == decision.unit.writes
    assert 1 == decision.entity.version


def test_committing_later_plans_the_payment_and_moves_no_money() -> None:
    decision = decisions.commit(created(commit=False).entity, "GSELLER", context())
    assert () == decision.unit.transfers
    assert decision.debits is None
    assert ["withdrawal.committed"] == types(decision)
    assert 2 == decision.entity.version


def test_a_canceled_withdrawal_gives_its_money_back() -> None:
    decision = decisions.cancel(created(commit=False).entity, context())
    assert BACK == posted(decision)
    assert ["balance.credited", "withdrawal.canceled"] == types(decision)
    assert "withdrawal_failed" == decision.unit.events[0].payload["source"]
    assert WithdrawalStatus.CANCELED is decision.entity.status


def test_a_confirmed_payment_takes_the_money_out_of_the_books() -> None:
    asked = created(commit=True)
    operation = confirmed(planned(asked))
    decision = ended(asked.entity, operation)
    assert {f"withdrawing/{USER}": -500_000_000, "external": 500_000_000} == posted(decision)
    (held,) = decision.unit.transfers[0].holdings
    assert (f"wallet/{USER}", -500_000_000, operation.tx_hash) == (
        held.holding,
        held.amount.stroops,
        held.reference,
    )
    assert ["withdrawal.completed"] == types(decision)
    assert operation.tx_hash == decision.entity.transaction_hash
    assert operation.id == decision.unit.transfers[0].cause


@pytest.mark.parametrize("kind", list(FailureKind))
def test_the_money_comes_back_once_after_a_proven_failure(kind: FailureKind) -> None:
    """At once where the destination is refused, else when the attempts are used up."""
    decision = created(commit=True)
    attempts = 0
    returned: list[dict[str, int]] = []
    while following(decision) is not None:
        attempts += 1
        operation = planned_by(decision)
        assert attempts == operation.attempt
        before = decision.entity
        decision = ended(before, failed(operation, kind, "op_no_trust"))
        assert before.version + 1 == decision.entity.version
        returned += [posted(decision)] if decision.unit.transfers else []
        assert decision.debits is None
        stale = failed(operation, kind)
        again = decisions.operation_ended(decision.entity, stale, RETRY, context())
        assert again is None
    assert (1 if kind is FailureKind.REFUSED else ATTEMPTS_MAX) == attempts
    assert [BACK] == returned
    assert ["balance.credited", "withdrawal.failed"] == types(decision)
    failure = decision.entity.failure
    assert failure is not None
    assert ("op_no_trust", f"it was {kind.value}") == (failure.code, failure.reason)


@pytest.mark.parametrize("status", [ChainStatus.PLANNED, ChainStatus.SIGNED, ChainStatus.SUBMITTED])
def test_a_payment_that_may_still_be_applied_returns_nothing(status: ChainStatus) -> None:
    asked = created(commit=True)
    alive = evolve(planned(asked), status=status, tx_hash="h")
    assert decisions.operation_ended(asked.entity, alive, RETRY, context()) is None


def test_the_payment_of_another_attempt_is_not_taken() -> None:
    asked, other = created(commit=True), created(commit=True)
    foreign = confirmed(planned(other))
    assert decisions.operation_ended(asked.entity, foreign, RETRY, context()) is None


def in_every_state() -> dict[WithdrawalStatus, Withdrawal]:
    asked = created(commit=True)
    return {state: evolve(asked.entity, status=state) for state in WithdrawalStatus}


@pytest.mark.parametrize("state", [s for s in WithdrawalStatus if s.name != "CREATED"])
def test_only_a_created_withdrawal_is_committed_or_canceled(state: WithdrawalStatus) -> None:
    withdrawal = in_every_state()[state]
    for command, code in (
        (lambda: decisions.commit(withdrawal, "G", context()), "WITHDRAWAL_NOT_COMMITTABLE"),
        (lambda: decisions.cancel(withdrawal, context()), "INVALID_STATE_TRANSITION"),
    ):
        with pytest.raises(DomainError) as refused:
            command()
        assert code == refused.value.code.value
        assert {
            "withdrawalId": withdrawal.id,
            "currentState": state.value,
            "allowedStates": sorted(f"WITHDRAWAL_{name}" for name in MOVES[state.name].split()),
        } == refused.value.details


@pytest.mark.parametrize("state", [s for s in WithdrawalStatus if s.name != "COMMITTED"])
def test_an_end_is_taken_only_while_committed(state: WithdrawalStatus) -> None:
    asked = created(commit=True)
    withdrawal = evolve(asked.entity, status=state)
    for operation in (confirmed(planned(asked)), failed(planned(asked))):
        assert decisions.operation_ended(withdrawal, operation, RETRY, context()) is None


def test_amounts_outside_of_the_limits_are_refused() -> None:
    command = CreateWithdrawal("wd_1", USER, Money.parse("0.99"), "USDC", "G", None, None, True)
    with pytest.raises(DomainError) as refused:
        decisions.create(command, LIMITS, "G", context())
    assert ErrorCode.AMOUNT_OUT_OF_LIMITS is refused.value.code


def test_a_failure_without_a_reason_is_a_fault_of_ours() -> None:
    asked = created(commit=True)
    without = evolve(failed(planned(asked)), failure=None)
    with pytest.raises(InvariantViolated):
        decisions.operation_ended(asked.entity, without, RETRY, context())


@pytest.mark.parametrize("succeeds", [True, False])
def test_success_and_failure_are_both_kept_under_the_key_that_asked(succeeds: bool) -> None:
    """docs/spec/api.md, Long operations: a withdrawal that failed answers as if it had succeeded."""
    asked = created(commit=True, under=context(claim=claim("withdrawal.create")))
    record = asked.unit.idempotency
    assert record is not None
    assert ("running", "Withdrawal", asked.entity.id) == (
        record.state.value,
        record.resource_type,
        record.resource_id,
    )
    operation = planned(asked)
    assert operation.trace.idempotency is None
    end = confirmed(operation) if succeeds else failed(operation, FailureKind.REFUSED)
    decision = ended(asked.entity, end)
    kept = decision.unit.idempotency
    assert kept is not None
    assert ("done", False, "k-1") == (kept.state.value, kept.first, kept.key)
    assert OpenAnswer(decision.entity, "withdrawal.create", "req-1", NOW) == kept.answer


def test_it_shows_where_it_goes() -> None:
    withdrawal = created(commit=False).entity
    assert DestinationType.CRYPTO is withdrawal.destination_type
    assert ("GOUTSIDE", "invoice 7") == (withdrawal.destination_ref, withdrawal.destination_memo)
