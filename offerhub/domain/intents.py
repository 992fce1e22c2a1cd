"""What we ask a transaction to do, said before anyone builds it.

A decision plans a chain operation with its intent, and both are stored whole. An intent is the
yardstick of the check before a key signs: each knows the account that is the transaction's source
(its lane) and every address whose key has to sign. How each type is worked is the table of
`intent_rules`.
"""

from attrs import frozen

from offerhub.domain.money import Money


@frozen
class EscrowTerms:
    """What an escrow contract is deployed with (docs/spec/trustless-work.md §2.2, §3.1; docs/spec/domain.md §3)."""

    engagement_id: str
    title: str
    description: str
    approver: str
    service_provider: str
    platform: str
    release_signer: str
    dispute_resolver: str
    receiver: str
    amount: Money
    platform_fee_bps: int
    """Basis points, 0 to 9900."""
    milestones: tuple[str, ...]
    """Descriptions, in order; at least one."""
    usdc_issuer: str
    usdc_code: str = "USDC"


@frozen
class DeployEscrow:
    """Deploy a single-release contract; the signer pays and gains no role."""

    signer: str
    terms: EscrowTerms

    @property
    def source(self) -> str:
        return self.signer

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.signer,)


@frozen
class FundEscrow:
    """Pay the order's amount from the signer's wallet into the contract."""

    contract_id: str
    signer: str
    amount: Money
    terms: EscrowTerms
    """The contract must still be exactly this, with no milestone touched (docs/spec/trustless-work.md §5.2)."""

    @property
    def source(self) -> str:
        return self.signer

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.signer,)


@frozen
class ChangeMilestoneStatus:
    """Tell the contract how far a milestone is."""

    contract_id: str
    index: int
    status: str
    evidence: str
    service_provider: str

    @property
    def source(self) -> str:
        return self.service_provider

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.service_provider,)


@frozen
class ApproveMilestone:
    """Approve a milestone; irreversible (docs/spec/trustless-work.md §5.4)."""

    contract_id: str
    index: int
    approver: str

    @property
    def source(self) -> str:
        return self.approver

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.approver,)


@frozen
class ReleaseFunds:
    """Pay the configured amount out to the receiver, less the fees (docs/spec/trustless-work.md §7.1)."""

    contract_id: str
    release_signer: str

    @property
    def source(self) -> str:
        return self.release_signer

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.release_signer,)


@frozen
class DisputeEscrow:
    """Freeze the contract until a resolution; by a party, never by the resolver."""

    contract_id: str
    signer: str

    @property
    def source(self) -> str:
        return self.signer

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.signer,)


@frozen
class Distribution:
    """What one address gets of a contract, before the fees."""

    address: str
    amount: Money


@frozen
class ResolveDispute:
    """Pay a disputed contract out (docs/spec/trustless-work.md §5.7).

    Args:
        dispute_resolver: the platform's wallet.
        distributions: the order's own money, gross; together the order's amount.
        surplus: what the contract holds beyond it, read just before each build: the contract pays
            out its whole balance or nothing. It goes to the resolver. `None`: not read yet.
    """

    contract_id: str
    dispute_resolver: str
    distributions: tuple[Distribution, ...]
    surplus: Money | None = None

    @property
    def source(self) -> str:
        return self.dispute_resolver

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.dispute_resolver,)

    @property
    def own(self) -> Money:
        """The order's own money: what the contract must hold at least."""
        return Money.total(each.amount for each in self.distributions)

    @property
    def whole(self) -> tuple[Distribution, ...]:
        """Every distribution of the call, that of a surplus included."""
        if not self.surplus:
            return self.distributions
        return (*self.distributions, Distribution(self.dispute_resolver, self.surplus))


@frozen
class PayUsdc:
    """Pay USDC from a wallet to any address: a withdrawal.

    Args:
        memo: a text memo of at most 28 bytes.
        channel: the transaction's source where that is not the wallet: the platform's own
            withdrawals, because its wallet is source of resolutions only.
    """

    wallet: str
    destination: str
    amount: Money
    memo: str | None = None
    channel: str | None = None

    @property
    def source(self) -> str:
        return self.channel or self.wallet

    @property
    def signers(self) -> tuple[str, ...]:
        return _distinct(self.source, self.wallet)


@frozen
class ActivateWallets:
    """Create accounts with a USDC trustline, their reserves sponsored (docs/spec/stellar-horizon.md §5.4)."""

    channel: str
    sponsor: str
    wallets: tuple[str, ...]
    xlm_float: Money
    """Spendable XLM that each new account starts with, for its own fees."""

    @property
    def source(self) -> str:
        return self.channel

    @property
    def signers(self) -> tuple[str, ...]:
        return _distinct(self.channel, self.sponsor, *self.wallets)


@frozen
class XlmRefill:
    """XLM for one wallet."""

    wallet: str
    amount: Money


@frozen
class RefillWallets:
    """Give wallets XLM for their fees, many in one transaction."""

    channel: str
    payer: str
    refills: tuple[XlmRefill, ...]

    @property
    def source(self) -> str:
        return self.channel

    @property
    def signers(self) -> tuple[str, ...]:
        return _distinct(self.channel, self.payer)


@frozen
class DuePayment:
    """What is paid between the platform's wallet and a user's: positive to the user's."""

    wallet: str
    amount: Money


@frozen
class SettleDues:
    """Pay dues between the platform's wallet and users' wallets, many in one transaction.

    Args:
        payments: in the order of the operations; what wallets owe comes first, so that what the
            treasury owes may be paid with it.
    """

    channel: str
    platform: str
    payments: tuple[DuePayment, ...]

    @property
    def source(self) -> str:
        return self.channel

    @property
    def signers(self) -> tuple[str, ...]:
        """The channel, and whose money it moves: each pays under its own signature."""
        payers = (
            each.wallet if each.amount.stroops < 0 else self.platform for each in self.payments
        )
        return _distinct(self.channel, *payers)


@frozen
class OpenChannels:
    """Create the channel accounts, paid by the platform's wallet."""

    platform: str
    channels: tuple[str, ...]
    starting_xlm: Money

    @property
    def source(self) -> str:
        return self.platform

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.platform,)


@frozen
class TrustUsdc:
    """Let an account hold USDC."""

    account: str

    @property
    def source(self) -> str:
        return self.account

    @property
    def signers(self) -> tuple[str, ...]:
        return (self.account,)


EscrowIntent = (
    DeployEscrow
    | FundEscrow
    | ChangeMilestoneStatus
    | ApproveMilestone
    | ReleaseFunds
    | DisputeEscrow
    | ResolveDispute
)
"""Built by Trustless Work."""

OwnIntent = PayUsdc | ActivateWallets | RefillWallets | SettleDues | OpenChannels | TrustUsdc
"""Built by ourselves."""

Intent = EscrowIntent | OwnIntent


def _distinct(*addresses: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(addresses))
