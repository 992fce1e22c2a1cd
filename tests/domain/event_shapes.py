"""The table of events of docs/spec/domain.md §6, restated: each type's aggregate and exactly its fields."""

from offerhub.domain.unit_of_work import BalanceAfter, Event

_BALANCE_MOVED = {"userId", "amount", "newBalance", "reference"}
_ORDER_ESCROW = {"orderId", "escrowId"}
_ESCROW = {"escrowId", "orderId", "amount"}
_DISPUTE = {"disputeId", "orderId"}
_WITHDRAWAL = {"withdrawalId", "userId", "amount", "destinationType"}

SHAPES: dict[str, tuple[str, set[str], set[str]]] = {
    "user.created": ("User", {"userId", "externalUserId", "email", "type", "status"}, set()),
    "wallet.created": (
        "Wallet",
        {"userId", "publicKey", "provider", "funded", "trustlineReady"},
        set(),
    ),
    "balance.credited": ("Balance", _BALANCE_MOVED | {"source"}, {"transactionHash"}),
    "balance.debited": ("Balance", _BALANCE_MOVED | {"destination"}, set()),
    "balance.reserved": (
        "Balance",
        {"userId", "amount", "orderId", "reference", "reservedBalance", "availableBalance"},
        set(),
    ),
    "balance.released": (
        "Balance",
        {"userId", "amount", "orderId", "reference", "reason", "availableBalance"},
        set(),
    ),
    "order.created": (
        "Order",
        {"orderId", "buyerId", "sellerId", "amount", "currency", "title"},
        {"expiresAt", "autoReleaseAt"},
    ),
    "order.funds_reserved": (
        "Order",
        {"orderId", "amount", "buyerId", "reservedBalance", "availableBalance"},
        {"reason"},
    ),
    "order.escrow_creating": ("Order", _ORDER_ESCROW, {"reason"}),
    "order.escrow_funding": ("Order", _ORDER_ESCROW | {"trustlessContractId"}, set()),
    "order.escrow_funded": (
        "Order",
        _ORDER_ESCROW | {"trustlessContractId", "amount", "fundedAt"},
        set(),
    ),
    "order.in_progress": ("Order", {"orderId"}, set()),
    "order.release_requested": ("Order", {"orderId", "requestedBy"}, {"reason"}),
    "order.refund_requested": ("Order", {"orderId", "requestedBy"}, {"reason"}),
    "order.released": (
        "Order",
        {"orderId", "sellerId", "amount", "fees", "releasedAt", "newSellerBalance"},
        set(),
    ),
    "order.refunded": (
        "Order",
        {"orderId", "buyerId", "amount", "fees", "refundedAt", "newBuyerBalance"},
        set(),
    ),
    "order.canceled": ("Order", {"orderId", "canceledBy", "reason", "fundsReleased"}, set()),
    "order.deadlines_changed": ("Order", {"orderId", "expiresAt", "autoReleaseAt"}, set()),
    "order.disputed": ("Order", {"orderId", "disputeId", "openedBy", "reason"}, set()),
    # Both amounts come with a split.
    "order.closed": (
        "Order",
        {"orderId", "finalStatus", "outcome", "closedAt"},
        {"releaseAmount", "refundAmount"},
    ),
    "escrow.created": (
        "Escrow",
        _ESCROW | {"trustlessContractId", "transactionHash", "createdAt"},
        set(),
    ),
    "escrow.funding_started": ("Escrow", _ESCROW | {"trustlessContractId"}, set()),
    "escrow.funded": (
        "Escrow",
        _ESCROW | {"trustlessContractId", "transactionHash", "fundedAt"},
        set(),
    ),
    "escrow.milestone_completed": ("Escrow", _ESCROW | {"milestoneRef", "completedAt"}, set()),
    "escrow.released": (
        "Escrow",
        _ESCROW | {"trustlessContractId", "transactionHash", "releasedAt"},
        set(),
    ),
    # Before funding nothing happens on the chain: there is no hash to tell.
    "escrow.refunded": (
        "Escrow",
        _ESCROW | {"refundedAt"},
        {"trustlessContractId", "transactionHash"},
    ),
    "escrow.disputed": (
        "Escrow",
        _ESCROW | {"trustlessContractId", "transactionHash", "disputedAt"},
        set(),
    ),
    "escrow.attempt_failed": (
        "Escrow",
        {"escrowId", "orderId", "operation", "errorCode", "willRetry"},
        set(),
    ),
    "dispute.opened": ("Dispute", _DISPUTE | {"openedBy", "reason", "evidence"}, set()),
    "dispute.under_review": ("Dispute", _DISPUTE | {"assignedTo"}, set()),
    "dispute.resolved": (
        "Dispute",
        _DISPUTE | {"decision", "buyerAmount", "sellerAmount", "note", "resolvedAt"},
        set(),
    ),
    "withdrawal.created": ("Withdrawal", _WITHDRAWAL, set()),
    "withdrawal.committed": ("Withdrawal", _WITHDRAWAL, set()),
    "withdrawal.completed": ("Withdrawal", _WITHDRAWAL | {"transactionHash"}, set()),
    "withdrawal.failed": (
        "Withdrawal",
        _WITHDRAWAL | {"reason", "errorCode", "refundedToBalance"},
        set(),
    ),
    "withdrawal.canceled": ("Withdrawal", _WITHDRAWAL | {"reason", "refundedToBalance"}, set()),
}
"""Type → aggregate, fields that are always there, fields that may be there."""

_ID_FIELD = {
    "User": "userId",
    "Balance": "userId",
    "Order": "orderId",
    "Escrow": "escrowId",
    "Dispute": "disputeId",
    "Withdrawal": "withdrawalId",
}
SOURCES = {
    "stellar_deposit",
    "airtm_topup",
    "escrow_release",
    "escrow_refund",
    "dispute_resolution",
    "withdrawal_failed",
    "manual_credit",
    "hold_release",
}
DESTINATIONS = {"withdrawal", "escrow", "manual_debit", "user", "deduction"}


def check_shape(event: Event) -> None:
    """Check an event against its row: aggregate, fields, the words that the table allows."""
    aggregate, always, sometimes = SHAPES[event.type]
    assert aggregate == event.aggregate_type
    fields = set(event.payload)
    assert always <= fields <= always | sometimes, event.type
    if aggregate in _ID_FIELD:
        assert event.aggregate_id == event.payload[_ID_FIELD[aggregate]]
    assert event.payload.get("source", "stellar_deposit") in SOURCES
    assert event.payload.get("destination", "escrow") in DESTINATIONS
    for name, value in event.payload.items():
        assert (
            isinstance(value, BalanceAfter) == name.endswith("Balance")
            or name == "refundedToBalance"
        )
        if isinstance(value, BalanceAfter):
            assert value.side.value == ("reserved" if name == "reservedBalance" else "available")
