"""The ledger against the rows that are kept beside it."""

import pytest
from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.ledger import Books, Transfer, books_of
from offerhub.domain.ledger_check import faults
from offerhub.domain.money import Money
from offerhub.domain.treasury import Treasury, moved_sums
from offerhub.domain.unit_of_work import Balance
from tests.domain.world import NOW, PLATFORM, context

FIVE = Money.parse("5.00")


def a_ledger() -> tuple[Books, list[Balance], Treasury]:
    """A deposit, a hold and a debit of it, and what is kept of them."""
    movements = (
        postings.deposit_to_treasury(Money.parse("9.00"), "tx"),
        postings.deposit("usr_a", Money.parse("20.00"), "tx"),
        postings.reserve("usr_a", FIVE),
        postings.deduct_hold("usr_a", Money.parse("2.00")),
    )
    transfers: list[Transfer] = [
        context().transfer(movement, reference="r", cause="c") for movement in movements
    ]
    two = Money.parse("2.00")
    rows = [
        Balance("usr_a", Money.parse("15.00"), Money.parse("3.00"), NOW, -two),
        Balance("usr_b", Money.zero(), Money.zero(), NOW),
    ]
    sums = moved_sums({}, transfers, [(0, -two.stroops)])
    return books_of(transfers), rows, Treasury(sums)


def test_what_follows_from_the_transfers_has_no_fault() -> None:
    assert [] == faults(*a_ledger(), PLATFORM)


@pytest.mark.parametrize("field", ["available", "reserved", "due"])
def test_a_row_that_is_a_stroop_off_is_named(field: str) -> None:
    books, rows, treasury = a_ledger()
    kept = getattr(rows[0], field)
    rows[0] = evolve(rows[0], **{field: kept + Money(1)})
    (fault,) = faults(books, rows, treasury, PLATFORM)
    assert f"{field}/usr_a is kept at {kept + Money(1)} and its transfers sum to {kept}" == fault


def test_money_of_somebody_without_a_row_is_named() -> None:
    books, rows, treasury = a_ledger()
    found = faults(books, rows[1:], treasury, PLATFORM)
    assert {"available/usr_a", "reserved/usr_a"} == {fault.partition(" ")[0] for fault in found}


def test_sums_of_the_treasury_that_are_off_are_named() -> None:
    books, rows, treasury = a_ledger()
    sums = {**treasury.sums, "treasury:treasury_deposit": 1}
    (fault,) = faults(books, rows, Treasury(sums), PLATFORM)
    assert fault.startswith("treasury is kept at")


def test_an_identity_that_does_not_hold_is_named() -> None:
    books, rows, treasury = a_ledger()
    broken = Books(books.accounts, {**books.holdings, "wallet/usr_a": 1})
    (fault,) = faults(broken, rows, treasury, PLATFORM)
    assert "the wallet of usr_a is booked at 1" in fault
