"""Reserves: what an account must keep, and who keeps it for whom (docs/spec/stellar-horizon.md §1.2, §5.4)."""

from typing import Final

from attrs import evolve

from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.entries import AccountEntry
from offerhub.sandbox.engine.parsed import INT64_MAX
from offerhub.sandbox.engine.state import LedgerState

BASE_RESERVE: Final = 5_000_000
BASE_FEE: Final = 100
SUBENTRIES_MAX: Final = 1000
ACCOUNT_RESERVES: Final = 2


def minimum_balance(account: AccountEntry) -> int:
    """Give the XLM (stroops) that the account cannot spend."""
    units = (
        ACCOUNT_RESERVES + account.subentry_count + account.num_sponsoring - account.num_sponsored
    )
    return units * BASE_RESERVE


def available_balance(account: AccountEntry) -> int:
    """Give the XLM (stroops) that the account can spend, never below zero."""
    return max(0, account.balance - minimum_balance(account))


def credit_native(state: LedgerState, address: str, amount: int, full_code: str) -> None:
    """Add XLM to an existing account; Refused with `full_code` if it cannot hold that much."""
    account = require_account(state, address)
    if account.balance > INT64_MAX - amount:
        raise Refused(full_code)
    state.put_account(evolve(account, balance=account.balance + amount))


def debit_native(state: LedgerState, address: str, amount: int) -> None:
    """Take XLM from an account; Refused with `op_underfunded` if that would touch its reserve."""
    account = require_account(state, address)
    if available_balance(account) < amount:
        raise Refused("op_underfunded")
    state.put_account(evolve(account, balance=account.balance - amount))


def require_account(state: LedgerState, address: str) -> AccountEntry:
    """Give an account that was checked to exist."""
    account = state.accounts.get(address)
    if account is None:
        raise LookupError(f"account {address} vanished while it was in use")
    return account


def sponsor_reserves(state: LedgerState, sponsor: str, units: int) -> None:
    """Let `sponsor` keep `units` reserves for an entry; Refused with `op_low_reserve` if it cannot."""
    account = state.accounts.get(sponsor)
    if account is None or account.balance - minimum_balance(account) < units * BASE_RESERVE:
        raise Refused("op_low_reserve")
    state.put_account(evolve(account, num_sponsoring=account.num_sponsoring + units))


def release_sponsor(state: LedgerState, sponsor: str, units: int) -> None:
    """Give `sponsor` its reserves back when the entry is gone."""
    account = require_account(state, sponsor)
    state.put_account(evolve(account, num_sponsoring=account.num_sponsoring - units))
