"""Decisions on what was parked: its money is given to its user, or an operator has seen it."""

from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.decision import Decided
from offerhub.domain.decision_context import DecisionContext, balance_credited
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.parked import Parked, ParkedStatus
from offerhub.domain.unit_of_work import UnitOfWork


def give(parked: Parked, by: str, note: str | None, context: DecisionContext) -> Decided[Parked]:
    """Credit parked money to the user whose wallet holds it."""
    _check_open(parked)
    if parked.user_id is None or parked.amount is None:
        raise _refused(
            parked, "it is a record without money: dismiss it when you have looked at it"
        )
    after = _settled(parked, ParkedStatus.GIVEN, by, note, context)
    transaction_hash = parked.body.get("transactionHash")
    return Decided(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=(
                context.transfer(
                    postings.unpark(parked.user_id, parked.amount),
                    reference=parked.reference,
                    cause=parked.id,
                ),
            ),
            events=(
                balance_credited(
                    context,
                    parked.user_id,
                    parked.amount,
                    source="stellar_deposit",
                    reference=parked.reference,
                    transaction_hash=transaction_hash
                    if isinstance(transaction_hash, str)
                    else None,
                ),
            ),
            audit=(
                context.audit(
                    "parked.give",
                    "Parked",
                    parked.id,
                    after={"amount": parked.amount.seven_places(), "reference": parked.reference},
                    user_id=parked.user_id,
                ),
            ),
        ),
    )


def dismiss(parked: Parked, by: str, note: str | None, context: DecisionContext) -> Decided[Parked]:
    """Close a record without money: an operator has looked at it.

    Money is not dismissed: it lies in the user's wallet. Who is not to have it is debited after it
    was given.
    """
    _check_open(parked)
    if parked.amount is not None:
        raise _refused(parked, "it is money in its user's wallet: give it, then debit the user")
    after = _settled(parked, ParkedStatus.DISMISSED, by, note, context)
    return Decided(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            audit=(
                context.audit(
                    "parked.dismiss",
                    "Parked",
                    parked.id,
                    after={"reference": parked.reference, "reason": parked.reason},
                ),
            ),
        ),
    )


def _check_open(parked: Parked) -> None:
    if not parked.is_open:
        raise _refused(parked, f"it was {parked.status.value} by {parked.settled_by}")


def _refused(parked: Parked, why: str) -> DomainError:
    return DomainError(
        ErrorCode.INVALID_STATE_TRANSITION,
        f"{parked.id}: {why}",
        {"parkedId": parked.id, "currentState": parked.status.value},
    )


def _settled(
    parked: Parked, status: ParkedStatus, by: str, note: str | None, context: DecisionContext
) -> Parked:
    return evolve(
        parked,
        version=parked.version + 1,
        status=status,
        settled_by=by,
        note=note,
        updated_at=context.now,
    )
