"""The end of an order's chain operation: the next step, the effects, another attempt, or a fall back.

The order moves on when the chain has confirmed, and back when it provably never will (docs/spec/domain.md §3).
"""

from collections.abc import Sequence

from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation, ChainStatus, PayoutSeen
from offerhub.domain.chain_moves import RetryPolicy, hash_of
from offerhub.domain.decision_context import DecisionContext, balance_credited, balance_debited
from offerhub.domain.dispute_ends import escrow_frozen, money_resolved
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.fees import FeesKept, Payout, release
from offerhub.domain.ids import iso
from offerhub.domain.intents import (
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    FundEscrow,
    ReleaseFunds,
    ResolveDispute,
)
from offerhub.domain.ledger import Side, TransferKind
from offerhub.domain.money import Money
from offerhub.domain.order import (
    EscrowStatus,
    Operation,
    Order,
    OrderStatus,
    Outcome,
    Process,
)
from offerhub.domain.order_chain_failures import after_failure
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_effects import hashes_with, step_confirmed, work_ended
from offerhub.domain.order_events import (
    closed_event,
    escrow_event,
    fees_summary,
    order_event,
)
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import Parties, existing_escrow
from offerhub.domain.order_transitions import changed, check_moves, next_state
from offerhub.domain.unit_of_work import BalanceAfter


def operation_ended(
    order: Order,
    operation: ChainOperation,
    parties: Parties,
    retry: RetryPolicy,
    context: DecisionContext,
) -> Decision | None:
    """Take the end of the order's present chain operation.

    Returns `None` when the operation is not the present one, or has not ended: a wake-up that
    was already worked.
    """
    process = order.process
    if process is None or process.chain_operation_id != operation.id or operation.is_open:
        return None
    if operation.status is not ChainStatus.CONFIRMED:
        return after_failure(order, process, operation, retry, context)
    match operation.intent:
        case DeployEscrow():
            return _deployed(order, process, operation, context)
        case FundEscrow():
            return _funded(order, process, operation, context)
        case ReleaseFunds():
            return _released(order, process, operation, parties, context)
        case ChangeMilestoneStatus() | ApproveMilestone():
            next_state(order, Action.CONFIRM_RELEASE_STEP)
            return step_confirmed(order, process, operation, parties, context)
        case DisputeEscrow() if process.operation is Operation.REFUND:
            next_state(order, Action.CONFIRM_REFUND_STEP)
            return step_confirmed(order, process, operation, parties, context)
        case DisputeEscrow():
            return escrow_frozen(order, process, operation, context)
        case ResolveDispute() as intent:
            return money_resolved(order, process, operation, intent, parties, context)
        case _:
            msg = f"{operation.id} ({operation.step}) is no work of an order"
            raise InvariantViolated(msg)


def _deployed(
    order: Order, process: Process, operation: ChainOperation, context: DecisionContext
) -> Decision:
    target = next_state(order, Action.CONFIRM_DEPLOYMENT)
    after = changed(
        order,
        context,
        status=target,
        process=None,
        escrow=evolve(
            existing_escrow(order),
            status=EscrowStatus.CREATED,
            contract_id=operation.contract_id,
            transaction_hashes=hashes_with(order, operation),
        ),
    )
    events = (
        escrow_event(
            after,
            context,
            "created",
            {
                "trustlessContractId": operation.contract_id,
                "transactionHash": operation.tx_hash,
                "createdAt": iso(context.now),
            },
        ),
    )
    return work_ended(order, after, process, events, (), context)


def _funded(
    order: Order, process: Process, operation: ChainOperation, context: DecisionContext
) -> Decision:
    next_state(order, Action.CONFIRM_FUNDING)
    check_moves(order, OrderStatus.ESCROW_FUNDED, OrderStatus.IN_PROGRESS)
    escrow = existing_escrow(order)
    after = changed(
        order,
        context,
        status=OrderStatus.IN_PROGRESS,
        process=None,
        escrow=evolve(
            escrow,
            status=EscrowStatus.FUNDED,
            funded_at=context.now,
            transaction_hashes=hashes_with(order, operation),
        ),
    )
    contract = {"trustlessContractId": escrow.contract_id}
    funded_at = {"fundedAt": iso(context.now)}
    events = (
        balance_debited(
            context,
            order.buyer_id,
            order.amount,
            destination="escrow",
            reference=order.id,
            order_id=order.id,
        ),
        escrow_event(
            after,
            context,
            "funded",
            {**contract, "transactionHash": operation.tx_hash, **funded_at},
        ),
        order_event(
            after,
            context,
            "escrow_funded",
            {
                "escrowId": escrow.id,
                **contract,
                "amount": order.amount.two_places(),
                **funded_at,
            },
        ),
        order_event(after, context, "in_progress", {}),
    )
    movement = postings.fund_escrow(order.id, order.buyer_id, order.amount, hash_of(operation))
    decision = work_ended(order, after, process, events, (movement,), context, cause=operation.id)
    return evolve(decision, debits=order.buyer_id)


