"""From a request's body to the contract call that it asks for (docs/spec/trustless-work.md §2.2, §3)."""

import hashlib
from decimal import Decimal

from attrs import frozen
from stellar_sdk import Asset, StrKey, scval, xdr

from offerhub.sandbox.escrow.addresses import address_value
from offerhub.sandbox.escrow.bodies import (
    ApproveBody,
    DeployBody,
    DisputeBody,
    DistributionBody,
    FundBody,
    InvalidBody,
    ReleaseBody,
    ResolveBody,
    StatusBody,
    TrustlineBody,
)
from offerhub.sandbox.escrow.encoding import distributions_to_scval, escrow_to_scval
from offerhub.sandbox.escrow.envelopes import (
    RESOURCE_FEE_DEPLOY_STROOPS,
    RESOURCE_FEE_RESOLVE_STROOPS,
    PlannedCall,
)
from offerhub.sandbox.escrow.record import Escrow, Milestone, Roles
from offerhub.sandbox.escrow.runtime import DEPLOY_FUNCTION, INITIALIZE_FUNCTION
from offerhub.sandbox.json_answers import stroops_of


@frozen
class Network:
    """The addresses that the API puts into its envelopes."""

    passphrase: str
    factory: str
    wasm_hash: str
    fee_address: str
    usdc_issuer: str
    usdc_contract: str


def plan_deploy(body: DeployBody, network: Network, salt: bytes) -> PlannedCall:
    """A call of the factory; `salt` is 32 fresh random bytes."""
    roles = body.roles
    escrow = Escrow(
        engagement_id=body.engagement_id,
        title=body.title,
        description=body.description,
        roles=Roles(
            approver=roles.approver,
            dispute_resolver=roles.dispute_resolver,
            platform=roles.platform_address,
            receiver=roles.receiver,
            release_signer=roles.release_signer,
            service_provider=roles.service_provider,
        ),
        amount_stroops=_stroops(body.amount, "amount"),
        platform_fee_bps=_basis_points(body.platform_fee),
        milestones=tuple(Milestone(milestone.description) for milestone in body.milestones),
        trustline=asset_contract(body.trustline, network.passphrase),
        receiver_memo=body.receiver_memo,
    )
    return PlannedCall(
        source=body.signer,
        contract_id=network.factory,
        function=DEPLOY_FUNCTION,
        arguments=(
            address_value(body.signer),
            scval.to_bytes(bytes.fromhex(network.wasm_hash)),
            scval.to_bytes(salt),
            scval.to_symbol(INITIALIZE_FUNCTION),
            scval.to_vec([escrow_to_scval(escrow)]),
            scval.to_vec([]),
        ),
        resource_fee_stroops=RESOURCE_FEE_DEPLOY_STROOPS,
    )


def plan_fund(body: FundBody, stored: Escrow) -> PlannedCall:
    """The stored record goes into the call whole, so that a change in between fails it (§5.2)."""
    return PlannedCall(
        body.signer,
        body.contract_id,
        "fund_escrow",
        (
            address_value(body.signer),
            escrow_to_scval(stored),
            scval.to_int128(_stroops(body.amount, "amount")),
        ),
    )


def plan_status(body: StatusBody) -> PlannedCall:
    """Status and evidence of a milestone; no evidence given leaves the old one."""
    evidence = body.new_evidence
    return PlannedCall(
        body.service_provider,
        body.contract_id,
        "change_milestone_status",
        (
            scval.to_int128(_index(body.milestone_index)),
            scval.to_string(body.new_status),
            scval.to_void() if evidence is None else scval.to_string(evidence),
            address_value(body.service_provider),
        ),
    )


def plan_approve(body: ApproveBody) -> PlannedCall:
    """The approval of one milestone."""
    return PlannedCall(
        body.approver,
        body.contract_id,
        "approve_milestone",
        (scval.to_int128(_index(body.milestone_index)), address_value(body.approver)),
    )


def plan_release(body: ReleaseBody, network: Network) -> PlannedCall:
    """The payout of the configured amount."""
    return PlannedCall(
        body.release_signer,
        body.contract_id,
        "release_funds",
        (address_value(body.release_signer), address_value(network.fee_address)),
    )


def plan_dispute(body: DisputeBody) -> PlannedCall:
    """The freeze of the contract until a resolution."""
    return PlannedCall(
        body.signer, body.contract_id, "dispute_escrow", (address_value(body.signer),)
    )


def plan_distribution(body: ResolveBody, network: Network, function: str) -> PlannedCall:
    """`resolve_dispute` or `withdraw_remaining_funds`: gross amounts per recipient."""
    return PlannedCall(
        body.dispute_resolver,
        body.contract_id,
        function,
        (
            address_value(body.dispute_resolver),
            address_value(network.fee_address),
            _distributions(body.distributions),
        ),
        resource_fee_stroops=RESOURCE_FEE_RESOLVE_STROOPS,
    )


def asset_contract(trustline: TrustlineBody, passphrase: str) -> str:
    """The asset's contract for an issuer and a code.

    A contract address in the issuer's place is taken, as the real API does, and leads to a contract
    that does not exist: funding then dies (§3.1).
    """
    if StrKey.is_valid_contract(trustline.address):
        return StrKey.encode_contract(hashlib.sha256(trustline.address.encode()).digest())
    try:
        return Asset(trustline.symbol, trustline.address).contract_id(passphrase)
    except ValueError:
        raise InvalidBody(["trustline.symbol must be a valid asset code"]) from None


def _stroops(amount: Decimal, name: str) -> int:
    stroops = stroops_of(amount)
    if stroops is None:
        raise InvalidBody([f"{name} must be a number conforming to the specified constraints"])
    return stroops


def _basis_points(percent: Decimal) -> int:
    """Finer than 0.01 % is refused: what the real API makes of it is not known (§16.10)."""
    hundredths = stroops_of(percent)
    if hundredths is None or hundredths < 0 or hundredths % 100_000:
        raise InvalidBody(["platformFee must be a number conforming to the specified constraints"])
    # A fee beyond 32 bits cannot be encoded; the contract refuses everything above 99 % alike.
    return min(hundredths // 100_000, 2**32 - 1)


def _index(text: str) -> int:
    """The milestone's index; not a number is the contract's "Invalid milestone index"."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1


def _distributions(entries: list[DistributionBody]) -> xdr.SCVal:
    """The map of recipients; a repeated address is refused, not summed (not known, §16.11)."""
    amounts = {entry.address: _stroops(entry.amount, "amount") for entry in entries}
    if len(amounts) != len(entries):
        raise InvalidBody(["distributions must not name an address twice"])
    return distributions_to_scval(amounts)
