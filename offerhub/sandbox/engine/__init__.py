"""The pure core of the sandbox's Stellar network."""

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
