"""PostgreSQL behind `storage.port.Storage`."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, TypeVar, TypeVarTuple

import trio

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.dispute import Dispute
from offerhub.domain.due import Due, Perishable
from offerhub.domain.hold import Hold
from offerhub.domain.ids import Clock, Ids, RandomBytes
from offerhub.domain.ledger import Books
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.reconciliation import WalletClaims
from offerhub.domain.settlement import OpenDue, Settlement, Standing
from offerhub.domain.treasury import Treasury
from offerhub.domain.unit_of_work import (
    Balance,
    CommitOutcome,
    CommittedEvent,
    Entity,
    UnitOfWork,
)
from offerhub.domain.users import User, Wallet
from offerhub.domain.withdrawal import Withdrawal
from storage.checkpoint import Checkpoint
from storage.codec import decode
from storage.errors import Displaced, OutcomeUnknown
from storage.port import (
    AuditFilter,
    DisputeFilter,
    Encode,
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
    UserFilter,
    no_answers,
)
from storage.postgres import (
    audit_log,
    checkpoints,
    commands,
    due,
    dues,
    event_log,
    idempotency,
    key_uses,
    ledger,
    lookups,
    reconciliation,
    work,
)
from storage.postgres.commit import Committer
from storage.postgres.entities import aio_load
from storage.postgres.group import Writer
from storage.postgres.history import History
from storage.postgres.paging import aio_page
from storage.postgres.partitions import PARTITION_SIZE, Partitions
from storage.postgres.pool import Connection, Pool
from storage.postgres.upkeep import Upkeep

E = TypeVar("E", bound=Entity)
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_TAKE_EPOCH: Final = "UPDATE counters SET epoch = epoch + 1 RETURNING epoch"
# A later life of a process takes over from its own earlier one, never from whoever displaced it.
_KEEP_EPOCH: Final = "UPDATE counters SET epoch = epoch + 1 WHERE epoch = $1 RETURNING epoch"
_OWNER: Final = (
    "SELECT id, epoch FROM writers JOIN counters USING (epoch) WHERE id = ANY($1::bytea[])"
)
_NEW_WRITER: Final = "INSERT INTO writers (id, epoch) VALUES ($1, $2)"
# Of processes that are fenced; nobody looks for the outcome of a commit for a month.
_FORGET_WRITERS: Final = (
    "DELETE FROM writers WHERE epoch < $1 AND opened_at < now() - interval '30 days'"
)
_ATTEMPTS: Final = 3


async def open_postgres_storage(
    pool: Pool,
    *,
    random_bytes: RandomBytes,
    clock: Clock,
    take_over: bool = True,
    after: int | None = None,
    commit_deadline_s: float = 10.0,
    read_deadline_s: float = 10.0,
    partition_size: int = PARTITION_SIZE,
) -> "PostgresStorage":
    """Open the storage of one process on a migrated database.

    Args:
        pool: connections; closed by who opened it.
        random_bytes: makes the id of this writer.
        clock: tells the age of idempotency records.
        take_over: become the owner: every storage opened before is `FENCED` from now on. False
            (every command but `run`): write under the present owner's epoch.
        after: take over only from this epoch, which an earlier life of this process had.
        commit_deadline_s: for one transaction.
        read_deadline_s: for one read.
        partition_size: sequences that a new partition of history takes.

    Raises:
        StorageUnavailable: the database is away.
        Displaced: another process has taken over since the epoch `after`.
    """
    tried: list[bytes] = []
    for _ in range(_ATTEMPTS):
        tried.append(random_bytes(16))
        try:
            writer = await pool.commit(_aio_open, tried[-1], take_over, after)
        except OutcomeUnknown:
            continue  # at worst an epoch was taken for nobody
        except Displaced:
            # Maybe by ourselves: by an attempt whose outcome was unknown.
            ours = await pool.read(_aio_owner, tried)
            if ours is None:
                raise
            writer = ours
        partitions = Partitions(pool, size=partition_size)
        await partitions.keep_ahead()
        committer = Committer(pool, writer, partitions, commit_deadline_s)
        history = History(pool, committer, Ids(random_bytes), clock)
        return PostgresStorage(
            pool, committer, Upkeep(pool, partitions), history, clock, read_deadline_s
        )
    raise StorageUnavailable(f"the connection was lost {_ATTEMPTS} times")


async def _aio_open(
    connection: Connection,
    writer_id: bytes,
    take_over: bool,  # noqa: FBT001 - passed through the pool
    after: int | None,
) -> Writer:
    if not take_over:
        epoch = await connection.fetchval(lookups.EPOCH)
    elif after is None:
        epoch = await connection.fetchval(_TAKE_EPOCH)
    else:
        epoch = await connection.fetchval(_KEEP_EPOCH, after)
        if epoch is None:
            raise Displaced
    await connection.execute(_FORGET_WRITERS, epoch)
    await connection.execute(_NEW_WRITER, writer_id, epoch)
    return Writer(writer_id, epoch)


class PostgresStorage:
    """One process's storage on PostgreSQL; made by `open_postgres_storage`.

    `upkeep` is a service that the process which owns the database runs beside its work; `history`
    puts old history away, for the command line.
    """

    def __init__(
        self,
        pool: Pool,
        committer: Committer,
        upkeep: Upkeep,
        history: History,
        clock: Clock,
        read_deadline_s: float,
    ) -> None:
        self._pool = pool
        self._committer = committer
        self.upkeep = upkeep
        self.history = history
        self._clock = clock
        self._read_deadline_s = read_deadline_s

    @property
    def epoch(self) -> int:
        """The ownership that this storage writes under."""
        return self._committer.epoch

    async def commit(
        self, group: Sequence[UnitOfWork], encode: Encode = no_answers
    ) -> Sequence[CommitOutcome]:
        return await self._committer.commit(group, encode)

    async def load(self, kind: type[E], entity_id: str) -> E | None:
        return (await self.load_many(kind, [entity_id])).get(entity_id)

    async def load_many(self, kind: type[E], entity_ids: Sequence[str]) -> dict[str, E]:
        return await self._read(aio_load, kind, entity_ids)

    async def user_by_external_id(self, external_user_id: str) -> User | None:
        return await self._read(
            lookups.aio_one, User, lookups.USER_BY_EXTERNAL_ID, external_user_id
        )

    async def users(self, where: UserFilter, cursor: str | None, limit: int) -> Page[User]:
        return await self._read(lookups.aio_users, where, cursor, limit)

    async def orders(self, where: OrderFilter, cursor: str | None, limit: int) -> Page[Order]:
        return await self._read(lookups.aio_orders, where, cursor, limit)

    async def disputes(self, where: DisputeFilter, cursor: str | None, limit: int) -> Page[Dispute]:
        return await self._read(lookups.aio_disputes, where, cursor, limit)

    async def in_flight(
        self, kind: type[Order] | type[Withdrawal], after: int, limit: int
    ) -> Sequence[OnTheWay]:
        return await self._read(work.aio_in_flight, kind, after, limit)

    async def order_ids_by_contract(self, contract_ids: Sequence[str]) -> dict[str, str]:
        return await self._read(lookups.aio_contracts, contract_ids)

    async def withdrawals(
        self, user_id: str | None, cursor: str | None, limit: int
    ) -> Page[Withdrawal]:
        return await self._read(lookups.aio_withdrawals, user_id, cursor, limit)

    async def open_hold(self, user_id: str, reference: str) -> Hold | None:
        return await self._read(lookups.aio_one, Hold, lookups.OPEN_HOLD, user_id, reference)

    async def manual_change(
        self, user_id: str, kind: ManualKind, reference: str
    ) -> ManualChange | None:
        query = lookups.MANUAL_CHANGE
        return await self._read(lookups.aio_one, ManualChange, query, user_id, kind, reference)

    async def wallet_claims(self, user_ids: Sequence[str]) -> dict[str, WalletClaims]:
        return await self._read(reconciliation.aio_claims, user_ids)

    async def active_wallets(self, after: str, limit: int) -> Sequence[Wallet]:
        return await self._read(reconciliation.aio_active_wallets, after, limit)

    async def contracts(self, after: int, limit: int, *, closed: bool) -> Sequence[PlacedOrder]:
        return await self._read(reconciliation.aio_contracts, after, limit, closed)

    async def unbooked_operations(
        self, user_id: str | None, limit: int
    ) -> Sequence[ChainOperation]:
        return await self._read(reconciliation.aio_unbooked, user_id, limit)

    async def parked(self, cursor: str | None, limit: int, *, open_only: bool) -> Page[Parked]:
        return await self._read(reconciliation.aio_parked, open_only, cursor, limit)

    async def parked_open(self) -> int:
        return await self._read(reconciliation.aio_parked_open)

    async def wallets_by_address(self, addresses: Sequence[str]) -> dict[str, Wallet]:
        return await self._read(lookups.aio_wallets_by_address, addresses)

    async def wallets_of_platform(self) -> Sequence[Wallet]:
        return await self._read(lookups.aio_several, Wallet, lookups.WALLETS_OF_PLATFORM)

    async def sealed_under(self) -> dict[str, int]:
        return await self._read(lookups.aio_sealed_under)

    async def sealed_otherwise(
        self, key_version: str, after: int, limit: int
    ) -> Sequence[tuple[int, Wallet]]:
        return await self._read(lookups.aio_sealed_otherwise, key_version, after, limit)

    async def wallets_activating(self) -> Sequence[Wallet]:
        return await self._read(lookups.aio_several, Wallet, lookups.WALLETS_ACTIVATING)

    async def open_operations(
        self, *, subject: Subject | None = None, source: str | None = None
    ) -> Sequence[ChainOperation]:
        return await self._read(work.aio_open_operations, subject, source)

    async def next_operations(
        self, source: str, now: datetime, limit: int
    ) -> Sequence[ChainOperation]:
        return await self._read(work.aio_next_operations, source, now, limit)

    async def open_lanes(self, after: int, limit: int) -> Sequence[OpenLane]:
        return await self._read(work.aio_open_lanes, after, limit)

    async def open_work(self, source: str) -> OpenWork:
        return await self._read(work.aio_open_work, source)

    async def operations_of(self, subject_id: str) -> Sequence[ChainOperation]:
        return await self._read(
            lookups.aio_several, ChainOperation, lookups.OPERATIONS_OF, subject_id
        )

    async def operations_by_hash(self, hashes: Sequence[str]) -> dict[str, ChainOperation]:
        return await self._read(lookups.aio_operations_by_hash, hashes)

    async def envelope(self, tx_hash: str) -> str | None:
        return await self._read(lookups.aio_envelope, tx_hash)

    async def cursor(self, name: str) -> str | None:
        return await self._read(lookups.aio_text, lookups.CURSOR, name)

    async def balance(self, user_id: str) -> Balance | None:
        return await self._read(ledger.aio_balance, user_id)

    async def standing(self, user_id: str) -> Standing | None:
        return await self._read(dues.aio_standing, user_id)

    async def unsettled(
        self, now: datetime, limit: int, *, owing: bool, users: Sequence[str] | None = None
    ) -> Sequence[OpenDue]:
        return await self._read(dues.aio_unsettled, now, limit, owing, users)

    async def settlements_in_flight(self) -> Sequence[Settlement]:
        return await self._read(dues.aio_settlements_in_flight)

    async def treasury(self) -> Treasury:
        return await self._read(dues.aio_treasury)

    async def user_ledger(
        self, owners: Sequence[str], cursor: str | None, limit: int
    ) -> Page[StoredTransfer]:
        return await self._read(ledger.aio_user_ledger, owners, cursor, limit)

    async def books(self) -> Books:
        return await self._read(ledger.aio_books)

    async def checkpoint(self) -> Checkpoint | None:
        return await self._read(checkpoints.aio_checkpoint)

    async def balances(self) -> Sequence[Balance]:
        return await self._read(ledger.aio_balances)

    async def events_after(self, sequence: int, limit: int) -> Sequence[CommittedEvent]:
        return await self._read(event_log.aio_events_after, sequence, limit)

    async def last_sequence(self) -> int:
        return await self._read(event_log.aio_last_sequence)

    async def event_sequence(self, event_id: str) -> int | None:
        return await self._read(event_log.aio_event_sequence, event_id)

    async def sequence_before(self, moment: datetime) -> int:
        return await self._read(event_log.aio_sequence_before, moment)

    async def order_events(
        self, order_id: str, cursor: str | None, limit: int
    ) -> Page[CommittedEvent]:
        return await self._read(event_log.aio_order_events, order_id, cursor, limit)

    async def audit_after(self, sequence: int, limit: int) -> Sequence[StoredAudit]:
        return await self._read(audit_log.aio_audit_after, sequence, limit)

    async def audit_end(self) -> tuple[int, bytes]:
        return await self._read(audit_log.aio_audit_end)

    async def audit_log(
        self, where: AuditFilter, cursor: str | None, limit: int
    ) -> Page[StoredAudit]:
        return await self._read(audit_log.aio_audit_log, where, cursor, limit)

    async def idempotency(self, key: str) -> StoredClaim | None:
        return await self._read(idempotency.aio_read_claim, key, self._clock())

    async def api_key_by_digest(self, digest: bytes) -> ApiKey | None:
        return await self._read(lookups.aio_one, ApiKey, lookups.API_KEY_BY_DIGEST, digest)

    async def api_token_by_digest(self, digest: bytes) -> ApiToken | None:
        return await self._read(lookups.aio_one, ApiToken, lookups.API_TOKEN_BY_DIGEST, digest)

    async def api_keys(self, cursor: str | None, limit: int) -> Page[ApiKey]:
        return await self._read(aio_page, lookups.API_KEYS, _api_key, (), cursor, limit)

    async def open_commands(self, limit: int) -> Sequence[OperatorCommand]:
        return await self._read(work.aio_open_commands, limit)

    async def listen_for_commands(self, notify: Callable[[], None]) -> None:
        with suppress(OutcomeUnknown):  # nothing was written: the connection is gone
            await self._pool.run(commands.aio_listen, notify, deadline_s=math.inf)

    async def served(self) -> bool:
        return await self._read(commands.aio_served)

    async def key_uses(self, key_ids: Sequence[str]) -> dict[str, datetime]:
        return await self._read(key_uses.aio_key_uses, key_ids)

    async def note_key_uses(self, uses: Mapping[str, datetime]) -> None:
        try:
            await self._pool.commit(key_uses.aio_note, uses)
        except OutcomeUnknown as error:
            raise StorageUnavailable("the uses of keys may not have been written") from error

    async def due(self, after: Due | None, limit: int) -> Sequence[Due]:
        return await self._read(due.aio_due, after, limit)

    async def clean_up(self, what: Perishable, until: datetime, limit: int) -> int:
        try:
            return await self._pool.commit(due.aio_clean_up, what, until, limit)
        except OutcomeUnknown as error:
            raise StorageUnavailable("the clean-up may not have been committed") from error

    async def setting(self, name: str) -> str | None:
        return await self._read(lookups.aio_text, lookups.SETTING, name)

    async def put_setting(self, name: str, value: str) -> bool:
        try:
            return await self._pool.commit(lookups.aio_put_setting, name, value)
        except OutcomeUnknown:
            put = await self._pool.commit(lookups.aio_put_setting, name, value)
            return put or await self.setting(name) == value

    async def displaced(self) -> bool:
        return await self._read(_aio_epoch) != self.epoch

    async def ping(self) -> bool:
        with trio.move_on_after(1):
            return await self._pool.ping(deadline_s=1)
        return False

    async def _read(self, aio_unit: Callable[[Connection, *Ts], Awaitable[T]], *args: *Ts) -> T:
        return await self._pool.read(aio_unit, *args, deadline_s=self._read_deadline_s)


async def _aio_owner(connection: Connection, tried: Sequence[bytes]) -> Writer | None:
    row = await connection.fetchrow(_OWNER, tried)
    return None if row is None else Writer(row["id"], row["epoch"])


async def _aio_epoch(connection: Connection) -> int:
    return int(await connection.fetchval(lookups.EPOCH))


def _api_key(row: dict[str, str]) -> ApiKey:
    return decode(ApiKey, row["doc"])
