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
    """A release of `gross`, under its terms.

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


@frozen
class SplitShare:
    """One side of a split: its gross share, the fees kept of it, and what it is credited."""

    gross: Money
    kept: FeesKept
    net: Money
    credited: Money

    @property
    def due(self) -> Money:
        """What the treasury owes the side's wallet: credited less net."""
        return self.credited - self.net


@frozen
class Surplus:
    """What a contract held beyond its order's amount: paid to the platform's wallet with the rest.

    Args:
        gross: what it held.
        protocol: the protocol's share of it; the platform's share goes to the platform either way.
    """

    gross: Money
    protocol: Money

    @property
    def arrives(self) -> Money:
        """What reaches the platform's wallet of it, the platform's share of the fees included."""
        return self.gross - self.protocol


@frozen
class Split:
    """How a dispute's resolution pays a contract out: the order's own two shares, and a surplus."""

    seller: SplitShare
    buyer: SplitShare
    surplus: Surplus

    @property
    def kept(self) -> FeesKept:
        """What the contract kept of the order's own money; a surplus does not count."""
        return FeesKept(
            protocol=self.seller.kept.protocol + self.buyer.kept.protocol,
            platform=self.seller.kept.platform + self.buyer.kept.platform,
        )

    @property
    def to_platform(self) -> Money:
        """What the platform's wallet receives: the platform's fee, and what arrives of a surplus."""
        return self.kept.platform + self.surplus.arrives


def split(seller: Money, buyer: Money, terms: FeeTerms, surplus: Money | None = None) -> Split:
    """Shares of the seller and the buyer, fees floored over the whole (docs/spec/trustless-work.md §7.2).

    Everything to one side is a release or a refund: each gets what its column of the table in
    docs/spec/domain.md §1 says. A share of zero is left out of the distributions; its fees and net
    are zero.

    Args:
        surplus: what the contract holds beyond both shares (docs/spec/domain.md §3).
    """
    surplus = surplus or Money.zero()
    total = (seller + buyer + surplus).stroops
    whole = fees_on(Money(total), terms.platform_fee_bps)

    def kept_of(gross: Money) -> FeesKept:
        return FeesKept(
            protocol=Money(gross.stroops * whole.protocol.stroops // total),
            platform=Money(gross.stroops * whole.platform.stroops // total),
        )

    def share(gross: Money, *, gives_platform_fee: bool) -> SplitShare:
        kept = kept_of(gross)
        net = gross - kept.protocol - kept.platform
        if terms.policy is FeePolicy.PAYEE:
            return SplitShare(gross, kept, net, net)
        credited = gross - kept.platform if gives_platform_fee else gross
        return SplitShare(gross, kept, net, credited)

    return Split(
        seller=share(seller, gives_platform_fee=True),
        buyer=share(buyer, gives_platform_fee=False),
        surplus=Surplus(surplus, kept_of(surplus).protocol),
    )
