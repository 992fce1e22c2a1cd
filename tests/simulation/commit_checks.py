"""What must hold after every commit, computed from the transfers alone (docs/invariants.md).

The checks are incremental; every so often everything is replayed from the beginning.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import trio
from attrs import define, evolve, field

from offerhub.domain.chain import CHAIN_MOVES, ChainOperation, ChainStatus
from offerhub.domain.dispute import DISPUTE_MOVES, Dispute
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.hold import Hold
from offerhub.domain.ledger import (
    DUE_TREASURY,
    TREASURY,
    WALLET_TREASURY,
    Books,
    Transfer,
    check_identities,
    withdrawing,
)
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.money import Money
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.order_states import MOVES
from offerhub.domain.settlement import Settlement
from offerhub.domain.treasury import Treasury
from offerhub.domain.unit_of_work import (
    CommitOutcome,
    Committed,
    Entity,
    IdempotencyState,
    Refused,
    UnitOfWork,
)
from offerhub.domain.users import User
from offerhub.domain.webhook import Webhook
from offerhub.domain.withdrawal import WITHDRAWAL_MOVES, Withdrawal
from storage.envelopes import without_archived
from storage.memory import MemoryDatabase
from storage.port import Encode, no_answers
from tests.simulation.history import History
from tests.simulation.resources import Resources
from tests.simulation.rest_dues import replaced

_REPLAY_EVERY: Final = 50
_SHORT_LATELY_S: Final = 30.0
"""Between a look at the treasury and the alarm about it others commit."""
_PASSED_THROUGH: Final = {OrderStatus.ESCROW_FUNDED, OrderStatus.RELEASED, OrderStatus.REFUNDED}
_REFUND_UNFUNDED: Final = (OrderStatus.ESCROW_CREATING, OrderStatus.CLOSED)


class WatchedDatabase(MemoryDatabase):
    """The twin with a checker at its side: it sees each unit, refused ones too."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self._checker = Checker(history)
        self.resources: Resources | None = None
        """Of the present life."""

    def commit(self, unit: UnitOfWork, epoch: int, encode: Encode = no_answers) -> CommitOutcome:
        early = [each.id for each in unit.writes if self._is_shown(each)]
        outcome = super().commit(unit, epoch, encode)
        match outcome:
            case Committed():
                for entity_id in early:
                    self._history.violated(f"{entity_id} was shown before its commit")
                self._checker.committed(self, unit)
                if self.resources is not None:
                    self.resources.check()
            case Refused(kind, subject):
                self._history.mark(f"refused: {kind.value}")
                if subject == "idempotency_key":
                    effect = unit.writes or unit.transfers
                    self._history.mark(
                        "key taken at the commit"
                        if effect
                        else "refused, but the key had had its effect"
                    )
                self._history.note("refused", kind.value, subject, unit.trace.actor)
        return outcome

    def _is_shown(self, entity: Entity) -> bool:
        """Whether the present process shows a version that is not committed yet."""
        if self.resources is None or not isinstance(entity, Order | Withdrawal):
            return False
        system = self.resources.machine.system
        shown = (
            system.order_board.get(entity.id)
            if isinstance(entity, Order)
            else system.withdrawal_board.get(entity.id)
        )
        return shown is not None and shown.version >= entity.version

    def operation_of(self, envelope: str) -> ChainOperation | None:
        """The operation that an envelope was signed for."""
        return self._checker.by_envelope.get(envelope)

    @property
    def commits(self) -> int:
        return self._checker.commits

    @property
    def was_short(self) -> bool:
        """Whether the platform's wallet lately held less than it owed."""
        return trio.current_time() - self._checker.short_at < _SHORT_LATELY_S

    def check_whole(self) -> None:
        """Replay everything from the beginning."""
        self._checker.check_whole(self)

    def times_released(self, key: str) -> int:
        """How often a key was given back after an effect that had not lasted."""
        return self._checker.released[key]


def _check_is_audited(unit: UnitOfWork) -> None:
    """Every change of state and every signature leaves an entry (docs/spec/domain.md §7)."""
    changed = [
        each
        for each in unit.writes
        # What becomes of an envelope is in the entry of its owner, who commits the effect.
        if not isinstance(each, ChainOperation | OperatorCommand | Webhook)
        or (isinstance(each, ChainOperation) and each.status is ChainStatus.SIGNED)
    ]
    names = [type(each).__name__ for each in changed]
    _demand(
        bool(unit.audit) or not (changed or unit.transfers or unit.settings),
        f"{names} changed without an audit entry",
    )


