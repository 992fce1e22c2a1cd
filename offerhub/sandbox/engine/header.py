"""Ledger headers: real LedgerHeader XDR, so that a ledger's hash is what the network would make of it."""

import hashlib
import struct
from typing import Final

from offerhub.sandbox.engine.reserves import BASE_FEE, BASE_RESERVE
from offerhub.sandbox.engine.rows import LedgerRow

PROTOCOL_VERSION: Final = 27
LEDGER_OPERATIONS_MAX: Final = 1000


def header_bytes(ledger: LedgerRow) -> bytes:
    """Pack the header; hashes of sets that the sandbox does not keep are zero."""
    return b"".join(
        (
            struct.pack(">I", PROTOCOL_VERSION),
            bytes.fromhex(ledger.previous_hash),
            bytes.fromhex(ledger.transactions_hash),
            struct.pack(
                ">QIi", int(ledger.closed_at.timestamp()), 0, 0
            ),  # no upgrades, basic value
            bytes(32),  # hash of the results
            bytes(32),  # hash of the bucket list
            struct.pack(">Iqq", ledger.sequence, ledger.total_coins, ledger.fee_pool),
            struct.pack(">IQ", 0, 0),  # inflation round, id pool
            struct.pack(">III", BASE_FEE, BASE_RESERVE, LEDGER_OPERATIONS_MAX),
            bytes(4 * 32),  # skip list
            struct.pack(">i", 0),
        )
    )


def header_hash(header: bytes) -> str:
    """Give a ledger's hash in hex."""
    return hashlib.sha256(header).hexdigest()
