"""What the engine answers to a submitted envelope."""

from attrs import frozen

from offerhub.sandbox.engine.rows import TransactionRow


@frozen
class Submitted:
    """The transaction waits for the next ledger (`duplicate`: it was waiting already)."""

    hash: str
    duplicate: bool = False


@frozen
class Final:
    """This very transaction is in a closed ledger, applied or failed."""

    transaction: TransactionRow


@frozen
class Rejected:
    """Refused before inclusion: neither fee nor sequence number was spent.

    Codes in Horizon's spelling (docs/spec/stellar-horizon.md §5.6); `operation_codes` is None when the result
    has no operation results.
    """

    hash: str
    result_xdr: str
    transaction_code: str
    operation_codes: tuple[str, ...] | None


@frozen
class TryAgainLater:
    """Another transaction of this source account waits, the queue is full, or this one is banned."""

    hash: str


@frozen
class Malformed:
    """Not a transaction envelope at all."""

    reason: str


Submission = Submitted | Final | Rejected | TryAgainLater | Malformed
