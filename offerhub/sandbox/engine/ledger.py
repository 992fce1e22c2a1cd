"""One ledger, closed: which transactions it takes, in what order, and the rows that it leaves."""

import base64
import hashlib
from datetime import datetime

from attrs import evolve, frozen

from offerhub.sandbox.engine.apply import Applied, apply_transaction, charge_fee
from offerhub.sandbox.engine.codes import OPERATION_NAMES
from offerhub.sandbox.engine.context import ApplyContext, Network
from offerhub.sandbox.engine.header import header_bytes, header_hash
from offerhub.sandbox.engine.operations import participants
from offerhub.sandbox.engine.parsed import ParsedTransaction
from offerhub.sandbox.engine.records import details
from offerhub.sandbox.engine.rows import LedgerRow, OperationRow, TransactionRow
from offerhub.sandbox.engine.state import LedgerState
from offerhub.sandbox.engine.toid import toid
from offerhub.sandbox.engine.validity import fee_charged


@frozen
class LedgerContent:
    """A ledger's rows before anybody has seen them."""

    ledger: LedgerRow
    transactions: tuple[TransactionRow, ...]
    operations: tuple[OperationRow, ...]


def apply_ledger(
    network: Network,
    state: LedgerState,
    previous: LedgerRow,
    closed_at: datetime,
    included: tuple[ParsedTransaction, ...],
) -> LedgerContent:
    """Charge all fees, then apply the transactions one after the other, in the order given.

    The order is that of submission; the real network shuffles it by hash.
    """
    sequence = previous.sequence + 1
    state.ledger = sequence
    charged = [charge_fee(state, transaction, fee_charged(transaction)) for transaction in included]
    transactions: list[TransactionRow] = []
    operations: list[OperationRow] = []
    for order, (transaction, fee) in enumerate(zip(included, charged, strict=True), start=1):
        context = ApplyContext(network, state, sequence, int(closed_at.timestamp()))
        applied = apply_transaction(context, transaction, fee)
        concerned = [
            participants(operation, effects)
            for operation, effects in zip(transaction.operations, applied.effects, strict=True)
        ]
        everybody = dict.fromkeys(
            [transaction.source.address, *(a for each in concerned for a in each)]
        )
        row = _transaction_row(
            toid(sequence, order), closed_at, transaction, applied, fee, tuple(everybody)
        )
        transactions.append(row)
        operations += _operation_rows(row, transaction, applied, concerned, network)
    ledger = _ledger_row(previous, closed_at, tuple(transactions), sum(charged))
    return LedgerContent(ledger, tuple(transactions), tuple(operations))


def _transaction_row(
    row_id: int,
    closed_at: datetime,
    transaction: ParsedTransaction,
    applied: Applied,
    fee: int,
    everybody: tuple[str, ...],
) -> TransactionRow:
    returned = applied.effects[0].return_value
    return TransactionRow(
        id=row_id,
        hash=transaction.hash_hex,
        ledger=row_id >> 32,
        closed_at=closed_at,
        source=transaction.source.address,
        sequence=transaction.sequence,
        successful=applied.successful,
        fee_charged=fee,
        max_fee=transaction.fee,
        operation_count=len(transaction.operations),
        envelope_xdr=transaction.envelope_xdr,
        result_xdr=base64.b64encode(applied.result).decode(),
        transaction_code=applied.code,
        operation_codes=applied.operation_codes,
        participants=everybody,
        record=transaction.record,
        return_value_xdr=None if returned is None else base64.b64encode(returned).decode(),
    )


def _operation_rows(
    row: TransactionRow,
    transaction: ParsedTransaction,
    applied: Applied,
    concerned: list[tuple[str, ...]],
    network: Network,
) -> list[OperationRow]:
    return [
        OperationRow(
            id=row.id + order,
            type=OPERATION_NAMES[operation.body.type_i],
            type_i=operation.body.type_i,
            source=operation.source.address,
            transaction=row,
            details=details(operation, applied.effects[order - 1], network.usdc),
            participants=concerned[order - 1],
            balance_changes=applied.effects[order - 1].balance_changes,
            sponsor=applied.effects[order - 1].sponsor,
        )
        for order, operation in enumerate(transaction.operations, start=1)
    ]


def _ledger_row(
    previous: LedgerRow, closed_at: datetime, transactions: tuple[TransactionRow, ...], fees: int
) -> LedgerRow:
    digest = hashlib.sha256("".join(row.hash for row in transactions).encode()).hexdigest()
    good = [row for row in transactions if row.successful]
    return sealed(
        LedgerRow(
            sequence=previous.sequence + 1,
            hash="",
            previous_hash=previous.hash,
            transactions_hash=digest,
            closed_at=closed_at,
            successful_count=len(good),
            failed_count=len(transactions) - len(good),
            operation_count=sum(row.operation_count for row in good),
            failed_operation_count=sum(
                row.operation_count for row in transactions if not row.successful
            ),
            total_coins=previous.total_coins,
            fee_pool=previous.fee_pool + fees,
        )
    )


def sealed(ledger: LedgerRow) -> LedgerRow:
    """Give the row with the hash that follows from its header."""
    return evolve(ledger, hash=header_hash(header_bytes(ledger)))
