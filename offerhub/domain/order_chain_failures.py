"""A chain operation of an order that failed: another attempt, or a fall back (docs/spec/domain.md §3)."""

from attrs import evolve

from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import RetryPolicy, alarm, failure_of, nothing_left, planned_again
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import ErrorCode
from offerhub.domain.ledger import Side
from offerhub.domain.order import (
    EscrowStatus,
    FailedAttempt,
    Operation,
    Order,
    Process,
)
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_events import (
    order_event,
)
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import existing_escrow
from offerhub.domain.order_transitions import changed, next_state
from offerhub.domain.unit_of_work import BalanceAfter, Event, UnitOfWork


def after_failure(
    order: Order,
    process: Process,
    operation: ChainOperation,
    retry: RetryPolicy,
    context: DecisionContext,
) -> Decision:
    """Try the step again, or fall back where that is allowed and nothing is left to try."""
    failure = failure_of(operation)
    if nothing_left(operation, retry):
        return _fallen_back(order, process, failure.message, failure.code, context)
    again = planned_again(operation, retry, context)
    alarmed = alarm(operation, operation.attempt, failure.message, context)
    after = changed(
        order,
        context,
        process=evolve(
            process,
            attempt=again.attempt,
            chain_operation_id=again.id,
            last_error=failure.message,
        ),
    )
    events = (
        (_attempt_failed(after, process, failure.code or failure.kind.value, context, retry=True),)
        if operation.rules.falls_back
        else ()
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, again),
            events=events,
            audit=(
                context.audit(
                    f"order.{process.operation.value}.attempt_failed",
                    "Order",
                    order.id,
                    result="retry",
                    error=failure.message,
                    user_id=order.buyer_id,
                ),
                *(() if alarmed is None else (alarmed,)),
            ),
        ),
    )


def _fallen_back(
    order: Order, process: Process, message: str, code: str | None, context: DecisionContext
) -> Decision:
    failed = FailedAttempt(process.operation, process.attempt, message, process.since, code)
    attempt_failed = _attempt_failed(
        order, process, code or ErrorCode.PROVIDER_ERROR.value, context, retry=False
    )
    if process.operation is Operation.ESCROW:
        after = changed(
            order,
            context,
            status=next_state(order, Action.FAIL_DEPLOYMENT),
            escrow=None,
            fee_terms=None,
            process=None,
            failed_attempt=failed,
        )
        figures = {
            "reservedBalance": BalanceAfter(order.buyer_id, Side.RESERVED),
            "availableBalance": BalanceAfter(order.buyer_id, Side.AVAILABLE),
        }
        back = order_event(
            after,
            context,
            "funds_reserved",
            {
                "amount": order.amount.two_places(),
                "buyerId": order.buyer_id,
                **figures,
                "reason": message,
            },
        )
    else:
        escrow = existing_escrow(order)
        after = changed(
            order,
            context,
            status=next_state(order, Action.FAIL_FUNDING),
            escrow=evolve(escrow, status=EscrowStatus.CREATED),
            process=None,
            failed_attempt=failed,
        )
        back = order_event(
            after, context, "escrow_creating", {"escrowId": escrow.id, "reason": message}
        )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            events=(attempt_failed, back),
            audit=(
                context.audit(
                    f"order.{process.operation.value}.failed",
                    "Order",
                    order.id,
                    result="failed",
                    error=message,
                    user_id=order.buyer_id,
                ),
            ),
            idempotency=context.forgotten(process.trace.idempotency),
        ),
    )


def _attempt_failed(
    order: Order, process: Process, code: str, context: DecisionContext, *, retry: bool
) -> Event:
    return context.event(
        "escrow.attempt_failed",
        "Escrow",
        order.escrow_id or order.id,
        {
            "escrowId": order.escrow_id,
            "orderId": order.id,
            "operation": str(process.current),
            "errorCode": code,
            "willRetry": retry,
        },
        user_id=order.buyer_id,
        order_id=order.id,
    )
