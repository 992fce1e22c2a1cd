"""The network in one object: a queue of envelopes and the ledgers that they end in.

No clock, no randomness, no task: times are arguments, and the same calls give the same chain.
"""

from datetime import datetime
from pathlib import Path

from stellar_sdk import xdr

from offerhub.sandbox.engine.answers import Submission
from offerhub.sandbox.engine.contracts import ContractRuntime
from offerhub.sandbox.engine.entries import AccountEntry, TrustlineEntry
from offerhub.sandbox.engine.rows import ClosedLedger, LedgerRow, TransactionRow


class Engine:
    """Accounts, trustlines, contracts, a transaction queue and closed ledgers."""

    passphrase: str
    network_id: bytes
    usdc_contract: str
    """Id of USDC's asset contract, computed from asset and passphrase."""

    def __init__(
        self,
        *,
        passphrase: str,
        friendbot: str,
        issuer: str,
        runtime: ContractRuntime,
        genesis_time: datetime,
        ledger_seconds: float = 5.0,
        path: Path | None = None,
    ) -> None:
        """Load the chain from `path`, or begin it with genesis (`path` None: in memory only).

        `friendbot` and `issuer` are addresses; genesis gives friendbot 10 billion XLM and the issuer
        1 million. `genesis_time` is used only when there is nothing to load.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; closed ledgers are in it already."""
        raise NotImplementedError

    def account(self, address: str) -> AccountEntry | None:
        """Give an account of the latest closed ledger, None if it is not funded."""
        raise NotImplementedError

    def trustlines(self, address: str) -> tuple[TrustlineEntry, ...]:
        """Give an account's trustlines, oldest first."""
        raise NotImplementedError

    def usdc_balance(self, address: str) -> int | None:
        """Give a USDC balance in stroops: of a trustline (None: there is none), or of a contract (0)."""
        raise NotImplementedError

    def contract_data(self, contract_id: str) -> bytes | None:
        """Give what a contract stored in the latest closed ledger, None if it does not exist."""
        raise NotImplementedError

    def contract_ids(self) -> tuple[str, ...]:
        """Give the ids of all contracts, oldest first."""
        raise NotImplementedError

    def submit(self, envelope_xdr: str, now: datetime) -> Submission:
        """Check an envelope as a node does and queue it for the next ledger (stellar-horizon.md §5.2)."""
        raise NotImplementedError

    def close_ledger(self, now: datetime) -> ClosedLedger:
        """Apply the queue, at most one transaction per source account, and write one SQLite transaction."""
        raise NotImplementedError

    def transaction(self, transaction_hash: str) -> TransactionRow | None:
        """Give a transaction of a closed ledger by its hash (64 lower-case hex digits)."""
        raise NotImplementedError

    def latest_ledger(self) -> LedgerRow:
        """Give the last closed ledger."""
        raise NotImplementedError

    def dry_run(self, call: xdr.InvokeContractArgs, source: str) -> xdr.SCVal:
        """Execute a contract call against the latest ledger, change nothing, give what it returned.

        Raises ContractTrap. Authorisation is recorded, not checked, as in a real simulation.
        """
        raise NotImplementedError
