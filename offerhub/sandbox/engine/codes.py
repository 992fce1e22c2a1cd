"""Result codes: Horizon's spelling on one side, the numbers of TransactionResult XDR on the other.

The bytes are put together by hand, as they are few and made for every transaction; a test reads all
of them back with stellar-sdk. Source: docs/spec/stellar-horizon.md §5.6 and the enums of stellar-sdk's xdr.
"""

import struct
from typing import Final

TRANSACTION_CODES: Final = {
    "tx_success": 0,
    "tx_failed": -1,
    "tx_too_early": -2,
    "tx_too_late": -3,
    "tx_missing_operation": -4,
    "tx_bad_seq": -5,
    "tx_bad_auth": -6,
    "tx_insufficient_balance": -7,
    "tx_no_source_account": -8,
    "tx_insufficient_fee": -9,
    "tx_bad_auth_extra": -10,
    "tx_not_supported": -12,
    "tx_bad_sponsorship": -14,
    "tx_malformed": -16,
    "tx_soroban_invalid": -17,
}

_GENERIC: Final = {
    "op_bad_auth": -1,
    "op_no_source_account": -2,
    "op_not_supported": -3,
    "op_too_many_subentries": -4,
    "op_too_many_sponsoring": -6,
}

_PAYMENT: Final = {
    "op_malformed": -1,
    "op_underfunded": -2,
    "op_src_no_trust": -3,
    "op_no_destination": -5,
    "op_no_trust": -6,
    "op_line_full": -8,
}

_OF_TYPE: Final[dict[int, dict[str, int]]] = {
    0: {"op_malformed": -1, "op_underfunded": -2, "op_low_reserve": -3, "op_already_exists": -4},
    1: _PAYMENT,
    2: {**_PAYMENT, "op_too_few_offers": -10, "op_over_source_max": -12},
    6: {"op_malformed": -1, "op_no_issuer": -2, "op_invalid_limit": -3, "op_low_reserve": -4},
    8: {
        "op_malformed": -1,
        "op_no_account": -2,
        "op_has_sub_entries": -4,
        "op_seq_num_too_far": -5,
        "op_dest_full": -6,
        "op_is_sponsor": -7,
    },
    11: {"op_bad_seq": -1},
    13: {**_PAYMENT, "op_too_few_offers": -10, "op_under_dest_min": -12},
    16: {"op_malformed": -1, "op_already_sponsored": -2, "op_recursive": -3},
    17: {"op_not_sponsored": -1},
    24: {"op_malformed": -1, "function_trapped": -2},
}

OPERATION_NAMES: Final = {
    0: "create_account",
    1: "payment",
    2: "path_payment_strict_receive",
    6: "change_trust",
    8: "account_merge",
    11: "bump_sequence",
    13: "path_payment_strict_send",
    16: "begin_sponsoring_future_reserves",
    17: "end_sponsoring_future_reserves",
    24: "invoke_host_function",
}


class Refused(Exception):
    """An operation fails with this code (Horizon's spelling); nothing of it is applied."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def operation_result(type_i: int, code: str, payload: bytes = b"") -> bytes:
    """Give OperationResult XDR; `payload` is what a success of this type carries."""
    generic = _GENERIC.get(code)
    if generic is not None:
        return struct.pack(">i", generic)
    number = 0 if code == "op_success" else _OF_TYPE[type_i][code]
    return struct.pack(">iii", 0, type_i, number) + payload


def transaction_result(fee_charged: int, code: str, operations: tuple[bytes, ...] = ()) -> bytes:
    """Give TransactionResult XDR; only tx_success and tx_failed carry operation results."""
    head = struct.pack(">qi", fee_charged, TRANSACTION_CODES[code])
    if code in {"tx_success", "tx_failed"}:
        head += struct.pack(">I", len(operations)) + b"".join(operations)
    return head + struct.pack(">i", 0)