@define
class Checker:
    """The truth about the books, kept beside the database."""

    history: History
    _accounts: Counter[str] = field(factory=Counter)
    _holdings: Counter[str] = field(factory=Counter)
    _transfers: int = 0
    _events: int = 0
    _audit: int = 0
    _audit_hash: bytes = bytes(32)
    commits: int = 0
    short_at: float = float("-inf")
    """When the platform's wallet last held less than it owed."""
    _versions: dict[tuple[type, str], Any] = field(factory=dict)
    _firsts: Counter[str] = field(factory=Counter)
    released: Counter[str] = field(factory=Counter)
    by_envelope: dict[str, ChainOperation] = field(factory=dict)

    def committed(self, database: MemoryDatabase, unit: UnitOfWork) -> None:
        """Check what one unit did."""
        self.commits += 1
        try:
            self._check_transfers(database, unit)
            self._check_events(database)
            self._check_audit(database)
            _check_is_audited(unit)
            self._check_entities(database, unit)
            self._check_keys(unit)
            if self.commits % _REPLAY_EVERY == 0:
                self.check_whole(database)
        except InvariantViolated as violated:
            self.history.violated(str(violated))
        self.history.note(
            "commit",
            unit.trace.actor,
            *(f"{type(each).__name__}:{each.id}:{each.version}" for each in unit.writes),
            *(entry.action for entry in unit.audit),
            self._audit_hash.hex()[:16],
        )

    def check_whole(self, database: MemoryDatabase) -> None:
        """Replay all transfers, and check both identities and every balance row."""
        books = database.replay()
        _demand(
            _not_zero(books.accounts) == _not_zero(self._accounts), "the replay gives other sums"
        )
        check_identities(books, _platform(database))
        for user_id in database.tables.of(User).rows:
            self._check_balance(database, user_id)
        self._check_treasury(database, books)

    def _check_transfers(self, database: MemoryDatabase, unit: UnitOfWork) -> None:
        new: list[Transfer] = database.transfers[self._transfers :]
        _demand(len(new) == len(unit.transfers), "transfers were left out or invented")
        self._transfers = len(database.transfers)
        touched = set()
        for transfer in new:
            total = sum(posting.amount.stroops for posting in transfer.postings)
            _demand(total == 0, f"{transfer.id} does not sum to zero")
            for posting in transfer.postings:
                self._accounts[posting.account] += posting.amount.stroops
                side, _, owner = posting.account.partition("/")
                if side in {"available", "reserved"}:
                    touched.add(owner)
            for moved in transfer.holdings:
                self._holdings[moved.holding] += moved.amount.stroops
        for user_id in sorted(touched):
            self._check_balance(database, user_id)
        if new:
            check_identities(Books(self._accounts, self._holdings), _platform(database))
            for name, amount in self._holdings.items():
                _demand(amount >= 0, f"the holding {name} is below zero: {amount}")
        owed = sum(
            amount
            for name, amount in self._accounts.items()
            if name.startswith("due/") and name != DUE_TREASURY and amount > 0
        )
        withdrawing = self._accounts[f"withdrawing/{_platform(database)}"]
        if self._holdings[WALLET_TREASURY] - withdrawing < owed:
            self.short_at = trio.current_time()

    def _check_balance(self, database: MemoryDatabase, user_id: str) -> None:
        row = database.balances.get(user_id)
        available = self._accounts[f"available/{user_id}"]
        reserved = self._accounts[f"reserved/{user_id}"]
        due = self._accounts[f"due/{user_id}"]
        stands = (0, 0, 0)
        if row is not None:
            stands = (row.available.stroops, row.reserved.stroops, row.due.stroops)
        _demand(
            stands == (available, reserved, due),
            f"{user_id}'s row stands at {stands}, its transfers at {(available, reserved, due)}",
        )
        _demand(available >= 0 and reserved >= 0, f"{user_id} is below zero")

    def _check_treasury(self, database: MemoryDatabase, books: Books) -> None:
        """The running sums are what the transfers say."""
        sums, platform = Treasury(database.counters.sums), _platform(database)
        dues = [
            amount
            for name, amount in books.accounts.items()
            if name.startswith("due/") and name != DUE_TREASURY
        ]
        stands = {
            "treasury": (sums.treasury, books.account(TREASURY)),
            "its wallet": (sums.wallet, books.holding(WALLET_TREASURY)),
            "the dues": (sums.dues, books.account(DUE_TREASURY)),
            "its withdrawals": (sums.withdrawing, books.account(withdrawing(platform))),
            "what it owes": (sums.owed, Money(sum(due for due in dues if due > 0))),
            "what is owed to it": (sums.owing, Money(-sum(due for due in dues if due < 0))),
        }
        for name, (kept, found) in stands.items():
            _demand(kept == found, f"{name} is kept at {kept}, and its transfers give {found}")

    def _check_events(self, database: MemoryDatabase) -> None:
        for place in range(self._events, len(database.events)):
            event = database.events[place]
            _demand(event.sequence == place + 1, f"event {event.sequence} stands at {place + 1}")
            body = json.loads(event.body)
            _demand(body["eventId"] == event.id, "an event's text is another's")
            self.history.mark(f"event: {event.type}")
            if body["payload"].get("reason") in {"expired", "auto_release"}:
                self.history.mark(f"deadline: {body['payload']['reason']}")
            if event.type == "withdrawal.failed" and "time ran out" in event.body:
                self.history.mark("a withdrawal failed because its envelopes died")
            if event.type == "dispute.resolved":
                self.history.mark(f"decided: {body['payload']['decision']}")
            if event.type == "escrow.attempt_failed":
                end = "retried" if body["payload"]["willRetry"] else "fallen back"
                self.history.mark(f"{body['payload']['operation']} {end}")
        self._events = len(database.events)

    def _check_audit(self, database: MemoryDatabase) -> None:
        for place in range(self._audit, len(database.audit)):
            entry = database.audit[place]
            _demand(entry.sequence == place + 1, "the audit chain has a gap")
            _demand(entry.previous_hash == self._audit_hash, "the audit chain is broken")
            self._audit_hash = hashlib.sha256(self._audit_hash + entry.canonical).digest()
            _demand(entry.hash == self._audit_hash, "an audit entry's hash is not its own")
            canonical = json.loads(entry.canonical)
            full = canonical["userId"] in self.history.full
            if canonical["result"] == "alarm" and not (
                full and canonical["action"] == "deposit.park"
            ):
                self.history.alarm(f"{canonical['action']} of {canonical['resourceId']}")
        self._audit = len(database.audit)

    def _check_entities(self, database: MemoryDatabase, unit: UnitOfWork) -> None:
        for entity in unit.writes:
            key = (type(entity), entity.id)
            before = self._versions.get(key)
            version = 0 if before is None else before.version
            _demand(entity.version == version + 1, f"{entity.id} skips a version")
            stored = database.tables.of(type(entity)).rows[entity.id]
            written = without_archived(entity)
            if isinstance(stored, ManualChange):
                # The balance after it is filled in by the commit.
                stored = evolve(stored, available=None, reserved=None)
            _demand(stored == written, f"{entity.id} was not stored as it was written")
            if isinstance(entity, ChainOperation) and entity.envelope is not None:
                operation = database.tables.of(ChainOperation).rows[entity.id]
                kept = operation.envelope or database.envelopes.get(str(entity.tx_hash))
                _demand(kept == entity.envelope, f"the envelope of {entity.id} was lost")
            if before is not None:
                _check_move(before, entity)
            if isinstance(before, Settlement) and isinstance(entity, Settlement):
                _demand(
                    not replaced(database, before, entity), f"{entity.id} is settled twice at once"
                )
            if isinstance(entity, ChainOperation):
                self.history.mark(f"operation {entity.step.kind}: {entity.status}")
                if entity.envelope is not None:
                    self.by_envelope.setdefault(entity.envelope, entity)
                if before is None and entity.attempt > 1:
                    self.history.mark("an envelope was rebuilt")
            self._versions[key] = entity

    def _check_keys(self, unit: UnitOfWork) -> None:
        record = unit.idempotency
        if record is None:
            return
        if record.first:
            self._firsts[record.key] += 1
            _demand(self._firsts[record.key] == 1, f"{record.key} has had two effects")
        if record.state is IdempotencyState.RELEASED:
            self._firsts[record.key] = 0
            self.released[record.key] += 1
            self.history.mark("key released")


