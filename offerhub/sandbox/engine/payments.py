"""Moving assets: payment and path payment.

The order of the checks is the network's (docs/spec/stellar-horizon.md §5.2): the destination is credited first,
the source debited after it.
"""

import struct

from attrs import evolve

from offerhub.sandbox.engine.codes import Refused
from offerhub.sandbox.engine.context import ApplyContext, OperationEffects
from offerhub.sandbox.engine.entries import Asset
from offerhub.sandbox.engine.parsed import PathPayment, Payment
from offerhub.sandbox.engine.reserves import credit_native, debit_native
from offerhub.sandbox.engine.state import LedgerState
from offerhub.sandbox.engine.xdr_bytes import account_bytes, asset_bytes


def check_payment(operation: Payment) -> None:
    """Refuse an amount that is not positive and an asset code that is none."""
    if operation.amount <= 0 or not valid_asset(operation.asset):
        raise Refused("op_malformed")


def apply_payment(context: ApplyContext, source: str, operation: Payment) -> OperationEffects:
    """Move an asset; XLM paid to oneself succeeds outright, without a look at the balance."""
    destination = operation.destination.address
    if operation.asset is None and destination == source:
        return OperationEffects()
    move(context.state, source, destination, operation.asset, operation.amount)
    return OperationEffects()


def check_path_payment(operation: PathPayment) -> None:
    """Refuse amounts that are not positive and asset codes that are none."""
    assets = (operation.source_asset, operation.destination_asset, *operation.path)
    if operation.amount <= 0 or operation.bound <= 0 or not all(map(valid_asset, assets)):
        raise Refused("op_malformed")


def apply_path_payment(
    context: ApplyContext, source: str, operation: PathPayment
) -> OperationEffects:
    """Deliver one asset unchanged; a conversion finds no offers, as there is no order book here."""
    destination = operation.destination.address
    if context.state.accounts.get(destination) is None:
        raise Refused("op_no_destination")
    assets = {operation.source_asset, operation.destination_asset, *operation.path}
    if len(assets) != 1:
        raise Refused("op_too_few_offers")
    if operation.type_i == 2 and operation.amount > operation.bound:
        raise Refused("op_over_source_max")
    if operation.type_i == 13 and operation.amount < operation.bound:
        raise Refused("op_under_dest_min")
    move(context.state, source, destination, operation.destination_asset, operation.amount)
    no_offers = struct.pack(">I", 0)
    last = account_bytes(destination) + asset_bytes(operation.destination_asset)
    return OperationEffects(
        payload=no_offers + last + struct.pack(">q", operation.amount),
        source_amount=operation.amount,
    )


def valid_asset(asset: Asset | None) -> bool:
    """Tell whether a code is 1 to 12 ASCII letters and digits (core's isAssetValid)."""
    return asset is None or (asset.code.isascii() and asset.code.isalnum())


def move(
    state: LedgerState, source: str, destination: str, asset: Asset | None, amount: int
) -> None:
    """Credit the destination, then debit the source; after Refused the caller undoes the operation."""
    if state.accounts.get(destination) is None:
        raise Refused("op_no_destination")
    if asset is None:
        credit_native(state, destination, amount, "op_line_full")
        debit_native(state, source, amount)
    else:
        _credit(state, destination, asset, amount)
        _debit(state, source, asset, amount)


def _credit(state: LedgerState, address: str, asset: Asset, amount: int) -> None:
    if address == asset.issuer:
        return  # what comes back to its issuer is burnt
    line = state.trustline(address, asset)
    if line is None:
        raise Refused("op_no_trust")
    if line.balance > line.limit - amount:
        raise Refused("op_line_full")
    state.put_trustline(evolve(line, balance=line.balance + amount))


def _debit(state: LedgerState, address: str, asset: Asset, amount: int) -> None:
    if address == asset.issuer:
        return  # an issuer pays by minting
    line = state.trustline(address, asset)
    if line is None:
        raise Refused("op_src_no_trust")
    if line.balance < amount:
        raise Refused("op_underfunded")
    state.put_trustline(evolve(line, balance=line.balance - amount))
