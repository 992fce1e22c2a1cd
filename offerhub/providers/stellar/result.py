"""Result XDR in Horizon's words (docs/spec/stellar-horizon.md §5.6)."""

import base64
import binascii

from attrs import frozen
from stellar_sdk import xdr


@frozen
class ResultCodes:
    """What a transaction's result says."""

    transaction: str
    operations: tuple[str, ...]


class UnreadableResult(Exception):
    """The bytes are no transaction result."""


def result_codes(result_xdr: str) -> ResultCodes:
    """Read a base64 `TransactionResult`. Raises `UnreadableResult`."""
    try:
        result = xdr.TransactionResult.from_xdr(result_xdr).result
    except Exception as error:  # noqa: BLE001 - stellar-sdk lets whatever its decoder trips over through
        raise UnreadableResult(type(error).__name__) from None
    return ResultCodes(
        transaction=_transaction_code(result.code),
        operations=tuple(_operation_code(operation) for operation in result.results or ()),
    )


def succeeded(result_xdr: str) -> bool:
    """Whether a base64 `TransactionResult` says success. Raises `UnreadableResult`.

    Only the code is looked at, which comes after the fee: nothing else of a success is worth decoding.
    """
    try:
        raw = base64.b64decode(result_xdr, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableResult(type(error).__name__) from None
    if len(raw) < _CODE.stop:
        raise UnreadableResult("too short")
    return int.from_bytes(raw[_CODE], signed=True) in _SUCCESSES


def _transaction_code(code: xdr.TransactionResultCode) -> str:
    if code is xdr.TransactionResultCode.txNO_ACCOUNT:
        return "tx_no_source_account"
    return "tx_" + code.name.removeprefix("tx").lower()


def _operation_code(result: xdr.OperationResult) -> str:
    if result.tr is None:
        return _GENERIC.get(result.code, "op_" + result.code.name.removeprefix("op").lower())
    kind = result.tr.type.name
    inner = getattr(result.tr, _ARMS.get(kind, kind.lower() + "_result"), None)
    if inner is None:
        return "op_unknown"
    name: str = inner.code.name
    code = name.removeprefix(kind + "_").lower()
    return _RENAMED.get(name, f"op_{code}")


_CODE = slice(8, 12)
_SUCCESSES = {
    xdr.TransactionResultCode.txSUCCESS.value,
    xdr.TransactionResultCode.txFEE_BUMP_INNER_SUCCESS.value,
}
_GENERIC = {xdr.OperationResultCode.opNO_ACCOUNT: "op_no_source_account"}
_ARMS = {"BUMP_SEQUENCE": "bump_seq_result"}
_RENAMED = {
    "CREATE_ACCOUNT_ALREADY_EXIST": "op_already_exists",
    "INVOKE_HOST_FUNCTION_TRAPPED": "function_trapped",
    "INVOKE_HOST_FUNCTION_RESOURCE_LIMIT_EXCEEDED": "resource_limit_exceeded",
    "INVOKE_HOST_FUNCTION_ENTRY_ARCHIVED": "entry_archived",
    "INVOKE_HOST_FUNCTION_INSUFFICIENT_REFUNDABLE_FEE": "insufficient_refundable_fee",
}
