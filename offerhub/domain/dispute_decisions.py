"""Decisions on a dispute: open, assign, resolve (docs/spec/domain.md §2, §3).

The order freezes in the commit that plans dispute-escrow, and from then on refuses everything else;
the chain's freeze follows. A dispute ends with resolve-dispute, whatever was decided.
"""

from attrs import evolve, frozen

from offerhub.domain.chain import ALIVE_STATUSES, ChainFailure, ChainOperation, FailureKind
from offerhub.domain.chain_moves import failed
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.dispute import (
    Dispute,
    DisputeReason,
    DisputeStatus,
    Party,
    Ruling,
    Verdict,
)
from offerhub.domain.dispute_events import dispute_event, dispute_moved, refused
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.order import EscrowStatus, Operation, Order, OrderStatus
from offerhub.domain.order_chain_decisions import begun
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_events import moved, order_event
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import Parties, existing_escrow, plan_step
from offerhub.domain.order_transitions import asked_for, changed, next_state, refusal
from offerhub.domain.steps import DISPUTE, RESOLVE
from offerhub.domain.unit_of_work import Entity, UnitOfWork


@frozen
class OpenDispute:
    """What a caller says of a dispute: who opens it, why, and what shows it."""

    opened_by: Party
    reason: DisputeReason
    evidence: tuple[str, ...] = ()


@frozen
class Resolution:
    """What a caller decides; the shares are those of a SPLIT, and of nothing else."""

    verdict: Verdict
    release: Money | None = None
    refund: Money | None = None
    note: str | None = None


def open_dispute(
    order: Order, asked: OpenDispute, parties: Parties, context: DecisionContext
) -> Decision:
    """Freeze a funded order, and plan the freeze of its contract."""
    asked_for(order, Action.OPEN_DISPUTE)
    return _opened(order, asked, parties, (), context)


def dispute_release(
    order: Order,
    asked: OpenDispute,
    step: ChainOperation,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    """Freeze an order whose release does not come about: an operator's way.

    Args:
        step: the present operation of the release, as it is stored. Nothing of the release may
            still reach the chain, so it must have failed or not have been signed; then it is
            taken back in the same commit, so that a lane that signs it meanwhile cannot store it.
    """
    next_state(order, Action.DISPUTE_RELEASE)
    if step.status in ALIVE_STATUSES or (not step.is_open and step.failure is None):
        raise refusal(order, ErrorCode.INVALID_STATE_TRANSITION, Action.DISPUTE_RELEASE, step)
    writes: tuple[Entity, ...] = ()
    if step.is_open:
        reason = ChainFailure(FailureKind.WITHDRAWN, "an operator opened a dispute instead")
        writes = (failed(step, reason, context.now),)
    escrow = evolve(existing_escrow(order), status=EscrowStatus.FUNDED)
    claim = None if order.process is None else order.process.trace.idempotency
    return _opened(evolve(order, escrow=escrow, unanswered=claim), asked, parties, writes, context)


def assign(order: Order, dispute_id: str, assigned_to: str, context: DecisionContext) -> Decision:
    """Give a dispute to whoever looks at it; to another one, if it was given before."""
    dispute = _its(order, dispute_id)
    resolving = order.process is not None and order.process.operation is Operation.RESOLVE
    if dispute.status is DisputeStatus.RESOLVED or resolving:
        raise refused(order, dispute, "assign")
    next_state(order, Action.ASSIGN_DISPUTE)
    given = evolve(
        dispute,
        version=dispute.version + 1,
        status=DisputeStatus.UNDER_REVIEW,
        assigned_to=assigned_to,
        updated_at=context.now,
    )
    after = changed(order, context, dispute=given)
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, given),
            events=(
                dispute_event(after, given, context, "under_review", {"assignedTo": assigned_to}),
            ),
            audit=(dispute_moved("dispute.assign", after, dispute, given, context),),
            idempotency=context.final_answer(given),
        ),
    )


