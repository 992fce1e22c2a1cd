"""Manual credits and debits: an operator corrects a user's available against the treasury.

What a reference has been used for is kept for good: a reference moves money once, however late it
is sent again (docs/spec/api.md, Endpoints).
"""

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from offerhub.domain.money import Money


class ManualKind(StrEnum):
    """Which way the money goes, as its user sees it."""

    CREDIT = "credit"
    DEBIT = "debit"


@frozen
class ManualChange:
    """One credit or debit.

    Args:
        id: of its transfer.
        currency: as the answer to it shows it.
        reference: the caller's own name for it; of one user and kind only one change has it.
        available, reserved: the user's balance after it, for the first answer to be given again;
            left open by the decision, filled in by the commit.
    """

    id: str
    version: int
    user_id: str
    kind: ManualKind
    amount: Money
    currency: str
    description: str
    reference: str | None
    created_at: datetime
    available: Money | None = None
    reserved: Money | None = None
