"""What the API shows and takes. Generated from the OpenAPI document by `make docs`."""

# ruff: noqa: D101 - names and fields say it all

from __future__ import annotations  # a resource may be made of its own kind

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Self

import msgspec


class _Open(StrEnum):
    """A value that is newer than this client is one all the same."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


class Resource(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The base of all; fields that are newer than this client are ignored."""


class ActorState(_Open):
    QUARANTINED = "quarantined"
    RESTARTING = "restarting"
    RUNNING = "running"
    STARTING = "starting"
    STOPPED = "stopped"
    WAITING = "waiting"


class Mailbox(Resource, frozen=True, kw_only=True):
    depth: int
    """Messages that wait."""
    capacity: int
    """How many may wait before senders do."""
    wakes: int
    """Wake-ups that wait."""
    tasks: int
    """Tasks that run beside the handling of messages."""
    handled: int
    """Messages and wake-ups since the actor was made."""


class Actor(Resource, frozen=True, kw_only=True):
    name: str
    state: ActorState
    mailbox: Mailbox | None
    active: int
    """Actors that are awake, where there is one an id."""
    restarts: int
    last_error: str | None
    """Of the last crash; without secrets."""
    children: tuple[Actor, ...]
    """Of a registry only those in trouble."""


class Scope(_Open):
    """What a key may do; but for `*`, scopes do not include each other."""

    ALL = "*"
    READ = "read"
    SUPPORT = "support"
    WRITE = "write"


class ApiKey(Resource, frozen=True, kw_only=True):
    id: str
    key: str | None
    """The key itself: shown in the answer that creates it, never again."""
    masked_key: str | None
    name: str
    scopes: tuple[Scope, ...]
    user_id: str | None
    """A free label."""
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime | None


class AuditEntry(Resource, frozen=True, kw_only=True):
    id: str
    sequence: int
    at: datetime
    actor: str
    """A key, a token's key, a webhook or the system."""
    action: str
    resource_type: str
    resource_id: str
    user_id: str | None
    result: str
    error: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    correlation_id: str
    """The `X-Request-ID` of the request behind it."""
    causation_id: str | None
    idempotency_key: str | None
    ip: str | None
    user_agent: str | None
    previous_hash: str
    hash: str


class Currency(_Open):
    """One balance: 1 USD = 1 USDC."""

    USD = "USD"
    USDC = "USDC"


class Balance(Resource, frozen=True, kw_only=True):
    user_id: str
    available: Decimal
    """What can be spent."""
    reserved: Decimal
    """What is set aside for orders and holds."""
    total: Decimal
    """`available` + `reserved`."""
    currency: Currency
    updated_at: datetime


class BalanceVerification(Resource, frozen=True, kw_only=True):
    ledger: Decimal
    on_chain: Decimal
    due: Decimal
    in_flight: Decimal
    difference: Decimal


class Asset(Resource, frozen=True, kw_only=True):
    code: str
    issuer: str


class Limits(Resource, frozen=True, kw_only=True):
    min: Decimal
    max: Decimal


class ConfigLimits(Resource, frozen=True, kw_only=True):
    order: Limits
    topup: Limits
    withdrawal: Limits


class Config(Resource, frozen=True, kw_only=True):
    version: str
    network: str
    payment_provider: str
    currency: Currency
    currencies: tuple[Currency, ...]
    asset: Asset
    limits: ConfigLimits
    features: dict[str, bool]


class Deposit(Resource, frozen=True, kw_only=True):
    provider: str
    method: str
    address: str
    asset: Asset
    network: str
    memo: None
    instructions: str


class DestinationType(_Open):
    """Where a withdrawal goes."""

    AIRTM_BALANCE = "airtm_balance"
    BANK = "bank"
    CRYPTO = "crypto"


class Party(_Open):
    """The side that opens a dispute, and whose wallet signs for it."""

    BUYER = "BUYER"
    SELLER = "SELLER"


class DisputeReason(_Open):
    """Why a dispute is opened."""

    NOT_DELIVERED = "NOT_DELIVERED"
    OTHER = "OTHER"
    QUALITY_ISSUE = "QUALITY_ISSUE"


