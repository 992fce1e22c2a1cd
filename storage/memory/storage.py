"""One process's handle on the twin: `storage.port.Storage`, in memory."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import trio

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.dispute import Dispute
from offerhub.domain.due import Due, Perishable
from offerhub.domain.hold import Hold
from offerhub.domain.ids import Clock
from offerhub.domain.ledger import Books
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.money import Money
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.parked import Parked
from offerhub.domain.reconciliation import WalletClaims
from offerhub.domain.settlement import OpenDue, Settlement, Standing
from offerhub.domain.treasury import Treasury
from offerhub.domain.unit_of_work import (
    IDEMPOTENCY_LIFETIME,
    Balance,
    CommitOutcome,
    CommittedEvent,
    Entity,
    UnitOfWork,
)
from offerhub.domain.users import User, Wallet, WalletRole, WalletStatus
from offerhub.domain.withdrawal import ENDED, Withdrawal
from storage.checkpoint import Checkpoint
from storage.memory.database import MemoryDatabase
from storage.port import (
    AuditFilter,
    DisputeFilter,
    Encode,
    HistoryDetached,
    OnTheWay,
    OpenLane,
    OpenWork,
    OrderFilter,
    Page,
    PlacedOrder,
    StorageUnavailable,
    StoredAudit,
    StoredClaim,
    StoredTransfer,
    UnknownCursor,
    UserFilter,
    no_answers,
)

E = TypeVar("E", bound=Entity)
T = TypeVar("T")


class MemoryStorage:
    """The twin as one process sees it.

    Making a handle takes the epoch: what older handles commit from then on is `FENCED`.

    Args:
        database: what outlives the process.
        clock: tells the age of idempotency records.
        latency_s: how long the next commit takes, asked once a commit; `None`: no time.
    """

    def __init__(
        self,
        database: MemoryDatabase,
        clock: Clock,
        *,
        latency_s: Callable[[], float] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._latency_s = latency_s
        self._epoch = database.take_epoch()

    async def commit(
        self, group: Sequence[UnitOfWork], encode: Encode = no_answers
    ) -> Sequence[CommitOutcome]:
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):  # ends by itself: the latency is bounded
            if self._latency_s is None:
                await trio.lowlevel.checkpoint()
            else:
                await trio.sleep(self._latency_s())
        if not self._database.available:
            raise StorageUnavailable("the twin is switched off")
        return [self._database.commit(unit, self._epoch, encode) for unit in group]

    async def load(self, kind: type[E], entity_id: str) -> E | None:
        return (await self._at()).tables.of(kind).rows.get(entity_id)

    async def load_many(self, kind: type[E], entity_ids: Sequence[str]) -> dict[str, E]:
        rows = (await self._at()).tables.of(kind).rows
        return {entity_id: rows[entity_id] for entity_id in entity_ids if entity_id in rows}

    async def user_by_external_id(self, external_user_id: str) -> User | None:
        return (await self._at()).tables.of(User).by_key("external_user_id", external_user_id)

    async def users(self, where: UserFilter, cursor: str | None, limit: int) -> Page[User]:
        def fits(user: User) -> bool:
            return where.external_user_id in {None, user.external_user_id} and (
                where.email in {None, user.email}
            )

        return _page((await self._at()).tables.of(User).newest_first(), fits, cursor, limit)

    async def orders(self, where: OrderFilter, cursor: str | None, limit: int) -> Page[Order]:
        def fits(order: Order) -> bool:
            return (
                where.status in {None, order.status.value}
                and where.buyer_id in {None, order.buyer_id}
                and where.seller_id in {None, order.seller_id}
                and where.client_order_ref in {None, order.client_order_ref}
                and (where.created_after is None or order.created_at > where.created_after)
                and (where.created_before is None or order.created_at < where.created_before)
            )

        orders = (await self._at()).tables.of(Order).newest_first(lambda order: order.created_at)
        return _page(orders, fits, cursor, limit)

    async def disputes(self, where: DisputeFilter, cursor: str | None, limit: int) -> Page[Dispute]:
        def fits(dispute: Dispute) -> bool:
            return (
                where.order_id in {None, dispute.order_id}
                and where.status in {None, dispute.status.value}
                and where.opened_by in {None, dispute.opened_by.value}
            )

        return _page((await self._at()).tables.of(Dispute).newest_first(), fits, cursor, limit)

    async def in_flight(
        self, kind: type[Order] | type[Withdrawal], after: int, limit: int
    ) -> Sequence[OnTheWay]:
        tables = (await self._at()).tables
        operations = tables.of(ChainOperation).rows.values()
        working = {each.subject_id for each in operations if each.is_open}
        rows = enumerate(tables.of(kind).rows.values(), start=1)
        found = [
            OnTheWay(place, row.id, row.id in working)
            for place, row in rows
            if place > after and row.in_flight
        ]
        return found[:limit]

    async def order_ids_by_contract(self, contract_ids: Sequence[str]) -> dict[str, str]:
        wanted = set(contract_ids)
        return {
            order.escrow.contract_id: order.id
            for order in (await self._at()).tables.of(Order).rows.values()
            if order.escrow is not None
            and order.escrow.contract_id is not None
            and order.escrow.contract_id in wanted
        }

    async def withdrawals(
        self, user_id: str | None, cursor: str | None, limit: int
    ) -> Page[Withdrawal]:
        rows = (await self._at()).tables.of(Withdrawal).newest_first()
        mine = (row for row in rows if user_id in {None, row.user_id})
        return _page(mine, lambda _: True, cursor, limit)

    async def open_hold(self, user_id: str, reference: str) -> Hold | None:
        return (await self._at()).tables.of(Hold).by_key("hold_reference", (user_id, reference))

    async def manual_change(
        self, user_id: str, kind: ManualKind, reference: str
    ) -> ManualChange | None:
        changes = (await self._at()).tables.of(ManualChange)
        return changes.by_key("manual_reference", (user_id, kind, reference))

    async def wallet_claims(self, user_ids: Sequence[str]) -> dict[str, WalletClaims]:
        database = await self._at()
        open_ = [w for w in database.tables.of(Withdrawal).rows.values() if w.status not in ENDED]
        parked = [p for p in database.tables.of(Parked).rows.values() if p.is_open]
        return {
            user_id: WalletClaims(
                user_id,
                row.available,
                row.reserved,
                row.due,
                Money.total(w.amount for w in open_ if w.user_id == user_id),
                Money.total(p.amount for p in parked if p.user_id == user_id and p.amount),
            )
            for user_id in user_ids
            if (row := database.balances.get(user_id)) is not None
        }

    async def active_wallets(self, after: str, limit: int) -> Sequence[Wallet]:
        found = [
            wallet
            for wallet in (await self._at()).tables.of(Wallet).rows.values()
            if wallet.role is WalletRole.USER
            and wallet.status is WalletStatus.ACTIVE
            and wallet.public_key > after
        ]
        return sorted(found, key=lambda wallet: wallet.public_key)[:limit]

    async def contracts(self, after: int, limit: int, *, closed: bool) -> Sequence[PlacedOrder]:
        rows = enumerate((await self._at()).tables.of(Order).rows.values(), start=1)
        found = [
            PlacedOrder(place, order)
            for place, order in rows
            if place > after
            and order.escrow is not None
            and order.escrow.contract_id is not None
            and closed == (order.status is OrderStatus.CLOSED)
        ]
        return found[:limit]

    async def unbooked_operations(
        self, user_id: str | None, limit: int
    ) -> Sequence[ChainOperation]:
        tables = (await self._at()).tables
        waiting = {
            order.chain_operation_id
            for order in tables.of(Order).rows.values()
            if order.in_flight and user_id in {None, order.buyer_id, order.seller_id}
        }
        waiting |= {
            withdrawal.chain_operation_id
            for withdrawal in tables.of(Withdrawal).rows.values()
            if withdrawal.in_flight and user_id in {None, withdrawal.user_id}
        }
        waiting |= {
            settlement.operation_id
            for settlement in tables.of(Settlement).rows.values()
            if settlement.in_flight and user_id in {None, settlement.id}
        }
        operations = tables.of(ChainOperation).rows.values()
        return [each for each in operations if each.id in waiting and each.tx_hash][:limit]

    async def parked(self, cursor: str | None, limit: int, *, open_only: bool) -> Page[Parked]:
        rows = (await self._at()).tables.of(Parked).newest_first()
        return _page(rows, lambda row: row.is_open or not open_only, cursor, limit)

    async def parked_open(self) -> int:
        return sum(row.is_open for row in (await self._at()).tables.of(Parked).rows.values())

    async def wallets_by_address(self, addresses: Sequence[str]) -> dict[str, Wallet]:
        table = (await self._at()).tables.of(Wallet)
        found = {address: table.by_key("public_key", address) for address in addresses}
        return {address: wallet for address, wallet in found.items() if wallet is not None}

    async def wallets_of_platform(self) -> Sequence[Wallet]:
        rows = (await self._at()).tables.of(Wallet).rows.values()
        return [wallet for wallet in rows if wallet.role is not WalletRole.USER]

    async def sealed_under(self) -> dict[str, int]:
        rows = (await self._at()).tables.of(Wallet).rows.values()
        return dict(Counter(wallet.seed.key_version for wallet in rows))

    async def sealed_otherwise(
        self, key_version: str, after: int, limit: int
    ) -> Sequence[tuple[int, Wallet]]:
        rows = enumerate((await self._at()).tables.of(Wallet).rows.values(), start=1)
        found = [
            (place, wallet)
            for place, wallet in rows
            if place > after and wallet.seed.key_version != key_version
        ]
        return found[:limit]

    async def wallets_activating(self) -> Sequence[Wallet]:
        return [
            wallet
            for wallet in (await self._at()).tables.of(Wallet).rows.values()
            if wallet.role is WalletRole.USER and wallet.status is WalletStatus.ACTIVATING
        ]

    async def open_operations(
        self, *, subject: Subject | None = None, source: str | None = None
    ) -> Sequence[ChainOperation]:
        return [
            operation
            for operation in (await self._at()).tables.of(ChainOperation).rows.values()
            if operation.is_open
            and subject in {None, operation.subject}
            and source in {None, operation.source}
        ]

    async def open_work(self, source: str) -> OpenWork:
        operations = await self.open_operations()
        return OpenWork(
            open=len(operations),
            signed=sum(each.tx_hash is not None for each in operations),
            of_source=sum(each.source == source for each in operations),
            oldest_at=operations[0].created_at if operations else None,
        )

    async def operations_of(self, subject_id: str) -> Sequence[ChainOperation]:
        rows = (await self._at()).tables.of(ChainOperation).rows.values()
        return [operation for operation in rows if operation.subject_id == subject_id]

    async def next_operations(
        self, source: str, now: datetime, limit: int
    ) -> Sequence[ChainOperation]:
        due = [
            operation
            for operation in (await self._at()).tables.of(ChainOperation).rows.values()
            if operation.is_open
            and operation.source == source
            and (operation.not_before is None or operation.not_before <= now)
        ]
        return sorted(due, key=lambda operation: operation.tx_hash is None)[:limit]

    async def open_lanes(self, after: int, limit: int) -> Sequence[OpenLane]:
        rows = (await self._at()).tables.of(ChainOperation).rows.values()
        found = [
            OpenLane(place, row.source)
            for place, row in enumerate(rows, start=1)
            if place > after and row.is_open
        ]
        return found[:limit]

    async def operations_by_hash(self, hashes: Sequence[str]) -> dict[str, ChainOperation]:
        wanted = set(hashes)
        return {
            operation.tx_hash: operation
            for operation in (await self._at()).tables.of(ChainOperation).rows.values()
            if operation.tx_hash is not None and operation.tx_hash in wanted
        }

    async def envelope(self, tx_hash: str) -> str | None:
        operations = await self.operations_by_hash([tx_hash])
        found = self._database.envelopes.get(tx_hash)
        return found or next((each.envelope for each in operations.values()), None)

    async def cursor(self, name: str) -> str | None:
        return (await self._at()).cursors.get(name)

    async def balance(self, user_id: str) -> Balance | None:
        return (await self._at()).balances.get(user_id)

    async def standing(self, user_id: str) -> Standing | None:
        database = await self._at()
        row = database.balances.get(user_id)
        if row is None:
            return None
        settlement = database.tables.of(Settlement).rows.get(user_id)
        settling = (
            settlement.amount if settlement is not None and settlement.in_flight else Money.zero()
        )
        return Standing(row.available, row.due, settling)

    async def unsettled(
        self, now: datetime, limit: int, *, owing: bool, users: Sequence[str] | None = None
    ) -> Sequence[OpenDue]:
        database = await self._at()
        settlements = database.tables.of(Settlement).rows
        rows = [
            OpenDue(row.user_id, row.due, row.available, settlements.get(row.user_id))
            for row in database.balances.values()
            if row.due and owing == (row.due.stroops < 0)
            if users is None or row.user_id in users
        ]
        found = [row for row in rows if row.settlement is None or _may_begin(row.settlement, now)]
        # The largest first, either way, as PostgreSQL reads its index.
        found.sort(key=lambda row: (row.due, row.user_id), reverse=not owing)
        return found[:limit]

    async def settlements_in_flight(self) -> Sequence[Settlement]:
        rows = (await self._at()).tables.of(Settlement).rows.values()
        return [row for row in rows if row.in_flight]

    async def treasury(self) -> Treasury:
        in_flight = await self.settlements_in_flight()
        amounts = [row.amount.stroops for row in in_flight]
        return Treasury(
            dict(self._database.counters.sums),
            Money(sum(amount for amount in amounts if amount > 0)),
            Money(-sum(amount for amount in amounts if amount < 0)),
        )

    async def user_ledger(
        self, owners: Sequence[str], cursor: str | None, limit: int
    ) -> Page[StoredTransfer]:
        database = await self._at()
        sequences = sorted(
            {at for owner in owners for at in database.user_transfers.get(owner, ())}
        )
        return _history_page(
            database.stored_transfers, sequences, database.detached.transfer_sequence, cursor, limit
        )

    async def checkpoint(self) -> Checkpoint | None:
        return (await self._at()).checkpoint

    async def books(self) -> Books:
        return (await self._at()).replay()

    async def balances(self) -> Sequence[Balance]:
        return list((await self._at()).balances.values())

    async def events_after(self, sequence: int, limit: int) -> Sequence[CommittedEvent]:
        database = await self._at()
        if sequence < database.detached.event_sequence:
            raise HistoryDetached(f"what follows sequence {sequence}")
        return database.events[sequence : sequence + limit]

    async def last_sequence(self) -> int:
        return len((await self._at()).events)

    async def event_sequence(self, event_id: str) -> int | None:
        return (await self._at()).event_places.get(event_id)

    async def sequence_before(self, moment: datetime) -> int:
        database = await self._at()
        detached, events = database.detached, database.events
        if detached.event_moment is not None and detached.event_moment > moment:
            raise HistoryDetached("an event later than the moment")
        later = (event.sequence for event in events if event.occurred_at > moment)
        return next(later, len(events) + 1) - 1

    async def order_events(
        self, order_id: str, cursor: str | None, limit: int
    ) -> Page[CommittedEvent]:
        database = await self._at()
        sequences = database.order_events.get(order_id, [])
        return _history_page(
            database.events, sequences, database.detached.event_sequence, cursor, limit
        )

    async def audit_after(self, sequence: int, limit: int) -> Sequence[StoredAudit]:
        database = await self._at()
        if sequence < database.detached.audit_sequence:
            raise HistoryDetached(f"what follows sequence {sequence}")
        return database.audit[sequence : sequence + limit]

    async def audit_end(self) -> tuple[int, bytes]:
        counters = (await self._at()).counters
        return counters.audit_sequence, counters.audit_hash

    async def audit_log(
        self, where: AuditFilter, cursor: str | None, limit: int
    ) -> Page[StoredAudit]:
        def fits(entry: StoredAudit) -> bool:
            return (
                where.resource_type in {None, entry.resource_type}
                and where.resource_id in {None, entry.resource_id}
                and where.action in {None, entry.action}
                and where.user_id in {None, entry.user_id}
                and (where.since is None or entry.at >= where.since)
                and (where.until is None or entry.at < where.until)
            )

        database = await self._at()
        floor, moment = database.detached.audit_sequence, database.detached.audit_moment
        rows = sorted(
            database.audit[floor:], key=lambda entry: (entry.at, entry.sequence), reverse=True
        )
        try:
            found = _page(rows, fits, cursor, limit)
        except UnknownCursor:
            if floor:
                raise HistoryDetached(cursor) from None
            raise
        reaches = moment is not None and (where.since is None or where.since <= moment)
        if found.next_cursor is not None or not reaches:
            return found
        if not found.items:
            raise HistoryDetached("the end of what is attached")
        return Page(found.items, found.items[-1].id)

    async def idempotency(self, key: str) -> StoredClaim | None:
        record = (await self._at()).idempotency.get(key)
        if record is None or record.created_at <= self._clock() - IDEMPOTENCY_LIFETIME:
            return None
        return record

    async def api_key_by_digest(self, digest: bytes) -> ApiKey | None:
        return (await self._at()).tables.of(ApiKey).by_key("digest", digest)

    async def api_token_by_digest(self, digest: bytes) -> ApiToken | None:
        return (await self._at()).tables.of(ApiToken).by_key("digest", digest)

    async def api_keys(self, cursor: str | None, limit: int) -> Page[ApiKey]:
        rows = (await self._at()).tables.of(ApiKey).newest_first()
        return _page(rows, lambda _: True, cursor, limit)

    async def open_commands(self, limit: int) -> Sequence[OperatorCommand]:
        rows = (await self._at()).tables.of(OperatorCommand).rows.values()
        return [row for row in rows if row.is_open][:limit]

    async def listen_for_commands(self, notify: Callable[[], None]) -> None:
        listeners = (await self._at()).command_listeners
        listeners.add(notify)
        try:
            notify()
            await trio.sleep_forever()
        finally:
            listeners.discard(notify)

    async def served(self) -> bool:
        return bool((await self._at()).command_listeners)

    async def key_uses(self, key_ids: Sequence[str]) -> dict[str, datetime]:
        uses = (await self._at()).key_uses
        return {key_id: uses[key_id] for key_id in key_ids if key_id in uses}

    async def note_key_uses(self, uses: Mapping[str, datetime]) -> None:
        written = (await self._at()).key_uses
        for key_id, at in uses.items():
            written[key_id] = max(at, written.get(key_id, at))

    async def due(self, after: Due | None, limit: int) -> Sequence[Due]:
        place = None if after is None else (after.at, after.id)
        coming = (await self._at()).due()
        behind = [due for due in coming if place is None or (due.at, due.id) > place]
        return sorted(behind, key=lambda due: (due.at, due.id))[:limit]

    async def clean_up(self, what: Perishable, until: datetime, limit: int) -> int:
        return (await self._at()).clean_up(what, until, limit)

    async def setting(self, name: str) -> str | None:
        return (await self._at()).settings.get(name)

    async def put_setting(self, name: str, value: str) -> bool:
        database = await self._at()
        if name in database.settings:
            return False
        database.settings[name] = value
        return True

    async def displaced(self) -> bool:
        return (await self._at()).epoch != self._epoch

    async def ping(self) -> bool:
        await trio.lowlevel.checkpoint()
        return self._database.available

    async def _at(self) -> MemoryDatabase:
        """The database, after a checkpoint as every read from outside has one."""
        await trio.lowlevel.checkpoint()
        if not self._database.available:
            raise StorageUnavailable("the twin is switched off")
        return self._database


def _may_begin(settlement: Settlement, now: datetime) -> bool:
    pause = settlement.not_before
    return not settlement.in_flight and (pause is None or pause <= now)


_Old = TypeVar("_Old", StoredTransfer, CommittedEvent)


def _history_page(
    table: Sequence[_Old], sequences: Sequence[int], detached: int, cursor: str | None, limit: int
) -> Page[_Old]:
    """A page of those rows of a history table that are not detached; the last says if some are."""
    if cursor is not None and cursor in {table[at - 1].id for at in sequences if at <= detached}:
        raise HistoryDetached(cursor)
    rows = [table[at - 1] for at in reversed(sequences) if at > detached]
    found = _page(rows, lambda _: True, cursor, limit)
    if found.next_cursor is not None or not any(at <= detached for at in sequences):
        return found
    if not found.items:
        raise HistoryDetached("the end of what is attached")
    return Page(found.items, found.items[-1].id)


_Row = TypeVar(
    "_Row",
    User,
    Parked,
    Order,
    Dispute,
    Withdrawal,
    ApiKey,
    StoredTransfer,
    StoredAudit,
    CommittedEvent,
)


def _page(
    newest_first: Iterable[_Row], fits: Callable[[_Row], bool], cursor: str | None, limit: int
) -> Page[_Row]:
    """The rows behind the cursor that fit; the cursor itself need not fit any more."""
    rows = iter(newest_first)
    if cursor is not None and all(row.id != cursor for row in rows):
        raise UnknownCursor(cursor)
    found: list[_Row] = []
    for row in rows:
        if fits(row):
            if len(found) == limit:
                return Page(tuple(found), found[-1].id)
            found.append(row)
    return Page(tuple(found), None)
