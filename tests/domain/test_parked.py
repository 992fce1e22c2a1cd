"""Parked records: their money goes to its user once, and what has none is dismissed once."""

import pytest

from offerhub.domain import parked_decisions as decisions
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.parked import Parked, ParkedStatus
from tests.domain.event_shapes import check_shape
from tests.domain.world import NOW, context


def parked(amount: str | None = "5.00") -> Parked:
    return Parked(
        id="prk_1",
        version=1,
        source="stellar",
        reference="77-0",
        reason="the balance would pass its limit",
        body={"transactionHash": "t1"},
        created_at=NOW,
        updated_at=NOW,
        user_id=None if amount is None else "usr_seller",
        amount=None if amount is None else Money.parse(amount),
    )


def test_parked_money_goes_from_suspense_to_its_users_available() -> None:
    decided = decisions.give(parked(), "ann", "called them", context())
    (transfer,) = decided.unit.transfers
    assert {"suspense/usr_seller": -50_000_000, "available/usr_seller": 50_000_000} == {
        posting.account: posting.amount.stroops for posting in transfer.postings
    }
    assert () == transfer.holdings  # the wallet has held it all along
    (event,) = decided.unit.events
    check_shape(event)
    assert ("stellar_deposit", "77-0", "t1") == (
        event.payload["source"],
        event.payload["reference"],
        event.payload["transactionHash"],
    )
    assert (ParkedStatus.GIVEN, "ann", "called them", 2) == (
        decided.entity.status,
        decided.entity.settled_by,
        decided.entity.note,
        decided.entity.version,
    )
    assert ["parked.give"] == [entry.action for entry in decided.unit.audit]


def test_a_record_without_money_is_dismissed_and_moves_nothing() -> None:
    decided = decisions.dismiss(parked(None), "ann", None, context())
    assert ParkedStatus.DISMISSED is decided.entity.status
    assert ((), ()) == (decided.unit.transfers, decided.unit.events)
    assert ["parked.dismiss"] == [entry.action for entry in decided.unit.audit]


@pytest.mark.parametrize("decide", [decisions.give, decisions.dismiss])
@pytest.mark.parametrize("amount", ["5.00", None])
def test_what_was_settled_is_not_settled_again(decide, amount: str | None) -> None:
    settle = decisions.dismiss if amount is None else decisions.give
    settled = settle(parked(amount), "ann", None, context()).entity
    with pytest.raises(DomainError) as refused:
        decide(settled, "bob", None, context())
    assert ErrorCode.INVALID_STATE_TRANSITION is refused.value.code
    assert "by ann" in refused.value.message


def test_money_is_not_dismissed_and_a_record_without_money_not_given() -> None:
    for decide, what in ((decisions.dismiss, parked()), (decisions.give, parked(None))):
        with pytest.raises(DomainError) as refused:
            decide(what, "ann", None, context())
        assert ErrorCode.INVALID_STATE_TRANSITION is refused.value.code
