"""The first ledger: who has what before anybody has done anything."""

from datetime import datetime
from typing import Final

from offerhub.sandbox.engine.entries import AccountEntry
from offerhub.sandbox.engine.ledger import sealed
from offerhub.sandbox.engine.rows import LedgerRow
from offerhub.sandbox.engine.state import LedgerState

GENESIS_LEDGER: Final = 1
_XLM: Final = 10_000_000
_FRIENDBOT_BALANCE: Final = 100_000_000_000 * _XLM
_ISSUER_BALANCE: Final = 1_000_000 * _XLM


def genesis(state: LedgerState, *, closed_at: datetime, friendbot: str, issuer: str) -> LedgerRow:
    """Fund friendbot and the issuer; everybody else is created by transactions."""
    state.ledger = GENESIS_LEDGER
    balances = {friendbot: _FRIENDBOT_BALANCE, issuer: _ISSUER_BALANCE}
    for address, balance in balances.items():
        state.put_account(AccountEntry(address, balance, sequence=GENESIS_LEDGER << 32))
    return sealed(
        LedgerRow(
            sequence=GENESIS_LEDGER,
            hash="",
            previous_hash="0" * 64,
            transactions_hash="0" * 64,
            closed_at=closed_at,
            successful_count=0,
            failed_count=0,
            operation_count=0,
            failed_operation_count=0,
            total_coins=sum(balances.values()),
            fee_pool=0,
        )
    )