class DisputeStatus(_Open):
    """OPEN → UNDER_REVIEW (assigned) → RESOLVED (from either)."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"
    UNDER_REVIEW = "UNDER_REVIEW"


class Verdict(_Open):
    """How a dispute is decided."""

    FULL_REFUND = "FULL_REFUND"
    FULL_RELEASE = "FULL_RELEASE"
    SPLIT = "SPLIT"


class Dispute(Resource, frozen=True, kw_only=True):
    id: str
    order_id: str
    opened_by: Party
    reason: DisputeReason
    evidence: tuple[str, ...]
    """At most 20 texts."""
    status: DisputeStatus
    assigned_to: str | None
    resolution_decision: Verdict | None
    """How it was resolved; `null` until then."""
    release_amount: Decimal | None
    """The seller's share, with `SPLIT` only."""
    refund_amount: Decimal | None
    """The buyer's share; both sum to the order's amount."""
    decision_note: str | None
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None


class Event(Resource, frozen=True, kw_only=True):
    event_id: str
    event_type: str
    occurred_at: datetime
    aggregate_id: str
    aggregate_type: str
    payload: dict[str, Any]
    """What the type's documentation says."""
    metadata: dict[str, Any]


class HealthStatus(_Open):
    """`degraded`: it works, and an operator should look."""

    DEGRADED = "degraded"
    HEALTHY = "healthy"


class Health(Resource, frozen=True, kw_only=True):
    status: HealthStatus
    version: str
    timestamp: datetime


class DependencyStatus(_Open):
    """Whether it responds."""

    DOWN = "down"
    UP = "up"


class Dependency(Resource, frozen=True, kw_only=True):
    status: DependencyStatus
    latency_ms: float


class Watcher(Resource, frozen=True, kw_only=True):
    state: str
    lag_ledgers: int | None


class HealthDetailed(Resource, frozen=True, kw_only=True):
    status: HealthStatus
    concerns: dict[str, str]
    """Subject → reason: what degrades health although all respond."""
    version: str
    timestamp: datetime
    dependencies: dict[str, Dependency]
    watcher: Watcher


class Hold(Resource, frozen=True, kw_only=True):
    id: str
    user_id: str
    amount: Decimal
    remaining: Decimal
    """What is left of the hold."""
    reference: str
    """What the transfer is about."""
    created_at: datetime


class HoldAndBalance(Resource, frozen=True, kw_only=True):
    hold: Hold
    balance: Balance


class Maintenance(Resource, frozen=True, kw_only=True):
    enabled: bool
    """Whether changes are refused."""
    message: str | None
    """What callers are told."""
    since: datetime | None
    """When it was last turned on or off; `null`: never."""


class MilestoneStatus(_Open):
    """A milestone is completed by its seller, at once and without the chain."""

    COMPLETED = "COMPLETED"
    OPEN = "OPEN"


class Milestone(Resource, frozen=True, kw_only=True):
    order_id: str
    ref: str
    """Unique in the order: 1 to 64 letters, digits, `_` or `-`."""
    title: str
    description: str
    """The same text as `title`."""
    amount: Decimal
    status: MilestoneStatus
    completed_at: datetime | None


class NewMilestone(Resource, frozen=True, kw_only=True):
    """A milestone of a new order."""

    ref: str
    """Unique in the order: 1 to 64 letters, digits, `_` or `-`. Also accepted as `milestoneRef`."""
    title: str
    """Also accepted as `description`."""
    amount: Decimal | str
    """The milestones' amounts sum to the order's."""


class OrderStatus(_Open):
    """States of an order; `CLOSED` is the only terminal one."""

    CLOSED = "CLOSED"
    DISPUTED = "DISPUTED"
    ESCROW_CREATING = "ESCROW_CREATING"
    ESCROW_FUNDED = "ESCROW_FUNDED"
    ESCROW_FUNDING = "ESCROW_FUNDING"
    FUNDS_RESERVED = "FUNDS_RESERVED"
    IN_PROGRESS = "IN_PROGRESS"
    ORDER_CREATED = "ORDER_CREATED"
    REFUNDED = "REFUNDED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    RELEASED = "RELEASED"
    RELEASE_REQUESTED = "RELEASE_REQUESTED"


class Outcome(_Open):
    """How a closed order ended."""

    CANCELED = "CANCELED"
    REFUNDED = "REFUNDED"
    RELEASED = "RELEASED"
    SPLIT = "SPLIT"


