"""Fees: what the contract keeps, and who bears it (docs/spec/domain.md §1, Fees, docs/spec/trustless-work.md §7)."""

from enum import StrEnum
from typing import Final

from attrs import frozen

from offerhub.domain.money import Money

PROTOCOL_FEE_BPS: Final = 30
"""0.3 %, kept by the contract out of everything that it pays out (docs/spec/trustless-work.md §7)."""

_BPS: Final = 10_000


class FeePolicy(StrEnum):
    """Who bears the fees: the platform, or the one who is paid."""

    PLATFORM = "platform"
    PAYEE = "payee"


@frozen
class FeeTerms:
    """Percent (in basis points) and policy, fixed on an order when its contract is planned."""

    platform_fee_bps: int
    policy: FeePolicy


@frozen
class FeesKept:
    """What a contract kept of a payout, whoever bears it."""

    protocol: Money
    platform: Money


@frozen
class Payout:
    """A release or a full refund of `gross`, under its terms.

    Args:
        gross: the order's amount.
        kept: both fees as the contract floors them.
        net: what arrives in the payee's wallet.
        credited: what the payee's balance gets.
        borne: what the treasury bears of the fees.
    """

    gross: Money
    kept: FeesKept
    net: Money
    credited: Money
    borne: Money

    @property
    def due(self) -> Money:
        """What the treasury owes the payee's wallet: credited less net."""
        return self.credited - self.net


def fees_on(amount: Money, platform_fee_bps: int) -> FeesKept:
    """Fees on a payout; both divisions floor, in stroops (docs/spec/trustless-work.md §7.1)."""
    return FeesKept(
        protocol=Money(amount.stroops * PROTOCOL_FEE_BPS // _BPS),
        platform=Money(amount.stroops * platform_fee_bps // _BPS),
    )


def release(amount: Money, terms: FeeTerms) -> Payout:
    """What a release pays and credits: under `platform` the protocol fee is the platform's cost."""
    kept = fees_on(amount, terms.platform_fee_bps)
    net = amount - kept.protocol - kept.platform
    if terms.policy is FeePolicy.PAYEE:
        return Payout(amount, kept, net, credited=net, borne=Money.zero())
    return Payout(amount, kept, net, credited=amount - kept.platform, borne=kept.protocol)


def refund(amount: Money, terms: FeeTerms) -> Payout:
    """What a full refund pays and credits: under `platform` the buyer gets all of it back."""
    kept = fees_on(amount, terms.platform_fee_bps)
    net = amount - kept.protocol - kept.platform
    if terms.policy is FeePolicy.PAYEE:
        return Payout(amount, kept, net, credited=net, borne=Money.zero())
    return Payout(amount, kept, net, credited=amount, borne=kept.protocol + kept.platform)


@frozen
class SplitShare:
    """One side of a split: its gross share, the fees kept of it, and what it is credited."""

    gross: Money
    kept: FeesKept
    net: Money
    credited: Money

    @property
    def due(self) -> Money:
        return self.credited - self.net


def split(seller: Money, buyer: Money, terms: FeeTerms) -> tuple[SplitShare, SplitShare]:
    """Shares of the seller and the buyer, fees floored over the whole (docs/spec/trustless-work.md §7.2).

    A share of zero is left out of the distributions; its fees and net are zero.
    """
    whole = fees_on(seller + buyer, terms.platform_fee_bps)
    total = (seller + buyer).stroops

    def share(gross: Money, *, gives_platform_fee: bool) -> SplitShare:
        kept = FeesKept(
            protocol=Money(gross.stroops * whole.protocol.stroops // total),
            platform=Money(gross.stroops * whole.platform.stroops // total),
        )
        net = gross - kept.protocol - kept.platform
        if terms.policy is FeePolicy.PAYEE:
            return SplitShare(gross, kept, net, net)
        credited = gross - kept.platform if gives_platform_fee else gross
        return SplitShare(gross, kept, net, credited)

    return share(seller, gives_platform_fee=True), share(buyer, gives_platform_fee=False)
