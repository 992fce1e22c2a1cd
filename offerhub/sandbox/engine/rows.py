"""What closed ledgers leave behind: rows that never change again."""

from datetime import datetime

from attrs import field, frozen

from offerhub.sandbox.engine.toid import toid


@frozen
class BalanceChange:
    """One movement of the asset contract inside a contract call; `amount` in stroops."""

    type: str  # transfer | mint | burn
    source: str | None
    destination: str | None
    amount: int


@frozen
class OperationRow:
    """One operation of a transaction in a closed ledger; `id` is its TOID (docs/spec/stellar-horizon.md §1.4).

    `details` are the fields of Horizon's record that depend on the type (§4.1), ready for JSON.
    """

    id: int
    type: str
    type_i: int
    source: str
    transaction: "TransactionRow" = field(repr=False)
    details: dict[str, object]
    participants: tuple[str, ...]
    balance_changes: tuple[BalanceChange, ...] = ()
    sponsor: str | None = None

    @property
    def is_payment(self) -> bool:
        """Whether Horizon lists it under /payments (§4)."""
        return self.type_i in _PAYMENT_TYPES or bool(self.balance_changes)


_PAYMENT_TYPES = frozenset({0, 1, 2, 8, 13})


@frozen(eq=False)
class TransactionRow:
    """One transaction in a closed ledger, applied (`successful`) or failed; fees in stroops.

    `envelope_xdr` and `result_xdr` are base64; `return_value_xdr` is the SCVal that a contract call
    gave back (base64), None for anything else; codes are Horizon's (§5.6).
    """

    id: int
    hash: str
    ledger: int
    closed_at: datetime
    source: str
    sequence: int
    successful: bool
    fee_charged: int
    max_fee: int
    operation_count: int
    envelope_xdr: str = field(repr=False)
    result_xdr: str
    transaction_code: str
    operation_codes: tuple[str, ...] | None
    participants: tuple[str, ...]
    record: dict[str, object] = field(factory=dict, repr=False)
    """Fields of Horizon's record that follow from the envelope: memo, signatures, preconditions."""
    return_value_xdr: str | None = None


@frozen
class LedgerRow:
    """One closed ledger; `closed_at` is strictly later than its predecessor's, in microseconds."""

    sequence: int
    hash: str
    previous_hash: str
    transactions_hash: str
    closed_at: datetime
    successful_count: int
    failed_count: int
    operation_count: int
    failed_operation_count: int
    total_coins: int
    fee_pool: int

    @property
    def id(self) -> int:
        """The ledger's TOID."""
        return toid(self.sequence)


@frozen
class ClosedLedger:
    """What one `close_ledger` did; `dropped` are hashes that became invalid while they waited."""

    ledger: LedgerRow
    transactions: tuple[TransactionRow, ...]
    dropped: tuple[str, ...] = ()