def _released(
    order: Order,
    process: Process,
    operation: ChainOperation,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    next_state(order, Action.CONFIRM_RELEASE)
    check_moves(order, OrderStatus.RELEASED, OrderStatus.CLOSED)
    payout, explained = payout_on_chain(
        order, operation.payouts, parties, accepted=operation.accepted_by is not None
    )
    after = changed(
        order,
        context,
        status=OrderStatus.CLOSED,
        outcome=Outcome.RELEASED,
        closed_at=context.now,
        process=None,
        fees=payout.kept,
        escrow=evolve(
            existing_escrow(order),
            status=EscrowStatus.RELEASED,
            released_at=context.now,
            transaction_hashes=hashes_with(order, operation),
        ),
    )
    released_at = {"releasedAt": iso(context.now)}
    events = (
        balance_credited(
            context,
            order.seller_id,
            payout.credited,
            source="escrow_release",
            reference=order.id,
            transaction_hash=operation.tx_hash,
            order_id=order.id,
        ),
        escrow_event(
            after,
            context,
            "released",
            {
                "trustlessContractId": existing_escrow(order).contract_id,
                "transactionHash": operation.tx_hash,
                **released_at,
            },
        ),
        order_event(
            after,
            context,
            "released",
            {
                "sellerId": order.seller_id,
                "amount": order.amount.two_places(),
                "fees": fees_summary(payout.kept),
                **released_at,
                "newSellerBalance": BalanceAfter(order.seller_id, Side.AVAILABLE),
            },
        ),
        closed_event(after, context),
    )
    movement = postings.pay_out(
        TransferKind.ESCROW_RELEASE, order.id, order.seller_id, payout, hash_of(operation)
    )
    alarm = context.audit(
        "order.release.fees_differ",
        "Order",
        order.id,
        result="alarm",
        error="the contract paid out other amounts than its fees explain",
        after={**fees_summary(payout.kept), "net": payout.net.seven_places()},
    )
    return work_ended(
        order,
        after,
        process,
        events,
        (movement,),
        context,
        cause=operation.id,
        audit=() if explained else (alarm,),
    )


def payout_on_chain(
    order: Order, payouts: Sequence[PayoutSeen], parties: Parties, *, accepted: bool = False
) -> tuple[Payout, bool]:
    """What a release paid, from the transfers that the chain reports.

    Returns the payout, and whether it is what the fees explain to the stroop (docs/spec/domain.md §1).
    What the chain reports is booked in either case: the wallet holds that and nothing else. Raises
    `InvariantViolated` where the contract paid out another sum than the order's, or nothing to the
    seller: unless an operator has accepted it.
    """
    if order.fee_terms is None or order.escrow is None:
        msg = f"{order.id} is released without terms or escrow"
        raise InvariantViolated(msg)
    expected = release(order.amount, order.fee_terms)
    paid = [payout for payout in payouts if payout.source == order.escrow.contract_id]
    net = Money.total(p.amount for p in paid if p.destination == parties.seller)
    platform = Money.total(p.amount for p in paid if p.destination == parties.platform)
    total = Money.total(p.amount for p in paid)
    if net == expected.net and platform == expected.kept.platform and total == order.amount:
        return expected, True
    if not accepted and (total != order.amount or not net):
        msg = f"the contract of {order.id} paid {total} out, not {order.amount}"
        raise InvariantViolated(msg)
    kept = FeesKept(protocol=order.amount - net - platform, platform=platform)
    credited = expected.credited - expected.net + net
    return Payout(order.amount, kept, net, credited, borne=expected.borne), False
