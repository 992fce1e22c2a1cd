"""What actors and the web ask of storage; PostgreSQL and the in-memory twin answer alike.

Reads raise `StorageUnavailable` when the database is away; cancelling one leaves nothing behind.
Lists are newest first and page by the last id of the page before (docs/spec/api.md, Envelopes).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

from offerhub.domain.answers import OpenAnswer
from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.dispute import Dispute
from offerhub.domain.due import Due, Perishable
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.hold import Hold
from offerhub.domain.ledger import Books, Holding, Posting
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.money import Money
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.reconciliation import WalletClaims
from offerhub.domain.settlement import OpenDue, Settlement, Standing
from offerhub.domain.treasury import Treasury
from offerhub.domain.unit_of_work import (
    Balance,
    BalanceAfter,
    CommitOutcome,
    CommittedEvent,
    Entity,
    IdempotencyState,
    UnitOfWork,
)
from offerhub.domain.users import User, Wallet
from offerhub.domain.withdrawal import Withdrawal
from storage.checkpoint import Checkpoint
from storage.errors import StorageUnavailable as StorageUnavailable  # noqa: PLC0414 - part of the port

E = TypeVar("E", bound=Entity)
T = TypeVar("T")


class HistoryDetached(Exception):
    """What was asked for reaches into history that was exported and detached."""


class UnknownCursor(Exception):
    """A page was asked after an id that is none of the list's."""


@frozen
class Page(Generic[T]):
    """A page of a list; `next_cursor` is the last item's id when more stands behind it."""

    items: tuple[T, ...]
    next_cursor: str | None


@frozen
class OrderFilter:
    """Filters of `GET /orders`; they combine."""

    status: str | None = None
    buyer_id: str | None = None
    seller_id: str | None = None
    client_order_ref: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@frozen
class DisputeFilter:
    """Filters of `GET /disputes`; they combine."""

    order_id: str | None = None
    status: str | None = None
    opened_by: str | None = None


@frozen
class UserFilter:
    """Filters of `GET /users`."""

    external_user_id: str | None = None
    email: str | None = None


@frozen
class AuditFilter:
    """Filters of `GET /audit/logs`; `since` is part of what is given, `until` is not."""

    resource_type: str | None = None
    resource_id: str | None = None
    action: str | None = None
    user_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@frozen
class StoredTransfer:
    """A transfer as the ledger shows it."""

    id: str
    kind: str
    reference: str
    cause: str
    postings: tuple[Posting, ...]
    holdings: tuple[Holding, ...]
    created_at: datetime


@frozen
class StoredAudit:
    """An audit entry with its place in the chain; `hash` covers `previous_hash` and `canonical`.

    What stands between `id` and `canonical` repeats what the entry says, for lists.
    """

    sequence: int
    id: str
    at: datetime
    action: str
    resource_type: str
    resource_id: str
    user_id: str | None
    canonical: bytes
    previous_hash: bytes
    hash: bytes


@frozen
class OnTheWay:
    """An entity with work on the chain; `place` is its place in the order of creation.

    `working`: an operation of it is open, so a lane will have its owner woken at the end.
    """

    place: int
    id: str
    working: bool


@frozen
class PlacedOrder:
    """An order; `place` is its place in the order of creation."""

    place: int
    order: Order


@frozen
class OpenLane:
    """The source account of an open operation; `place` as in `OnTheWay`."""

    place: int
    source: str


@frozen
class OpenWork:
    """Chain operations that have not ended.

    Args:
        signed: those with an envelope.
        of_source: those of one source account.
        oldest_at: when the oldest was planned; `None` if none is open.
    """

    open: int
    signed: int
    of_source: int
    oldest_at: datetime | None


@frozen
class StoredClaim:
    """What stands under an idempotency key.

    Args:
        resource_type, resource_id: whose state answers while it is `RUNNING`.
        answer: the text of the final answer, when it is `DONE`.
    """

    key: str
    fingerprint: str
    state: IdempotencyState
    created_at: datetime
    resource_type: str | None = None
    resource_id: str | None = None
    answer: bytes | None = field(default=None, repr=False)


