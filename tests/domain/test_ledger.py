"""Transfers are whole, and the two identities notice whatever is not (docs/spec/domain.md §1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import postings
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.ledger import (
    Books,
    Posting,
    Side,
    Transfer,
    TransferKind,
    balance_changes,
    books_of,
    check_identities,
)
from offerhub.domain.money import Money
from offerhub.domain.postings import Movement
from tests.domain.world import PLATFORM, context


def transfer_of(*amounts: tuple[str, int]) -> Transfer:
    return Transfer(
        id="trf_1",
        kind=TransferKind.RESERVE,
        reference="r",
        cause="c",
        postings=tuple(Posting(account, Money(amount)) for account, amount in amounts),
    )


def transfers(*movements: Movement) -> list[Transfer]:
    return [context().transfer(movement, reference="r", cause="c") for movement in movements]


@given(st.integers(1, 10**12), st.integers(-(10**12), 10**12).filter(bool))
def test_postings_that_do_not_sum_to_zero_are_no_transfer(amount: int, off: int) -> None:
    with pytest.raises(InvariantViolated):
        transfer_of(("available/u", amount), ("external", -amount + off))


def test_a_transfer_posts_once_to_an_account() -> None:
    with pytest.raises(InvariantViolated):
        transfer_of(("available/u", 1), ("available/u", 1), ("external", -2))


def test_balance_rows_are_the_projection_of_available_and_reserved() -> None:
    changes = balance_changes(
        transfers(
            postings.deposit("u", Money(70), "tx"),
            postings.reserve("u", Money(30)),
            postings.park("v", Money(5), "tx"),
            postings.give_hold("u", "w", Money(10)),
        )
    )
    assert {
        "u": {Side.AVAILABLE: 40, Side.RESERVED: 20, Side.DUE: -10},
        "w": {Side.AVAILABLE: 10, Side.RESERVED: 0, Side.DUE: 10},
    } == changes


def test_books_are_the_sums_of_all_transfers() -> None:
    books = books_of(
        transfers(
            postings.deposit("u", Money(70), "tx"), postings.create_withdrawal("u", Money(30))
        )
    )
    assert Money(40) == books.account("available/u")
    assert Money(30) == books.account("withdrawing/u")
    assert Money(-70) == books.account("external")
    assert Money(70) == books.holding("wallet/u")
    assert Money(0) == books.account("available/nobody")
    assert Money(0) == books.holding("airtm")
    check_identities(books, PLATFORM)


def test_the_accounts_must_sum_to_zero() -> None:
    with pytest.raises(InvariantViolated, match="sum to zero"):
        check_identities(Books({"available/u": 1}, {"wallet/u": 1}), PLATFORM)


@pytest.mark.parametrize("account", ["available", "reserved", "withdrawing", "suspense", "escrow"])
def test_what_is_somebodys_is_never_below_zero(account: str) -> None:
    books = Books({f"{account}/u": -1, "external": 1}, {"wallet/u": -1})
    with pytest.raises(InvariantViolated, match="below zero"):
        check_identities(books, PLATFORM)


def test_a_due_and_the_treasury_may_be_below_zero() -> None:
    check_identities(books_of(transfers(postings.credit_manually("u", Money(9)))), PLATFORM)


def test_a_wallet_that_does_not_hold_what_it_must_is_named() -> None:
    good = books_of(transfers(postings.deposit("u", Money(70), "tx")))
    for off in (-1, 1):
        bad = Books(good.accounts, {"wallet/u": 70 + off})
        with pytest.raises(InvariantViolated, match=r"wallet of u is booked at .* hold 70"):
            check_identities(bad, PLATFORM)


def test_a_wallet_of_someone_with_nothing_must_be_empty() -> None:
    with pytest.raises(InvariantViolated, match="wallet of u"):
        check_identities(Books({}, {"wallet/u": 1}), PLATFORM)


def test_the_whole_must_be_covered_by_what_is_held() -> None:
    good = books_of(transfers(postings.deposit_to_treasury(Money(70), "tx")))
    for held in ({"wallet/treasury": 69}, {"wallet/treasury": 70, "airtm": 1}):
        with pytest.raises(InvariantViolated, match="do not match claims"):
            check_identities(Books(good.accounts, held), PLATFORM)


def test_the_platforms_withdrawing_is_the_treasurys() -> None:
    """The first identity is of every user but the platform's; the whole counts it."""
    check_identities(
        books_of(
            transfers(
                postings.deposit_to_treasury(Money(70), "tx"),
                postings.create_platform_withdrawal(PLATFORM, Money(30)),
            )
        ),
        PLATFORM,
    )
