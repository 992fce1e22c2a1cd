"""Amounts: exact, and read only in the one form that each side writes them in (docs/spec/domain.md §1)."""

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.money import BALANCE_MAX, InvalidAmount, Money

INT64_MAX = 2**63 - 1
stroops = st.integers(-INT64_MAX, INT64_MAX)
cents = st.integers(0, 999_999_999_99)

NO_AMOUNT = [
    "",
    ".",
    ".50",
    "1",
    "1.",
    "1.5",
    "1.500",
    "1.5000000",
    "+1.00",
    "-1.00",
    "\u22121.00",
    " 1.00",
    "1.00 ",
    "1.00\n",
    "\t1.00",
    "1 000.00",
    "1,000.00",
    "1_000.00",
    "1,00",
    "1e2",
    "1.00e2",
    "1E+2.00",
    "0x10.00",
    "1.0a",
    "1..00",
    "1.0.0",
    "1234567890.00",
    "0000000001.00",
    "\u0661.\u0660\u0660",
    "\uff11.\uff10\uff10",
    "1\uff0e00",
    "1.0\u0660",
    "\u00b21.00",
    "NaN",
    "Infinity",
    "1.00\x00",
]


@pytest.mark.parametrize("text", NO_AMOUNT)
def test_a_text_that_is_not_nine_digits_a_point_and_two_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text)


@given(st.text())
def test_whatever_is_read_as_an_amount_has_the_one_form(text: str) -> None:
    try:
        Money.parse(text)
    except InvalidAmount:
        return
    whole, _, places = text.partition(".")
    assert 1 <= len(whole) <= 9
    assert len(places) == 2
    assert set(whole + places) <= set("0123456789")


@given(cents)
def test_two_places_survive_the_round_trip(amount: int) -> None:
    text = f"{amount // 100}.{amount % 100:02d}"
    money = Money.parse(text)
    assert amount * 100_000 == money.stroops
    assert text == money.two_places()


@given(st.integers(0, INT64_MAX))
def test_seven_places_survive_the_round_trip(amount: int) -> None:
    money = Money(amount)
    assert money == Money.from_decimal_string(money.seven_places())
    assert Decimal(amount) / 10**7 == Decimal(money.seven_places())


@given(stroops)
def test_two_places_are_rounded_towards_zero(amount: int) -> None:
    exact = (Decimal(amount) / 10**7).quantize(Decimal("0.01"), ROUND_DOWN)
    shown = Money(amount).two_places()
    assert exact == Decimal(shown)
    assert shown != "-0.00"


@given(stroops)
def test_what_is_shown_in_seven_places_is_the_whole_amount(amount: int) -> None:
    assert Decimal(amount) / 10**7 == Decimal(str(Money(amount)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 10_000_000),
        ("0", 0),
        ("0.0000001", 1),
        ("33.3333333", 333_333_333),
        ("922337203685.4775807", INT64_MAX),
        ("12.5", 125_000_000),
    ],
)
def test_the_network_writes_at_most_seven_places(text: str, expected: int) -> None:
    assert Money(expected) == Money.from_decimal_string(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".5",
        "5.",
        "0.12345678",
        "-1.0",
        "+1",
        " 1",
        "1\n",
        "1e3",
        "1,5",
        "\u0663",
        "1.\u0663",
        "1234567890123",
        "922337203685.4775808",
        "999999999999",
    ],
)
def test_a_text_that_the_network_cannot_have_written_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.from_decimal_string(text)


@given(stroops, stroops)
def test_sums_are_exact_or_refused(left: int, right: int) -> None:
    if abs(left + right) > INT64_MAX:
        with pytest.raises(OverflowError):
            Money(left) + Money(right)
    else:
        assert left + right == (Money(left) + Money(right)).stroops
        assert Money(left) == (Money(left) + Money(right)) - Money(right)


def test_an_amount_outside_of_64_bits_does_not_exist() -> None:
    for outside in (2**63, -(2**63), 10**30):
        with pytest.raises(OverflowError):
            Money(outside)


def test_amounts_compare_by_value_and_zero_is_false() -> None:
    assert Money.parse("1.00") < Money.parse("1.01") <= Money.parse("1.01")
    assert not Money.zero()
    assert Money(-1)
    assert Money(-5) == -Money(5)


@given(st.lists(st.integers(-(10**12), 10**12)))
def test_a_total_is_the_sum_and_zero_for_none(amounts: list[int]) -> None:
    assert Money(sum(amounts)) == Money.total(Money(amount) for amount in amounts)


def test_the_largest_balance_fits_into_the_database() -> None:
    assert "900000000000.00" == BALANCE_MAX.two_places()