def resolve(
    order: Order,
    dispute_id: str,
    asked: Resolution,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    """Decide a dispute and plan its one transaction; it is resolved once the chain has paid out."""
    dispute = _its(order, dispute_id)
    if dispute.status is DisputeStatus.RESOLVED or order.process is not None:
        raise refused(order, dispute, "resolve")
    next_state(order, Action.RESOLVE_DISPUTE)
    decided = evolve(
        dispute,
        version=dispute.version + 1,
        ruling=_ruling(order, asked),
        updated_at=context.now,
    )
    operation = plan_step(evolve(order, dispute=decided), RESOLVE, parties, context)
    after = changed(
        order,
        context,
        dispute=decided,
        process=begun(Operation.RESOLVE, (RESOLVE,), operation, context),
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, decided, operation),
            audit=(
                moved("order.resolve", order, after, context),
                dispute_moved("dispute.resolve", after, dispute, decided, context),
            ),
            idempotency=context.running("Dispute", decided.id),
        ),
    )


def answer_superseded(order: Order, context: DecisionContext) -> Decision | None:
    """The final answer to the release that a dispute has taken the place of, under its own key.

    The commit of the dispute carries the answer to whoever asked for that, and a unit has one.
    """
    claim = order.unanswered
    if claim is None:
        return None
    after = changed(order, context, unanswered=None)
    told = context.final_answer(superseded(order), claim=claim, first=False)
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            audit=(moved("order.release.superseded", order, after, context),),
            idempotency=told,
        ),
    )


def superseded(order: Order) -> DomainError:
    """What whoever asked for the release is told."""
    error = refusal(
        evolve(order, process=None), ErrorCode.INVALID_STATE_TRANSITION, Action.REQUEST_RELEASE
    )
    error.details["disputeId"] = None if order.dispute is None else order.dispute.id
    return error


def _opened(
    order: Order,
    asked: OpenDispute,
    parties: Parties,
    writes: tuple[Entity, ...],
    context: DecisionContext,
) -> Decision:
    dispute = Dispute(
        id=context.ids.new("dsp"),
        version=1,
        order_id=order.id,
        opened_by=asked.opened_by,
        reason=asked.reason,
        evidence=asked.evidence,
        status=DisputeStatus.OPEN,
        created_at=context.now,
        updated_at=context.now,
    )
    operation = plan_step(evolve(order, dispute=dispute), DISPUTE, parties, context)
    after = changed(
        order,
        context,
        status=OrderStatus.DISPUTED,
        dispute=dispute,
        process=begun(Operation.DISPUTE, (DISPUTE,), operation, context),
    )
    said: dict[str, object] = {
        "openedBy": dispute.opened_by.value,
        "reason": dispute.reason.value,
    }
    events = (
        order_event(after, context, "disputed", {"disputeId": dispute.id, **said}),
        dispute_event(
            after, dispute, context, "opened", {**said, "evidence": list(dispute.evidence)}
        ),
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, dispute, operation, *writes),
            events=events,
            audit=(
                moved("order.dispute", order, after, context),
                dispute_moved("dispute.open", after, None, dispute, context),
            ),
            idempotency=context.running("Dispute", dispute.id),
        ),
    )


def _its(order: Order, dispute_id: str) -> Dispute:
    """The order's dispute, if it is the one that is meant."""
    if order.dispute is None or order.dispute.id != dispute_id:
        raise DomainError(
            ErrorCode.DISPUTE_NOT_FOUND,
            "no dispute has this id",
            {"disputeId": dispute_id, "orderId": order.id},
        )
    return order.dispute


def _ruling(order: Order, asked: Resolution) -> Ruling:
    """Both shares of the whole amount. Raises `SPLIT_MISMATCH_AMOUNT`."""
    nothing = Money.zero()
    match asked.verdict:
        case Verdict.FULL_RELEASE:
            return Ruling(asked.verdict, order.amount, nothing, asked.note)
        case Verdict.FULL_REFUND:
            return Ruling(asked.verdict, nothing, order.amount, asked.note)
        case Verdict.SPLIT:
            release, refund = asked.release or nothing, asked.refund or nothing
            if release + refund != order.amount:
                raise DomainError(
                    ErrorCode.SPLIT_MISMATCH_AMOUNT,
                    "the shares of a split must sum to the order's amount",
                    {
                        "orderId": order.id,
                        "expected": order.amount.two_places(),
                        "given": (release + refund).two_places(),
                    },
                )
            return Ruling(asked.verdict, release, refund, asked.note)
