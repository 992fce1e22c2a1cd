"""What is held against the chain: what must be there, what is on its way, and what neither explains."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.money import Money
from offerhub.domain.reconciliation import (
    Comparison,
    Holder,
    Transferred,
    WalletClaims,
    contract_must_hold,
    net_of,
)
from tests.domain.world import STANDING

amounts = st.integers(0, 10**12).map(Money)
signed = st.integers(-(10**12), 10**12).map(Money)


@given(amounts, amounts, amounts, amounts, signed, signed)
def test_a_wallet_at_rest_holds_what_its_user_has_less_what_is_due(
    available: Money, reserved: Money, withdrawing: Money, suspense: Money, due: Money, off: Money
) -> None:
    claims = WalletClaims("usr_1", available, reserved, due, withdrawing, suspense)
    assert claims.must_hold == available + reserved + withdrawing + suspense - due
    compared = Comparison(
        Holder.WALLET,
        "usr_1",
        claims.ledger,
        due,
        claims.must_hold + off,
        Money.zero(),
        at_rest=True,
    )
    assert off == compared.difference
    explained = Comparison(
        Holder.WALLET, "usr_1", claims.ledger, due, claims.must_hold + off, off, at_rest=False
    )
    assert not explained.difference


def test_what_moves_to_and_from_an_address_is_summed_up_to_a_ledger() -> None:
    moves = [
        Transferred("GA", "GB", Money(5), 10, "t1"),
        Transferred("GB", "GC", Money(2), 11, "t2"),
        Transferred(None, "GB", Money(9), 12, "t3"),
        Transferred("GA", "GC", Money(100), 10, "t4"),
        Transferred("GB", "GB", Money(7), 10, "t5"),
    ]
    assert Money(3) == net_of("GB", moves, 11)
    assert Money(12) == net_of("GB", moves, None)


@pytest.mark.parametrize("standing", STANDING)
def test_a_contract_holds_its_orders_amount_from_the_funding_to_the_end(standing: str) -> None:
    order = STANDING[standing]()
    funded = order.escrow is not None and order.escrow.funded_at is not None
    expected = order.amount if funded and not standing.startswith("CLOSED") else Money.zero()
    assert expected == contract_must_hold(order)


def test_only_more_in_a_contract_is_a_surplus() -> None:
    """Anybody can send money to a contract; to a wallet it would be a deposit."""

    def holds(holder: Holder, on_chain: int) -> Comparison:
        zero = Money.zero()
        return Comparison(holder, "ord_1", Money(5), zero, Money(on_chain), zero, at_rest=True)

    assert holds(Holder.CONTRACT, 6).is_surplus
    assert not holds(Holder.CONTRACT, 5).is_surplus
    assert not holds(Holder.CONTRACT, 4).is_surplus
    assert not holds(Holder.WALLET, 6).is_surplus
