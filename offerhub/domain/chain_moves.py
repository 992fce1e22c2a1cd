"""The moves of a chain operation: planned, signed, submitted, and its three ends (docs/spec/domain.md §3)."""

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen

from offerhub.domain.chain import (
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
    PayoutSeen,
    Subject,
    check_move,
)
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.intents import EscrowIntent, Intent
from offerhub.domain.unit_of_work import AuditEntry

_PAUSE_FIRST_S: Final = 0.5
_PAUSE_MAX_S: Final = 60.0
_OUTAGE_PAUSE_MAX_S: Final = 15.0
"""Calls are budgeted, so an outage may be looked at more often than a refusal."""

_DUE_PAUSE: Final = timedelta(seconds=30)
"""The end of the settlement ends the pause; this is for when nobody could tell."""

ALARM_AFTER: Final = 10
"""Failures in a row after which a step is reported: several minutes."""

ALARM: Final = "chain.step_keeps_failing"
"""The audit action of that alarm, and its key in the log."""


@frozen
class RetryPolicy:
    """How often a step is tried, and with which pauses.

    Args:
        attempts_max: attempts of a step that falls back.
        chance: a number in [0, 1) that was drawn for this decision: it spreads retries out.
    """

    attempts_max: int
    chance: float

    def pause(self, failures: int) -> timedelta:
        """The pause after so many failures in a row: 0.5 s, doubling to a minute, ±50 %."""
        doubled = min(_PAUSE_MAX_S, _PAUSE_FIRST_S * 2.0 ** min(failures - 1, 16))
        return timedelta(seconds=doubled * (0.5 + self.chance))


@frozen
class SignedEnvelope:
    """A signed envelope and what it is known by; `max_time` in Unix seconds."""

    envelope: str = field(repr=False)
    tx_hash: str
    sequence: int
    max_time: int
    fee_stroops: int
    contract_id: str | None


def planned(
    intent: Intent, subject: Subject, subject_id: str | None, context: DecisionContext
) -> ChainOperation:
    """Plan the first attempt at a step; without a `subject_id` the operation is its own subject."""
    operation_id = context.ids.new("cop")
    return ChainOperation(
        id=operation_id,
        version=1,
        subject=subject,
        subject_id=subject_id or operation_id,
        intent=intent,
        attempt=1,
        status=ChainStatus.PLANNED,
        trace=context.trace.without_claim(),
        created_at=context.now,
        updated_at=context.now,
    )


def planned_again(
    failed: ChainOperation, retry: RetryPolicy, context: DecisionContext
) -> ChainOperation:
    """Plan the next attempt at the step of an operation that has failed: the same intent.

    It begins after a pause, which grows with the attempts, unless the envelope before has died of
    old age: then nobody has refused anything.
    """
    after = planned(failed.intent, failed.subject, failed.subject_id, context)
    dead = failure_of(failed).kind is FailureKind.DEAD
    return evolve(
        after,
        attempt=failed.attempt + 1,
        not_before=None if dead else context.now + retry.pause(failed.attempt),
    )


def nothing_left(failed: ChainOperation, retry: RetryPolicy) -> bool:
    """Whether the owner of a failed operation falls back now, instead of trying again."""
    kind = failure_of(failed).kind
    # A build of ours that differs from its intent is read anew; the provider's is what it builds.
    by_provider = isinstance(failed.intent, EscrowIntent)
    definitive = kind is FailureKind.REFUSED or (kind is FailureKind.FOREIGN and by_provider)
    return failed.rules.falls_back and (definitive or failed.attempt >= retry.attempts_max)


def alarm(
    operation: ChainOperation, failures: int, reason: str, context: DecisionContext
) -> AuditEntry | None:
    """The alarm of a step that keeps failing: one, when the failures in a row have become many."""
    if failures != ALARM_AFTER:
        return None
    return context.audit(
        ALARM,
        "ChainOperation",
        operation.id,
        result="alarm",
        error=reason,
        after={
            "step": str(operation.step),
            "subject": operation.subject_id,
            "source": operation.source,
            "failures": failures,
        },
    )


def failure_of(operation: ChainOperation) -> ChainFailure:
    """Why an operation has ended without its effect."""
    if operation.failure is None:
        msg = f"{operation.id} has failed without a reason"
        raise InvariantViolated(msg)
    return operation.failure


def hash_of(operation: ChainOperation) -> str:
    """The hash of a confirmed operation."""
    if operation.tx_hash is None:
        msg = f"{operation.id} is confirmed without a hash"
        raise InvariantViolated(msg)
    return operation.tx_hash


