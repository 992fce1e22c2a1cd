"""The state that handles of the twin share, and the commit of one unit to it.

A commit is synchronous from its first check to its last write: there is no instant at which half
of a unit could be seen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from offerhub.domain.api_keys import ApiToken
from offerhub.domain.due import COMMANDS_KEPT, WEBHOOKS_KEPT, Due, Perishable, clean_up_due, due_of
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.ledger import Books, Transfer, books_of
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import (
    IDEMPOTENCY_LIFETIME,
    Balance,
    CommitOutcome,
    CommittedEvent,
    CursorMove,
    IdempotencyRecord,
    IdempotencyState,
    RefusalKind,
    Refused,
    SettingChange,
    UnitOfWork,
)
from offerhub.domain.webhook import Webhook
from storage.checkpoint import Checkpoint
from storage.commit_values import Counters, Filled, account_owner, fill
from storage.envelopes import archived
from storage.memory.tables import Tables
from storage.port import Encode, StoredAudit, StoredClaim, StoredTransfer, no_answers
from storage.rendering import GENESIS


class MemoryDatabase:
    """Everything that lasts, shared by the handles of old and new processes.

    Args:
        on_commit: called after every committed unit (the simulation's checks); may raise.

    `available` is the switch of the fault "the database is away".
    """

    def __init__(self, on_commit: Callable[["MemoryDatabase"], None] | None = None) -> None:
        self.on_commit = on_commit
        self.available = True
        self.epoch = 0
        self.tables = Tables()
        self.checkpoint: Checkpoint | None = None
        self.envelopes: dict[str, str] = {}
        self.counters = Counters()
        self.balances: dict[str, Balance] = {}
        self.transfers: list[Transfer] = []
        self.stored_transfers: list[StoredTransfer] = []
        self.user_transfers: dict[str, list[int]] = {}
        self.events: list[CommittedEvent] = []
        self.event_places: dict[str, int] = {}
        self.order_events: dict[str, list[int]] = {}
        self.audit: list[StoredAudit] = []
        self.idempotency: dict[str, StoredClaim] = {}
        self.cursors: dict[str, str] = {}
        self.key_uses: dict[str, datetime] = {}
        self.settings: dict[str, str] = {}
        self.command_listeners: set[Callable[[], None]] = set()
        self._transfer_ids: set[str] = set()
        self._dedupe: set[str] = set()

    def take_epoch(self) -> int:
        """Become the owner: handles with an older epoch are fenced from now on."""
        self.epoch += 1
        return self.epoch

    def detach_history(self, *, events: int, transfers: int, audit: int, at: datetime) -> None:
        """Detach history up to these sequences, as exporting partitions does in PostgreSQL."""
        last = self.checkpoint
        sums = books_of(self.transfers[:transfers])
        checkpoint = Checkpoint(
            number=1 if last is None else last.number + 1,
            event_sequence=events,
            event_moment=max((each.occurred_at for each in self.events[:events]), default=None),
            transfer_sequence=transfers,
            audit_sequence=audit,
            audit_moment=max((each.at for each in self.audit[:audit]), default=None),
            audit_hash=self.audit[audit - 1].hash if audit else GENESIS,
            books=Books(_not_zero(sums.accounts), _not_zero(sums.holdings)),
        )
        entry = checkpoint.entry(f"aud_checkpoint_{checkpoint.number:010d}")
        trace = Trace.system("history", "req_checkpoint")
        self.commit(UnitOfWork(at=at, trace=trace, audit=(entry,)), self.epoch)
        self.checkpoint = checkpoint

    @property
    def detached(self) -> Checkpoint:
        """The last checkpoint; before the first one that of nothing."""
        return self.checkpoint or Checkpoint(0, 0, None, 0, 0, None, GENESIS, Books({}, {}))

    def replay(self) -> Books:
        """The books, summed up from the transfers; those detached count by their sums."""
        attached = books_of(self.transfers[self.detached.transfer_sequence :])
        sums = self.detached.books
        return Books(
            _added(sums.accounts, attached.accounts), _added(sums.holdings, attached.holdings)
        )

    def commit(self, unit: UnitOfWork, epoch: int, encode: Encode = no_answers) -> CommitOutcome:
        """Commit one unit whole, or refuse it and leave everything as it was."""
        try:
            refused = self._refusal(unit, epoch)
            filled = refused or fill(unit, self.balances, self.counters, encode)
        except InvariantViolated as error:
            return Refused(RefusalKind.BROKEN, str(error))
        if isinstance(filled, Refused):
            return filled
        self._write(filled)
        if self.on_commit is not None:
            self.on_commit(self)
        return filled.outcome

    def due(self) -> Iterator[Due]:
        """Everything that comes due, in no order."""
        for entity in self.tables.everything():
            due = due_of(entity)
            if due is not None:
                yield due
        for what in Perishable:
            perished = [at for at, _ in self._perishing(what)]
            if perished:
                yield clean_up_due(what, min(perished))

    def clean_up(self, what: Perishable, until: datetime, limit: int) -> int:
        """Delete the oldest rows that have perished by a moment; how many it deleted."""
        gone = [key for at, key in sorted(self._perishing(what)) if at <= until][:limit]
        for key in gone:
            match what:
                case Perishable.IDEMPOTENCY:
                    del self.idempotency[key]
                case Perishable.WEBHOOKS:
                    self.tables.of(Webhook).delete(key)
                case Perishable.COMMANDS:
                    self.tables.of(OperatorCommand).delete(key)
                case Perishable.API_TOKENS:
                    self.tables.of(ApiToken).delete(key)
        return len(gone)

    def _perishing(self, what: Perishable) -> Iterable[tuple[datetime, str]]:
        match what:
            case Perishable.IDEMPOTENCY:
                records = self.idempotency.values()
                return [(each.created_at + IDEMPOTENCY_LIFETIME, each.key) for each in records]
            case Perishable.WEBHOOKS:
                webhooks = self.tables.of(Webhook).rows.values()
                return [
                    (each.ended_at + WEBHOOKS_KEPT, each.id)
                    for each in webhooks
                    if each.ended_at is not None
                ]
            case Perishable.COMMANDS:
                return [
                    (row.ended_at + COMMANDS_KEPT, row.id)
                    for row in self.tables.of(OperatorCommand).rows.values()
                    if row.ended_at is not None
                ]
            case Perishable.API_TOKENS:
                tokens = self.tables.of(ApiToken).rows.values()
                return [(token.expires_at, token.id) for token in tokens]

    def _refusal(self, unit: UnitOfWork, epoch: int) -> Refused | None:
        if epoch != self.epoch:
            return Refused(RefusalKind.FENCED)
        return (
            self._claim_refusal(unit.idempotency)
            or self.tables.refusal(unit.writes)
            or self._cursor_refusal(unit.cursor)
            or self._setting_refusal(unit.settings)
            or self._transfer_refusal(unit)
        )

    def _claim_refusal(self, record: IdempotencyRecord | None) -> Refused | None:
        if record is not None and record.first:
            stored = self.idempotency.get(record.key)
            if stored is not None and stored.created_at > record.created_at - IDEMPOTENCY_LIFETIME:
                return Refused(RefusalKind.TAKEN, "idempotency_key")
        return None

    def _cursor_refusal(self, move: CursorMove | None) -> Refused | None:
        if move is not None and self.cursors.get(move.name) != move.before:
            return Refused(RefusalKind.CONFLICT, move.name)
        return None

    def _setting_refusal(self, changes: tuple[SettingChange, ...]) -> Refused | None:
        stale = (each for each in changes if self.settings.get(each.name) != each.before)
        return next((Refused(RefusalKind.CONFLICT, each.name) for each in stale), None)

    def _transfer_refusal(self, unit: UnitOfWork) -> Refused | None:
        seen = set(self._dedupe) if len(unit.transfers) > 1 else self._dedupe
        for transfer in unit.transfers:
            if transfer.id in self._transfer_ids:
                raise InvariantViolated(f"the transfer {transfer.id} exists")
            if transfer.dedupe is not None:
                if transfer.dedupe in seen:
                    return Refused(RefusalKind.TAKEN, "dedupe")
                if seen is not self._dedupe:
                    seen.add(transfer.dedupe)
        for event in unit.events:
            if event.id in self.event_places:
                raise InvariantViolated(f"the event {event.id} exists")
        return None

    def _write(self, filled: Filled) -> None:
        unit = filled.unit
        self.tables.write(filled.writes)
        for entity in filled.writes:
            envelope = archived(entity)
            if envelope is not None:
                self.envelopes.setdefault(envelope.tx_hash, envelope.envelope)
        for sequence, transfer in filled.transfers:
            self._write_transfer(sequence, transfer, unit)
        for event in filled.events:
            self.events.append(event)
            self.event_places[event.id] = event.sequence
            if event.order_id is not None:
                self.order_events.setdefault(event.order_id, []).append(event.sequence)
        self.audit.extend(filled.audit)
        if unit.idempotency is not None and filled.claim is not None:
            self._write_claim(filled.claim, first=unit.idempotency.first)
        if unit.cursor is not None:
            self.cursors[unit.cursor.name] = unit.cursor.after
        self.settings.update((change.name, change.after) for change in unit.settings)
        if any(isinstance(each, OperatorCommand) and each.version == 1 for each in unit.writes):
            for notify in tuple(self.command_listeners):
                notify()

    def _write_transfer(self, sequence: int, transfer: Transfer, unit: UnitOfWork) -> None:
        self.transfers.append(transfer)
        self._transfer_ids.add(transfer.id)
        if transfer.dedupe is not None:
            self._dedupe.add(transfer.dedupe)
        self.stored_transfers.append(
            StoredTransfer(
                id=transfer.id,
                kind=transfer.kind.value,
                reference=transfer.reference,
                cause=transfer.cause,
                postings=transfer.postings,
                holdings=transfer.holdings,
                created_at=unit.at,
            )
        )
        owners = {account_owner(posting.account) for posting in transfer.postings}
        for owner in owners - {None}:
            self.user_transfers.setdefault(str(owner), []).append(sequence)

    def _write_claim(self, record: StoredClaim, *, first: bool) -> None:
        stored = self.idempotency.get(record.key)
        if not first and stored is not None and stored.fingerprint != record.fingerprint:
            return  # the key was given anew after its 24 hours: the old operation's end is late
        if record.state is IdempotencyState.RELEASED:
            self.idempotency.pop(record.key, None)
        else:
            self.idempotency[record.key] = record


def _added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {name: first.get(name, 0) + second.get(name, 0) for name in {**first, **second}}


def _not_zero(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in sums.items() if amount != 0}
