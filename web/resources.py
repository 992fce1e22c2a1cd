"""Resources as the API shows them (docs/spec/api.md, Resources), each declared once.

A declaration is the shape on the wire, its documentation and its encoder: `msgspec` makes all
three of it. `web.rendering` fills them in from the domain.
"""

# ruff: noqa: D101 - names and fields say it all; a docstring would be published with the schema

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta as _Meta

from offerhub.domain.api_keys import Scope
from offerhub.domain.dispute import DisputeReason, DisputeStatus, Party, Verdict
from offerhub.domain.errors import ErrorCode
from offerhub.domain.order import EscrowStatus, MilestoneStatus, Operation, OrderStatus, Outcome
from offerhub.domain.topup import TopUpStatus
from offerhub.domain.users import UserType, WalletStatus
from offerhub.domain.withdrawal import DestinationType, WithdrawalStatus

T = TypeVar("T")

Amount = Annotated[str, _Meta(pattern=r"^-?[0-9]+\.[0-9]{2}$")]
"""Two places, rounded down."""

ExactAmount = Annotated[str, _Meta(pattern=r"^-?[0-9]+\.[0-9]{7}$")]
"""Seven places."""

Time = Annotated[str, _Meta(extra_json_schema={"format": "date-time"})]
"""UTC, ISO 8601 with milliseconds and `Z`: not what `msgspec` makes of a `datetime`."""

Currency = Literal["USDC", "USD"]
HealthStatus = Literal["healthy", "degraded"]
DependencyStatus = Literal["up", "down"]
Metadata = Annotated[Mapping[str, Any], _Meta(extra_json_schema={"x-max-bytes": 16 * 1024})]
Object = dict[str, Any]

ALIASES: Final[Mapping[str, str]] = {
    "Amount": "A decimal string with two places, rounded down.",
    "ExactAmount": "A decimal string with seven places.",
    "Time": "UTC, ISO 8601 with milliseconds and `Z`.",
    "Currency": "One balance: 1 USD = 1 USDC.",
    "HealthStatus": "`degraded`: it works, and an operator should look.",
    "DependencyStatus": "Whether it responds.",
    "Metadata": "The caller's own: a JSON object of at most 16 KiB.",
}
"""The types above that the OpenAPI document names, and what it says of them."""


