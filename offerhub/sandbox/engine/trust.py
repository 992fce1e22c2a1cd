"""change_trust: an account's consent to hold an asset."""

from attrs import evolve

from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.entries import Asset, TrustlineEntry
from offerhub.sandbox.engine.parsed import ChangeTrust
from offerhub.sandbox.engine.payments import valid_asset
from offerhub.sandbox.engine.reserves import (
    BASE_RESERVE,
    SUBENTRIES_MAX,
    minimum_balance,
    release_sponsor,
    require_account,
    sponsor_reserves,
)
from offerhub.sandbox.engine.state import LedgerState


def check_change_trust(source: str, operation: ChangeTrust) -> None:
    """Refuse a negative limit, and trust in XLM or in oneself."""
    asset = operation.asset
    # An issuer that trusts itself is malformed since protocol 16.
    if operation.limit < 0 or asset is None or not valid_asset(asset) or asset.issuer == source:
        raise Refused("op_malformed")


def apply_change_trust(
    context: ApplyContext, source: str, operation: ChangeTrust
) -> OperationEffects:
    """Open, change or (limit 0) close a trustline; its reserve is the sponsor's if there is one."""
    state, asset, limit = context.state, operation.asset, operation.limit
    if asset is None:
        raise Refused("op_malformed")
    line = state.trustline(source, asset)
    if line is None:
        return _open(context, source, asset, limit)
    if limit < line.balance:
        raise Refused("op_invalid_limit")
    if limit == 0:
        _close(state, line)
    elif state.accounts.get(asset.issuer) is None:
        raise Refused("op_no_issuer")
    else:
        state.put_trustline(evolve(line, limit=limit))
    return OperationEffects(sponsor=line.sponsor)


def _open(context: ApplyContext, address: str, asset: Asset, limit: int) -> OperationEffects:
    state = context.state
    if limit == 0:
        raise Refused("op_invalid_limit")
    if state.accounts.get(asset.issuer) is None:
        raise Refused("op_no_issuer")
    account = require_account(state, address)
    if account.subentry_count >= SUBENTRIES_MAX:
        raise Refused("op_too_many_subentries")
    sponsor = context.sponsors.get(address)
    if sponsor is not None:
        sponsor_reserves(state, sponsor, 1)
        account = require_account(state, address)
        account = evolve(account, num_sponsored=account.num_sponsored + 1)
    elif account.balance - minimum_balance(account) < BASE_RESERVE:
        raise Refused("op_low_reserve")
    state.put_account(evolve(account, subentry_count=account.subentry_count + 1))
    state.put_trustline(TrustlineEntry(address, asset, balance=0, limit=limit, sponsor=sponsor))
    return OperationEffects(sponsor=sponsor)


def _close(state: LedgerState, line: TrustlineEntry) -> None:
    if line.sponsor is not None:
        release_sponsor(state, line.sponsor, 1)
    account = require_account(state, line.address)
    state.put_account(
        evolve(
            account,
            subentry_count=account.subentry_count - 1,
            num_sponsored=account.num_sponsored - (line.sponsor is not None),
        )
    )
    state.remove_trustline(line.address, line.asset)
