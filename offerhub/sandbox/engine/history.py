"""Closed ledgers, indexed so that a page costs what it shows, however long the chain is."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from offerhub.sandbox.engine.rows import LedgerRow, OperationRow, TransactionRow
from offerhub.sandbox.engine.toid import toid


class _Row(Protocol):
    @property
    def id(self) -> int: ...


_R = TypeVar("_R", bound=_Row)


class Index(Generic[_R]):
    """Rows in the order of their ids, which only grow."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._rows: list[_R] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, place: int) -> _R:
        return self._rows[place]

    def append(self, row: _R) -> None:
        if self._ids and row.id <= self._ids[-1]:
            raise ValueError(f"row {row.id} does not come after {self._ids[-1]}")
        self._ids.append(row.id)
        self._rows.append(row)

    def get(self, row_id: int) -> _R | None:
        place = bisect_left(self._ids, row_id)
        return self._rows[place] if place < len(self._ids) and self._ids[place] == row_id else None

    def ascending(self, after: int, until: int) -> Iterator[_R]:
        """Walk the rows with after < id <= until, oldest first."""
        for place in range(bisect_right(self._ids, after), bisect_right(self._ids, until)):
            yield self._rows[place]

    def descending(self, after: int, before: int) -> Iterator[_R]:
        """Walk the rows with after < id < before, newest first."""
        for place in range(
            bisect_left(self._ids, before) - 1, bisect_right(self._ids, after) - 1, -1
        ):
            yield self._rows[place]


class History:
    """Everything that closed ledgers hold, global and by account."""

    def __init__(self) -> None:
        self.ledgers: Index[LedgerRow] = Index()
        self._by_hash: dict[str, TransactionRow] = {}
        self.nothing: Index[OperationRow] = Index()
        """The history of somebody who has none; never appended to."""
        self.transactions: Index[TransactionRow] = Index()
        self.operations: Index[OperationRow] = Index()
        self.payments: Index[OperationRow] = Index()
        self._account_transactions: defaultdict[str, Index[TransactionRow]] = defaultdict(Index)
        self._account_operations: defaultdict[str, Index[OperationRow]] = defaultdict(Index)
        self._account_payments: defaultdict[str, Index[OperationRow]] = defaultdict(Index)

    def append(
        self,
        ledger: LedgerRow,
        transactions: tuple[TransactionRow, ...],
        operations: tuple[OperationRow, ...],
    ) -> None:
        """Add one closed ledger, the one after the last."""
        if self.has_ledgers and ledger.sequence != self.latest.sequence + 1:
            raise ValueError(f"ledger {ledger.sequence} does not follow the last one")
        self.ledgers.append(ledger)
        for transaction in transactions:
            self._by_hash[transaction.hash] = transaction
            self.transactions.append(transaction)
            for address in transaction.participants:
                self._account_transactions[address].append(transaction)
        for operation in operations:
            self.operations.append(operation)
            for address in operation.participants:
                self._account_operations[address].append(operation)
            if operation.is_payment:
                self.payments.append(operation)
                for address in operation.participants:
                    self._account_payments[address].append(operation)

    @property
    def has_ledgers(self) -> bool:
        return len(self.ledgers) > 0

    @property
    def first_ledger(self) -> int:
        return self.ledgers[0].sequence

    @property
    def latest(self) -> LedgerRow:
        return self.ledgers[-1]

    def ledger(self, sequence: int) -> LedgerRow | None:
        return self.ledgers.get(toid(sequence))

    def transaction(self, transaction_hash: str) -> TransactionRow | None:
        return self._by_hash.get(transaction_hash)

    def operations_of(self, transaction: TransactionRow) -> tuple[OperationRow, ...]:
        """Give the operations of one transaction in order."""
        first = transaction.id
        return tuple(self.operations.ascending(first, first + 0xFFF))

    def account_transactions(self, address: str) -> Index[TransactionRow] | None:
        return self._account_transactions.get(address)

    def account_operations(self, address: str) -> Index[OperationRow] | None:
        return self._account_operations.get(address)

    def account_payments(self, address: str) -> Index[OperationRow] | None:
        return self._account_payments.get(address)
