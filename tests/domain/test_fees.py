"""Fees as the contract floors them, and who bears them (docs/spec/trustless-work.md §7, docs/spec/domain.md §1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.fees import FeePolicy, FeeTerms, Payout, SplitShare, fees_on, release, split
from offerhub.domain.money import Money
from tests.domain.world import usdc

amounts = st.integers(1, 9 * 10**18).map(Money)
bps = st.integers(0, 9_970)
policies = st.sampled_from(FeePolicy)
terms = st.builds(FeeTerms, bps, policies)

RELEASES = [
    ("100", 0, "0.3", "0", "99.7"),
    ("100", 500, "0.3", "5", "94.7"),
    ("250", 50, "0.75", "1.25", "248"),
    ("10", 250, "0.03", "0.25", "9.72"),
    ("1", 100, "0.003", "0.01", "0.987"),
    ("33.3333333", 500, "0.0999999", "1.6666666", "31.5666668"),
    ("12.34567", 150, "0.037037", "0.185185", "12.123448"),
    ("0.0000333", 500, "0", "0.0000016", "0.0000317"),
]
"""The table of docs/spec/trustless-work.md §7.1: A, basis points, protocol, platform, what arrives."""


def refund(amount: Money, fixed: FeeTerms) -> SplitShare:
    """What the buyer gets of a resolution that pays all of it back."""
    return split(Money.zero(), amount, fixed).buyer


@pytest.mark.parametrize(("amount", "platform_bps", "protocol", "platform", "net"), RELEASES)
@pytest.mark.parametrize("policy", list(FeePolicy))
@pytest.mark.parametrize("pay", [release, refund])
def test_the_contract_keeps_what_the_provider_documents(
    pay, policy: FeePolicy, amount: str, platform_bps: int, protocol: str, platform: str, net: str
) -> None:
    payout: Payout | SplitShare = pay(usdc(amount), FeeTerms(platform_bps, policy))
    assert (usdc(protocol), usdc(platform)) == (payout.kept.protocol, payout.kept.platform)
    assert usdc(net) == payout.net
    assert usdc(amount) == payout.gross


@pytest.mark.parametrize(("amount", "platform_bps", "protocol", "platform", "net"), RELEASES)
def test_who_bears_the_fees_is_the_policy(
    amount: str, platform_bps: int, protocol: str, platform: str, net: str
) -> None:
    payee = FeeTerms(platform_bps, FeePolicy.PAYEE)
    by_platform = FeeTerms(platform_bps, FeePolicy.PLATFORM)
    for payout in (release(usdc(amount), payee), refund(usdc(amount), payee)):
        assert usdc(net) == payout.credited
        assert not payout.due
    assert not release(usdc(amount), payee).borne
    released = release(usdc(amount), by_platform)
    assert usdc(amount) - usdc(platform) == released.credited
    assert usdc(protocol) == released.due == released.borne
    refunded = refund(usdc(amount), by_platform)
    assert usdc(amount) == refunded.credited
    assert usdc(protocol) + usdc(platform) == refunded.due


def test_the_worked_example_comes_out_exactly_under_the_default_policy() -> None:
    """docs/spec/domain.md §1: an order of 80.00 at 0 % and policy `platform`."""
    default = FeeTerms(0, FeePolicy.PLATFORM)
    assert "80.00" == release(usdc("80"), default).credited.two_places()
    assert "80.00" == refund(usdc("80"), default).credited.two_places()
    shares = split(usdc("50"), usdc("30"), default)
    seller, buyer = shares.seller, shares.buyer
    assert ("50.00", "30.00") == (seller.credited.two_places(), buyer.credited.two_places())
    assert usdc("0.15") == seller.due
    assert usdc("0.09") == buyer.due


def test_under_payee_a_release_of_eighty_gives_what_arrives() -> None:
    assert "79.76" == release(usdc("80"), FeeTerms(0, FeePolicy.PAYEE)).credited.two_places()


@pytest.mark.parametrize(
    ("shares", "platform_bps", "nets", "protocol", "platform"),
    [
        (("1.5", "0.5"), 0, ("1.4955", "0.4985"), "0.006", "0"),
        (("60", "40"), 500, ("56.82", "37.88"), "0.3", "5"),
        (("100", "0"), 500, ("94.7", "0"), "0.3", "5"),
        (("0", "100"), 0, ("0", "99.7"), "0.3", "0"),
    ],
)
@pytest.mark.parametrize("policy", list(FeePolicy))
def test_a_split_pays_the_shares_that_the_provider_documents(
    policy: FeePolicy,
    shares: tuple[str, str],
    platform_bps: int,
    nets: tuple[str, str],
    protocol: str,
    platform: str,
) -> None:
    paid = split(usdc(shares[0]), usdc(shares[1]), FeeTerms(platform_bps, policy))
    seller, buyer = paid.seller, paid.buyer
    assert (usdc(nets[0]), usdc(nets[1])) == (seller.net, buyer.net)
    assert usdc(protocol) == seller.kept.protocol + buyer.kept.protocol
    assert usdc(platform) == seller.kept.platform + buyer.kept.platform


def test_two_sides_of_the_documented_three_way_split_floor_alike() -> None:
    """The source has three shares of 100 at 1.5 %; two of its sides are one split of the same whole.

    docs/spec/trustless-work.md §7.2.
    """
    paid = split(usdc("33.3333333"), usdc("66.6666667"), FeeTerms(150, FeePolicy.PAYEE))
    third, rest = paid.seller, paid.buyer
    assert usdc("32.7333335") == third.net
    assert usdc("0.0999999") == third.kept.protocol
    assert usdc("0.4999999") == third.kept.platform
    assert usdc("0.2") == rest.kept.protocol
    assert usdc("1") == rest.kept.platform


@given(amounts, terms)
def test_nothing_is_lost_between_gross_fees_and_net(amount: Money, fixed: FeeTerms) -> None:
    released = release(amount, fixed)
    assert released.borne == released.due
    for payout in (released, refund(amount, fixed)):
        kept = payout.kept
        assert amount == payout.net + kept.protocol + kept.platform
        assert min(payout.net, kept.protocol, kept.platform) >= Money.zero()
        assert payout.net <= payout.credited <= amount


@given(amounts, bps)
def test_fees_are_the_largest_whole_stroops_below_the_exact_fee(
    amount: Money, platform_bps: int
) -> None:
    kept = fees_on(amount, platform_bps)
    for fee, rate in ((kept.protocol, 30), (kept.platform, platform_bps)):
        assert fee.stroops * 10_000 <= amount.stroops * rate < (fee.stroops + 1) * 10_000


@given(st.integers(0, 4 * 10**18), st.integers(0, 4 * 10**18), terms)
def test_a_split_loses_nothing_and_floors_at_most_a_stroop_a_side(
    seller_stroops: int, buyer_stroops: int, fixed: FeeTerms
) -> None:
    if seller_stroops + buyer_stroops == 0:
        return
    gross = (Money(seller_stroops), Money(buyer_stroops))
    whole = fees_on(gross[0] + gross[1], fixed.platform_fee_bps)
    paid = split(*gross, fixed)
    sides = (paid.seller, paid.buyer)
    for side, share in zip(sides, gross, strict=True):
        assert share == side.gross == side.net + side.kept.protocol + side.kept.platform
        assert min(side.net, side.kept.protocol, side.kept.platform) >= Money.zero()
        assert side.net <= side.credited <= share
        if not share:
            assert not side.net
            assert not side.credited
    for fee in ("protocol", "platform"):
        charged = sum(getattr(side.kept, fee).stroops for side in sides)
        assert 0 <= getattr(whole, fee).stroops - charged <= 1


@given(amounts, terms)
def test_a_split_that_gives_one_side_everything_is_a_release_or_a_refund(
    amount: Money, fixed: FeeTerms
) -> None:
    to_seller = split(amount, Money.zero(), fixed)
    all_to_seller, nothing = to_seller.seller, to_seller.buyer
    released = release(amount, fixed)
    assert (released.net, released.credited) == (all_to_seller.net, all_to_seller.credited)
    assert not nothing.credited
    all_to_buyer = split(Money.zero(), amount, fixed).buyer
    net = amount - fees_on(amount, fixed.platform_fee_bps).protocol - released.kept.platform
    paid_back = amount if fixed.policy is FeePolicy.PLATFORM else net
    assert (net, paid_back) == (all_to_buyer.net, all_to_buyer.credited)


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(1, 10**15), terms)
def test_a_surplus_goes_to_the_platform_less_the_protocols_share(
    seller_stroops: int, buyer_stroops: int, stray: int, fixed: FeeTerms
) -> None:
    """docs/spec/domain.md §3: fees are floored over the whole, whatever the contract holds."""
    if seller_stroops + buyer_stroops == 0:
        return
    paid = split(Money(seller_stroops), Money(buyer_stroops), fixed, Money(stray))
    total = seller_stroops + buyer_stroops + stray
    whole = fees_on(Money(total), fixed.platform_fee_bps)
    # What the contract does, share by share (docs/spec/trustless-work.md §7.2).
    protocol = [x * whole.protocol.stroops // total for x in (seller_stroops, buyer_stroops, stray)]
    platform = [x * whole.platform.stroops // total for x in (seller_stroops, buyer_stroops, stray)]
    assert (protocol[0], protocol[1]) == (
        paid.seller.kept.protocol.stroops,
        paid.buyer.kept.protocol.stroops,
    )
    assert sum(platform[:2]) == paid.kept.platform.stroops
    to_platform = sum(platform) + stray - protocol[2] - platform[2]
    assert to_platform == paid.to_platform.stroops
    everything = paid.seller.net + paid.buyer.net + paid.to_platform + paid.kept.protocol
    assert total == (everything + paid.surplus.protocol).stroops


def test_a_surplus_of_the_worked_example_leaves_both_sides_their_shares() -> None:
    paid = split(usdc("50"), usdc("30"), FeeTerms(0, FeePolicy.PLATFORM), usdc("10"))
    assert (usdc("50"), usdc("30")) == (paid.seller.credited, paid.buyer.credited)
    assert usdc("0.24") == paid.kept.protocol
    assert usdc("9.97") == paid.surplus.arrives == paid.to_platform
