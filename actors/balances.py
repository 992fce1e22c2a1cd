"""The balance actor: one per active user; every unit that takes from the user passes here."""

from typing import Final, assert_never

from attrs import frozen

from actors.core import Core
from actors.kernel import Actor, Message
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ledger import Side, balance_changes
from offerhub.domain.money import BALANCE_MAX, Money
from offerhub.domain.unit_of_work import (
    CommitOutcome,
    Committed,
    RefusalKind,
    Refused,
    UnitOfWork,
)

IDLE_S: Final = 30.0


@frozen
class CommitDebit(Message[CommitOutcome]):
    """Commit a unit that takes from this actor's user; `INSUFFICIENT_FUNDS` if it cannot."""

    unit: UnitOfWork


@frozen
class BalanceParts:
    """What every balance actor works with."""

    core: Core
    currency: str


class BalanceActor(Actor[CommitDebit]):
    """Serializes what takes from one user.

    It never refuses on figures older than the request: the database decides, and the row is read
    for the refusal's details.
    """

    def __init__(self, user_id: str, parts: BalanceParts) -> None:
        self._user_id = user_id
        self._parts = parts

    async def handle(self, message: CommitDebit) -> object:
        """Commit one unit."""
        match message:
            case CommitDebit(unit):
                return await self._commit(unit)
            case _:
                assert_never(message)

    async def _commit(self, unit: UnitOfWork) -> CommitOutcome:
        outcome = await self._parts.core.journal.commit(unit)
        match outcome:
            case Refused(RefusalKind.FUNDS):
                raise await self._insufficient(unit)
            case Refused(RefusalKind.LIMIT):
                raise balance_limit()
            case Committed() | Refused():
                return outcome

    async def _insufficient(self, unit: UnitOfWork) -> DomainError:
        # Not onto the board: a commit may have put a newer row there while this one was read.
        balance = await self._parts.core.storage.balance(self._user_id)
        taken = balance_changes(unit.transfers).get(self._user_id, {})
        return DomainError(
            ErrorCode.INSUFFICIENT_FUNDS,
            "the user's available balance is too low",
            {
                "available": (Money.zero() if balance is None else balance.available).two_places(),
                "requested": Money(-min(0, taken.get(Side.AVAILABLE, 0))).two_places(),
                "currency": self._parts.currency,
            },
        )


def balance_limit() -> DomainError:
    """The refusal of a change that would make a balance too large (docs/spec/domain.md §1)."""
    return DomainError(
        ErrorCode.AMOUNT_OUT_OF_LIMITS,
        "the balance would exceed its maximum",
        {"min": "0.00", "max": BALANCE_MAX.two_places()},
    )
