"""The sandbox's chain in one SQLite file: what a ledger closed is there after a kill.

One transaction a ledger, WAL, `synchronous=NORMAL`: a killed process loses nothing that was committed,
a power cut may lose the last ledgers but never corrupts the file. A transaction that only waited for a
ledger is lost with the process, as a real node may drop it.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from attrs import frozen

from offerhub.sandbox.engine.entries import AccountEntry, TrustlineEntry
from offerhub.sandbox.engine.rows import BalanceChange, LedgerRow, OperationRow, TransactionRow

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledgers (sequence INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS operations (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (address TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS trustlines (address TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS contracts (
    place INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS contract_balances (id TEXT PRIMARY KEY, balance INTEGER NOT NULL);
"""

_UPSERT_ENTRY: Final = (
    "INSERT INTO {table} (address, data) VALUES (?, ?)"
    " ON CONFLICT (address) DO UPDATE SET data = excluded.data"
)
_UPSERT_CONTRACT: Final = (
    "INSERT INTO contracts (id, data) VALUES (?, ?)"
    " ON CONFLICT (id) DO UPDATE SET data = excluded.data"
)
_UPSERT_BALANCE: Final = (
    "INSERT INTO contract_balances (id, balance) VALUES (?, ?)"
    " ON CONFLICT (id) DO UPDATE SET balance = excluded.balance"
)


class OtherNetwork(Exception):
    """The file holds the chain of a network with another passphrase, issuer or friendbot."""


@frozen
class Entries:
    """Current values of changed entries; None: the entry is gone."""

    accounts: Mapping[str, AccountEntry | None]
    trustlines: Mapping[str, tuple[TrustlineEntry, ...] | None]
    contracts: Mapping[str, bytes]
    contract_balances: Mapping[str, int]


@frozen
class StoredLedger:
    """One closed ledger with everything in it."""

    ledger: LedgerRow
    transactions: tuple[TransactionRow, ...]
    operations: tuple[OperationRow, ...]


@frozen
class _StoredOperation:
    """An operation as stored: without the transaction, whose id follows from its own."""

    type: str
    type_i: int
    source: str
    details: dict[str, object]
    participants: tuple[str, ...]
    balance_changes: tuple[BalanceChange, ...]
    sponsor: str | None


class ChainStore:
    """Reads and writes the file; every call blocks for well under a millisecond a ledger."""

    def __init__(self, path: Path | None, identity: Mapping[str, str]) -> None:
        """Open or create the file (None: in memory); raises OtherNetwork if `identity` differs."""
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        stored = dict(self._connection.execute("SELECT name, value FROM identity"))
        if stored and stored != dict(identity):
            self.close()
            raise OtherNetwork(f"the chain file is of another network: {stored['passphrase']!r}")
        if not stored:
            self._connection.executemany("INSERT INTO identity VALUES (?, ?)", identity.items())

    def close(self) -> None:
        self._connection.close()

    def write(self, stored: StoredLedger, entries: Entries) -> None:
        """Write one closed ledger and the entries that it changed: all of it or nothing."""
        connection, encode = self._connection, msgspec.json.encode
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "INSERT INTO ledgers VALUES (?, ?)",
                (stored.ledger.sequence, encode(stored.ledger)),
            )
            connection.executemany(
                "INSERT INTO transactions VALUES (?, ?)",
                [(row.id, encode(row)) for row in stored.transactions],
            )
            connection.executemany(
                "INSERT INTO operations VALUES (?, ?)",
                [(row.id, encode(_without_transaction(row))) for row in stored.operations],
            )
            self._write_entries("accounts", entries.accounts)
            self._write_entries("trustlines", entries.trustlines)
            connection.executemany(_UPSERT_CONTRACT, list(entries.contracts.items()))
            connection.executemany(_UPSERT_BALANCE, list(entries.contract_balances.items()))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _write_entries(self, table: str, entries: Mapping[str, object | None]) -> None:
        kept = [
            (key, msgspec.json.encode(value)) for key, value in entries.items() if value is not None
        ]
        gone = [(key,) for key, value in entries.items() if value is None]
        self._connection.executemany(_UPSERT_ENTRY.format(table=table), kept)
        if gone:
            self._connection.executemany(f"DELETE FROM {table} WHERE address = ?", gone)  # noqa: S608

    def ledgers(self) -> Iterator[StoredLedger]:
        """Give all closed ledgers, oldest first; none for a new file."""
        operations = self._operations_by_transaction()
        transactions: dict[int, list[TransactionRow]] = {}
        decode = msgspec.json.Decoder(TransactionRow).decode
        for _, data in self._connection.execute("SELECT id, data FROM transactions ORDER BY id"):
            row = decode(data)
            transactions.setdefault(row.ledger, []).append(row)
        decode_ledger = msgspec.json.Decoder(LedgerRow).decode
        for (data,) in self._connection.execute("SELECT data FROM ledgers ORDER BY sequence"):
            ledger = decode_ledger(data)
            inside = tuple(transactions.get(ledger.sequence, ()))
            yield StoredLedger(
                ledger,
                inside,
                tuple(
                    _with_transaction(row_id, stored, transaction)
                    for transaction in inside
                    for row_id, stored in operations.get(transaction.id, ())
                ),
            )

    def _operations_by_transaction(self) -> dict[int, list[tuple[int, _StoredOperation]]]:
        operations: dict[int, list[tuple[int, _StoredOperation]]] = {}
        decode = msgspec.json.Decoder(_StoredOperation).decode
        for row_id, data in self._connection.execute("SELECT id, data FROM operations ORDER BY id"):
            operations.setdefault(row_id & ~0xFFF, []).append((row_id, decode(data)))
        return operations

    def entries(self) -> Entries:
        """Give all current entries."""
        rows = self._connection.execute
        account = msgspec.json.Decoder(AccountEntry).decode
        lines = msgspec.json.Decoder(tuple[TrustlineEntry, ...]).decode
        return Entries(
            accounts={key: account(data) for key, data in rows("SELECT * FROM accounts")},
            trustlines={key: lines(data) for key, data in rows("SELECT * FROM trustlines")},
            contracts=dict(rows("SELECT id, data FROM contracts ORDER BY place")),
            contract_balances=dict(rows("SELECT id, balance FROM contract_balances")),
        )


def _without_transaction(row: OperationRow) -> _StoredOperation:
    return _StoredOperation(
        row.type,
        row.type_i,
        row.source,
        row.details,
        row.participants,
        row.balance_changes,
        row.sponsor,
    )


def _with_transaction(
    row_id: int, stored: _StoredOperation, transaction: TransactionRow
) -> OperationRow:
    return OperationRow(
        id=row_id,
        type=stored.type,
        type_i=stored.type_i,
        source=stored.source,
        transaction=transaction,
        details=stored.details,
        participants=stored.participants,
        balance_changes=stored.balance_changes,
        sponsor=stored.sponsor,
    )
