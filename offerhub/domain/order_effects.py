"""What the end of an order's chain operation commits, whichever step it was: the next step, or the effects."""

from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import hash_of
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.order import Order, Process
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_events import moved
from offerhub.domain.order_steps import Parties, existing_escrow, plan_step
from offerhub.domain.order_transitions import changed
from offerhub.domain.steps import StepHash
from offerhub.domain.unit_of_work import AuditEntry, Event, UnitOfWork


def step_confirmed(
    order: Order,
    process: Process,
    operation: ChainOperation,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    """Plan the next step of the same work."""
    step = process.step + 1
    following = plan_step(order, process.steps[step], parties, context)
    after = changed(
        order,
        context,
        process=evolve(
            process,
            step=step,
            attempt=1,
            chain_operation_id=following.id,
            last_error=None,
        ),
        escrow=evolve(existing_escrow(order), transaction_hashes=hashes_with(order, operation)),
    )
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, following),
            audit=(moved(f"order.{process.operation.value}.step", order, after, context),),
        ),
    )


def work_ended(
    before: Order,
    after: Order,
    process: Process,
    events: tuple[Event, ...],
    movements: tuple[postings.Movement, ...],
    context: DecisionContext,
    *,
    cause: str = "",
    audit: tuple[AuditEntry, ...] = (),
) -> Decision:
    """Commit the effects of work that the chain has confirmed, with the final answer to who asked.

    Args:
        after: the order, with its dispute as it is written beside it.
    """
    dispute = after.dispute
    wrote = () if dispute is None or dispute is before.dispute else (dispute,)
    shown = dispute if process.about_dispute and dispute is not None else after
    return Decision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after, *wrote),
            transfers=tuple(
                context.transfer(movement, reference=after.id, cause=cause)
                for movement in movements
            ),
            events=events,
            audit=(
                moved(f"order.{process.operation.value}.confirmed", before, after, context),
                *audit,
            ),
            idempotency=context.final_answer(shown, claim=process.trace.idempotency, first=False),
        ),
    )


def hashes_with(order: Order, operation: ChainOperation) -> tuple[StepHash, ...]:
    """The transactions of the order's contract, this one included."""
    earlier = existing_escrow(order).transaction_hashes
    return (*earlier, StepHash(operation.step, hash_of(operation)))
