"""Actions that wait for the chain: they answer when it has confirmed (docs/spec/api.md, Long operations)."""

from typing import Final

from actors.messages import (
    CancelWithdrawal,
    CommitWithdrawal,
    CreateWithdrawal,
    OpenDispute,
    RequestRefund,
    RequestRelease,
    ResolveDispute,
    StartEscrow,
    StartFunding,
)
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute
from offerhub.domain.dispute_decisions import superseded
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.order import FailedAttempt, Order
from offerhub.domain.withdrawal import ENDED, Withdrawal, WithdrawalStatus
from offerhub.providers.trustless_work.refusals import RefusalKind
from web import resources
from web.answers import final, one
from web.call import Answer, Call
from web.rendering import render_dispute, render_order, render_withdrawal

OrderAction = StartEscrow | StartFunding | RequestRelease | RequestRefund
DisputeAction = OpenDispute | ResolveDispute
WithdrawalAction = CreateWithdrawal | CommitWithdrawal | CancelWithdrawal

_TOO_LITTLE_IN_THE_WALLET: Final = RefusalKind.INSUFFICIENT_FUNDS_FOR_FUNDING.name
_APPLIED: Final = (("Preference-Applied", "respond-async"),)


async def order_on_chain(call: Call, order_id: str, message: OrderAction) -> Answer:
    """Ask an order for work on the chain and wait for its end, `CHAIN_WAIT_SECONDS` at most.

    Cancelled, the work goes on all the same.
    """
    system = call.system
    planned: Order = await system.orders.address(order_id).ask(message)
    process = planned.process
    if process is None:
        return final(call, planned, planned.updated_at)
    if not call.prefers_async:
        ended = await system.order_board.wait_until(
            order_id,
            lambda order: order.process is None or order.process.since != process.since,
            system.instance.chain_wait_s,
        )
        if ended is not None:
            if isinstance(message, RequestRelease) and ended.dispute is not None:
                raise superseded(ended)
            failed = ended.failed_attempt
            if failed is not None and failed.since == process.since:
                raise fallen_back(ended, failed)
            return final(call, ended, ended.updated_at)
    standing = system.order_board.get(order_id) or planned
    body = one(call, await shown(call, standing), standing.updated_at, 202)
    return _running(call, body)


async def dispute_on_chain(call: Call, order_id: str, message: DisputeAction) -> Answer:
    """Ask an order about its dispute and wait for the chain; the answer is the dispute.

    Cancelled, the work goes on all the same.
    """
    system = call.system
    planned: Order = await system.orders.address(order_id).ask(message)
    begun = planned.process
    if begun is not None and not call.prefers_async:
        ended = await system.order_board.wait_until(
            order_id,
            lambda order: order.process is None or order.process.since != begun.since,
            system.instance.chain_wait_s,
        )
        if ended is not None:
            dispute = _dispute_of(ended)
            return final(call, dispute, dispute.updated_at)
    dispute = _dispute_of(system.order_board.get(order_id) or planned)
    return _running(call, one(call, render_dispute(dispute), dispute.updated_at, 202))


async def withdrawal_on_chain(call: Call, withdrawal_id: str, message: WithdrawalAction) -> Answer:
    """Ask a withdrawal and, if it is to be paid now, wait for its end.

    One that has failed answers as if it had succeeded, with its `failure`.
    """
    system = call.system
    asked: Withdrawal = await system.withdrawals.address(withdrawal_id).ask(message)
    if asked.status in ENDED or asked.status is WithdrawalStatus.CREATED:
        return final(call, asked, asked.updated_at)
    if not call.prefers_async:
        ended = await system.withdrawal_board.wait_until(
            withdrawal_id,
            lambda withdrawal: withdrawal.status in ENDED,
            system.instance.chain_wait_s,
        )
        if ended is not None:
            return final(call, ended, ended.updated_at)
    standing = system.withdrawal_board.get(withdrawal_id) or asked
    return _running(call, one(call, render_withdrawal(standing), standing.updated_at, 202))


async def shown(call: Call, order: Order) -> resources.Order:
    """An order as shown, the hash of the transaction on its way included."""
    operation = None
    if order.process is not None:
        operation = await call.system.storage.load(ChainOperation, order.process.chain_operation_id)
    return render_order(order, operation)


def fallen_back(order: Order, failed: FailedAttempt) -> DomainError:
    """The refusal of an escrow or a funding that has fallen back; its key may try again."""
    return DomainError(
        ErrorCode.ESCROW_INSUFFICIENT_FUNDS
        if failed.code == _TOO_LITTLE_IN_THE_WALLET
        else ErrorCode.PROVIDER_ERROR,
        f"the {failed.operation.value} failed; the order is back in its previous state",
        {
            "orderId": order.id,
            "currentState": order.status.value,
            "attempts": failed.attempts,
            "lastError": failed.last_error,
        },
    )


def _dispute_of(order: Order) -> Dispute:
    if order.dispute is None:
        raise InvariantViolated(f"{order.id} is disputed without a dispute")
    return order.dispute


def _running(call: Call, answer: Answer) -> Answer:
    if not call.prefers_async:
        return answer
    return Answer(answer.status, answer.body, _APPLIED)
