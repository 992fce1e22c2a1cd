"""A unit of work: everything that one change writes, committed whole or not at all (docs/architecture.md)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from offerhub.domain.answers import OpenAnswer
from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute
from offerhub.domain.hold import Hold
from offerhub.domain.ledger import Side, Transfer
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.money import Money
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.settlement import Settlement
from offerhub.domain.trace import Trace
from offerhub.domain.users import User, Wallet
from offerhub.domain.webhook import Webhook
from offerhub.domain.withdrawal import Withdrawal

Entity = (
    Order
    | Dispute
    | User
    | Wallet
    | ChainOperation
    | Withdrawal
    | Settlement
    | Hold
    | ManualChange
    | Parked
    | ApiKey
    | ApiToken
    | Webhook
    | OperatorCommand
)
"""What is stored with a version: 1 is an insert, n an update of version n - 1."""


@frozen
class BalanceAfter:
    """A balance after the commit, left open by the decision and filled in by the commit.

    It is a value in an event's payload and becomes a two-place string there.
    """

    user_id: str
    side: Side


@frozen
class Event:
    """An event as decided (docs/spec/domain.md §6); the commit gives it its place in the sequence.

    Args:
        payload: JSON values, and `BalanceAfter`s at its top level.
        user_id: whom it concerns, for `metadata.userId`.
        order_id: the order whose history it belongs to, or `None`.
    """

    id: str
    type: str
    aggregate_type: str
    aggregate_id: str
    payload: Mapping[str, object]
    user_id: str | None = None
    order_id: str | None = None


@frozen
class AuditEntry:
    """An audit entry as decided (docs/spec/domain.md §7); the commit chains its hash to the one before.

    `before` and `after` are JSON values, redacted already.
    """

    id: str
    action: str
    resource_type: str
    resource_id: str
    result: str = "ok"
    error: str | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None
    user_id: str | None = None


class IdempotencyState(StrEnum):
    """`RUNNING`: the operation runs on; `DONE`: the final answer stands; `RELEASED`: forgotten."""

    RUNNING = "running"
    DONE = "done"
    RELEASED = "released"


IDEMPOTENCY_LIFETIME: Final = timedelta(hours=24)
"""How long a key stands for its first request (docs/spec/api.md, Idempotency)."""


@frozen
class IdempotencyRecord:
    """What is to be kept under an idempotency key.

    Args:
        key, fingerprint: the claim.
        state: `RELEASED` deletes the record, so that the same key tries again.
        resource_type, resource_id: whose state answers while it is `RUNNING`.
        answer: when it is `DONE`; the commit has its text written and keeps that.
        first: true when this unit must be the first to write the key.
    """

    key: str
    fingerprint: str
    state: IdempotencyState
    created_at: datetime
    first: bool
    resource_type: str | None = None
    resource_id: str | None = None
    answer: OpenAnswer | None = None


@frozen
class CursorMove:
    """The watcher's cursor, moved only from where it was read."""

    name: str
    before: str | None
    after: str


@frozen
class SettingChange:
    """A stored fact of the instance, changed only from what it was read as; `None`: from not there."""

    name: str
    before: str | None
    after: str


@frozen
class UnitOfWork:
    """One change, whole. At most one user is debited in it (docs/architecture.md, One unit of work, one commit).

    Args:
        at: when it was decided; stamps events, audit entries and transfers.
        trace: who asked, and the correlation id.
    """

    at: datetime
    trace: Trace
    writes: tuple[Entity, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    events: tuple[Event, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    idempotency: IdempotencyRecord | None = None
    cursor: CursorMove | None = None
    settings: tuple[SettingChange, ...] = ()


@frozen
class Balance:
    """A user's figures as of one commit.

    Args:
        due: what the treasury owes the user's wallet; negative: what the wallet owes.
        updated_at: when `available` or `reserved` changed last.
    """

    user_id: str
    available: Money
    reserved: Money
    updated_at: datetime
    due: Money = field(factory=Money.zero)

    @property
    def total(self) -> Money:
        return self.available + self.reserved


@frozen
class CommittedEvent:
    """An event with its place in the global sequence; `body` is its one line of JSON."""

    sequence: int
    id: str
    type: str
    aggregate_type: str
    aggregate_id: str
    occurred_at: datetime
    body: str
    order_id: str | None = None


@frozen
class Committed:
    """What a commit did.

    Args:
        events: with their places in the sequence.
        balances: of the users whose money moved.
        answer: the text of the unit's final answer, as the edge has written it.
    """

    events: tuple[CommittedEvent, ...]
    balances: Mapping[str, Balance] = field(factory=dict)
    answer: bytes | None = field(default=None, repr=False)


class RefusalKind(StrEnum):
    """Why storage refused a unit; nothing of it was written.

    `CONFLICT`: someone else acted on an entity, moved the cursor or changed the setting; reload and decide again.
    `FUNDS`: a balance would fall below zero. `LIMIT`: a balance would pass the maximum.
    `TAKEN`: a unique key exists (`subject` names it: `client_order_ref`, `external_user_id`,
    `idempotency_key`, `dedupe`, `public_key`, `hold_reference`,
    `manual_reference`). `UNAVAILABLE`: the database is away, and the unit
    is known not to be committed. `FENCED`: a newer process owns the storage. `BROKEN`: it breaks a
    rule of the ledger, which is a fault of ours; `subject` says which.
    """

    CONFLICT = "conflict"
    FUNDS = "funds"
    LIMIT = "limit"
    TAKEN = "taken"
    UNAVAILABLE = "unavailable"
    FENCED = "fenced"
    BROKEN = "broken"


@frozen
class Refused:
    """A refusal of storage: `subject` is the id or the key that it is about."""

    kind: RefusalKind
    subject: str = ""


CommitOutcome = Committed | Refused