Encode = Callable[[OpenAnswer, Callable[[BalanceAfter], Money]], bytes]
"""Writes the text of an answer: it is handed the balances after the unit, which only the commit knows."""


def no_answers(answer: OpenAnswer, figure: Callable[[BalanceAfter], Money]) -> bytes:
    """The `Encode` of whoever commits nothing that answers a request."""
    del figure
    raise InvariantViolated(f"nobody here writes the answer to {answer.action}")


class Storage(Protocol):
    """One process's access to everything that lasts."""

    # The write path: the journal's alone.
    async def commit(
        self, group: Sequence[UnitOfWork], encode: Encode = no_answers
    ) -> Sequence[CommitOutcome]:
        """Commit units in one transaction, in their order; one outcome a unit, in the same order.

        An open answer's text is written by `encode` and kept in the same transaction; of a unit
        that is repeated it is written again, and the last one is the one that is kept.

        If storage refuses one unit, that one is `Refused` and the others are committed all the same
        (repeated unit by unit). A unit sees the effects of those before it. The answer is what
        happened, looked up if a commit's outcome was unknown at first; it raises
        `StorageUnavailable` only if it is known that no unit of the group is committed.
        Cancelling it does not interrupt a transaction that has begun: it runs shielded, with a
        deadline of its own.
        """
        ...

    # Entities.
    async def load(self, kind: type[E], entity_id: str) -> E | None: ...

    async def load_many(self, kind: type[E], entity_ids: Sequence[str]) -> dict[str, E]:
        """Those of the ids that exist, in one query."""
        ...

    async def user_by_external_id(self, external_user_id: str) -> User | None: ...

    async def users(self, where: UserFilter, cursor: str | None, limit: int) -> Page[User]: ...

    async def orders(self, where: OrderFilter, cursor: str | None, limit: int) -> Page[Order]:
        """Orders by `created_at`, those of one moment by the order of their commits."""
        ...

    async def disputes(
        self, where: DisputeFilter, cursor: str | None, limit: int
    ) -> Page[Dispute]: ...

    async def in_flight(
        self, kind: type[Order] | type[Withdrawal], after: int, limit: int
    ) -> Sequence[OnTheWay]:
        """Entities whose work on the chain has not been taken to its end, oldest first.

        Args:
            after: the `place` of the last one that was read; 0 begins.
        """
        ...

    async def order_ids_by_contract(self, contract_ids: Sequence[str]) -> dict[str, str]:
        """Contract id → order id, for those of the contracts that are ours."""
        ...

    async def withdrawals(
        self, user_id: str | None, cursor: str | None, limit: int
    ) -> Page[Withdrawal]: ...

    async def open_hold(self, user_id: str, reference: str) -> Hold | None:
        """The user's hold under a label, if anything of it is left."""
        ...

    async def manual_change(
        self, user_id: str, kind: ManualKind, reference: str
    ) -> ManualChange | None:
        """What the user's reference was used for."""
        ...

    # What is held against the chain.
    async def wallet_claims(self, user_ids: Sequence[str]) -> dict[str, WalletClaims]:
        """What the users have anywhere, and so what their wallets must hold."""
        ...

    async def active_wallets(self, after: str, limit: int) -> Sequence[Wallet]:
        """Users' wallets that are on the chain, by address.

        Args:
            after: the address of the last one that was read; "" begins.
        """
        ...

    async def contracts(self, after: int, limit: int, *, closed: bool) -> Sequence[PlacedOrder]:
        """Orders that have a contract, closed ones or the others, oldest first.

        Args:
            after: the `place` of the last one that was read; 0 begins.
        """
        ...

    async def unbooked_operations(
        self, user_id: str | None, limit: int
    ) -> Sequence[ChainOperation]:
        """Signed operations that something on its way waits for: of a user's, or all.

        Whatever they have done on the chain is not booked yet.
        """
        ...

    # What was parked.
    async def parked(self, cursor: str | None, limit: int, *, open_only: bool) -> Page[Parked]: ...

    async def parked_open(self) -> int:
        """How many parked records wait for an operator."""
        ...

    # Wallets and the chain.
    async def wallets_by_address(self, addresses: Sequence[str]) -> dict[str, Wallet]: ...

    async def wallets_of_platform(self) -> Sequence[Wallet]:
        """The platform's wallet and the channels."""
        ...

    async def sealed_under(self) -> dict[str, int]:
        """Version of an encryption key → how many wallets' seeds are sealed under it."""
        ...

    async def sealed_otherwise(
        self, key_version: str, after: int, limit: int
    ) -> Sequence[tuple[int, Wallet]]:
        """Wallets whose seed is sealed under another key, with their places, oldest first.

        Args:
            after: the place of the last one that was read; 0 begins.
        """
        ...

    async def wallets_activating(self) -> Sequence[Wallet]:
        """Users' wallets that are not active yet, oldest first."""
        ...

    async def open_operations(
        self, *, subject: Subject | None = None, source: str | None = None
    ) -> Sequence[ChainOperation]:
        """Operations that are planned, signed or submitted, oldest first."""
        ...

    async def open_work(self, source: str) -> OpenWork:
        """How much work is open, and of one source account; for metrics."""
        ...

    async def operations_of(self, subject_id: str) -> Sequence[ChainOperation]:
        """Every operation of an order, a withdrawal or the like, oldest first."""
        ...

    async def next_operations(
        self, source: str, now: datetime, limit: int
    ) -> Sequence[ChainOperation]:
        """A lane's work that does not pause: signed envelopes first, then plans, oldest first."""
        ...

    async def open_lanes(self, after: int, limit: int) -> Sequence[OpenLane]:
        """Sources of open operations, by operation, oldest first.

        Args:
            after: the `place` of the last one that was read; 0 begins.
        """
        ...

    async def operations_by_hash(self, hashes: Sequence[str]) -> dict[str, ChainOperation]: ...

    async def envelope(self, tx_hash: str) -> str | None:
        """The signed envelope of an operation, also of one that has ended and keeps none itself."""
        ...

    async def cursor(self, name: str) -> str | None: ...

    # Money.
    async def balance(self, user_id: str) -> Balance | None:
        """The user's row, which comes with the user as two zeros; `None` if there is no user."""
        ...

    async def standing(self, user_id: str) -> Standing | None:
        """What decides whether the user's wallet can pay; `None` if there is no user."""
        ...

    async def unsettled(
        self, now: datetime, limit: int, *, owing: bool, users: Sequence[str] | None = None
    ) -> Sequence[OpenDue]:
        """Dues that no settlement in flight is for, and none that pauses; the largest first.

        Args:
            owing: what wallets owe; else what the treasury owes to them.
            users: of these only.
        """
        ...

    async def settlements_in_flight(self) -> Sequence[Settlement]:
        """Settlements that a chain operation carries, whether or not it has ended."""
        ...

    async def treasury(self) -> Treasury:
        """The platform's own money, from its running sums."""
        ...

    async def user_ledger(
        self, owners: Sequence[str], cursor: str | None, limit: int
    ) -> Page[StoredTransfer]:
        """Transfers with a posting on an account of one of the owners: of a user, or `TREASURY`.

        Where older ones are detached the last page has a cursor all the same; the page behind it
        raises `HistoryDetached`, as one does whose cursor is detached itself.
        """
        ...

    async def books(self) -> Books:
        """Sums of every account and every holding (for checks and operators, not for requests)."""
        ...

    async def checkpoint(self) -> Checkpoint | None:
        """How far history is detached, with its sums; `None`: nothing is."""
        ...

    async def balances(self) -> Sequence[Balance]:
        """Every balance row (for checks)."""
        ...

    # Events, audit, idempotency, keys.
    async def events_after(self, sequence: int, limit: int) -> Sequence[CommittedEvent]:
        """Events with a greater sequence, ascending; raises `HistoryDetached`."""
        ...

    async def last_sequence(self) -> int:
        """Sequence of the newest event; 0 if there is none."""
        ...

    async def event_sequence(self, event_id: str) -> int | None: ...

    async def sequence_before(self, moment: datetime) -> int:
        """Sequence before the first event that occurred after the moment.

        Events are decided side by side, so their moments need not rise with their sequence: whoever
        replays from here misses none that is later than the moment. Raises `HistoryDetached` if
        one that is later is detached.
        """
        ...

    async def order_events(
        self, order_id: str, cursor: str | None, limit: int
    ) -> Page[CommittedEvent]:
        """The order's events, newest first; older ones may be detached, as in `user_ledger`."""
        ...

    async def audit_after(self, sequence: int, limit: int) -> Sequence[StoredAudit]:
        """The audit chain, ascending; raises `HistoryDetached`."""
        ...

    async def audit_end(self) -> tuple[int, bytes]:
        """Sequence and hash of the newest entry, as the last commit has counted them."""
        ...

    async def audit_log(
        self, where: AuditFilter, cursor: str | None, limit: int
    ) -> Page[StoredAudit]:
        """Audit entries by their moment, those of one moment by their place, newest first.

        Where entries are detached that the filter's moments reach, the last page has a cursor all
        the same; the page behind it raises `HistoryDetached`, as one does whose cursor may be
        detached itself.
        """
        ...

    async def idempotency(self, key: str) -> StoredClaim | None:
        """What stands under a key; a record older than 24 hours is none."""
        ...

    async def api_key_by_digest(self, digest: bytes) -> ApiKey | None: ...

    async def api_token_by_digest(self, digest: bytes) -> ApiToken | None: ...

    async def api_keys(self, cursor: str | None, limit: int) -> Page[ApiKey]: ...

    # Operators' commands.
    async def open_commands(self, limit: int) -> Sequence[OperatorCommand]:
        """Those that wait or run, oldest first."""
        ...

    async def listen_for_commands(self, notify: Callable[[], None]) -> None:
        """Call `notify` at once, and whenever a command was stored; never waits for it.

        While it runs, others see that this process takes up commands (`served`). Returns when the
        connection is lost. Cancelling it is harmless.
        """
        ...

    async def served(self) -> bool:
        """Whether a process takes up commands now."""
        ...

    async def key_uses(self, key_ids: Sequence[str]) -> dict[str, datetime]:
        """When those of the keys that were used were used last, as far as it is written down."""
        ...

    async def note_key_uses(self, uses: Mapping[str, datetime]) -> None:
        """Write down when keys were used, where that is later than what stands there.

        Safe to repeat; raises `StorageUnavailable`, also when it may have been written.
        """
        ...

    # What comes due.
    async def due(self, after: Due | None, limit: int) -> Sequence[Due]:
        """What has come due and what will, oldest first, from behind a place on.

        Of rows that are only to be deleted the oldest stands for all of its kind.
        """
        ...

    async def clean_up(self, what: Perishable, until: datetime, limit: int) -> int:
        """Delete the oldest rows that have perished by a moment; returns how many it deleted.

        Safe to repeat, and beside commits: what is being written anew is left alone.
        """
        ...

    # The instance itself.
    async def setting(self, name: str) -> str | None:
        """A stored fact of the instance, as the platform's user or the key's check value."""
        ...

    async def put_setting(self, name: str, value: str) -> bool:
        """Store a fact that is not there yet; false if it was, and then nothing changed."""
        ...

    async def displaced(self) -> bool:
        """Whether a newer process owns the storage: what this one commits is `FENCED`."""
        ...

    async def ping(self) -> bool:
        """Whether the database answers, within a second."""
        ...
