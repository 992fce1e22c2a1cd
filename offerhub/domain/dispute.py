"""A dispute about an order's money: who opened it, who looks at it, how it was decided (docs/spec/domain.md §2)."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import frozen

from offerhub.domain.money import Money


class DisputeStatus(StrEnum):
    """OPEN → UNDER_REVIEW (assigned) → RESOLVED (from either)."""

    OPEN = "OPEN"
    UNDER_REVIEW = "UNDER_REVIEW"
    RESOLVED = "RESOLVED"


DISPUTE_MOVES: Final = {
    DisputeStatus.OPEN: (DisputeStatus.UNDER_REVIEW, DisputeStatus.RESOLVED),
    DisputeStatus.UNDER_REVIEW: (DisputeStatus.UNDER_REVIEW, DisputeStatus.RESOLVED),
    DisputeStatus.RESOLVED: (),
}
"""Which state may follow which: one under review may be assigned anew."""


class Party(StrEnum):
    """The side that opens a dispute, and whose wallet signs for it."""

    BUYER = "BUYER"
    SELLER = "SELLER"


class DisputeReason(StrEnum):
    """Why a dispute is opened."""

    NOT_DELIVERED = "NOT_DELIVERED"
    QUALITY_ISSUE = "QUALITY_ISSUE"
    OTHER = "OTHER"


class Verdict(StrEnum):
    """How a dispute is decided."""

    FULL_RELEASE = "FULL_RELEASE"
    FULL_REFUND = "FULL_REFUND"
    SPLIT = "SPLIT"


@frozen
class Ruling:
    """A decision as it was taken: the whole of the order's amount, gross, in two shares.

    Args:
        release: the seller's share.
        refund: the buyer's share.
        note: why, for the parties.
    """

    verdict: Verdict
    release: Money
    refund: Money
    note: str | None = None


@frozen
class Dispute:
    """One dispute; an order has at most one, and carries it.

    Args:
        assigned_to: whoever looks at it, as the caller names them.
        ruling: set when it is decided; it is `RESOLVED` once the chain has paid out.
    """

    id: str
    version: int
    order_id: str
    opened_by: Party
    reason: DisputeReason
    evidence: tuple[str, ...]
    status: DisputeStatus
    created_at: datetime
    updated_at: datetime
    assigned_to: str | None = None
    ruling: Ruling | None = None
    resolved_at: datetime | None = None
