"""The part of Horizon's operation record that depends on the type (docs/spec/stellar-horizon.md §4.1)."""

from typing import assert_never

from stellar_sdk import xdr

from offerhub.sandbox.engine.context import OperationEffects
from offerhub.sandbox.engine.entries import Asset
from offerhub.sandbox.engine.envelope import muxed_fields
from offerhub.sandbox.engine.parsed import (
    AccountMerge,
    BeginSponsoring,
    BumpSequence,
    ChangeTrust,
    CreateAccount,
    EndSponsoring,
    InvokeContract,
    ParsedOperation,
    Party,
    PathPayment,
    Payment,
    Unsupported,
)
from offerhub.sandbox.engine.rows import BalanceChange

Fields = dict[str, object]


def decimal(stroops: int) -> str:
    """Write an amount as Horizon does: always seven places."""
    whole, rest = divmod(abs(stroops), 10_000_000)
    return f"{'-' if stroops < 0 else ''}{whole}.{rest:07d}"


def asset_fields(asset: Asset | None, prefix: str = "") -> Fields:
    """Give `asset_type` and, for a credit asset, its code and issuer."""
    if asset is None:
        return {f"{prefix}asset_type": "native"}
    return {
        f"{prefix}asset_type": asset.type,
        f"{prefix}asset_code": asset.code,
        f"{prefix}asset_issuer": asset.issuer,
    }


def details(operation: ParsedOperation, effects: OperationEffects, usdc: Asset) -> Fields:
    """Give the record's fields beyond those that all records have."""
    own = muxed_fields("source_account", operation.source)
    return own | _of_type(operation, effects, usdc)


def _of_type(operation: ParsedOperation, effects: OperationEffects, usdc: Asset) -> Fields:
    source, body = operation.source, operation.body
    match body:
        case CreateAccount():
            return {
                "starting_balance": decimal(body.starting_balance),
                **_party("funder", source),
                "account": body.destination,
            }
        case Payment():
            return {
                **asset_fields(body.asset),
                **_party("from", source),
                **_party("to", body.destination),
                "amount": decimal(body.amount),
            }
        case PathPayment():
            return _path_payment(source, body, effects)
        case ChangeTrust():
            issuer = {} if body.asset is None else {"trustee": body.asset.issuer}
            return {
                **asset_fields(body.asset),
                "limit": decimal(body.limit),
                **issuer,
                **_party("trustor", source),
            }
        case AccountMerge():
            return {**_party("account", source), **_party("into", body.destination)}
        case BumpSequence():
            return {"bump_to": str(body.bump_to)}
        case BeginSponsoring():
            return {"sponsored_id": body.sponsored}
        case EndSponsoring():
            return {} if effects.sponsor is None else {"begin_sponsor": effects.sponsor}
        case InvokeContract():
            return _invoke(body, effects, usdc)
        case Unsupported():
            return {}
        case _:
            assert_never(body)


def _path_payment(source: Party, body: PathPayment, effects: OperationEffects) -> Fields:
    failed = effects.source_amount is None
    strict_send = body.type_i == 13
    sent = decimal(body.amount if strict_send else effects.source_amount or 0)
    return {
        **asset_fields(body.destination_asset),
        **_party("from", source),
        **_party("to", body.destination),
        "amount": decimal(0 if strict_send and failed else body.amount),
        "path": [asset_fields(asset) for asset in body.path],
        "source_amount": sent,
        ("destination_min" if strict_send else "source_max"): decimal(body.bound),
        **asset_fields(body.source_asset, "source_"),
    }


def _invoke(body: InvokeContract, effects: OperationEffects, usdc: Asset) -> Fields:
    contract = xdr.SCVal(xdr.SCValType.SCV_ADDRESS, address=body.call.contract_address)
    function = xdr.SCVal(xdr.SCValType.SCV_SYMBOL, sym=body.call.function_name)
    changes = [_balance_change(change, usdc) for change in effects.balance_changes]
    return {
        "function": "HostFunctionTypeHostFunctionTypeInvokeContract",
        "parameters": [
            {"type": _ARMS.get(value.type, "n/a"), "value": value.to_xdr()}
            for value in (contract, function, *body.call.args)
        ],
        "address": "",
        "salt": "",
        "asset_balance_changes": changes or None,
    }


def _balance_change(change: BalanceChange, usdc: Asset) -> Fields:
    fields = {**asset_fields(usdc), "type": change.type}
    if change.source is not None:
        fields["from"] = change.source
    if change.destination is not None:
        fields["to"] = change.destination
    return fields | {"amount": decimal(change.amount)}


def _party(name: str, party: Party) -> Fields:
    return {name: party.address, **muxed_fields(name, party)}


# Horizon names a parameter's type by the arm of the SCVal union in Go.
_ARMS = {
    xdr.SCValType.SCV_BOOL: "B",
    xdr.SCValType.SCV_VOID: "Void",
    xdr.SCValType.SCV_ERROR: "Error",
    xdr.SCValType.SCV_U32: "U32",
    xdr.SCValType.SCV_I32: "I32",
    xdr.SCValType.SCV_U64: "U64",
    xdr.SCValType.SCV_I64: "I64",
    xdr.SCValType.SCV_TIMEPOINT: "Timepoint",
    xdr.SCValType.SCV_DURATION: "Duration",
    xdr.SCValType.SCV_U128: "U128",
    xdr.SCValType.SCV_I128: "I128",
    xdr.SCValType.SCV_U256: "U256",
    xdr.SCValType.SCV_I256: "I256",
    xdr.SCValType.SCV_BYTES: "Bytes",
    xdr.SCValType.SCV_STRING: "Str",
    xdr.SCValType.SCV_SYMBOL: "Sym",
    xdr.SCValType.SCV_VEC: "Vec",
    xdr.SCValType.SCV_MAP: "Map",
    xdr.SCValType.SCV_ADDRESS: "Address",
}
