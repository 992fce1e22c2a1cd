"""Decisions on a withdrawal of USDC to the chain (docs/spec/domain.md §2, §3).

The amount leaves `available` when the withdrawal is created. It leaves the books when the chain has
confirmed the payment, or comes back, once, when the payment provably never will be.
"""

from collections.abc import Callable
from typing import Final

from attrs import evolve, frozen

from offerhub.domain import postings
from offerhub.domain.chain import (
    ChainFailure,
    ChainOperation,
    ChainStatus,
    Subject,
)
from offerhub.domain.chain_moves import (
    RetryPolicy,
    failure_of,
    hash_of,
    nothing_left,
    planned,
    planned_again,
)
from offerhub.domain.decision import Decided
from offerhub.domain.decision_context import DecisionContext, balance_credited, balance_debited
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.intents import PayUsdc
from offerhub.domain.ledger import Transfer
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.postings import Movement
from offerhub.domain.unit_of_work import AuditEntry, Event, UnitOfWork
from offerhub.domain.withdrawal import (
    WITHDRAWAL_MOVES,
    DestinationType,
    Payment,
    Withdrawal,
    WithdrawalFailure,
    WithdrawalStatus,
)

WithdrawalDecision = Decided[Withdrawal]


@frozen
class CreateWithdrawal:
    """A new withdrawal, as the caller describes it; its destination was checked on the chain."""

    withdrawal_id: str
    user_id: str
    amount: Money
    currency: str
    destination_ref: str
    destination_memo: str | None
    description: str | None
    commit: bool


def create(
    command: CreateWithdrawal,
    limits: Limits,
    source: str,
    context: DecisionContext,
    channel: str | None = None,
) -> WithdrawalDecision:
    """Take the amount from the user's available; with `commit`, plan the payment too.

    Args:
        source: address of the user's wallet, the payment's lane.
        channel: of the platform's own withdrawal: it takes from the treasury, which has no balance
            whose events could be told, and a channel account is the payment's lane.
    """
    limits.check(command.amount)
    withdrawal = Withdrawal(
        id=command.withdrawal_id,
        version=1,
        user_id=command.user_id,
        amount=command.amount,
        currency=command.currency,
        destination_type=DestinationType.CRYPTO,
        destination_ref=command.destination_ref,
        destination_memo=command.destination_memo,
        description=command.description,
        status=WithdrawalStatus.CREATED,
        of_platform=channel is not None,
        created_at=context.now,
        updated_at=context.now,
    )
    events = [_event(withdrawal, context, "created", {})]
    if not withdrawal.of_platform:
        debited = balance_debited(
            context,
            command.user_id,
            command.amount,
            destination="withdrawal",
            reference=withdrawal.id,
        )
        events.insert(0, debited)
    operation = None
    if command.commit:
        operation = _plan(withdrawal, source, channel, context)
        withdrawal = evolve(
            withdrawal,
            status=_to(withdrawal, WithdrawalStatus.COMMITTED),
            payment=Payment(operation.id, 1, context.now, context.trace),
        )
        events.append(_event(withdrawal, context, "committed", {}))
    return WithdrawalDecision(
        withdrawal,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(withdrawal,) if operation is None else (withdrawal, operation),
            transfers=(
                context.transfer(
                    _rules_of(withdrawal).create(command.user_id, command.amount),
                    reference=withdrawal.id,
                    cause=context.trace.correlation_id,
                ),
            ),
            events=tuple(events),
            audit=(_moved("withdrawal.create", None, withdrawal, context),),
            idempotency=context.final_answer(withdrawal)
            if operation is None
            else context.running("Withdrawal", withdrawal.id),
        ),
        debits=None if withdrawal.of_platform else command.user_id,
    )


def commit(
    withdrawal: Withdrawal, source: str, context: DecisionContext, channel: str | None = None
) -> WithdrawalDecision:
    """Plan the payment of a withdrawal that was created without `commit`; see `create`."""
    if withdrawal.status is not WithdrawalStatus.CREATED:
        raise refusal(withdrawal, "commit")
    operation = _plan(withdrawal, source, channel, context)
    after = _changed(
        withdrawal,
        context,
        WithdrawalStatus.COMMITTED,
        payment=Payment(operation.id, 1, context.now, context.trace),
    )
    return WithdrawalDecision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, operation),
            events=(_event(after, context, "committed", {}),),
            audit=(_moved("withdrawal.commit", withdrawal, after, context),),
            idempotency=context.running("Withdrawal", after.id),
        ),
    )


