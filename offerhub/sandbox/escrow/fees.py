"""Who receives what of a payout, to the stroop (docs/spec/trustless-work.md §7: every division floors)."""

from collections.abc import Mapping

from attrs import frozen

PROTOCOL_FEE_BPS = 30
BPS_WHOLE = 10_000


@frozen
class Payout:
    """The parts of one payout, in stroops; `net` is in the order in which it is paid."""

    protocol_stroops: int
    platform_stroops: int
    net: tuple[tuple[str, int], ...]


def release_payout(amount_stroops: int, platform_fee_bps: int, receiver: str) -> Payout:
    """A release of the configured amount; the receiver keeps the rounding dust (§7.1)."""
    protocol = amount_stroops * PROTOCOL_FEE_BPS // BPS_WHOLE
    platform = amount_stroops * platform_fee_bps // BPS_WHOLE
    return Payout(protocol, platform, ((receiver, amount_stroops - protocol - platform),))


def distribution_payout(distributions: Mapping[str, int], platform_fee_bps: int) -> Payout:
    """A resolution or withdrawal of gross amounts (§7.2).

    The fees of the total are shared out in floors, and only what was taken from somebody is paid as
    a fee: the sum of all parts is exactly the sum of the distributions. The total must be positive.
    """
    total = sum(distributions.values())
    protocol_whole = total * PROTOCOL_FEE_BPS // BPS_WHOLE
    platform_whole = total * platform_fee_bps // BPS_WHOLE
    protocol = platform = 0
    net: list[tuple[str, int]] = []
    for address, gross in distributions.items():
        to_protocol = gross * protocol_whole // total
        to_platform = gross * platform_whole // total
        protocol += to_protocol
        platform += to_platform
        net.append((address, gross - to_protocol - to_platform))
    return Payout(protocol, platform, tuple(net))
