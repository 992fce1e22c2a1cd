"""The first ledger: who has what before anybody has done anything."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from attrs import evolve

from offerhub.sandbox.engine.entries import AccountEntry, Asset, TrustlineEntry
from offerhub.sandbox.engine.ledger import sealed
from offerhub.sandbox.engine.parsed import INT64_MAX
from offerhub.sandbox.engine.rows import LedgerRow
from offerhub.sandbox.engine.state import LedgerState

GENESIS_LEDGER: Final = 1
_XLM: Final = 10_000_000
_FRIENDBOT_BALANCE: Final = 100_000_000_000 * _XLM
_ISSUER_BALANCE: Final = 1_000_000 * _XLM
_TRUSTEE_BALANCE: Final = 10_000 * _XLM


def genesis(
    state: LedgerState,
    *,
    closed_at: datetime,
    friendbot: str,
    usdc: Asset,
    trustees: Iterable[str],
) -> LedgerRow:
    """Fund friendbot, the issuer and the accounts that hold USDC from the first ledger on."""
    state.ledger = GENESIS_LEDGER
    total = 0
    balances = {friendbot: _FRIENDBOT_BALANCE, usdc.issuer: _ISSUER_BALANCE}
    balances |= dict.fromkeys(trustees, _TRUSTEE_BALANCE)
    for address, balance in balances.items():
        state.put_account(AccountEntry(address, balance, sequence=GENESIS_LEDGER << 32))
        total += balance
    for address in trustees:
        account = state.accounts.get(address)
        if account is not None:
            state.put_account(evolve(account, subentry_count=1))
        state.put_trustline(TrustlineEntry(address, usdc, balance=0, limit=INT64_MAX))
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
            total_coins=total,
            fee_pool=0,
        )
    )