def cancel(withdrawal: Withdrawal, context: DecisionContext) -> WithdrawalDecision:
    """Give the money of a withdrawal back that was not committed."""
    if withdrawal.status is not WithdrawalStatus.CREATED:
        raise refusal(withdrawal, "cancel")
    after = _changed(withdrawal, context, WithdrawalStatus.CANCELED)
    return WithdrawalDecision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=(_returned(after, context, context.trace.correlation_id),),
            events=(
                *_credited_back(after, context),
                _event(
                    after,
                    context,
                    "canceled",
                    {"reason": "canceled", "refundedToBalance": True},
                ),
            ),
            audit=(_moved("withdrawal.cancel", withdrawal, after, context),),
            idempotency=context.final_answer(after),
        ),
    )


def operation_ended(
    withdrawal: Withdrawal, operation: ChainOperation, retry: RetryPolicy, context: DecisionContext
) -> WithdrawalDecision | None:
    """Take the end of the withdrawal's present payment; `None` if there is nothing to take."""
    payment = withdrawal.payment
    if (
        payment is None
        or payment.chain_operation_id != operation.id
        or operation.is_open
        or withdrawal.status is not WithdrawalStatus.COMMITTED
    ):
        return None
    if operation.status is ChainStatus.CONFIRMED:
        return _completed(withdrawal, payment, operation, context)
    failure = failure_of(operation)
    if nothing_left(operation, retry):
        return _failed(withdrawal, payment, failure, context)
    return _again(withdrawal, payment, planned_again(operation, retry, context), failure, context)


def _completed(
    withdrawal: Withdrawal, payment: Payment, operation: ChainOperation, context: DecisionContext
) -> WithdrawalDecision:
    tx_hash = hash_of(operation)
    after = _changed(
        withdrawal,
        context,
        WithdrawalStatus.COMPLETED,
        transaction_hash=tx_hash,
    )
    rules = _rules_of(withdrawal)
    movement = rules.complete(withdrawal.user_id, withdrawal.amount, tx_hash)
    return _ended(
        withdrawal,
        after,
        payment,
        movement,
        operation.id,
        (_event(after, context, "completed", {"transactionHash": tx_hash}),),
        context,
    )


def _failed(
    withdrawal: Withdrawal, payment: Payment, failure: ChainFailure, context: DecisionContext
) -> WithdrawalDecision:
    code = failure.code or ErrorCode.STELLAR_NETWORK_ERROR.value
    after = _changed(
        withdrawal,
        context,
        WithdrawalStatus.FAILED,
        failure=WithdrawalFailure(code=code, reason=failure.message),
    )
    return _ended(
        withdrawal,
        after,
        payment,
        _rules_of(withdrawal).give_back(withdrawal.user_id, withdrawal.amount),
        payment.chain_operation_id,
        (
            *_credited_back(after, context),
            _event(
                after,
                context,
                "failed",
                {"reason": failure.message, "errorCode": code, "refundedToBalance": True},
            ),
        ),
        context,
    )


def _again(
    withdrawal: Withdrawal,
    payment: Payment,
    following: ChainOperation,
    failure: ChainFailure,
    context: DecisionContext,
) -> WithdrawalDecision:
    after = evolve(
        withdrawal,
        version=withdrawal.version + 1,
        updated_at=context.now,
        payment=evolve(
            payment,
            chain_operation_id=following.id,
            attempt=following.attempt,
            last_error=failure.message,
        ),
    )
    return WithdrawalDecision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, following),
            audit=(
                context.audit(
                    "withdrawal.attempt_failed",
                    "Withdrawal",
                    after.id,
                    result="retry",
                    error=failure.message,
                    user_id=after.user_id,
                ),
            ),
        ),
    )


def _ended(
    before: Withdrawal,
    after: Withdrawal,
    payment: Payment,
    movement: Movement,
    cause: str,
    events: tuple[Event, ...],
    context: DecisionContext,
) -> WithdrawalDecision:
    return WithdrawalDecision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=(context.transfer(movement, reference=after.id, cause=cause),),
            events=events,
            audit=(_moved("withdrawal.end", before, after, context),),
            idempotency=context.final_answer(after, claim=payment.trace.idempotency, first=False),
        ),
    )


