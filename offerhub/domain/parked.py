"""What was parked: records and money that no rule explains, kept apart for an operator (docs/spec/domain.md §5)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import frozen

from offerhub.domain.money import Money


class ParkedStatus(StrEnum):
    """`GIVEN`: its money was credited to its user. `DISMISSED`: an operator has looked at it."""

    OPEN = "open"
    GIVEN = "given"
    DISMISSED = "dismissed"


@frozen
class Parked:
    """Something that waits for an operator, or waited.

    Args:
        source: where it came from, as `stellar`.
        reference: what it is called there.
        reason: why it was parked, for people.
        body: what was read of it; public data.
        user_id, amount: of money in the user's `suspense`; `None` of a record that was not read.
        settled_by: the operator.
        note: of the operator.
    """

    id: str
    version: int
    source: str
    reference: str
    reason: str
    body: Mapping[str, object]
    created_at: datetime
    updated_at: datetime
    user_id: str | None = None
    amount: Money | None = None
    status: ParkedStatus = ParkedStatus.OPEN
    settled_by: str | None = None
    note: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status is ParkedStatus.OPEN
