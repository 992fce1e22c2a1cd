"""The pure core of the sandbox's Stellar network.

Where it is simpler than the network; the sections are those of Horizon's specification:

- Ledgers may close faster than once a second. A close time is kept to the microsecond and strictly
  increases; records and headers show whole seconds, which may repeat. Time bounds are compared with the
  second that is shown, so the proof of death by a closed ledger (docs/spec/stellar-horizon.md §5.3) holds.
- Transactions of a ledger apply in the order of their submission, not in a shuffled one. A ledger holds
  1 000 operations; there is no surge pricing: inclusion costs 100 stroops an operation, always.
- A contract call costs its whole resource fee; nothing is refunded, no footprint or resource is checked.
  Contracts are Python (`contracts.ContractRuntime`); authorisation means a source-account entry for the
  very call that is made, its sub-invocations are not looked at.
- An account has its master key as its only signer, weight 1, and thresholds of 0. Trustlines are always
  authorised; an issuer has no flags.
- Fee bumps and version 0 envelopes are malformed; preconditions on sequence numbers or extra signers are
  `tx_not_supported`; operations that are not in `codes.OPERATION_NAMES` are `op_not_supported`.
- There is no order book: a path payment delivers the asset that it sends, or finds no offers.
- Results carry no meta, and a contract call's success hash is that of its return value alone.
"""

from offerhub.sandbox.engine.answers import (
    Final,
    Malformed,
    Rejected,
    Submission,
    Submitted,
    TryAgainLater,
)
from offerhub.sandbox.engine.contracts import ContractRuntime, ContractTrap, Host
from offerhub.sandbox.engine.engine import Engine
from offerhub.sandbox.engine.entries import AccountEntry, Asset, TrustlineEntry
from offerhub.sandbox.engine.rows import (
    BalanceChange,
    ClosedLedger,
    LedgerRow,
    OperationRow,
    TransactionRow,
)
from offerhub.sandbox.engine.shell import EngineShell

__all__ = [
    "AccountEntry",
    "Asset",
    "BalanceChange",
    "ClosedLedger",
    "ContractRuntime",
    "ContractTrap",
    "Engine",
    "EngineShell",
    "Final",
    "Host",
    "LedgerRow",
    "Malformed",
    "OperationRow",
    "Rejected",
    "Submission",
    "Submitted",
    "TransactionRow",
    "TrustlineEntry",
    "TryAgainLater",
]
