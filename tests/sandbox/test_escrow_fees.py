"""The money table of docs/spec/trustless-work.md §7, to the stroop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.sandbox.escrow.fees import distribution_payout, release_payout

UNIT = 10_000_000


def stroops(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole) * UNIT + int(fraction.ljust(7, "0"))


@pytest.mark.parametrize(
    ("amount", "bps", "protocol", "platform", "receiver"),
    [
        ("100", 0, "0.3", "0", "99.7"),
        ("100", 500, "0.3", "5", "94.7"),
        ("250", 50, "0.75", "1.25", "248"),
        ("10", 250, "0.03", "0.25", "9.72"),
        ("1", 100, "0.003", "0.01", "0.987"),
        ("33.3333333", 500, "0.0999999", "1.6666666", "31.5666668"),
        ("12.34567", 150, "0.037037", "0.185185", "12.123448"),
        ("0.0000333", 500, "0", "0.0000016", "0.0000317"),
    ],
)
def test_a_release_pays_what_the_measured_table_says(amount, bps, protocol, platform, receiver):
    payout = release_payout(stroops(amount), bps, "R")
    assert stroops(protocol) == payout.protocol_stroops
    assert stroops(platform) == payout.platform_stroops
    assert (("R", stroops(receiver)),) == payout.net


@pytest.mark.parametrize(
    ("gross", "bps", "net", "protocol", "platform"),
    [
        (["1.5", "0.5"], 0, ["1.4955", "0.4985"], "0.006", "0"),
        (["60", "40"], 500, ["56.82", "37.88"], "0.3", "5"),
        (
            ["33.3333333", "33.3333333", "33.3333334"],
            150,
            ["32.7333335", "32.7333335", "32.7333334"],
            "0.2999998",
            "1.4999998",
        ),
    ],
)
def test_a_resolution_shares_the_fees_as_measured(gross, bps, net, protocol, platform):
    amounts = {f"r{place}": stroops(text) for place, text in enumerate(gross)}
    payout = distribution_payout(amounts, bps)
    assert [stroops(text) for text in net] == [amount for _, amount in payout.net]
    assert stroops(protocol) == payout.protocol_stroops
    assert stroops(platform) == payout.platform_stroops


@given(
    st.lists(st.integers(1, 10**15), min_size=1, max_size=50),
    st.integers(0, 9_900),
)
def test_a_distribution_pays_out_exactly_its_gross_sum(amounts, bps):
    payout = distribution_payout({str(i): amount for i, amount in enumerate(amounts)}, bps)
    paid = payout.protocol_stroops + payout.platform_stroops + sum(net for _, net in payout.net)
    assert sum(amounts) == paid
    assert all(net >= 0 for _, net in payout.net)
