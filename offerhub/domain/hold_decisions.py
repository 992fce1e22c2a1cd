"""Decisions on holds: placed, given back, given to another user, deducted, each in parts too.

What is done with a hold comes out of its user's reserved money, never more than that hold has left.
Wallets do not move: what one user's wallet owes another's, or the treasury's, is posted as due and
settled later (docs/spec/domain.md §1).
"""

from attrs import evolve, frozen

from offerhub.domain import postings
from offerhub.domain.decision import Decided
from offerhub.domain.decision_context import (
    DecisionContext,
    balance_credited,
    balance_debited,
    balance_released,
    balance_reserved,
)
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.hold import Hold, HoldChanged
from offerhub.domain.money import Money
from offerhub.domain.postings import Movement
from offerhub.domain.unit_of_work import AuditEntry, Event, UnitOfWork

HoldDecision = Decided[Hold]


@frozen
class PlaceHold:
    """A new hold, as the caller describes it."""

    hold_id: str
    user_id: str
    amount: Money
    currency: str
    reference: str
    order_id: str | None
    description: str | None


def place(command: PlaceHold, context: DecisionContext) -> HoldDecision:
    """Set an amount of the user's available aside."""
    hold = Hold(
        id=command.hold_id,
        version=1,
        user_id=command.user_id,
        amount=command.amount,
        remaining=command.amount,
        reference=command.reference,
        order_id=command.order_id,
        description=command.description,
        created_at=context.now,
        updated_at=context.now,
    )
    event = balance_reserved(
        context,
        hold.user_id,
        hold.amount,
        order_id=hold.order_id,
        reference=hold.reference,
    )
    return _decided(
        hold,
        postings.reserve(hold.user_id, hold.amount),
        (event,),
        _audit("hold.place", None, hold, context),
        command.currency,
        context,
    )


def give_back(hold: Hold, amount: Money, currency: str, context: DecisionContext) -> HoldDecision:
    """Give an amount of the hold back to its user's available."""
    after = _less(hold, amount, context)
    event = balance_released(
        context,
        hold.user_id,
        amount,
        order_id=hold.order_id,
        reference=hold.reference,
        reason="hold_canceled",
    )
    return _decided(
        after,
        postings.unreserve(hold.user_id, amount),
        (event,),
        _audit("hold.cancel", hold, after, context),
        currency,
        context,
    )


def give(
    hold: Hold, amount: Money, recipient_id: str, currency: str, context: DecisionContext
) -> HoldDecision:
    """Give an amount of the hold to another user's available.

    Raises `SAME_USER` if the recipient is the hold's own user.
    """
    if recipient_id == hold.user_id:
        raise DomainError(
            ErrorCode.SAME_USER,
            "a hold is released to another user; cancel-reservation gives it back",
            {"userId": recipient_id},
        )
    after = _less(hold, amount, context)
    events = (
        balance_debited(
            context, hold.user_id, amount, destination="user", reference=hold.reference
        ),
        balance_credited(
            context, recipient_id, amount, source="hold_release", reference=hold.reference
        ),
    )
    return _decided(
        after,
        postings.give_hold(hold.user_id, recipient_id, amount),
        events,
        _audit("hold.release", hold, after, context, {"recipientId": recipient_id}),
        currency,
        context,
    )


def deduct(hold: Hold, amount: Money, currency: str, context: DecisionContext) -> HoldDecision:
    """Take an amount of the hold out of its user's balance, in the platform's favour."""
    after = _less(hold, amount, context)
    event = balance_debited(
        context, hold.user_id, amount, destination="deduction", reference=hold.reference
    )
    return _decided(
        after,
        postings.deduct_hold(hold.user_id, amount),
        (event,),
        _audit("hold.deduct", hold, after, context),
        currency,
        context,
    )


def not_found(reference: str) -> DomainError:
    """The refusal of a command to a hold that does not exist, or of which nothing is left."""
    return DomainError(
        ErrorCode.RESERVE_NOT_FOUND,
        "the user has no hold with this reference of which anything is left",
        {"reference": reference},
    )


def already_held(hold: Hold) -> DomainError:
    """The refusal of a second hold under a label that is in use."""
    return DomainError(
        ErrorCode.FUNDS_ALREADY_RESERVED,
        "the user has an open hold with this reference",
        {
            "holdId": hold.id,
            "reference": hold.reference,
            "amount": hold.amount.two_places(),
            "remaining": hold.remaining.two_places(),
        },
    )


def _less(hold: Hold, amount: Money, context: DecisionContext) -> Hold:
    """The hold without an amount of what it has left; raises `RESERVE_MISMATCH_AMOUNT`."""
    if not hold.is_open:
        raise not_found(hold.reference)
    if amount > hold.remaining:
        raise DomainError(
            ErrorCode.RESERVE_MISMATCH_AMOUNT,
            "the hold has less left than this amount",
            {
                "holdId": hold.id,
                "reference": hold.reference,
                "remaining": hold.remaining.two_places(),
                "requested": amount.two_places(),
            },
        )
    return evolve(
        hold,
        version=hold.version + 1,
        remaining=hold.remaining - amount,
        updated_at=context.now,
    )


def _decided(
    after: Hold,
    movement: Movement,
    events: tuple[Event, ...],
    audit: AuditEntry,
    currency: str,
    context: DecisionContext,
) -> HoldDecision:
    return HoldDecision(
        after,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(after,),
            transfers=(
                context.transfer(movement, reference=after.id, cause=context.trace.correlation_id),
            ),
            events=events,
            audit=(audit,),
            idempotency=context.final_answer(HoldChanged(after, currency)),
        ),
        debits=after.user_id,
    )


def _audit(
    action: str,
    before: Hold | None,
    after: Hold,
    context: DecisionContext,
    more: dict[str, object] | None = None,
) -> AuditEntry:
    return context.audit(
        action,
        "Hold",
        after.id,
        before=None if before is None else {"remaining": before.remaining.seven_places()},
        after={
            "remaining": after.remaining.seven_places(),
            "reference": after.reference,
            **(more or {}),
        },
        user_id=after.user_id,
    )
