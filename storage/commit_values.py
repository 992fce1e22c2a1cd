"""What only the commit knows of a unit: balances after it, its places in the sequences.

Pure, and shared by PostgreSQL and the twin: both hold the rows and the counters still, then fill
units in, in the order in which they are committed (docs/architecture.md, One unit of work, one commit).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from attrs import define, evolve, field, frozen

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.ledger import DUE_TREASURY, TREASURY, Side, Transfer, balance_changes
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.money import BALANCE_MAX, Money
from offerhub.domain.treasury import Sums, Treasury, backs, lends, moved_sums, taken_out
from offerhub.domain.unit_of_work import (
    Balance,
    BalanceAfter,
    Committed,
    CommittedEvent,
    Entity,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from offerhub.domain.users import User
from storage.port import Encode, StoredAudit, StoredClaim
from storage.rendering import GENESIS, chain_audit, render_event

_OWNED = frozenset({"available", "reserved", "withdrawing", "suspense", "due"})


@define
class Counters:
    """The single row that every commit locks: the ends of the sequences."""

    event_sequence: int = 0
    event_moment: datetime | None = None
    """The latest `occurred_at` of all events."""
    transfer_sequence: int = 0
    audit_sequence: int = 0
    audit_hash: bytes = GENESIS
    sums: Sums = field(factory=dict)
    """The platform's own money (`domain.treasury`)."""


@frozen
class Filled:
    """A unit with everything that was left open.

    Args:
        moment: the latest `occurred_at` of all events up to this unit's.
        writes: the unit's entities.
    """

    unit: UnitOfWork
    moment: datetime
    transfers: tuple[tuple[int, Transfer], ...]
    events: tuple[CommittedEvent, ...]
    audit: tuple[StoredAudit, ...]
    balances: Mapping[str, Balance]
    changes: Mapping[str, Mapping[Side, int]]
    writes: tuple[Entity, ...] = ()
    answer: bytes | None = field(default=None, repr=False)

    @property
    def outcome(self) -> Committed:
        return Committed(events=self.events, balances=self.balances, answer=self.answer)

    @property
    def claim(self) -> StoredClaim | None:
        """What the unit's idempotency record becomes."""
        record = self.unit.idempotency
        if record is None:
            return None
        return StoredClaim(
            key=record.key,
            fingerprint=record.fingerprint,
            state=record.state,
            created_at=record.created_at,
            resource_type=record.resource_type,
            resource_id=record.resource_id,
            answer=self.answer,
        )


def account_owner(account: str) -> str | None:
    """The user whose account it is, or `TREASURY`; `None` for the escrows' and the outside."""
    if account in {TREASURY, DUE_TREASURY}:
        return TREASURY
    prefix, _, owner = account.partition("/")
    return owner if prefix in _OWNED else None


def users_of(units: Iterable[UnitOfWork]) -> set[str]:
    """Users whose balance rows the units change or show."""
    users: set[str] = set()
    for unit in units:
        users.update(balance_changes(unit.transfers))
        for event in unit.events:
            users.update(
                value.user_id for value in event.payload.values() if isinstance(value, BalanceAfter)
            )
    return users


def new_users(unit: UnitOfWork) -> list[str]:
    """Users that the unit inserts; their balance rows of zeros come with them."""
    return [entity.id for entity in unit.writes if isinstance(entity, User) and entity.version == 1]


