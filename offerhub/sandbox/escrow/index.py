"""The API's read model of contracts, which may lag behind the chain (docs/spec/trustless-work.md §4).

A contract comes in when its transaction passed through the API or was named to it afterwards; until
then the API does not know it, whatever the chain says.
"""

import sqlite3
from datetime import datetime
from pathlib import Path

from attrs import frozen

from offerhub.sandbox.escrow.encoding import escrow_from_bytes
from offerhub.sandbox.escrow.record import Escrow

_SCHEMA = """
CREATE TABLE IF NOT EXISTS escrow_index (
    contract_id TEXT PRIMARY KEY,
    signer TEXT NOT NULL,
    record BLOB NOT NULL,
    balance INTEGER NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
)
"""

_UPSERT = """
INSERT INTO escrow_index (contract_id, signer, record, balance, created_at, updated_at)
VALUES (:contract_id, :signer, :record, :balance, :now, :now)
ON CONFLICT (contract_id) DO UPDATE SET
    signer = CASE WHEN excluded.signer = '' THEN signer ELSE excluded.signer END,
    record = excluded.record, balance = excluded.balance, updated_at = excluded.updated_at
"""

_COLUMNS = "contract_id, signer, record, balance, created_at, updated_at"


@frozen
class IndexedEscrow:
    """One contract as the API last saw it; times are unix seconds, the balance is in stroops."""

    contract_id: str
    signer: str
    escrow: Escrow
    balance_stroops: int
    created_at: float
    updated_at: float


class EscrowIndex:
    """One table in the sandbox's SQLite file, or in memory."""

    def __init__(self, path: Path | None) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None
        )
        # As the chain's own connection to the file: killing the process loses nothing.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(
        self, contract_id: str, *, signer: str | None, record: bytes, balance: int, now: datetime
    ) -> None:
        """Remember a contract's present state; `signer` is given for a deployment only."""
        self._connection.execute(
            _UPSERT,
            {
                "contract_id": contract_id,
                "signer": signer or "",
                "record": record,
                "balance": balance,
                "now": now.timestamp(),
            },
        )

    def get(self, contract_id: str) -> IndexedEscrow | None:
        """Give a contract as last seen, None if it was never heard of."""
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM escrow_index WHERE contract_id = ?",  # noqa: S608 - constant
            (contract_id,),
        ).fetchone()
        return None if row is None else _indexed(row)

    def by_signer(self, signer: str) -> tuple[IndexedEscrow, ...]:
        """Give the contracts that an account deployed, newest first."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM escrow_index WHERE signer = ?"  # noqa: S608 - constant
            " ORDER BY created_at DESC, rowid DESC",
            (signer,),
        ).fetchall()
        return tuple(_indexed(row) for row in rows)


def _indexed(row: tuple[str, str, bytes, int, float, float]) -> IndexedEscrow:
    contract_id, signer, record, balance, created_at, updated_at = row
    return IndexedEscrow(
        contract_id, signer, escrow_from_bytes(record), balance, created_at, updated_at
    )