def _check_move(before: Any, after: Any) -> None:
    """A row moves only as its state table says."""
    if isinstance(before, OperatorCommand):
        _demand(before.is_open, f"{after.id} of {after.kind} has ended twice")
        return
    if isinstance(before, Hold):
        left = after.remaining
        _demand(not left.stroops < 0, f"{after.id} has less than nothing left")
        _demand(left < before.remaining, f"{after.id} has more left than before")
        return
    if getattr(before, "status", None) == getattr(after, "status", None):
        return
    match before, after:
        case Order(), Order():
            passing = any(
                step in MOVES[before.status] and after.status in MOVES[step]
                for step in _PASSED_THROUGH
            )
            fine = (
                after.status in MOVES[before.status]
                or passing
                or (before.status, after.status) == _REFUND_UNFUNDED
            )
        case ChainOperation(), ChainOperation():
            fine = after.status in CHAIN_MOVES[before.status]
            same_envelope = before.tx_hash in {None, after.tx_hash}
            _demand(same_envelope, f"{after.id} changed its envelope")
        case Withdrawal(), Withdrawal():
            fine = after.status in WITHDRAWAL_MOVES[before.status]
        case Dispute(), Dispute():
            fine = after.status in DISPUTE_MOVES[before.status]
        case _:
            fine = True
    _demand(fine, f"{after.id} went from {before.status} to {after.status}")


def _platform(database: MemoryDatabase) -> str:
    for user in database.tables.of(User).rows.values():
        if user.external_user_id == "offerhub:platform":
            return user.id
    return ""


def _not_zero(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in sums.items() if amount}


def _demand(holds: bool, claim: str) -> None:
    if not holds:
        raise InvariantViolated(claim)
