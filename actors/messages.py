"""What is asked of actors: small frozen values, named in the imperative.

Each says what its answer is (`Message[answer]`). A handler raises `DomainError` for a refusal.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from actors.kernel import Message
from offerhub.domain import dispute_decisions
from offerhub.domain.api_keys import ApiKey, Scope
from offerhub.domain.dispute import Dispute
from offerhub.domain.hold import HoldChanged
from offerhub.domain.maintenance import Maintenance
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.money import Money
from offerhub.domain.order import Milestone, MilestoneOf, Order
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Balance
from offerhub.domain.users import UserCreated, UserType
from offerhub.domain.withdrawal import Withdrawal


@frozen
class HoldAfter:
    """A hold, and its user's balance, as the commit has left them."""

    changed: HoldChanged
    balance: Balance


# Users.


@frozen
class CreateUser(Message[UserCreated]):
    """Create a user and its wallet; an external id that exists gives the user that has it."""

    external_user_id: str
    email: str | None
    type: UserType
    metadata: Mapping[str, object]
    trace: Trace


# The instance.


@frozen
class SetMaintenance(Message[Maintenance]):
    """Turn maintenance on, with what callers are told, or off."""

    message: str | None
    trace: Trace
    enable: bool = field(kw_only=True)


# Orders: each goes to the order's own actor.


@frozen
class CreateOrder(Message[Order]):
    """Create the order whose id the actor has. The parties exist: `USER_NOT_FOUND` otherwise."""

    buyer_id: str
    seller_id: str
    amount: Money
    title: str
    description: str | None
    client_order_ref: str | None
    milestones: tuple[Milestone, ...]
    metadata: Mapping[str, object]
    trace: Trace
    expires_at: datetime | None = None
    auto_release_at: datetime | None = None


@frozen
class SetDeadlines(Message[Order]):
    """Set deadlines of the order, or move them to a later time; `None` leaves one as it is."""

    expires_at: datetime | None
    auto_release_at: datetime | None
    trace: Trace


@frozen
class ReserveFunds(Message[Order]):
    """Reserve the order's amount from the buyer's available."""

    amount: Money | None
    trace: Trace


@frozen
class CancelOrder(Message[Order]):
    """Close the order before its escrow."""

    canceled_by: str | None
    reason: str | None
    trace: Trace


@frozen
class StartEscrow(Message[Order]):
    """Plan the deployment of the order's contract; its end comes later."""

    trace: Trace


@frozen
class StartFunding(Message[Order]):
    """Plan the funding of the order's contract; its end comes later."""

    trace: Trace


@frozen
class CompleteMilestone(Message[MilestoneOf]):
    """Record that the seller has completed a milestone."""

    ref: str
    trace: Trace


@frozen
class RequestRelease(Message[Order]):
    """Plan the release to the seller; its end comes later."""

    requested_by: str | None
    reason: str | None
    trace: Trace


@frozen
class RequestRefund(Message[Order]):
    """Refund the buyer: at once before the funding, after it on the chain, whose end comes later."""

    requested_by: str | None
    reason: str
    trace: Trace


@frozen
class OpenDispute(Message[Order]):
    """Freeze a funded order and plan the freeze of its contract; its end comes later.

    Args:
        scopes: what the caller may: `write` out of IN_PROGRESS; `support` out of a release of which
            nothing can reach the chain any more.
    """

    said: dispute_decisions.OpenDispute
    scopes: tuple[Scope, ...]
    trace: Trace


@frozen
class AssignDispute(Message[Dispute]):
    """Give a dispute to whoever looks at it; `DISPUTE_NOT_FOUND` if the order's is another one."""

    dispute_id: str
    assigned_to: str
    trace: Trace


@frozen
class ResolveDispute(Message[Order]):
    """Decide a dispute and plan its payout; its end comes later."""

    dispute_id: str
    resolution: dispute_decisions.Resolution
    trace: Trace


