"""What an escrow contract stores: one `Escrow` record (docs/spec/trustless-work.md §2.2).

Amounts are whole stroops as the contract keeps them (i128), fees are basis points.
"""

from attrs import evolve, frozen


@frozen
class Milestone:
    """One piece of work; `status` and `evidence` are free text that no rule reads but "not empty"."""

    description: str
    status: str = "pending"
    evidence: str = ""
    approved: bool = False


@frozen
class Roles:
    """Who may do what; every value is an address, overlaps are allowed in any combination (§5.1)."""

    approver: str
    dispute_resolver: str
    platform: str
    receiver: str
    release_signer: str
    service_provider: str


@frozen
class Flags:
    """How far the money is: at most one of released and resolved is ever reached by a payout."""

    disputed: bool = False
    released: bool = False
    resolved: bool = False


@frozen
class Escrow:
    """The record of one contract.

    `trustline` is the id of the asset's contract; `platform_fee_bps` excludes the protocol's fee.
    """

    engagement_id: str
    title: str
    description: str
    roles: Roles
    amount_stroops: int
    platform_fee_bps: int
    milestones: tuple[Milestone, ...]
    trustline: str
    flags: Flags = Flags()
    receiver_memo: int = 0

    def with_milestone(self, index: int, milestone: Milestone) -> "Escrow":
        """The same record with one milestone replaced."""
        milestones = (*self.milestones[:index], milestone, *self.milestones[index + 1 :])
        return evolve(self, milestones=milestones)

    def with_flags(self, flags: Flags) -> "Escrow":
        """The same record with other flags."""
        return evolve(self, flags=flags)
