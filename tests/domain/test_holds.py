"""Holds: what is set aside comes back, goes to another user or out, and never more than is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import hold_decisions as decisions
from offerhub.domain.answers import OpenAnswer
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.hold import Hold, HoldChanged
from offerhub.domain.hold_decisions import HoldDecision, PlaceHold
from offerhub.domain.money import Money
from tests.domain.event_shapes import check_shape
from tests.domain.world import claim, context

USER, OTHER = "usr_giver", "usr_receiver"


def placed(amount: str = "50.00", *, order_id: str | None = None) -> HoldDecision:
    command = PlaceHold(
        hold_id=context().ids.new("hld"),
        user_id=USER,
        amount=Money.parse(amount),
        currency="USDC",
        reference="case-7" if order_id is None else order_id,
        order_id=order_id,
        description="a caution",
    )
    return decisions.place(command, context())


def used(how: str, hold: Hold, amount: str) -> HoldDecision:
    money = Money.parse(amount)
    match how:
        case "back":
            return decisions.give_back(hold, money, "USDC", context())
        case "give":
            return decisions.give(hold, money, OTHER, "USDC", context())
        case _:
            return decisions.deduct(hold, money, "USDC", context())


def posted(decision: HoldDecision) -> dict[str, int]:
    (transfer,) = decision.unit.transfers
    assert decision.entity.id == transfer.reference
    return {posting.account: posting.amount.stroops for posting in transfer.postings}


def reported(decision: HoldDecision) -> list[tuple[str, str, object]]:
    for event in decision.unit.events:
        check_shape(event)
        assert event.order_id is None  # a hold belongs to no order's history
        assert "case-7" == event.payload["reference"]
    return [
        (
            event.type,
            event.aggregate_id,
            event.payload.get("source")
            or event.payload.get("destination")
            or event.payload.get("reason"),
        )
        for event in decision.unit.events
    ]


def test_a_hold_sets_aside_and_takes_from_its_user_alone() -> None:
    decision = placed()
    assert {f"available/{USER}": -500_000_000, f"reserved/{USER}": 500_000_000} == posted(decision)
    assert USER == decision.debits
    assert [("balance.reserved", USER, None)] == reported(decision)
    assert decision.entity.amount == decision.entity.remaining


def test_an_order_is_a_label_and_shown_as_one() -> None:
    decision = placed(order_id="ord_of_theirs")
    (event,) = decision.unit.events
    check_shape(event)
    assert ("ord_of_theirs", "ord_of_theirs") == (
        event.payload["orderId"],
        event.payload["reference"],
    )
    assert event.order_id is None
    assert "ord_of_theirs" == decision.entity.reference


@pytest.mark.parametrize(
    ("how", "moves", "events"),
    [
        (
            "back",
            {f"available/{USER}": 1, f"reserved/{USER}": -1},
            [("balance.released", USER, "hold_canceled")],
        ),
        (
            "give",
            {
                f"reserved/{USER}": -1,
                f"available/{OTHER}": 1,
                f"due/{USER}": -1,
                f"due/{OTHER}": 1,
            },
            [
                ("balance.debited", USER, "user"),
                ("balance.credited", OTHER, "hold_release"),
            ],
        ),
        (
            "deduct",
            {f"reserved/{USER}": -1, "treasury": 1, f"due/{USER}": -1, "due/treasury": 1},
            [("balance.debited", USER, "deduction")],
        ),
    ],
)
def test_each_end_of_a_hold_moves_and_reports_what_the_table_says(
    how: str, moves: dict[str, int], events: list[tuple[str, str, object]]
) -> None:
    hold = placed().entity
    decision = used(how, hold, "20.00")
    assert {account: sign * 200_000_000 for account, sign in moves.items()} == posted(decision)
    assert events == reported(decision)
    assert USER == decision.debits
    assert Money.parse("30.00") == decision.entity.remaining
    assert hold.version + 1 == decision.entity.version
    assert hold.amount == decision.entity.amount
    (entry,) = decision.unit.audit
    assert ("Hold", hold.id, USER) == (entry.resource_type, entry.resource_id, entry.user_id)
    assert {"remaining": "50.0000000"} == entry.before


@pytest.mark.parametrize("how", ["back", "give", "deduct"])
def test_more_than_a_hold_has_left_is_refused_with_what_is_left(how: str) -> None:
    hold = used("back", placed().entity, "49.99").entity
    with pytest.raises(DomainError) as refused:
        used(how, hold, "0.02")
    assert ErrorCode.RESERVE_MISMATCH_AMOUNT is refused.value.code
    assert ("0.01", "0.02") == (
        refused.value.details["remaining"],
        refused.value.details["requested"],
    )


@pytest.mark.parametrize("how", ["back", "give", "deduct"])
def test_a_hold_that_is_used_up_is_no_longer_found(how: str) -> None:
    hold = used(how, placed().entity, "50.00").entity
    assert not hold.is_open
    with pytest.raises(DomainError) as refused:
        used(how, hold, "0.01")
    assert ErrorCode.RESERVE_NOT_FOUND is refused.value.code


def test_a_hold_is_not_given_to_its_own_user() -> None:
    with pytest.raises(DomainError) as refused:
        decisions.give(placed().entity, Money.parse("1.00"), USER, "USDC", context())
    assert ErrorCode.SAME_USER is refused.value.code


def test_the_answer_kept_under_a_key_shows_the_hold_as_it_is_then() -> None:
    asked = context(claim=claim("hold.deduct"))
    decision = decisions.deduct(placed().entity, Money.parse("20.00"), "USDC", asked)
    record = decision.unit.idempotency
    assert record is not None
    assert isinstance(record.answer, OpenAnswer)
    assert HoldChanged(decision.entity, "USDC") == record.answer.shows


@given(
    parts=st.lists(
        st.tuples(st.sampled_from(["back", "give", "deduct"]), st.integers(1, 6000)), max_size=8
    )
)
def test_in_whatever_parts_a_hold_goes_its_parts_and_its_rest_sum_to_it(
    parts: list[tuple[str, int]],
) -> None:
    hold = placed().entity
    gone = 0
    for how, cents in parts:
        amount = Money(cents * 100_000)
        try:
            decision = used(how, hold, amount.two_places())
        except DomainError:
            assert amount > hold.remaining
            continue
        hold, gone = decision.entity, gone + amount.stroops
        assert -amount.stroops == posted(decision)[f"reserved/{USER}"]
    assert hold.amount.stroops == hold.remaining.stroops + gone