def fill(
    unit: UnitOfWork, balances: dict[str, Balance], counters: Counters, encode: Encode
) -> Filled | Refused:
    """Fill a unit in, or refuse it for want of funds or at the limit of a balance.

    Moves `balances` and `counters` on; a refused unit leaves both as they were.

    Args:
        unit: as decided.
        balances: the rows of `users_of` the unit as they stand after the units before it.
        counters: as they stand after the units before it.
        encode: writes the text of the unit's answer.

    Raises:
        InvariantViolated: it credits or shows a user who has no row, or its answer has no text.
    """
    rows = dict(balances)
    for user_id in new_users(unit):
        rows.setdefault(user_id, Balance(user_id, Money.zero(), Money.zero(), unit.at))
    taken = taken_out(unit.transfers)
    if taken and taken > Treasury(counters.sums).withdrawable:
        return Refused(RefusalKind.FUNDS, TREASURY)
    changes = balance_changes(unit.transfers)
    dues: list[tuple[int, int]] = []
    for user_id, change in changes.items():
        moved = _moved(user_id, rows.get(user_id), change, unit.at)
        if isinstance(moved, Refused):
            return moved
        if change[Side.DUE]:
            dues.append((moved.due.stroops - change[Side.DUE], moved.due.stroops))
        rows[user_id] = moved
    sums = moved_sums(counters.sums, unit.transfers, dues)
    if lends(unit.transfers) and not backs(counters.sums, sums):
        return Refused(RefusalKind.FUNDS, TREASURY)

    def figure(wanted: BalanceAfter) -> Money:
        row = rows.get(wanted.user_id)
        if row is None:
            raise InvariantViolated(f"{wanted.user_id} has no balance to show")
        return {
            Side.AVAILABLE: row.available,
            Side.RESERVED: row.reserved,
            Side.DUE: row.due,
        }[wanted.side]

    events = tuple(
        render_event(event, unit, counters.event_sequence + place, figure)
        for place, event in enumerate(unit.events, start=1)
    )
    answer = _text(unit, figure, encode)
    transfers = tuple(enumerate(unit.transfers, start=counters.transfer_sequence + 1))
    audit: list[StoredAudit] = []
    previous_hash = counters.audit_hash
    for place, entry in enumerate(unit.audit, start=counters.audit_sequence + 1):
        audit.append(chain_audit(entry, unit, place, previous_hash))
        previous_hash = audit[-1].hash
    moment = max(counters.event_moment or unit.at, unit.at)
    if events:
        counters.event_sequence += len(events)
        counters.event_moment = moment
    counters.transfer_sequence += len(transfers)
    counters.sums = sums
    counters.audit_sequence += len(audit)
    counters.audit_hash = previous_hash
    balances.update(rows)
    shown = {user: rows[user] for user in changes}
    writes = tuple(_with_balance(entity, figure) for entity in unit.writes)
    return Filled(unit, moment, transfers, events, tuple(audit), shown, changes, writes, answer)


def _with_balance(entity: Entity, figure: Callable[[BalanceAfter], Money]) -> Entity:
    """A manual change with the balance after it, which its first answer shows."""
    if not isinstance(entity, ManualChange):
        return entity
    return evolve(
        entity,
        available=figure(BalanceAfter(entity.user_id, Side.AVAILABLE)),
        reserved=figure(BalanceAfter(entity.user_id, Side.RESERVED)),
    )


def _text(
    unit: UnitOfWork, figure: Callable[[BalanceAfter], Money], encode: Encode
) -> bytes | None:
    record = unit.idempotency
    if record is None or record.answer is None:
        return None
    try:
        return encode(record.answer, figure)
    except (TypeError, ValueError) as error:
        # One answer that cannot be written fails its own unit, not those of the whole group.
        raise InvariantViolated(
            f"the answer to {record.answer.action} cannot be written: {type(error).__name__}"
        ) from error


def _moved(
    user_id: str, row: Balance | None, change: Mapping[Side, int], at: datetime
) -> Balance | Refused:
    if row is None:
        if min(change[Side.AVAILABLE], change[Side.RESERVED]) < 0:
            return Refused(RefusalKind.FUNDS, user_id)
        raise InvariantViolated(f"{user_id} has no balance to credit")
    available = row.available.stroops + change[Side.AVAILABLE]
    reserved = row.reserved.stroops + change[Side.RESERVED]
    if available < 0 or reserved < 0:
        return Refused(RefusalKind.FUNDS, user_id)
    if available + reserved > max(BALANCE_MAX.stroops, row.total.stroops):
        return Refused(RefusalKind.LIMIT, user_id)
    due = Money(row.due.stroops + change[Side.DUE])
    shown = change[Side.AVAILABLE] or change[Side.RESERVED]
    return Balance(user_id, Money(available), Money(reserved), at if shown else row.updated_at, due)
