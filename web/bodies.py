"""What requests carry: every body and query string of the API, declared once (docs/spec/api.md, Endpoints)."""

# ruff: noqa: RUF009 - `required` and `optional` make attrs fields, as `attrs.field` does

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import frozen

from offerhub.domain.api_keys import Scope
from offerhub.domain.dispute import DisputeReason, DisputeStatus, Party, Verdict
from offerhub.domain.maintenance import MESSAGE_MAX
from offerhub.domain.money import Money
from offerhub.domain.order import OrderStatus
from offerhub.domain.order_decisions import MILESTONES_MAX
from offerhub.domain.users import UserType
from offerhub.domain.withdrawal import DestinationType
from web.field_types import Amount, Choice, Currency, Flag, Instant, ListOf, Metadata, Text, Whole
from web.schema import Schema, optional, required

TOKEN_TTL_MAX_S: Final = 86_400
EVIDENCE_MAX: Final = 20

_ID: Final = Text(1, 64)
_REASON: Final = Text(0, 1000)
_WHO: Final = Text(0, 255)
_LABEL: Final = Text(1, 255)
_REF: Final = Text(
    1,
    64,
    re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII),
    "must be 1 to 64 letters, digits, _ or -",
)
_EMAIL: Final = Text(
    3, 254, re.compile(r"[^@\s\x00-\x1f\x85]+@[^@\s\x00-\x1f\x85]+"), "must be an e-mail address"
)
_LIMIT: Final = Whole(1, 100)
_AMOUNT: Final = Amount()
_SHARE: Final = Amount(zero=True)
_CURRENCY: Final = Currency()
_INSTANT: Final = Instant()
_METADATA: Final = Metadata()
_TYPE: Final = Choice(UserType)
_DESTINATION: Final = Choice(DestinationType)
_STATUS: Final = Choice(OrderStatus)
_CURSOR: Final = Text(1, 64)
_URL: Final = Text(
    1,
    2000,
    re.compile(r"https?://[^\s\x00-\x1f\x85/][^\s\x00-\x1f\x85]*"),
    "must be an http or https URL",
)


@frozen
class NewApiKey:
    """`POST /auth/api-keys`."""

    name: str = required(Text(1, 100))
    scopes: tuple[Scope, ...] = required(ListOf(Choice(Scope), len(Scope), 1))
    user_id: str | None = optional(Text(1, 255))
    expires_at: datetime | None = optional(_INSTANT)


@frozen
class NewToken:
    """`POST /auth/api-keys/{id}/token`; `ttl` in seconds."""

    ttl: int = required(Whole(1, TOKEN_TTL_MAX_S))


@frozen
class MaintenanceOn:
    """`POST /admin/maintenance/enable`."""

    message: str | None = optional(Text(1, MESSAGE_MAX))


@frozen
class NewUser:
    """`POST /users`."""

    external_user_id: str = required(Text(1, 255))
    email: str | None = optional(_EMAIL)
    type: UserType = optional(_TYPE, default=UserType.BOTH)
    metadata: Mapping[str, object] | None = optional(_METADATA)


@frozen
class NewMilestone:
    """A milestone of a new order."""

    ref: str = required(_REF, "milestoneRef")
    title: str = required(Text(1, 200), "description")
    amount: Money = required(_AMOUNT)


@frozen
class NewOrder:
    """`POST /orders`."""

    buyer_id: str = required(_ID)
    seller_id: str = required(_ID)
    amount: Money = required(_AMOUNT)
    title: str = required(Text(1, 200))
    currency: str | None = optional(_CURRENCY)
    description: str | None = optional(Text(0, 5000))
    client_order_ref: str | None = optional(Text(1, 100))
    milestones: tuple[NewMilestone, ...] = optional(
        ListOf(Schema(NewMilestone), MILESTONES_MAX), default=()
    )
    metadata: Mapping[str, object] | None = optional(_METADATA)
    expires_at: datetime | None = optional(_INSTANT)
    auto_release_at: datetime | None = optional(_INSTANT)


@frozen
class Deadlines:
    """`POST /orders/{id}/deadlines`."""

    expires_at: datetime | None = optional(_INSTANT)
    auto_release_at: datetime | None = optional(_INSTANT)


@frozen
class Reservation:
    """`POST /orders/{id}/reserve`."""

    amount: Money | None = optional(_AMOUNT)


@frozen
class Cancellation:
    """`POST /orders/{id}/cancel`."""

    reason: str | None = optional(_REASON)
    canceled_by: str | None = optional(_WHO)


@frozen
class ReleaseRequest:
    """`POST /orders/{id}/resolution/release`."""

    requested_by: str | None = optional(_WHO)
    reason: str | None = optional(_REASON)


@frozen
class RefundRequest:
    """`POST /orders/{id}/resolution/refund`."""

    reason: str = required(Text(1, 1000))
    requested_by: str | None = optional(_WHO)


