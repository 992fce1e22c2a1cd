"""The balance actor: one per active user; every unit that takes from the user passes here.

A user's holds, and what an operator credits or debits by hand, are its own work: it decides on
them, since they belong to nothing else.
"""

from typing import Final, TypeAlias, assert_never

import structlog
from attrs import evolve, frozen

from actors.core import Core
from actors.failpoints import reach
from actors.kernel import Actor, Message
from actors.messages import (
    ChangeManually,
    DeductHold,
    GiveHold,
    GiveHoldBack,
    HoldAfter,
    HoldMessage,
    PlaceHold,
)
from actors.outages import refuse_while_unavailable
from actors.refused import Conflict, balance_limit, refused
from actors.user_cache import UserCache
from offerhub.domain import hold_decisions as holds
from offerhub.domain import manual_decisions as manual
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.hold import HoldChanged
from offerhub.domain.hold_decisions import HoldDecision
from offerhub.domain.ledger import TREASURY, Side, balance_changes
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import (
    CommitOutcome,
    Committed,
    RefusalKind,
    Refused,
    UnitOfWork,
)

log = structlog.get_logger(__name__)

IDLE_S: Final = 30.0
_CONFLICTS_MAX: Final = 5


@frozen
class CommitDebit(Message[CommitOutcome]):
    """Commit a unit that takes from this actor's user; `INSUFFICIENT_FUNDS` if it cannot."""

    unit: UnitOfWork


BalanceMessage: TypeAlias = CommitDebit | HoldMessage | ChangeManually
"""What a balance actor takes."""


@frozen
class BalanceParts:
    """What every balance actor works with.

    Args:
        platform_user_id: the platform's user has a treasury and no balance: it is no party.
    """

    core: Core
    user_cache: UserCache
    currency: str
    platform_user_id: str


class BalanceActor(Actor[BalanceMessage]):
    """Serializes what takes from one user.

    It never refuses on figures older than the request: the database decides, and the row is read
    for the refusal's details.
    """

    def __init__(self, user_id: str, parts: BalanceParts) -> None:
        self._user_id = user_id
        self._parts = parts

    async def handle(self, message: BalanceMessage) -> object:
        """Commit one unit, or decide on what is this actor's own."""
        match message:
            case CommitDebit(unit):
                return await self._commit(unit)
            case PlaceHold():
                with refuse_while_unavailable():
                    return await self._place(message)
            case GiveHoldBack() | GiveHold() | DeductHold():
                with refuse_while_unavailable():
                    return await self._use(message)
            case ChangeManually():
                with refuse_while_unavailable():
                    return await self._change(message)
            case _:
                assert_never(message)

    async def _place(self, message: PlaceHold) -> HoldAfter:
        await self._check_party(self._user_id)
        core = self._parts.core
        command = holds.PlaceHold(
            hold_id=core.ids.new("hld"),
            user_id=self._user_id,
            amount=message.amount,
            currency=self._parts.currency,
            reference=message.reference,
            order_id=message.order_id,
            description=message.description,
        )
        after = await self._held(holds.place(command, core.context(message.trace)))
        if after is not None:
            return after
        standing = await core.storage.open_hold(self._user_id, message.reference)
        if standing is None:
            raise Conflict(message.reference)
        raise holds.already_held(standing)

    async def _use(self, message: GiveHoldBack | GiveHold | DeductHold) -> HoldAfter:
        await self._check_party(self._user_id)
        if isinstance(message, GiveHold):
            await self._check_party(message.recipient_id)
        core, currency = self._parts.core, self._parts.currency
        for _ in range(_CONFLICTS_MAX):
            hold = await core.storage.open_hold(self._user_id, message.reference)
            if hold is None:
                raise holds.not_found(message.reference)
            context = core.context(message.trace)
            match message:
                case GiveHoldBack():
                    decision = holds.give_back(hold, message.amount, currency, context)
                case DeductHold():
                    decision = holds.deduct(hold, message.amount, currency, context)
                case GiveHold():
                    decision = holds.give(
                        hold, message.amount, message.recipient_id, currency, context
                    )
                case _:
                    assert_never(message)
            after = await self._held(decision)
            if after is not None:
                return after
        raise Conflict(message.reference)

    async def _held(self, decision: HoldDecision) -> HoldAfter | None:
        """Commit a decision on a hold; `None` if the hold was written elsewhere, or its label is taken."""
        reach("balance.before_hold")
        outcome = await self._commit(decision.unit)
        reach("balance.after_hold")
        match outcome:
            case Committed():
                changed = HoldChanged(decision.entity, self._parts.currency)
                return HoldAfter(changed, outcome.balances[self._user_id])
            case Refused(RefusalKind.CONFLICT) | Refused(RefusalKind.TAKEN, "hold_reference"):
                return None
            case Refused():
                raise refused(outcome)

    async def _change(self, message: ChangeManually) -> ManualChange:
        await self._check_party(self._user_id)
        core = self._parts.core
        context = core.context(message.trace)
        first = await self._first(message)
        if first is not None:
            return first
        decision = manual.change(
            manual.ChangeBalance(
                user_id=self._user_id,
                kind=message.kind,
                amount=message.amount,
                currency=self._parts.currency,
                description=message.description,
                reference=message.reference,
            ),
            context,
        )
        reach(f"balance.before_{message.kind.value}")
        outcome = await self._commit(decision.unit)
        reach(f"balance.after_{message.kind.value}")
        match outcome:
            case Committed():
                after = outcome.balances[self._user_id]
                return evolve(decision.entity, available=after.available, reserved=after.reserved)
            case Refused(RefusalKind.FUNDS):
                treasury = await core.storage.treasury()
                log.warning("treasury.short", wants=str(message.amount), has=str(treasury.spare))
                raise manual.unbacked(message.amount, treasury.withdrawable)
            case Refused(RefusalKind.TAKEN, "manual_reference"):
                first = await self._first(message)
                if first is None:
                    raise refused(outcome)
                return first
            case Refused():
                raise refused(outcome)

    async def _first(self, message: ChangeManually) -> ManualChange | None:
        """What the message's reference was used for, with its answer kept under the request's key."""
        if message.reference is None:
            return None
        core = self._parts.core
        first = await core.storage.manual_change(self._user_id, message.kind, message.reference)
        if first is None:
            return None
        unit = manual.repeated(first, message.amount, core.context(message.trace))
        if unit is not None:
            outcome = await core.journal.commit(unit)
            if isinstance(outcome, Refused):
                raise refused(outcome)
        return first

    async def _check_party(self, user_id: str) -> None:
        """Raise `USER_NOT_FOUND` of a user who does not exist, `SAME_USER` of the platform's."""
        if user_id == self._parts.platform_user_id:
            raise DomainError(
                ErrorCode.SAME_USER,
                "the platform's user has no balance: its money is the treasury",
                {"userId": user_id},
            )
        if not await self._parts.user_cache.users([user_id]):
            raise DomainError(ErrorCode.USER_NOT_FOUND, "no user has this id", {"userId": user_id})

    async def _commit(self, unit: UnitOfWork) -> CommitOutcome:
        outcome = await self._parts.core.journal.commit(unit)
        match outcome:
            case Refused(RefusalKind.FUNDS, subject) if subject != TREASURY:
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
