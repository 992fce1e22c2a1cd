"""GET /fee_stats: what inclusion cost an operation over the last ledgers (docs/spec/stellar-horizon.md §2.4)."""

from typing import Final

from offerhub.sandbox.engine.header import LEDGER_OPERATIONS_MAX
from offerhub.sandbox.engine.records import Fields
from offerhub.sandbox.engine.reserves import BASE_FEE
from offerhub.sandbox.engine.rows import TransactionRow
from offerhub.sandbox.engine.toid import toid
from offerhub.sandbox.horizon.view import View

_LEDGERS: Final = 5
_PERCENTILES: Final = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)
_INVOKE: Final = 24


def fee_stats(view: View) -> Fields:
    """Give the figures in stroops per operation, all as strings."""
    latest = view.latest
    first = toid(max(latest.sequence - _LEDGERS + 1, view.elder))
    rows = [
        row
        for row in view.history.transactions.ascending(first, view.highest)
        if not _is_contract_call(view, row)
    ]
    used = latest.operation_count + latest.failed_operation_count
    return {
        "last_ledger": str(latest.sequence),
        "last_ledger_base_fee": str(BASE_FEE),
        "ledger_capacity_usage": f"{used / LEDGER_OPERATIONS_MAX:.2f}",
        "fee_charged": _distribution([row.fee_charged // row.operation_count for row in rows]),
        "max_fee": _distribution([row.max_fee // row.operation_count for row in rows]),
    }


def _is_contract_call(view: View, row: TransactionRow) -> bool:
    """Contract calls bid in a lane of their own, and their fee is mostly for resources (§1.2)."""
    return any(operation.type_i == _INVOKE for operation in view.history.operations_of(row))


def _distribution(values: list[int]) -> Fields:
    ordered = sorted(values) or [BASE_FEE]
    mode = max(ordered, key=ordered.count)
    figures = {"max": ordered[-1], "min": ordered[0], "mode": mode}
    for percent in _PERCENTILES:
        figures[f"p{percent}"] = ordered[-(-percent * len(ordered) // 100) - 1]
    return {name: str(value) for name, value in figures.items()}
