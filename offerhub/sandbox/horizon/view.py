"""What this Horizon has ingested and still keeps, which may be less than the network has closed."""

from attrs import define

from offerhub.sandbox.engine.engine import Engine
from offerhub.sandbox.engine.entries import AccountEntry, TrustlineEntry
from offerhub.sandbox.engine.rows import LedgerRow, TransactionRow
from offerhub.sandbox.engine.toid import after_ledger, toid


@define
class HorizonKnobs:
    """What a test or an operator may turn while the face runs.

    `ingestion_lag_ledgers`: how far history stays behind the network. `retention_ledgers`: how many
    ledgers are kept (None: all). Times in seconds, those of a real server (docs/spec/stellar-horizon.md §2.5, §3.3).
    """

    ingestion_lag_ledgers: int = 0
    retention_ledgers: int | None = None
    submit_timeout_s: float = 30
    stream_s: float = 55


class View:
    """The engine's history and state through the knobs."""

    def __init__(self, engine: Engine, knobs: HorizonKnobs) -> None:
        self.engine = engine
        self.history = engine.history
        self._knobs = knobs

    @property
    def latest(self) -> LedgerRow:
        """The last ingested ledger; genesis is always there."""
        history = self.history
        lag = self._knobs.ingestion_lag_ledgers
        sequence = max(history.latest.sequence - lag, history.first_ledger)
        return history.ledger(sequence) or history.latest

    @property
    def elder(self) -> int:
        """The oldest ledger that is kept."""
        first, kept = self.history.first_ledger, self._knobs.retention_ledgers
        return first if kept is None else max(first, self.latest.sequence - kept + 1)

    @property
    def lowest(self) -> int:
        """The TOID that everything kept comes after."""
        return toid(self.elder) - 1

    @property
    def highest(self) -> int:
        """The last TOID that is visible."""
        return after_ledger(self.latest.sequence)

    def shows(self, row_id: int) -> bool:
        return self.lowest < row_id <= self.highest

    def account(self, address: str) -> AccountEntry | None:
        return self.engine.account_at(address, self.latest.sequence)

    def sponsored(self, sponsor: str) -> list[AccountEntry]:
        """Accounts that another sponsors, or a trustline of theirs, in the order of their ids."""
        found = (self.account(address) for address in self.engine.addresses())
        return [
            entry
            for entry in found
            if entry is not None
            and (
                entry.sponsor == sponsor
                or any(line.sponsor == sponsor for line in self.trustlines(entry.address))
            )
        ]

    def trustlines(self, address: str) -> tuple[TrustlineEntry, ...]:
        return self.engine.trustlines_at(address, self.latest.sequence)

    def transaction(self, transaction_hash: str) -> TransactionRow | None:
        row = self.history.transaction(transaction_hash)
        return row if row is not None and self.shows(row.id) else None
