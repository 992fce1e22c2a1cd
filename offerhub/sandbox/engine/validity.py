"""What a node checks before a transaction may wait for a ledger (docs/spec/stellar-horizon.md §5.2).

The order of the checks is the network's and visible from outside: an envelope with two faults gets
the code of the first.
"""

from typing import Final

from attrs import frozen

from offerhub.sandbox.engine.codes import Refused, operation_result, transaction_result
from offerhub.sandbox.engine.operations import check_operation
from offerhub.sandbox.engine.parsed import ParsedTransaction, Unsupported
from offerhub.sandbox.engine.reserves import BASE_FEE, available_balance
from offerhub.sandbox.engine.signatures import SignatureCheck, check_signatures
from offerhub.sandbox.engine.state import LedgerState

# A success that never was must still parse: what a success of these types carries, empty.
_EMPTY_SUCCESS: Final = {
    2: bytes(4 + 4 + 32 + 4 + 8),  # no offers, account, native asset, amount
    8: bytes(8),  # the balance that was merged
    13: bytes(4 + 4 + 32 + 4 + 8),
    24: bytes(32),  # the hash of return value and events
}


@frozen
class Invalid:
    """A refusal before inclusion; `operation_codes` only with `tx_failed`."""

    code: str
    result: bytes
    operation_codes: tuple[str, ...] | None = None


@frozen
class Window:
    """The ledger and the times (unix seconds) that a transaction must fit.

    `earliest` is compared with its minimum time, `latest` with its maximum: a node leaves room for the
    ledgers that may pass until inclusion.
    """

    ledger: int
    earliest: int
    latest: float


def fee_charged(transaction: ParsedTransaction) -> int:
    """Give what inclusion costs (stroops): the base fee for each operation, and a contract call's resources.

    The network would refund a part of the resource fee; the sandbox does not.
    """
    return BASE_FEE * len(transaction.operations) + (transaction.resource_fee or 0)


def check_envelope(
    state: LedgerState, transaction: ParsedTransaction, window: Window
) -> Invalid | SignatureCheck:
    """Check everything; gives who signed when the transaction may be queued."""
    code = _malformed(transaction) or check_inclusion(state, transaction, window)
    if code is not None:
        return _invalid(transaction, code)
    signatures = check_signatures(transaction)
    if transaction.source.address not in signatures.signers:
        return _invalid(transaction, "tx_bad_auth")
    if not can_pay(state, transaction):
        return _invalid(transaction, "tx_insufficient_balance")
    refused = _check_operations(state, transaction, signatures)
    if refused is not None:
        return refused
    if not signatures.all_used:
        return _invalid(transaction, "tx_bad_auth_extra")
    return signatures


def check_inclusion(
    state: LedgerState, transaction: ParsedTransaction, window: Window
) -> str | None:
    """Check what may change while a transaction waits; gives the code of the first fault."""
    if (transaction.min_time and window.earliest < transaction.min_time) or (
        window.ledger < transaction.min_ledger
    ):
        return "tx_too_early"
    if (transaction.max_time and window.latest > transaction.max_time) or (
        transaction.max_ledger and transaction.max_ledger <= window.ledger
    ):
        return "tx_too_late"
    if transaction.fee < fee_charged(transaction):
        return "tx_insufficient_fee"
    account = state.accounts.get(transaction.source.address)
    if account is None:
        return "tx_no_source_account"
    if transaction.sequence != account.sequence + 1:
        return "tx_bad_seq"
    return None


def can_pay(state: LedgerState, transaction: ParsedTransaction) -> bool:
    """Tell whether the source can spend the fee that it bids."""
    account = state.accounts.get(transaction.source.address)
    return account is not None and available_balance(account) >= transaction.fee


def _malformed(transaction: ParsedTransaction) -> str | None:
    if not transaction.operations:
        return "tx_missing_operation"
    if transaction.unsupported is not None:
        return "tx_not_supported"
    if transaction.is_soroban != (transaction.resource_fee is not None) or (
        transaction.is_soroban and len(transaction.operations) != 1
    ):
        return "tx_malformed"
    if (
        transaction.resource_fee is not None
        and not 0 <= transaction.resource_fee <= transaction.fee
    ):
        return "tx_soroban_invalid"
    return None


def _check_operations(
    state: LedgerState, transaction: ParsedTransaction, signatures: SignatureCheck
) -> Invalid | None:
    """Check each operation on its own; the first fault ends it, the others count as successes."""
    for index, operation in enumerate(transaction.operations):
        try:
            address = operation.source.address
            # An own source that does not exist yet may be created by an operation before this one.
            if address not in signatures.signers:
                raise Refused("op_bad_auth")
            if not operation.has_own_source and state.accounts.get(address) is None:
                raise Refused("op_no_source_account")
            check_operation(operation)
        except Refused as refused:
            return _operation_failed(transaction, index, refused.code)
    return None


def _operation_failed(transaction: ParsedTransaction, index: int, code: str) -> Invalid:
    codes = [
        "op_not_supported" if isinstance(operation.body, Unsupported) else "op_success"
        for operation in transaction.operations
    ]
    codes[index] = code
    results = tuple(
        operation_result(kind, each, _EMPTY_SUCCESS.get(kind, b"") if each == "op_success" else b"")
        for kind, each in zip(
            (operation.body.type_i for operation in transaction.operations), codes, strict=True
        )
    )
    result = transaction_result(fee_charged(transaction), "tx_failed", results)
    return Invalid("tx_failed", result, tuple(codes))


def _invalid(transaction: ParsedTransaction, code: str) -> Invalid:
    # Horizon itself answers tx_bad_seq with a canned result whose fee is zero (§8.1).
    fee = 0 if code == "tx_bad_seq" else fee_charged(transaction)
    return Invalid(code, transaction_result(fee, code))
