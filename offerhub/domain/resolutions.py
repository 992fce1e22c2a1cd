"""What an operator has found out of an envelope that the network contradicts itself about."""

from enum import Enum, unique
from typing import Final

from attrs import frozen

RESOLVED: Final = "resolved"
"""The code of an operation's failure that rests on an operator's answer."""

_PREFIX: Final = "resolution:"


@unique
class Outcome(Enum):
    """How it was, as looked up elsewhere."""

    INCLUDED = "included"
    """A ledger holds it, and it did what it says."""
    NOT_INCLUDED = "not_included"
    """No ledger holds it, and none can any more."""


@frozen
class Resolution:
    """An operator's answer for one operation; stored once, and taken by the lane that waits for it.

    Args:
        tx_hash: the transaction that was included; `None` if none was.
        by: who says so.
    """

    outcome: Outcome
    tx_hash: str | None
    by: str

    def encoded(self) -> str:
        """As it is stored."""
        return f"{self.outcome.value} {self.tx_hash or '-'} {self.by}"

    @classmethod
    def decoded(cls, stored: str) -> "Resolution":
        """From what `encoded` made."""
        outcome, tx_hash, by = stored.split(" ", 2)
        return cls(Outcome(outcome), None if tx_hash == "-" else tx_hash, by)


def resolution_key(operation_id: str) -> str:
    """The name of the stored row."""
    return f"{_PREFIX}{operation_id}"
