"""Holds: money of one user set aside under a label, outside any order (docs/spec/api.md, Endpoints)."""

from datetime import datetime

from attrs import frozen

from offerhub.domain.money import Money


@frozen
class Hold:
    """An amount set aside from a user's available.

    Args:
        amount: what was set aside.
        remaining: what was neither given back, given away nor deducted yet.
        reference: the caller's label; of one user only one open hold has it.
        order_id: the same label, where the caller called it an order; it never touches one.
    """

    id: str
    version: int
    user_id: str
    amount: Money
    remaining: Money
    reference: str
    created_at: datetime
    updated_at: datetime
    order_id: str | None = None
    description: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything of it is left."""
        return bool(self.remaining)


@frozen
class HoldChanged:
    """A hold as a command has left it; whoever shows it shows its user's balance beside it."""

    hold: Hold
    currency: str
