"""Applying one transaction that a ledger includes: all of its operations, or none.

Its fee was charged before (a ledger charges everybody first); its sequence number is spent here,
whatever its operations do.
"""

from attrs import evolve, frozen

from offerhub.sandbox.engine.codes import Refused, operation_result, transaction_result
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.operations import apply_operation
from offerhub.sandbox.engine.parsed import ParsedOperation, ParsedTransaction
from offerhub.sandbox.engine.reserves import require_account
from offerhub.sandbox.engine.state import LedgerState


@frozen
class Applied:
    """The outcome; `effects` has one element an operation, empty ones when the transaction failed."""

    code: str
    result: bytes
    operation_codes: tuple[str, ...] | None
    effects: tuple[OperationEffects, ...]

    @property
    def successful(self) -> bool:
        return self.code == "tx_success"


def charge_fee(state: LedgerState, transaction: ParsedTransaction, fee: int) -> int:
    """Take the fee from the source, at most what it has; give what was taken."""
    account = require_account(state, transaction.source.address)
    charged = min(account.balance, fee)
    state.put_account(evolve(account, balance=account.balance - charged))
    return charged


def apply_transaction(
    context: ApplyContext, transaction: ParsedTransaction, fee_charged: int
) -> Applied:
    """Apply all operations; any failure undoes them all but not the fee and the sequence number."""
    nothing = tuple(OperationEffects() for _ in transaction.operations)
    fault = _spend_sequence(context, transaction)
    if fault is not None:
        return Applied(fault, transaction_result(fee_charged, fault), None, nothing)
    mark = context.state.mark()
    # Every operation is tried, also after one failed: the result names the fault of each.
    outcomes = [_try(context, operation) for operation in transaction.operations]
    codes = tuple(code for code, _ in outcomes)
    effects = tuple(each for _, each in outcomes)
    if any(code != "op_success" for code in codes):
        context.state.undo_to(mark)
        results = _results(transaction, codes, effects)
        return Applied(
            "tx_failed", transaction_result(fee_charged, "tx_failed", results), codes, nothing
        )
    if context.sponsors:
        context.state.undo_to(mark)
        code = "tx_bad_sponsorship"
        return Applied(code, transaction_result(fee_charged, code), None, nothing)
    results = _results(transaction, codes, effects)
    return Applied(
        "tx_success", transaction_result(fee_charged, "tx_success", results), codes, effects
    )


def _spend_sequence(context: ApplyContext, transaction: ParsedTransaction) -> str | None:
    """Spend the sequence number; gives a code if a transaction before this one made that impossible."""
    account = context.state.accounts.get(transaction.source.address)
    if account is None:
        return "tx_no_source_account"
    if transaction.sequence != account.sequence + 1:
        return "tx_bad_seq"
    context.state.put_account(
        evolve(
            account,
            sequence=transaction.sequence,
            sequence_ledger=context.ledger,
            sequence_time=context.ledger_time,
        )
    )
    return None


def _try(context: ApplyContext, operation: ParsedOperation) -> tuple[str, OperationEffects]:
    mark = context.state.mark()
    try:
        return "op_success", apply_operation(context, operation)
    except Refused as refused:
        context.state.undo_to(mark)
        return refused.code, OperationEffects()


def _results(
    transaction: ParsedTransaction, codes: tuple[str, ...], effects: tuple[OperationEffects, ...]
) -> tuple[bytes, ...]:
    return tuple(
        operation_result(operation.body.type_i, code, each.payload)
        for operation, code, each in zip(transaction.operations, codes, effects, strict=True)
    )
