"""What each step of an order asks of the chain (domain.md §3, the table of steps)."""

from attrs import frozen

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.order import DELIVERY, Order
from offerhub.providers.stellar.intents import (
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    EscrowIntent,
    EscrowTerms,
    FundEscrow,
    ReleaseFunds,
)


@frozen
class Parties:
    """Addresses that an order's contract names."""

    buyer: str
    seller: str
    platform: str
    usdc_issuer: str
    usdc_code: str


def terms_of(order: Order, parties: Parties) -> EscrowTerms:
    """The contract of an order: the caller's text stays off the public ledger, but for titles."""
    if order.fee_terms is None:
        msg = f"{order.id} has no fee terms"
        raise InvariantViolated(msg)
    return EscrowTerms(
        engagement_id=order.id,
        title=f"Order {order.id}",
        description=f"Escrow of order {order.id}",
        approver=parties.buyer,
        service_provider=parties.seller,
        platform=parties.platform,
        release_signer=parties.buyer,
        dispute_resolver=parties.platform,
        receiver=parties.seller,
        amount=order.amount,
        platform_fee_bps=order.fee_terms.platform_fee_bps,
        milestones=tuple(milestone.title for milestone in order.milestones) or (DELIVERY,),
        usdc_issuer=parties.usdc_issuer,
        usdc_code=parties.usdc_code,
    )


def intent_of(order: Order, step: str, source: str, parties: Parties) -> EscrowIntent:
    """What a step asks of the chain.

    Args:
        source: the operation's source account; a deployment's is a channel.
    """
    kind, _, index = step.partition(":")
    if kind == "deploy":
        return DeployEscrow(signer=source, terms=terms_of(order, parties))
    if order.escrow is None or order.escrow.contract_id is None:
        msg = f"{order.id} has no contract for the step {step}"
        raise InvariantViolated(msg)
    contract = order.escrow.contract_id
    match kind:
        case "fund":
            return FundEscrow(
                contract_id=contract,
                signer=parties.buyer,
                amount=order.amount,
                terms=terms_of(order, parties),
            )
        case "complete":
            return ChangeMilestoneStatus(
                contract_id=contract,
                index=int(index),
                status="completed",
                evidence="",
                service_provider=parties.seller,
            )
        case "approve":
            return ApproveMilestone(contract_id=contract, index=int(index), approver=parties.buyer)
        case "release":
            return ReleaseFunds(contract_id=contract, release_signer=parties.buyer)
        case _:
            msg = f"no intent is known for the step {step}"
            raise InvariantViolated(msg)
