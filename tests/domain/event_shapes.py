"""Every event that a test decides, held against the catalog: aggregate, fields, words, figures."""

from offerhub.domain.event_catalog import EVENT_TYPES
from offerhub.domain.unit_of_work import BalanceAfter, Event

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
    declared = EVENT_TYPES[event.type]
    aggregate = declared.aggregate
    assert aggregate == event.aggregate_type
    fields = set(event.payload)
    assert declared.always <= fields <= declared.always | declared.sometimes, event.type
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
