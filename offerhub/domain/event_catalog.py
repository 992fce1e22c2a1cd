"""Every type of event, declared once: docs/spec/domain.md §6 as code.

Documents, clients and tests take it from here; the tests hold every event that is decided, and the
table of the specification, against it. Types that only AirTM brings come with AirTM.
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen


@frozen
class EventType:
    """One type: whose event it is, and exactly the fields of its payload.

    Args:
        always: in every event of the type, `null` included.
        sometimes: only in some.
    """

    aggregate: str
    always: frozenset[str]
    sometimes: frozenset[str]


AGGREGATES: Final = (
    "User",
    "Wallet",
    "Balance",
    "TopUp",
    "Order",
    "Escrow",
    "Dispute",
    "Withdrawal",
)
"""What `resourceTypes` filters by."""

_BALANCE_MOVED: Final = frozenset({"userId", "amount", "newBalance", "reference"})
_ORDER_ESCROW: Final = frozenset({"orderId", "escrowId"})
_ESCROW: Final = frozenset({"escrowId", "orderId", "amount"})
_DISPUTE: Final = frozenset({"disputeId", "orderId"})
_WITHDRAWAL: Final = frozenset({"withdrawalId", "userId", "amount", "destinationType"})

EVENT_TYPES: Final[Mapping[str, EventType]] = {
    "user.created": EventType(
        "User", frozenset({"userId", "externalUserId", "email", "type", "status"}), frozenset()
    ),
    "wallet.created": EventType(
        "Wallet",
        frozenset({"userId", "publicKey", "provider", "funded", "trustlineReady"}),
        frozenset(),
    ),
    "balance.credited": EventType(
        "Balance", _BALANCE_MOVED | frozenset({"source"}), frozenset({"transactionHash"})
    ),
    "balance.debited": EventType(
        "Balance", _BALANCE_MOVED | frozenset({"destination"}), frozenset()
    ),
    "balance.reserved": EventType(
        "Balance",
        frozenset(
            {"userId", "amount", "orderId", "reference", "reservedBalance", "availableBalance"}
        ),
        frozenset(),
    ),
    "balance.released": EventType(
        "Balance",
        frozenset({"userId", "amount", "orderId", "reference", "reason", "availableBalance"}),
        frozenset(),
    ),
    "order.created": EventType(
        "Order",
        frozenset({"orderId", "buyerId", "sellerId", "amount", "currency", "title"}),
        frozenset({"expiresAt", "autoReleaseAt"}),
    ),
    "order.funds_reserved": EventType(
        "Order",
        frozenset({"orderId", "amount", "buyerId", "reservedBalance", "availableBalance"}),
        frozenset({"reason"}),
    ),
    "order.escrow_creating": EventType("Order", _ORDER_ESCROW, frozenset({"reason"})),
    "order.escrow_funding": EventType(
        "Order", _ORDER_ESCROW | frozenset({"trustlessContractId"}), frozenset()
    ),
    "order.escrow_funded": EventType(
        "Order",
        _ORDER_ESCROW | frozenset({"trustlessContractId", "amount", "fundedAt"}),
        frozenset(),
    ),
    "order.in_progress": EventType("Order", frozenset({"orderId"}), frozenset()),
    "order.release_requested": EventType(
        "Order", frozenset({"orderId", "requestedBy"}), frozenset({"reason"})
    ),
    "order.refund_requested": EventType(
        "Order", frozenset({"orderId", "requestedBy"}), frozenset({"reason"})
    ),
    "order.released": EventType(
        "Order",
        frozenset({"orderId", "sellerId", "amount", "fees", "releasedAt", "newSellerBalance"}),
        frozenset(),
    ),
    "order.refunded": EventType(
        "Order",
        frozenset({"orderId", "buyerId", "amount", "fees", "refundedAt", "newBuyerBalance"}),
        frozenset(),
    ),
    "order.canceled": EventType(
        "Order", frozenset({"orderId", "canceledBy", "reason", "fundsReleased"}), frozenset()
    ),
    "order.deadlines_changed": EventType(
        "Order", frozenset({"orderId", "expiresAt", "autoReleaseAt"}), frozenset()
    ),
    "order.disputed": EventType(
        "Order", frozenset({"orderId", "disputeId", "openedBy", "reason"}), frozenset()
    ),
    # Both amounts come with a split.
    "order.closed": EventType(
        "Order",
        frozenset({"orderId", "finalStatus", "outcome", "closedAt"}),
        frozenset({"releaseAmount", "refundAmount"}),
    ),
    "escrow.created": EventType(
        "Escrow",
        _ESCROW | frozenset({"trustlessContractId", "transactionHash", "createdAt"}),
        frozenset(),
    ),
    "escrow.funding_started": EventType(
        "Escrow", _ESCROW | frozenset({"trustlessContractId"}), frozenset()
    ),
    "escrow.funded": EventType(
        "Escrow",
        _ESCROW | frozenset({"trustlessContractId", "transactionHash", "fundedAt"}),
        frozenset(),
    ),
    "escrow.milestone_completed": EventType(
        "Escrow", _ESCROW | frozenset({"milestoneRef", "completedAt"}), frozenset()
    ),
    "escrow.released": EventType(
        "Escrow",
        _ESCROW | frozenset({"trustlessContractId", "transactionHash", "releasedAt"}),
        frozenset(),
    ),
    # Before funding nothing happens on the chain: there is no hash to tell.
    "escrow.refunded": EventType(
        "Escrow",
        _ESCROW | frozenset({"refundedAt"}),
        frozenset({"trustlessContractId", "transactionHash"}),
    ),
    "escrow.disputed": EventType(
        "Escrow",
        _ESCROW | frozenset({"trustlessContractId", "transactionHash", "disputedAt"}),
        frozenset(),
    ),
    "escrow.attempt_failed": EventType(
        "Escrow",
        frozenset({"escrowId", "orderId", "operation", "errorCode", "willRetry"}),
        frozenset(),
    ),
    "dispute.opened": EventType(
        "Dispute", _DISPUTE | frozenset({"openedBy", "reason", "evidence"}), frozenset()
    ),
    "dispute.under_review": EventType("Dispute", _DISPUTE | frozenset({"assignedTo"}), frozenset()),
    "dispute.resolved": EventType(
        "Dispute",
        _DISPUTE | frozenset({"decision", "buyerAmount", "sellerAmount", "note", "resolvedAt"}),
        frozenset(),
    ),
    "withdrawal.created": EventType("Withdrawal", _WITHDRAWAL, frozenset()),
    "withdrawal.committed": EventType("Withdrawal", _WITHDRAWAL, frozenset()),
    "withdrawal.completed": EventType(
        "Withdrawal", _WITHDRAWAL | frozenset({"transactionHash"}), frozenset()
    ),
    "withdrawal.failed": EventType(
        "Withdrawal",
        _WITHDRAWAL | frozenset({"reason", "errorCode", "refundedToBalance"}),
        frozenset(),
    ),
    "withdrawal.canceled": EventType(
        "Withdrawal", _WITHDRAWAL | frozenset({"reason", "refundedToBalance"}), frozenset()
    ),
}
