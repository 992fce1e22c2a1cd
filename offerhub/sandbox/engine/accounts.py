"""Accounts' own operations: create_account, account_merge, bump_sequence."""

import struct

from attrs import evolve

from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.entries import AccountEntry
from offerhub.sandbox.engine.parsed import AccountMerge, BumpSequence, CreateAccount
from offerhub.sandbox.engine.reserves import (
    ACCOUNT_RESERVES,
    BASE_RESERVE,
    credit_native,
    debit_native,
    release_sponsor,
    require_account,
    sponsor_reserves,
)


def starting_sequence(ledger: int) -> int:
    """Give the sequence number of an account that this ledger creates (docs/spec/stellar-horizon.md §5.1)."""
    return ledger << 32


def check_create_account(source: str, operation: CreateAccount) -> None:
    """Refuse a negative balance and an account that creates itself."""
    if operation.starting_balance < 0 or operation.destination == source:
        raise Refused("op_malformed")


def apply_create_account(
    context: ApplyContext, source: str, operation: CreateAccount
) -> OperationEffects:
    """Create an account; one that is being sponsored needs no XLM of its own (docs/spec/stellar-horizon.md §5.4)."""
    state, address = context.state, operation.destination
    if state.accounts.get(address) is not None:
        raise Refused("op_already_exists")
    sponsor = context.sponsors.get(address)
    if sponsor is not None:
        sponsor_reserves(state, sponsor, ACCOUNT_RESERVES)
    elif operation.starting_balance < ACCOUNT_RESERVES * BASE_RESERVE:
        raise Refused("op_low_reserve")
    debit_native(state, source, operation.starting_balance)
    state.put_account(
        AccountEntry(
            address=address,
            balance=operation.starting_balance,
            sequence=starting_sequence(context.ledger),
            num_sponsored=ACCOUNT_RESERVES if sponsor is not None else 0,
            sponsor=sponsor,
        )
    )
    return OperationEffects(sponsor=sponsor)


def check_account_merge(source: str, operation: AccountMerge) -> None:
    """Refuse an account that is merged into itself."""
    if operation.destination.address == source:
        raise Refused("op_malformed")


def apply_account_merge(
    context: ApplyContext, source: str, operation: AccountMerge
) -> OperationEffects:
    """Move all XLM to the destination and remove the account; its sponsor is released."""
    state, destination = context.state, operation.destination.address
    if state.accounts.get(destination) is None:
        raise Refused("op_no_account")
    account = require_account(state, source)
    if account.subentry_count:
        raise Refused("op_has_sub_entries")
    # Else a recreated account could use its old sequence numbers, and old envelopes, again.
    if account.sequence >= starting_sequence(context.ledger):
        raise Refused("op_seq_num_too_far")
    if account.num_sponsoring or source in context.sponsors or source in context.sponsors.values():
        raise Refused("op_is_sponsor")
    credit_native(state, destination, account.balance, "op_dest_full")
    if account.sponsor is not None:
        release_sponsor(state, account.sponsor, ACCOUNT_RESERVES)
    state.accounts.remove(source)
    return OperationEffects(payload=struct.pack(">q", account.balance))


def check_bump_sequence(operation: BumpSequence) -> None:
    """Refuse a negative sequence number."""
    if operation.bump_to < 0:
        raise Refused("op_bad_seq")


def apply_bump_sequence(
    context: ApplyContext, source: str, operation: BumpSequence
) -> OperationEffects:
    """Raise the source's sequence number; a lower one changes nothing and succeeds."""
    account = require_account(context.state, source)
    if operation.bump_to > account.sequence:
        context.state.put_account(evolve(account, sequence=operation.bump_to))
    return OperationEffects()