@frozen
class NewDispute:
    """`POST /orders/{id}/resolution/dispute`."""

    opened_by: Party = required(Choice(Party))
    reason: DisputeReason = required(Choice(DisputeReason))
    evidence: tuple[str, ...] = optional(ListOf(Text(1, 2000), EVIDENCE_MAX), default=())


@frozen
class Assignment:
    """`POST /disputes/{id}/assign`."""

    assigned_to: str = required(Text(1, 255), "agentId")


@frozen
class ResolutionRequest:
    """`POST /disputes/{id}/resolve`: both shares with SPLIT, and with no other decision."""

    decision: Verdict = required(Choice(Verdict))
    release_amount: Money | None = optional(_SHARE)
    refund_amount: Money | None = optional(_SHARE)
    note: str | None = optional(Text(0, 2000))


@frozen
class DisputeQuery:
    """`GET /disputes`."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)
    order_id: str | None = optional(_ID)
    status: DisputeStatus | None = optional(Choice(DisputeStatus))
    opened_by: Party | None = optional(Choice(Party))


@frozen
class NewWithdrawal:
    """`POST /withdrawals`."""

    user_id: str = required(_ID)
    amount: Money = required(_AMOUNT)
    destination_type: DestinationType = required(_DESTINATION)
    destination_ref: str = required(Text(1, 255))
    currency: str | None = optional(_CURRENCY)
    destination_memo: str | None = optional(Text(1, 64))
    commit: bool | None = optional(Flag())
    description: str | None = optional(_REASON)


@frozen
class ManualChange:
    """`POST /users/{id}/balance/credit` and `…/debit`."""

    amount: Money = required(_AMOUNT)
    description: str = required(Text(1, 1000))
    reference: str | None = optional(_LABEL)


@frozen
class NewHold:
    """`POST /users/{id}/balance/reserve`."""

    amount: Money = required(_AMOUNT)
    reference: str | None = optional(_LABEL)
    order_id: str | None = optional(_LABEL)
    description: str | None = optional(_REASON)


@frozen
class HoldPart:
    """`POST /users/{id}/balance/cancel-reservation` and `…/deduct-reserved`."""

    amount: Money = required(_AMOUNT)
    reference: str | None = optional(_LABEL)
    order_id: str | None = optional(_LABEL)


@frozen
class HoldGift:
    """`POST /users/{id}/balance/release`."""

    amount: Money = required(_AMOUNT)
    recipient_id: str = required(_ID, "sellerId")
    reference: str | None = optional(_LABEL)
    order_id: str | None = optional(_LABEL)


@frozen
class AirtmLink:
    """`POST /users/{id}/airtm/link`."""

    email: str = required(_EMAIL)


@frozen
class NewTopUp:
    """`POST /topups`."""

    user_id: str = required(_ID)
    amount: Money = required(_AMOUNT)
    currency: str | None = optional(_CURRENCY)
    return_url: str | None = optional(_URL)
    cancel_url: str | None = optional(_URL)
    description: str | None = optional(Text(0, 250))
    metadata: Mapping[str, object] | None = optional(_METADATA)


@frozen
class Empty:
    """A request that says everything in its path."""


@frozen
class Page:
    """A page of a list."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)


@frozen
class UserQuery:
    """`GET /users`."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)
    external_user_id: str | None = optional(Text(1, 255))
    email: str | None = optional(Text(1, 254))


@frozen
class OrderQuery:
    """`GET /orders`."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)
    status: OrderStatus | None = optional(_STATUS)
    buyer_id: str | None = optional(_ID)
    seller_id: str | None = optional(_ID)
    client_order_ref: str | None = optional(Text(1, 100))
    created_after: datetime | None = optional(_INSTANT)
    created_before: datetime | None = optional(_INSTANT)


@frozen
class WithdrawalQuery:
    """`GET /withdrawals`."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)
    user_id: str | None = optional(_ID)


@frozen
class AuditQuery:
    """`GET /audit/logs`: `from` is part of what is given, `to` is not."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)
    resource_type: str | None = optional(Text(1, 64))
    resource_id: str | None = optional(Text(1, 128))
    action: str | None = optional(Text(1, 64))
    user_id: str | None = optional(_ID)
    from_: datetime | None = optional(_INSTANT)
    to: datetime | None = optional(_INSTANT)


@frozen
class TopUpQuery:
    """`GET /topups`."""

    limit: int = optional(_LIMIT, default=20)
    cursor: str | None = optional(_CURSOR)
    user_id: str | None = optional(_ID)


@frozen
class TopUpCallback:
    """`GET /topups/callback`: the code of the pay-in, which AirTM adds."""

    code: str = required(Text(1, 255))


@frozen
class LimitQuery:
    """`GET /users/{id}/wallet/transactions`."""

    limit: int = optional(_LIMIT, default=20)


EMPTY: Final = Schema(Empty)
PAGE: Final = Schema(Page)
