"""Decisions on manual credits and debits (docs/spec/domain.md §1)."""

from attrs import frozen

from offerhub.domain import postings
from offerhub.domain.decision import Decided
from offerhub.domain.decision_context import DecisionContext, balance_credited, balance_debited
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import UnitOfWork


@frozen
class ChangeBalance:
    """A credit or a debit, as the caller describes it."""

    user_id: str
    kind: ManualKind
    amount: Money
    currency: str
    description: str
    reference: str | None


def change(command: ChangeBalance, context: DecisionContext) -> Decided[ManualChange]:
    """Move money between a user's available and the treasury.

    A credit is a promise of the treasury's: the commit refuses one that its wallet does not back
    (`offerhub.domain.treasury`), and `unbacked` is that refusal.
    """
    is_credit = command.kind is ManualKind.CREDIT
    post = postings.credit_manually if is_credit else postings.debit_manually
    transfer = context.transfer(
        post(command.user_id, command.amount),
        reference=command.reference or context.trace.correlation_id,
        cause=context.trace.correlation_id,
    )
    reference = command.reference or transfer.id
    event = (
        balance_credited(
            context, command.user_id, command.amount, source="manual_credit", reference=reference
        )
        if is_credit
        else balance_debited(
            context,
            command.user_id,
            command.amount,
            destination="manual_debit",
            reference=reference,
        )
    )
    made = ManualChange(
        id=transfer.id,
        version=1,
        user_id=command.user_id,
        kind=command.kind,
        amount=command.amount,
        currency=command.currency,
        description=command.description,
        reference=command.reference,
        created_at=context.now,
    )
    return Decided(
        made,
        UnitOfWork(
            at=context.now,
            trace=context.trace,
            writes=(made,),
            transfers=(transfer,),
            events=(event,),
            audit=(
                context.audit(
                    f"balance.{command.kind.value}",
                    "Balance",
                    command.user_id,
                    after={
                        "amount": command.amount.seven_places(),
                        "reference": command.reference,
                        "transferId": transfer.id,
                    },
                    user_id=command.user_id,
                ),
            ),
            idempotency=context.final_answer(made),
        ),
        debits=None if is_credit else command.user_id,
    )


def unbacked(amount: Money, withdrawable: Money) -> DomainError:
    """The refusal of a credit that the treasury's wallet does not back."""
    return DomainError(
        ErrorCode.WALLET_NOT_READY,
        "the platform's wallet holds less than this beyond what it owes already: send USDC to it",
        {
            "reason": "the treasury is short of USDC",
            "available": withdrawable.two_places(),
            "requested": amount.two_places(),
        },
    )


def repeated(first: ManualChange, amount: Money, context: DecisionContext) -> UnitOfWork | None:
    """A reference is used again: the unit that keeps the first answer under the request's key.

    `None` if the request carried no key. Raises `IDEMPOTENCY_KEY_REUSED` if the reference stands
    for another amount.
    """
    if amount != first.amount:
        raise DomainError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED,
            f"this reference was used for a {first.kind.value} of another amount",
            {"reference": first.reference, "amount": first.amount.two_places()},
        )
    answer = context.final_answer(first)
    if answer is None:
        return None
    return UnitOfWork(at=context.now, trace=context.trace, idempotency=answer)