class Resource(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The base of all: camelCase on the wire, every field present, none unknown."""


class UserWallet(Resource, frozen=True):
    public_key: str
    status: WalletStatus


class AirtmAccount(Resource, frozen=True):
    email: str
    user_id: str
    linked_at: Time


class User(Resource, frozen=True):
    id: str
    external_user_id: str
    email: str | None
    type: UserType
    status: str
    metadata: Metadata
    airtm: AirtmAccount | None
    wallet: UserWallet
    created_at: Time
    updated_at: Time


class Balance(Resource, frozen=True):
    user_id: str
    available: Amount
    reserved: Amount
    total: Amount
    currency: Currency
    updated_at: Time


class BalanceVerification(Resource, frozen=True):
    ledger: ExactAmount
    on_chain: ExactAmount
    due: ExactAmount
    in_flight: ExactAmount
    difference: ExactAmount


class Hold(Resource, frozen=True):
    id: str
    user_id: str
    amount: Amount
    remaining: Amount
    reference: str
    created_at: Time


class HoldAndBalance(Resource, frozen=True):
    hold: Hold
    balance: Balance


class Milestone(Resource, frozen=True):
    order_id: str
    ref: str
    title: str
    description: str
    amount: Amount
    status: MilestoneStatus
    completed_at: Time | None


class Escrow(Resource, frozen=True):
    id: str
    order_id: str
    status: EscrowStatus
    trustless_contract_id: str | None
    contract_id: str | None
    amount: Amount
    currency: Currency
    transaction_hashes: dict[str, str]
    created_at: Time
    updated_at: Time
    funded_at: Time | None
    released_at: Time | None
    refunded_at: Time | None


class Progress(Resource, frozen=True):
    operation: Operation
    step: str
    steps: tuple[str, ...]
    transaction_hash: str | None
    attempts: int
    last_error: str | None
    since: Time


class Fees(Resource, frozen=True):
    protocol: ExactAmount
    platform: ExactAmount


class Dispute(Resource, frozen=True):
    id: str
    order_id: str
    opened_by: Party
    reason: DisputeReason
    evidence: tuple[str, ...]
    status: DisputeStatus
    assigned_to: str | None
    resolution_decision: Verdict | None
    release_amount: Amount | None
    refund_amount: Amount | None
    decision_note: str | None
    created_at: Time
    updated_at: Time
    resolved_at: Time | None


class Order(Resource, frozen=True):
    id: str
    client_order_ref: str | None
    buyer_id: str
    seller_id: str
    amount: Amount
    currency: Currency
    title: str
    description: str | None
    status: OrderStatus
    outcome: Outcome | None
    milestones: tuple[Milestone, ...]
    escrow: Escrow | None
    dispute: Dispute | None
    fees: Fees | None
    progress: Progress | None
    metadata: Metadata
    expires_at: Time | None
    auto_release_at: Time | None
    created_at: Time
    updated_at: Time
    closed_at: Time | None


class WithdrawalFailure(Resource, frozen=True):
    code: str
    reason: str


class TopUpFailure(Resource, frozen=True):
    code: str
    reason: str


class TopUp(Resource, frozen=True):
    id: str
    user_id: str
    amount: Amount
    currency: Currency
    status: TopUpStatus
    confirmation_uri: str | None
    airtm_payin_id: str | None
    description: str | None
    metadata: Metadata
    failure: TopUpFailure | None
    created_at: Time
    updated_at: Time


class Withdrawal(Resource, frozen=True):
    id: str
    user_id: str
    amount: Amount
    currency: Currency
    destination_type: DestinationType
    destination_ref: str
    destination_memo: str | None
    status: WithdrawalStatus
    committed: bool
    transaction_hash: str | None
    airtm_payout_id: str | None
    failure: WithdrawalFailure | None
    created_at: Time
    updated_at: Time


class WebhookReceipt(Resource, frozen=True):
    """Whether a webhook came for the second time, and nothing more happened."""

    duplicate: bool


class Posting(Resource, frozen=True):
    account: str
    amount: ExactAmount


class Transfer(Resource, frozen=True):
    id: str
    kind: str
    reference: str
    cause: str
    postings: tuple[Posting, ...]
    created_at: Time


class WalletBalance(Resource, frozen=True):
    usdc: ExactAmount
    xlm: ExactAmount


class Wallet(Resource, frozen=True):
    public_key: str
    type: Literal["INVISIBLE"]
    provider: Literal["STELLAR"]
    status: WalletStatus
    is_active: bool
    is_primary: bool
    balance: WalletBalance
    created_at: Time


class TreasuryDues(Resource, frozen=True):
    owed: ExactAmount
    owing: ExactAmount
    paying: ExactAmount
    collecting: ExactAmount


class TreasuryFees(Resource, frozen=True):
    kept: ExactAmount
    borne: ExactAmount
    earned: ExactAmount


class TreasuryWallet(Resource, frozen=True):
    public_key: str
    booked: ExactAmount
    withdrawing: ExactAmount
    withdrawable: ExactAmount


class Treasury(Resource, frozen=True):
    user_id: str
    treasury: ExactAmount
    currency: Currency
    fees: TreasuryFees
    dues: TreasuryDues
    float_: ExactAmount = msgspec.field(name="float")
    wallet: TreasuryWallet


class Asset(Resource, frozen=True):
    code: str
    issuer: str


class Deposit(Resource, frozen=True):
    provider: str
    method: str
    address: str
    asset: Asset
    network: str
    memo: None
    instructions: str


class Payment(Resource, frozen=True, kw_only=True):
    id: str
    type: str
    from_: str | None = msgspec.field(name="from")
    to: str | None
    amount: ExactAmount | None
    asset: str
    created_at: Time
    hash: str
    successful: bool


class Event(Resource, frozen=True):
    event_id: str
    event_type: str
    occurred_at: Time
    aggregate_id: str
    aggregate_type: str
    payload: Object
    metadata: Object


class AuditEntry(Resource, frozen=True):
    id: str
    sequence: int
    at: Time
    actor: str
    action: str
    resource_type: str
    resource_id: str
    user_id: str | None
    result: str
    error: str | None
    before: Object | None
    after: Object | None
    correlation_id: str
    causation_id: str | None
    idempotency_key: str | None
    ip: str | None
    user_agent: str | None
    previous_hash: str
    hash: str


class ApiKey(Resource, frozen=True):
    id: str
    key: str | None
    masked_key: str | None
    name: str
    scopes: tuple[Scope, ...]
    user_id: str | None
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None
    created_at: Time | None


class Token(Resource, frozen=True):
    token: str | None
    expires_at: Time


class Limits(Resource, frozen=True):
    min: Amount
    max: Amount


class ConfigLimits(Resource, frozen=True):
    order: Limits
    topup: Limits
    withdrawal: Limits


class Health(Resource, frozen=True):
    status: HealthStatus
    version: str
    timestamp: Time


class Dependency(Resource, frozen=True):
    status: DependencyStatus
    latency_ms: float


class Watcher(Resource, frozen=True):
    state: str
    lag_ledgers: int | None


class HealthDetailed(Resource, frozen=True):
    status: HealthStatus
    concerns: dict[str, str]
    version: str
    timestamp: Time
    dependencies: dict[str, Dependency]
    watcher: Watcher


class Config(Resource, frozen=True):
    version: str
    network: str
    payment_provider: str
    currency: Currency
    currencies: tuple[Currency, ...]
    asset: Asset
    limits: ConfigLimits
    features: dict[str, bool]


class Meta(Resource, frozen=True):
    request_id: str
    timestamp: Time


class One(Resource, Generic[T], frozen=True, kw_only=True):
    """The envelope around one resource."""

    success: Literal[True] = True
    data: T
    meta: Meta


class Listed(Resource, Generic[T], frozen=True, kw_only=True):
    """The envelope around a page of a list."""

    success: Literal[True] = True
    data: tuple[T, ...]
    has_more: bool
    next_cursor: str | None
    meta: Meta


class ErrorDetail(Resource, frozen=True):
    code: ErrorCode
    message: str
    details: Object


class Error(Resource, frozen=True):
    """The envelope around a refusal."""

    error: ErrorDetail
    meta: Meta


class Problem(Resource, frozen=True):
    """A refusal in the form of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: ErrorCode
    details: Object
    request_id: str
    timestamp: Time


class Maintenance(Resource, frozen=True):
    enabled: bool
    message: str | None
    since: Time | None


class ActorState(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    QUARANTINED = "quarantined"
    STOPPED = "stopped"


class Mailbox(Resource, frozen=True):
    depth: int
    capacity: int
    wakes: int
    tasks: int
    handled: int


class Actor(Resource, frozen=True):
    name: str
    state: ActorState
    mailbox: Mailbox | None
    active: int
    restarts: int
    last_error: str | None
    children: tuple["Actor", ...]