def refusal(withdrawal: Withdrawal, command: str) -> DomainError:
    """The one error for a command that the withdrawal's state does not permit."""
    return DomainError(
        ErrorCode.WITHDRAWAL_NOT_COMMITTABLE
        if command == "commit"
        else ErrorCode.INVALID_STATE_TRANSITION,
        f"cannot {command} a withdrawal that is {withdrawal.status.value}",
        {
            "withdrawalId": withdrawal.id,
            "currentState": withdrawal.status.value,
            "allowedStates": sorted(status.value for status in WITHDRAWAL_MOVES[withdrawal.status]),
        },
    )


def _to(withdrawal: Withdrawal, status: WithdrawalStatus) -> WithdrawalStatus:
    if status not in WITHDRAWAL_MOVES[withdrawal.status]:
        msg = f"{withdrawal.id} does not go from {withdrawal.status} to {status}"
        raise InvariantViolated(msg)
    return status


def _changed(
    withdrawal: Withdrawal, context: DecisionContext, status: WithdrawalStatus, **fields: object
) -> Withdrawal:
    evolved: Withdrawal = evolve(
        withdrawal,
        version=withdrawal.version + 1,
        updated_at=context.now,
        status=_to(withdrawal, status),
        **fields,  # type: ignore[arg-type]  # attrs checks the names when it runs
    )
    return evolved


def _plan(
    withdrawal: Withdrawal, wallet: str, channel: str | None, context: DecisionContext
) -> ChainOperation:
    intent = PayUsdc(
        wallet=wallet,
        destination=withdrawal.destination_ref,
        amount=withdrawal.amount,
        memo=withdrawal.destination_memo,
        channel=channel,
    )
    return planned(intent, Subject.WITHDRAWAL, withdrawal.id, context)


def _returned(withdrawal: Withdrawal, context: DecisionContext, cause: str) -> Transfer:
    return context.transfer(
        _rules_of(withdrawal).give_back(withdrawal.user_id, withdrawal.amount),
        reference=withdrawal.id,
        cause=cause,
    )


def _credited_back(withdrawal: Withdrawal, context: DecisionContext) -> tuple[Event, ...]:
    if withdrawal.of_platform:
        return ()
    back = balance_credited(
        context,
        withdrawal.user_id,
        withdrawal.amount,
        source="withdrawal_failed",
        reference=withdrawal.id,
    )
    return (back,)


@frozen
class _Rules:
    """The posting rules of a withdrawal's three moments (docs/spec/domain.md §1)."""

    create: Callable[[str, Money], Movement]
    complete: Callable[[str, Money, str], Movement]
    give_back: Callable[[str, Money], Movement]


_OF_USER: Final = _Rules(
    postings.create_withdrawal, postings.complete_withdrawal, postings.return_withdrawal
)
_OF_PLATFORM: Final = _Rules(
    postings.create_platform_withdrawal,
    postings.complete_platform_withdrawal,
    postings.return_platform_withdrawal,
)


def _rules_of(withdrawal: Withdrawal) -> _Rules:
    return _OF_PLATFORM if withdrawal.of_platform else _OF_USER


def _event(
    withdrawal: Withdrawal, context: DecisionContext, name: str, payload: dict[str, object]
) -> Event:
    return context.event(
        f"withdrawal.{name}",
        "Withdrawal",
        withdrawal.id,
        {
            "withdrawalId": withdrawal.id,
            "userId": withdrawal.user_id,
            "amount": withdrawal.amount.two_places(),
            "destinationType": withdrawal.destination_type.value,
            **payload,
        },
        user_id=withdrawal.user_id,
    )


def _moved(
    action: str, before: Withdrawal | None, after: Withdrawal, context: DecisionContext
) -> AuditEntry:
    return context.audit(
        action,
        "Withdrawal",
        after.id,
        before=None if before is None else {"status": before.status.value},
        after={"status": after.status.value, "amount": after.amount.seven_places()},
        user_id=after.user_id,
        result="failed" if after.status is WithdrawalStatus.FAILED else "ok",
        error=None if after.failure is None else after.failure.reason,
    )
