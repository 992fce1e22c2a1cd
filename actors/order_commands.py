"""Operators' commands on orders: `offerhub orders retry`, `dispute` and `accept-payout`."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TypeVar

from attrs import evolve

from actors import messages
from actors.along import Along
from actors.commands import CommandKind, Job
from actors.core import Core
from actors.failpoints import reach
from offerhub.domain.api_keys import Scope
from offerhub.domain.chain import ChainOperation, ChainStatus
from offerhub.domain.chain_moves import resumed
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.dispute import DisputeReason, Party
from offerhub.domain.dispute_decisions import OpenDispute
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import iso
from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import UnitOfWork

RETRY = "orders.retry"
DISPUTE = "orders.dispute"
ACCEPT_PAYOUT = "orders.accept_payout"

_TRIES_MAX = 5

E = TypeVar("E", bound=StrEnum)


def order_commands(
    core: Core,
    wake_order: Callable[[str], None],
    wake_lane: Callable[[str], None],
    ask_order: Callable[[str, Along], Awaitable[object]],
) -> tuple[CommandKind, ...]:
    """The kinds of this part.

    Args:
        wake_order: has the owner of an order look at it; never waits.
        wake_lane: has the lane of a source account look for work; never waits.
        ask_order: asks the owner of an order, whose effect ends the command.
    """

    async def retry(job: Job) -> None:
        order_id = job.text("orderId")
        for _ in range(_TRIES_MAX):
            operation = await _operation_of(core, order_id)
            context = job.context()
            unit = _retried(order_id, operation, context)
            reach("command.before_retry")
            if await job.commit(unit, _shown(operation)):
                reach("command.after_retry")
                if operation.is_open:
                    wake_lane(operation.source)
                else:
                    wake_order(order_id)
                return
        raise DomainError(
            ErrorCode.INVALID_STATE_TRANSITION, "the operation is being worked at this moment"
        )

    async def dispute(job: Job) -> None:
        said = OpenDispute(_one_of(Party, job, "openedBy"), _one_of(DisputeReason, job, "reason"))
        # An operator may whatever a key may.
        message = messages.OpenDispute(said, (Scope.ALL,), job.trace)
        await ask_order(job.text("orderId"), job.along(message, _disputed))

    async def accept_payout(job: Job) -> None:
        order_id = job.text("orderId")
        for _ in range(_TRIES_MAX):
            operation = await _operation_of(core, order_id)
            if operation.status is not ChainStatus.CONFIRMED or not operation.rules.pays_out:
                raise DomainError(
                    ErrorCode.INVALID_STATE_TRANSITION,
                    "the order does not wait for a payout to be booked",
                    {"orderId": order_id, "operationId": operation.id},
                )
            context = job.context()
            after = evolve(
                operation,
                version=operation.version + 1,
                accepted_by=job.command.by,
                updated_at=context.now,
            )
            unit = _accepted(order_id, after, context)
            if await job.commit(unit, _paid(after)):
                wake_order(order_id)
                return
        raise DomainError(
            ErrorCode.INVALID_STATE_TRANSITION, "the operation is being worked at this moment"
        )

    return (
        CommandKind(RETRY, retry),
        CommandKind(DISPUTE, dispute),
        CommandKind(ACCEPT_PAYOUT, accept_payout),
    )


def _one_of(choices: type[E], job: Job, name: str) -> E:
    try:
        return choices(job.text(name))
    except ValueError:
        allowed = ", ".join(choices)
        msg = f"{name} must be one of {allowed}"
        raise DomainError(ErrorCode.VALIDATION_ERROR, msg) from None


def _disputed(order: Order) -> dict[str, object]:
    return {
        "orderId": order.id,
        "status": order.status.value,
        "disputeId": None if order.dispute is None else order.dispute.id,
    }


async def _operation_of(core: Core, order_id: str) -> ChainOperation:
    order = await core.storage.load(Order, order_id)
    if order is None:
        raise DomainError(ErrorCode.ORDER_NOT_FOUND, "no order has this id", {"orderId": order_id})
    operation = (
        None
        if order.chain_operation_id is None
        else await core.storage.load(ChainOperation, order.chain_operation_id)
    )
    if operation is None:
        raise DomainError(
            ErrorCode.INVALID_STATE_TRANSITION,
            "nothing of this order is on its way to the chain",
            {"orderId": order_id, "currentState": order.status.value},
        )
    if operation.is_open and operation.unclear_since is not None:
        raise DomainError(
            ErrorCode.INVALID_STATE_TRANSITION,
            f"its operation is unclear: answer it with `offerhub operations resolve {operation.id}`",
            {"orderId": order_id, "operationId": operation.id},
        )
    return operation


def _retried(order_id: str, before: ChainOperation, context: DecisionContext) -> UnitOfWork:
    """The pause of an open operation ends; of one that has ended there is nothing to write."""
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(resumed(before, context.now),) if before.is_open else (),
        audit=(
            context.audit(
                "order.retry",
                "Order",
                order_id,
                before={
                    "operationId": before.id,
                    "step": str(before.step),
                    "notBefore": None if before.not_before is None else iso(before.not_before),
                    "lastError": before.last_error,
                },
            ),
        ),
    )


def _accepted(order_id: str, after: ChainOperation, context: DecisionContext) -> UnitOfWork:
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(after,),
        audit=(
            context.audit(
                "order.accept_payout", "Order", order_id, result="alarm", after=_paid(after)
            ),
        ),
    )


def _paid(operation: ChainOperation) -> dict[str, object]:
    return {
        "operationId": operation.id,
        "transactionHash": operation.tx_hash,
        "payouts": [
            {"to": payout.destination, "amount": payout.amount.seven_places()}
            for payout in operation.payouts
        ],
    }


def _shown(operation: ChainOperation) -> dict[str, object]:
    return {
        "operationId": operation.id,
        "step": str(operation.step),
        "attempt": operation.attempt,
        "status": operation.status.value,
        "lastError": operation.last_error,
    }