class EscrowStatus(_Open):
    """States of an escrow; after a split it is `RELEASED`."""

    CREATED = "CREATED"
    CREATING = "CREATING"
    DISPUTED = "DISPUTED"
    FUNDED = "FUNDED"
    FUNDING = "FUNDING"
    REFUNDED = "REFUNDED"
    REFUNDING = "REFUNDING"
    RELEASED = "RELEASED"
    RELEASING = "RELEASING"


class Escrow(Resource, frozen=True, kw_only=True):
    id: str
    order_id: str
    status: EscrowStatus
    trustless_contract_id: str | None
    """The same as `contractId`."""
    contract_id: str | None
    """The contract's address; `null` until it is deployed."""
    amount: Decimal
    currency: Currency
    transaction_hashes: dict[str, str]
    """Step → hash of its confirmed transaction."""
    created_at: datetime
    updated_at: datetime
    """The escrow's last change."""
    funded_at: datetime | None
    released_at: datetime | None
    refunded_at: datetime | None


class Fees(Resource, frozen=True, kw_only=True):
    protocol: Decimal
    """What Trustless Work's contract kept."""
    platform: Decimal
    """What the contract paid to the platform."""


class Operation(_Open):
    """What a caller asked for that takes the chain's time."""

    DISPUTE = "dispute"
    ESCROW = "escrow"
    FUND = "fund"
    REFUND = "refund"
    RELEASE = "release"
    RESOLVE = "resolve"


class Progress(Resource, frozen=True, kw_only=True):
    operation: Operation
    step: str
    """The step that is on the way."""
    steps: tuple[str, ...]
    """The steps on the chain, in order."""
    transaction_hash: str | None
    attempts: int
    last_error: str | None
    """Why the attempt before failed, for people."""
    since: datetime


class Order(Resource, frozen=True, kw_only=True):
    id: str
    client_order_ref: str | None
    """Your own reference of the order; unique."""
    buyer_id: str
    seller_id: str
    amount: Decimal
    currency: Currency
    title: str
    description: str | None
    status: OrderStatus
    outcome: Outcome | None
    """How a closed order ended; `null` until then."""
    milestones: tuple[Milestone, ...]
    escrow: Escrow | None
    dispute: Dispute | None
    """The order's dispute, if there is one."""
    fees: Fees | None
    """What the contract kept; `null` until it has paid out."""
    progress: Progress | None
    """The work on the chain that is running; `null` if none is."""
    metadata: dict[str, Any]
    """Yours: a JSON object of at most 16 KiB."""
    expires_at: datetime | None
    """An order whose escrow was not started by then is closed."""
    auto_release_at: datetime | None
    """A completed order is released then, if the buyer stays silent."""
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None


class Payment(Resource, frozen=True, kw_only=True):
    id: str
    type: str
    from_: str | None = msgspec.field(name="from")
    to: str | None
    amount: Decimal | None
    asset: str
    created_at: datetime
    hash: str
    successful: bool


class Token(Resource, frozen=True, kw_only=True):
    token: str | None
    """The token itself: shown in the answer that creates it, never again."""
    expires_at: datetime
    """An order whose escrow was not started by then is closed."""


class TopUpStatus(_Open):
    """Where a top-up is; how it moves is AirTM's to say (docs/spec/airtm.md §4)."""

    TOPUP_AWAITING_USER_CONFIRMATION = "TOPUP_AWAITING_USER_CONFIRMATION"
    TOPUP_CANCELED = "TOPUP_CANCELED"
    TOPUP_CREATED = "TOPUP_CREATED"
    TOPUP_FAILED = "TOPUP_FAILED"
    TOPUP_PROCESSING = "TOPUP_PROCESSING"
    TOPUP_SUCCEEDED = "TOPUP_SUCCEEDED"


class TopUpFailure(Resource, frozen=True, kw_only=True):
    code: str
    reason: str


class TopUp(Resource, frozen=True, kw_only=True):
    id: str
    user_id: str
    amount: Decimal
    currency: Currency
    status: TopUpStatus
    confirmation_uri: str | None
    airtm_payin_id: str | None
    description: str | None
    metadata: dict[str, Any]
    """Yours: a JSON object of at most 16 KiB."""
    failure: TopUpFailure | None
    """Why it failed; `null` if it did not."""
    created_at: datetime
    updated_at: datetime


