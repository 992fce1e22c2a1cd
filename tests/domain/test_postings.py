"""Every row of the table in docs/spec/domain.md §1, restated: signs, amounts and booked wallets."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import postings
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.fees import FeePolicy, FeeTerms, release, split
from offerhub.domain.ledger import TransferKind
from offerhub.domain.money import Money
from offerhub.domain.postings import Movement

A = Money(1_234_567_89)

ROWS: dict[str, tuple[Callable[[Money], Movement], dict[str, int], dict[str, int]]] = {
    "deposit": (
        lambda a: postings.deposit("u", a, "tx"),
        {"available/u": +1, "external": -1},
        {"wallet/u": +1},
    ),
    "reserve (order), hold": (
        lambda a: postings.reserve("u", a),
        {"available/u": -1, "reserved/u": +1},
        {},
    ),
    "cancel, hold given back, refund before funding": (
        lambda a: postings.unreserve("u", a),
        {"available/u": +1, "reserved/u": -1},
        {},
    ),
    "fund escrow": (
        lambda a: postings.fund_escrow("o", "u", a, "tx"),
        {"reserved/u": -1, "escrow/o": +1},
        {"wallet/u": -1},
    ),
    "crypto withdrawal created": (
        lambda a: postings.create_withdrawal("u", a),
        {"available/u": -1, "withdrawing/u": +1},
        {},
    ),
    "crypto withdrawal completed": (
        lambda a: postings.complete_withdrawal("u", a, "tx"),
        {"withdrawing/u": -1, "external": +1},
        {"wallet/u": -1},
    ),
    "crypto withdrawal failed or canceled": (
        lambda a: postings.return_withdrawal("u", a),
        {"withdrawing/u": -1, "available/u": +1},
        {},
    ),
    "AirTM top-up": (
        lambda a: postings.top_up("u", a, "pi"),
        {"available/u": +1, "external": -1, "due/u": +1, "due/treasury": -1},
        {"airtm": +1},
    ),
    "AirTM payout completed": (
        lambda a: postings.complete_payout("u", a, "po"),
        {"withdrawing/u": -1, "external": +1, "due/u": -1, "due/treasury": +1},
        {"airtm": -1},
    ),
    "hold given to another user": (
        lambda a: postings.give_hold("g", "r", a),
        {"reserved/g": -1, "available/r": +1, "due/g": -1, "due/r": +1},
        {},
    ),
    "hold deducted": (
        lambda a: postings.deduct_hold("u", a),
        {"reserved/u": -1, "treasury": +1, "due/u": -1, "due/treasury": +1},
        {},
    ),
    "manual debit": (
        lambda a: postings.debit_manually("u", a),
        {"available/u": -1, "treasury": +1, "due/u": -1, "due/treasury": +1},
        {},
    ),
    "manual credit": (
        lambda a: postings.credit_manually("u", a),
        {"available/u": +1, "treasury": -1, "due/u": +1, "due/treasury": -1},
        {},
    ),
    "settlement to the wallet": (
        lambda a: postings.settle("u", a, "tx"),
        {"due/u": -1, "due/treasury": +1},
        {"wallet/u": +1, "wallet/treasury": -1},
    ),
    "settlement from the wallet": (
        lambda a: postings.settle("u", -a, "tx"),
        {"due/u": +1, "due/treasury": -1},
        {"wallet/u": -1, "wallet/treasury": +1},
    ),
    "deposit that is parked": (
        lambda a: postings.park("u", a, "tx"),
        {"suspense/u": +1, "external": -1},
        {"wallet/u": +1},
    ),
    "AirTM pay-in that is parked": (
        lambda a: postings.park_pay_in("u", a, "pi"),
        {"suspense/u": +1, "external": -1, "due/u": +1, "due/treasury": -1},
        {"airtm": +1},
    ),
    "parked money given to its user": (
        lambda a: postings.unpark("u", a),
        {"suspense/u": -1, "available/u": +1},
        {},
    ),
    "USDC reaches the platform's wallet": (
        lambda a: postings.deposit_to_treasury(a, "tx"),
        {"treasury": +1, "external": -1},
        {"wallet/treasury": +1},
    ),
    "the platform's withdrawal created": (
        lambda a: postings.create_platform_withdrawal("p", a),
        {"treasury": -1, "withdrawing/p": +1},
        {},
    ),
    "the platform's withdrawal completed": (
        lambda a: postings.complete_platform_withdrawal("p", a, "tx"),
        {"withdrawing/p": -1, "external": +1},
        {"wallet/treasury": -1},
    ),
    "the platform's withdrawal failed": (
        lambda a: postings.return_platform_withdrawal("p", a),
        {"withdrawing/p": -1, "treasury": +1},
        {},
    ),
}


def figures(movement: Movement) -> tuple[dict[str, int], dict[str, int]]:
    accounts = {posting.account: posting.amount.stroops for posting in movement.postings}
    assert len(accounts) == len(movement.postings)
    holdings = {holding.holding: holding.amount.stroops for holding in movement.holdings}
    assert len(holdings) == len(movement.holdings)
    return accounts, holdings


@pytest.mark.parametrize("row", ROWS)
def test_a_row_posts_what_the_table_says(row: str) -> None:
    make, accounts, holdings = ROWS[row]
    expected = (
        {account: sign * A.stroops for account, sign in accounts.items()},
        {holding: sign * A.stroops for holding, sign in holdings.items()},
    )
    assert expected == figures(make(A))
    assert 0 == sum(expected[0].values())


@pytest.mark.parametrize("row", [row for row in ROWS if "settlement" not in row])
@pytest.mark.parametrize("amount", [Money(0), Money(-1)])
def test_nothing_and_less_cannot_be_moved(row: str, amount: Money) -> None:
    with pytest.raises(InvariantViolated):
        ROWS[row][0](amount)


def test_a_settlement_of_nothing_is_none() -> None:
    with pytest.raises(InvariantViolated):
        postings.settle("u", Money.zero(), "tx")


@pytest.mark.parametrize("row", ROWS)
def test_what_moves_on_the_chain_or_at_airtm_carries_its_reference(row: str) -> None:
    assert all(moved.reference in {"tx", "pi", "po"} for moved in ROWS[row][0](A).holdings)


amounts = st.integers(1, 10**15).map(Money)
terms = st.builds(FeeTerms, st.integers(0, 9_970), st.sampled_from(FeePolicy))


def without_zeros(figures: dict[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in figures.items() if amount}


@given(amounts, terms, st.booleans())
def test_a_payout_posts_gross_fees_and_net(gross: Money, fixed: FeeTerms, is_release: bool) -> None:
    """The row of the release, and of the refund with the buyer as payee."""
    a = gross.stroops
    protocol, platform = a * 30 // 10_000, a * fixed.platform_fee_bps // 10_000
    if fixed.policy is FeePolicy.PAYEE:
        credited, bears = a - protocol - platform, 0
    elif is_release:
        credited, bears = a - platform, protocol
    else:
        credited, bears = a, protocol + platform
    net = a - protocol - platform
    expected = (
        {
            "escrow/o": -a,
            "external": protocol,
            "treasury": platform - bears,
            "available/u": credited,
            "due/u": credited - net,
            "due/treasury": net - credited,
        },
        {"wallet/u": net, "wallet/treasury": platform},
    )
    assert 0 == sum(expected[0].values())
    kind = TransferKind.ESCROW_RELEASE if is_release else TransferKind.ESCROW_REFUND
    movement = (
        postings.pay_out(kind, "o", "u", release(gross, fixed), "tx")
        if is_release
        else postings.pay_split(kind, "o", "seller", "u", split(Money.zero(), gross, fixed), "tx")
    )
    assert kind is movement.kind
    assert (without_zeros(expected[0]), without_zeros(expected[1])) == figures(movement)


@given(st.integers(0, 10**15), st.integers(0, 10**15), terms)
def test_a_split_posts_both_sides(s: int, b: int, fixed: FeeTerms) -> None:
    a = s + b
    if a == 0:
        return
    whole = a * 30 // 10_000, a * fixed.platform_fee_bps // 10_000
    (s_protocol, b_protocol) = (s * whole[0] // a, b * whole[0] // a)
    (s_platform, b_platform) = (s * whole[1] // a, b * whole[1] // a)
    s_net, b_net = s - s_protocol - s_platform, b - b_protocol - b_platform
    if fixed.policy is FeePolicy.PAYEE:
        s_credited, b_credited = s_net, b_net
    else:
        s_credited, b_credited = s - s_platform, b
    s_due, b_due = s_credited - s_net, b_credited - b_net
    bears = s_due + b_due
    expected = (
        {
            "escrow/o": -a,
            "external": s_protocol + b_protocol,
            "treasury": s_platform + b_platform - bears,
            "available/seller": s_credited,
            "available/buyer": b_credited,
            "due/seller": s_due,
            "due/buyer": b_due,
            "due/treasury": -s_due - b_due,
        },
        {
            "wallet/seller": s_net,
            "wallet/buyer": b_net,
            "wallet/treasury": s_platform + b_platform,
        },
    )
    assert 0 == sum(expected[0].values())
    kind, paid = TransferKind.ESCROW_SPLIT, split(Money(s), Money(b), fixed)
    movement = postings.pay_split(kind, "o", "seller", "buyer", paid, "tx")
    assert kind is movement.kind
    assert (without_zeros(expected[0]), without_zeros(expected[1])) == figures(movement)


@given(st.integers(1, 10**15), st.integers(1, 10**15), terms)
def test_a_surplus_is_booked_to_the_treasury_as_it_arrives(
    own: int, stray: int, fixed: FeeTerms
) -> None:
    surplus = split(Money(own), Money.zero(), fixed, Money(stray)).surplus
    movement = postings.take_surplus(surplus, "tx")
    arrives = stray - surplus.protocol.stroops
    assert TransferKind.ESCROW_SURPLUS is movement.kind
    assert ({"treasury": arrives, "external": -arrives}, {"wallet/treasury": arrives}) == figures(
        movement
    )