OrderMessage: TypeAlias = (
    CreateOrder
    | SetDeadlines
    | ReserveFunds
    | CancelOrder
    | StartEscrow
    | StartFunding
    | CompleteMilestone
    | RequestRelease
    | RequestRefund
    | OpenDispute
    | AssignDispute
    | ResolveDispute
)
"""What an order's actor takes."""


# Withdrawals: each goes to the withdrawal's own actor.


@frozen
class CreateWithdrawal(Message[Withdrawal]):
    """Create the withdrawal whose id the actor has; with `commit` its payment is planned too."""

    user_id: str
    amount: Money
    destination_ref: str
    destination_memo: str | None
    description: str | None
    commit: bool
    trace: Trace


@frozen
class CommitWithdrawal(Message[Withdrawal]):
    """Plan the payment of a created withdrawal; its end comes later."""

    trace: Trace


@frozen
class CancelWithdrawal(Message[Withdrawal]):
    """Give the money of a withdrawal back that was not committed."""

    trace: Trace


WithdrawalMessage: TypeAlias = CreateWithdrawal | CommitWithdrawal | CancelWithdrawal
"""What a withdrawal's actor takes."""


# Balances: each goes to the balance actor of the user that it takes from.


@frozen
class PlaceHold(Message[HoldAfter]):
    """Set an amount aside under a label; `FUNDS_ALREADY_RESERVED` if an open hold has it."""

    amount: Money
    reference: str
    order_id: str | None
    description: str | None
    trace: Trace


@frozen
class GiveHoldBack(Message[HoldAfter]):
    """Give an amount of the hold back to the user's available."""

    reference: str
    amount: Money
    trace: Trace


@frozen
class GiveHold(Message[HoldAfter]):
    """Give an amount of the hold to another user's available."""

    reference: str
    amount: Money
    recipient_id: str
    trace: Trace


@frozen
class DeductHold(Message[HoldAfter]):
    """Take an amount of the hold out of the user's balance, in the platform's favour."""

    reference: str
    amount: Money
    trace: Trace


@frozen
class ChangeManually(Message[ManualChange]):
    """Credit or debit the user by hand; a reference that was used gives the first answer again."""

    kind: ManualKind
    amount: Money
    description: str
    reference: str | None
    trace: Trace


HoldMessage: TypeAlias = PlaceHold | GiveHoldBack | GiveHold | DeductHold


# Webhooks.


@frozen
class ReceiveWebhook(Message[bool]):
    """Keep a webhook whose signature is good; whether it came before."""

    source: str
    event_id: str
    type: str
    contract_id: str
    body: str
    trace: Trace


# API keys.


@frozen
class KeyCreated:
    """A new key with its text, which is told this once."""

    key: ApiKey
    text: str


@frozen
class KeySecret:
    """What is kept of the text of a key or a token: its digest, and what is shown of it."""

    digest: bytes = field(repr=False)
    masked: str


@frozen
class CreateApiKey(Message[KeyCreated]):
    """Create a key.

    Args:
        secret: of a text that the asker has made and keeps; by default the actor makes one.
    """

    name: str
    scopes: tuple[Scope, ...]
    user_id: str | None
    expires_at: datetime | None
    trace: Trace
    secret: KeySecret | None = None


@frozen
class RevokeApiKey(Message[ApiKey]):
    """Revoke a key at once, its tokens too; `API_KEY_NOT_FOUND`."""

    key_id: str
    trace: Trace


@frozen
class TokenCreated:
    """A short-lived token of a key, told this once."""

    text: str
    expires_at: datetime


@frozen
class CreateApiToken(Message[TokenCreated]):
    """Create a token of a key: its scopes or fewer, at most a day; `secret` as of a key."""

    key_id: str
    ttl_s: int
    trace: Trace
    secret: KeySecret | None = None


KeyMessage: TypeAlias = CreateApiKey | RevokeApiKey | CreateApiToken
"""What the keys' actor takes."""
