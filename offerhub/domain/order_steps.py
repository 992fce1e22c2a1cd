"""The steps of an order's work on the chain, and what each asks of it (docs/spec/domain.md §3)."""

from typing import Final

from attrs import frozen

from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.chain_moves import planned
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.dispute import Party
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.intents import (
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    Distribution,
    EscrowIntent,
    EscrowTerms,
    FundEscrow,
    ReleaseFunds,
    ResolveDispute,
)
from offerhub.domain.money import Money
from offerhub.domain.order import DELIVERY, Escrow, Order
from offerhub.domain.steps import DISPUTE, RELEASE, RESOLVE, Step, StepKind


@frozen
class Parties:
    """Addresses that an order's contract names, and that a payout may reach."""

    buyer: str
    seller: str
    platform: str
    usdc_issuer: str
    usdc_code: str


REFUND_STEPS: Final = (DISPUTE, RESOLVE)
"""The contract knows no refund: it is disputed by the buyer and resolved by the platform."""


def release_steps(order: Order) -> tuple[Step, ...]:
    """Every milestone reported by the seller, approved by the buyer, then paid."""
    milestones = range(len(order.contract_milestones))
    return (
        *(Step(StepKind.COMPLETE, index) for index in milestones),
        *(Step(StepKind.APPROVE, index) for index in milestones),
        RELEASE,
    )


def plan_deployment(
    order: Order, channel: str, parties: Parties, context: DecisionContext
) -> ChainOperation:
    """Plan the deployment of an order's contract; its source is a channel account."""
    intent = DeployEscrow(signer=channel, terms=terms_of(order, parties))
    return planned(intent, Subject.ORDER, order.id, context)


def plan_step(
    order: Order, step: Step, parties: Parties, context: DecisionContext
) -> ChainOperation:
    """Plan the first attempt at a step on a contract that exists."""
    return planned(_intent(order, step, parties), Subject.ORDER, order.id, context)


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


def _intent(order: Order, step: Step, parties: Parties) -> EscrowIntent:
    contract = existing_escrow(order).contract_id
    if contract is None:
        msg = f"{order.id} has no contract for the step {step}"
        raise InvariantViolated(msg)
    match step:
        case Step(StepKind.FUND):
            return FundEscrow(
                contract_id=contract,
                signer=parties.buyer,
                amount=order.amount,
                terms=terms_of(order, parties),
            )
        case Step(StepKind.COMPLETE, int(index)):
            return ChangeMilestoneStatus(
                contract_id=contract,
                index=index,
                status="completed",
                evidence="",
                service_provider=parties.seller,
            )
        case Step(StepKind.APPROVE, int(index)):
            return ApproveMilestone(contract_id=contract, index=index, approver=parties.buyer)
        case Step(StepKind.RELEASE):
            return ReleaseFunds(contract_id=contract, release_signer=parties.buyer)
        case Step(StepKind.DISPUTE):
            by_seller = order.dispute is not None and order.dispute.opened_by is Party.SELLER
            return DisputeEscrow(
                contract_id=contract, signer=parties.seller if by_seller else parties.buyer
            )
        case Step(StepKind.RESOLVE):
            seller, buyer = shares_of(order)
            return ResolveDispute(
                contract_id=contract,
                dispute_resolver=parties.platform,
                distributions=tuple(
                    Distribution(address, share)
                    for address, share in ((parties.seller, seller), (parties.buyer, buyer))
                    if share
                ),
            )
        case _:
            msg = f"{step} is no step on an order's contract"
            raise InvariantViolated(msg)


def shares_of(order: Order) -> tuple[Money, Money]:
    """The seller's and the buyer's gross shares of a resolution: as ruled, or all to the buyer."""
    if order.dispute is None:
        return Money.zero(), order.amount
    if order.dispute.ruling is None:
        msg = f"{order.dispute.id} is not decided"
        raise InvariantViolated(msg)
    return order.dispute.ruling.release, order.dispute.ruling.refund


def existing_escrow(order: Order) -> Escrow:
    """The escrow of an order that must have one."""
    if order.escrow is None:
        msg = f"{order.id} is {order.status.value} without an escrow"
        raise InvariantViolated(msg)
    return order.escrow