def signed(
    operation: ChainOperation, envelope: SignedEnvelope, after_ledger: int, at: datetime
) -> ChainOperation:
    """The vault has signed an envelope for it, when `after_ledger` was the network's newest."""
    return evolve(
        _moved(operation, ChainStatus.SIGNED, at),
        tx_hash=envelope.tx_hash,
        envelope=envelope.envelope,
        sequence=envelope.sequence,
        max_time=envelope.max_time,
        contract_id=envelope.contract_id,
        signed_after=after_ledger,
        unclear_since=None,
        not_before=None,
        last_error=None,
    )


def adopted(operation: ChainOperation, earlier: ChainOperation, at: datetime) -> ChainOperation:
    """An earlier attempt at its step, which was taken for dead, is in a ledger: its envelope is followed."""
    return evolve(
        _moved(operation, ChainStatus.SIGNED, at),
        tx_hash=earlier.tx_hash,
        envelope=earlier.envelope,
        sequence=earlier.sequence,
        max_time=earlier.max_time,
        contract_id=earlier.contract_id,
        signed_after=earlier.signed_after,
        not_before=None,
    )


def unclear(operation: ChainOperation, reason: str, at: datetime) -> ChainOperation:
    """The network contradicts itself about it: it is open as before, and waits for an operator."""
    return evolve(_moved(operation, operation.status, at), unclear_since=at, last_error=reason)


def submitted(operation: ChainOperation, reason: str, at: datetime) -> ChainOperation:
    """It was handed in, and what became of it is not known yet."""
    return evolve(_moved(operation, ChainStatus.SUBMITTED, at), last_error=reason)


def waiting(operation: ChainOperation, reason: str, at: datetime) -> ChainOperation:
    """It is open as before; says why."""
    return evolve(_moved(operation, operation.status, at), last_error=reason)


def build_refused(
    operation: ChainOperation, reason: str, retry: RetryPolicy, at: datetime
) -> ChainOperation:
    """The provider would not build it, in words that may pass: it pauses."""
    refusals = operation.refusals + 1
    return evolve(
        waiting(operation, reason, at), refusals=refusals, not_before=at + retry.pause(refusals)
    )


def build_differed(
    operation: ChainOperation, reason: str, pause: timedelta, at: datetime
) -> ChainOperation:
    """What was built got no signature: it pauses, so that what lags behind may catch up."""
    return evolve(
        waiting(operation, reason, at),
        mismatches=operation.mismatches + 1,
        not_before=at + pause if pause else None,
    )


def outside_away(
    operation: ChainOperation, reason: str, retry: RetryPolicy, at: datetime
) -> ChainOperation:
    """The network or the provider did not answer, so nothing was built: it pauses, shortly."""
    outages = operation.outages + 1
    pause = min(retry.pause(outages), timedelta(seconds=_OUTAGE_PAUSE_MAX_S))
    return evolve(waiting(operation, reason, at), outages=outages, not_before=at + pause)


def due_first(operation: ChainOperation, reason: str, at: datetime) -> ChainOperation:
    """Its wallet lacks money that is still due to it: it pauses, until that is settled."""
    return evolve(waiting(operation, reason, at), not_before=at + _DUE_PAUSE)


def resumed(operation: ChainOperation, at: datetime) -> ChainOperation:
    """What it paused for may be there."""
    return evolve(_moved(operation, operation.status, at), not_before=None)


def confirmed(
    operation: ChainOperation,
    ledger: int | None,
    closed_at: datetime | None,
    payouts: tuple[PayoutSeen, ...],
    at: datetime,
) -> ChainOperation:
    """A ledger includes it, and it did what it says; an operator's word for it names no ledger."""
    return evolve(
        _moved(operation, ChainStatus.CONFIRMED, at),
        ledger=ledger,
        closed_at=closed_at,
        payouts=payouts,
        last_error=None,
    )


def failed(
    operation: ChainOperation,
    failure: ChainFailure,
    at: datetime,
    *,
    ledger: int | None = None,
    closed_at: datetime | None = None,
) -> ChainOperation:
    """It has ended without its effect; with a ledger if one includes it."""
    return evolve(
        _moved(operation, ChainStatus.FAILED, at),
        failure=failure,
        ledger=ledger,
        closed_at=closed_at,
        last_error=None if ledger is not None else operation.last_error,
    )


def expired(operation: ChainOperation, failure: ChainFailure, at: datetime) -> ChainOperation:
    """Its envelope is provably dead."""
    return evolve(_moved(operation, ChainStatus.EXPIRED, at), failure=failure)


def _moved(operation: ChainOperation, status: ChainStatus, at: datetime) -> ChainOperation:
    check_move(operation.status, status)
    return evolve(operation, version=operation.version + 1, status=status, updated_at=at)