class Posting(Resource, frozen=True, kw_only=True):
    account: str
    amount: Decimal


class Transfer(Resource, frozen=True, kw_only=True):
    id: str
    kind: str
    reference: str
    """What the transfer is about."""
    cause: str
    """What brought it about."""
    postings: tuple[Posting, ...]
    """They sum to zero."""
    created_at: datetime


class TreasuryFees(Resource, frozen=True, kw_only=True):
    kept: Decimal
    borne: Decimal
    earned: Decimal


class TreasuryDues(Resource, frozen=True, kw_only=True):
    owed: Decimal
    owing: Decimal
    paying: Decimal
    collecting: Decimal


class TreasuryWallet(Resource, frozen=True, kw_only=True):
    public_key: str
    """The wallet's address on Stellar."""
    booked: Decimal
    withdrawing: Decimal
    withdrawable: Decimal


class Treasury(Resource, frozen=True, kw_only=True):
    user_id: str
    treasury: Decimal
    currency: Currency
    fees: TreasuryFees
    dues: TreasuryDues
    float: Decimal
    wallet: TreasuryWallet


class UserType(_Open):
    """A label, not enforced."""

    BOTH = "BOTH"
    BUYER = "BUYER"
    SELLER = "SELLER"


class AirtmAccount(Resource, frozen=True, kw_only=True):
    email: str
    user_id: str
    linked_at: datetime


class WalletStatus(_Open):
    """`ACTIVE`: the account and its trustline exist on the chain."""

    ACTIVATING = "ACTIVATING"
    ACTIVE = "ACTIVE"


class UserWallet(Resource, frozen=True, kw_only=True):
    public_key: str
    """The wallet's address on Stellar."""
    status: WalletStatus


class User(Resource, frozen=True, kw_only=True):
    id: str
    external_user_id: str
    """Your own id of the user; unique."""
    email: str | None
    type: UserType
    status: str
    metadata: dict[str, Any]
    """Yours: a JSON object of at most 16 KiB."""
    airtm: AirtmAccount | None
    """The linked AirTM account; `null` without one."""
    wallet: UserWallet
    created_at: datetime
    updated_at: datetime


class WalletBalance(Resource, frozen=True, kw_only=True):
    usdc: Decimal
    xlm: Decimal


class Wallet(Resource, frozen=True, kw_only=True):
    public_key: str
    """The wallet's address on Stellar."""
    type: Literal["INVISIBLE"]
    provider: Literal["STELLAR"]
    status: WalletStatus
    is_active: bool
    """Whether the wallet can receive USDC."""
    is_primary: bool
    balance: WalletBalance
    created_at: datetime


class WithdrawalStatus(_Open):
    """States of a withdrawal; a crypto one goes CREATED → COMMITTED → COMPLETED or FAILED."""

    WITHDRAWAL_CANCELED = "WITHDRAWAL_CANCELED"
    WITHDRAWAL_COMMITTED = "WITHDRAWAL_COMMITTED"
    WITHDRAWAL_COMPLETED = "WITHDRAWAL_COMPLETED"
    WITHDRAWAL_CREATED = "WITHDRAWAL_CREATED"
    WITHDRAWAL_FAILED = "WITHDRAWAL_FAILED"
    WITHDRAWAL_PENDING = "WITHDRAWAL_PENDING"
    WITHDRAWAL_PENDING_USER_ACTION = "WITHDRAWAL_PENDING_USER_ACTION"


class WithdrawalFailure(Resource, frozen=True, kw_only=True):
    code: str
    reason: str


class Withdrawal(Resource, frozen=True, kw_only=True):
    id: str
    user_id: str
    amount: Decimal
    currency: Currency
    destination_type: DestinationType
    destination_ref: str
    """The Stellar address that is paid."""
    destination_memo: str | None
    status: WithdrawalStatus
    committed: bool
    """Whether it is to be paid, or was."""
    transaction_hash: str | None
    airtm_payout_id: str | None
    failure: WithdrawalFailure | None
    """Why it failed; `null` if it did not."""
    created_at: datetime
    updated_at: datetime
