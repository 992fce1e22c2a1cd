"""Decisions on an order that begin work on the chain: escrow, fund, release, refund (docs/spec/domain.md §3).

Each stores all its steps and plans the first one's chain operation. What becomes of it is taken in
`order_chain_ends`.
"""

from attrs import evolve

from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import ErrorCode
from offerhub.domain.fees import FeeTerms
from offerhub.domain.order import (
    Escrow,
    EscrowStatus,
    MilestoneStatus,
    Operation,
    Order,
    Process,
)
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_events import escrow_event, moved, order_event
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import (
    REFUND_STEPS,
    Parties,
    existing_escrow,
    plan_deployment,
    plan_step,
    release_steps,
)
from offerhub.domain.order_transitions import asked_for, changed, refusal
from offerhub.domain.steps import DEPLOY, FUND, Step
from offerhub.domain.unit_of_work import Event, UnitOfWork


def start_escrow(
    order: Order, terms: FeeTerms, channel: str, parties: Parties, context: DecisionContext
) -> Decision:
    """Plan the deployment; percent and policy of the fees are fixed here.

    Args:
        channel: address of the account that pays for it and gains no role.
    """
    target = asked_for(order, Action.START_ESCROW)
    escrow_id = order.escrow_id or context.ids.new("esc")
    operation = plan_deployment(evolve(order, fee_terms=terms), channel, parties, context)
    process = begun(Operation.ESCROW, (DEPLOY,), operation, context)
    after = changed(
        order,
        context,
        status=target,
        escrow_id=escrow_id,
        escrow=Escrow(id=escrow_id, status=EscrowStatus.CREATING, created_at=context.now),
        fee_terms=terms,
        process=process,
        failed_attempt=None,
    )
    events = (order_event(after, context, "escrow_creating", {"escrowId": escrow_id}),)
    return _asked(order, after, "order.escrow", events, operation, context)


def start_funding(order: Order, parties: Parties, context: DecisionContext) -> Decision:
    """Plan the funding of a deployed contract."""
    target = asked_for(order, Action.START_FUNDING)
    escrow = existing_escrow(order)
    operation = plan_step(order, FUND, parties, context)
    process = begun(Operation.FUND, (FUND,), operation, context)
    after = changed(
        order,
        context,
        status=target,
        escrow=evolve(escrow, status=EscrowStatus.FUNDING),
        process=process,
        failed_attempt=None,
    )
    contract = {"trustlessContractId": escrow.contract_id}
    events = (
        order_event(after, context, "escrow_funding", {"escrowId": escrow.id, **contract}),
        escrow_event(after, context, "funding_started", contract),
    )
    return _asked(order, after, "order.fund", events, operation, context)


def request_release(
    order: Order,
    requested_by: str | None,
    reason: str | None,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    """Plan the release: every milestone reported by the seller, approved by the buyer, then paid."""
    target = asked_for(order, Action.REQUEST_RELEASE)
    still_open = [
        milestone.ref for milestone in order.milestones if milestone.status is MilestoneStatus.OPEN
    ]
    if still_open:
        error = refusal(order, ErrorCode.MILESTONES_OPEN, Action.REQUEST_RELEASE)
        error.details["refs"] = still_open
        raise error
    steps = release_steps(order)
    operation = plan_step(order, steps[0], parties, context)
    process = begun(Operation.RELEASE, steps, operation, context)
    after = changed(
        order,
        context,
        status=target,
        escrow=evolve(existing_escrow(order), status=EscrowStatus.RELEASING),
        process=process,
    )
    payload: dict[str, object] = {"requestedBy": requested_by}
    if reason is not None:
        payload["reason"] = reason
    events = (order_event(after, context, "release_requested", payload),)
    return _asked(order, after, "order.release", events, operation, context)


def request_refund(
    order: Order,
    requested_by: str | None,
    reason: str,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    """Plan the refund of a funded contract: disputed by the buyer, resolved with all to the buyer."""
    target = asked_for(order, Action.REQUEST_REFUND)
    operation = plan_step(order, REFUND_STEPS[0], parties, context)
    after = changed(
        order,
        context,
        status=target,
        escrow=evolve(existing_escrow(order), status=EscrowStatus.REFUNDING),
        process=begun(Operation.REFUND, REFUND_STEPS, operation, context),
    )
    asked = {"requestedBy": requested_by, "reason": reason}
    events = (order_event(after, context, "refund_requested", asked),)
    return _asked(order, after, "order.refund", events, operation, context)


def begun(
    operation: Operation, steps: tuple[Step, ...], first: ChainOperation, context: DecisionContext
) -> Process:
    """Work on the chain as it is stored with the plan of its first step."""
    return Process(
        operation=operation,
        steps=steps,
        step=0,
        attempt=1,
        chain_operation_id=first.id,
        since=context.now,
        trace=context.trace,
    )


def _asked(
    before: Order,
    after: Order,
    action: str,
    events: tuple[Event, ...],
    operation: ChainOperation,
    context: DecisionContext,
) -> Decision:
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, operation),
            events=events,
            audit=(moved(action, before, after, context),),
            idempotency=context.running("Order", after.id),
        ),
    )
