"""TOIDs: one 64-bit number for the place of everything in history (docs/spec/stellar-horizon.md §1.4)."""

from typing import Final

_TRANSACTION_MAX: Final = 0xFFFFF
_OPERATION_MAX: Final = 0xFFF


def toid(ledger: int, transaction: int = 0, operation: int = 0) -> int:
    """Give ledger << 32 | transaction << 12 | operation; both orders count from 1, 0 is the whole."""
    return ledger << 32 | transaction << 12 | operation


def after_ledger(ledger: int) -> int:
    """Give the last TOID that a ledger can hold."""
    return toid(ledger, _TRANSACTION_MAX, _OPERATION_MAX)


def ledger_of(identifier: int) -> int:
    """Give the ledger of a TOID."""
    return identifier >> 32
