"""The rules of the V1 single-release contract, in the order in which it checks them.

Pure: a rule takes the stored record, what it must know of balances and who authorised the call, and
returns what changes. Every function names its section of docs/spec/trustless-work.md. `require_auth` is the
host's: it stops the call unless that address authorised it.

Raises `EscrowRefused` with the contract's code, or what `require_auth` raises.
"""

from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from offerhub.sandbox.escrow.fees import (
    BPS_WHOLE,
    PROTOCOL_FEE_BPS,
    Payout,
    distribution_payout,
    release_payout,
)
from offerhub.sandbox.escrow.record import Escrow
from offerhub.sandbox.escrow.refusals import EscrowCode, EscrowRefused

PLATFORM_FEE_BPS_MAX = 9_900
MILESTONES_MAX = 50
DISTRIBUTIONS_MAX = 50

RequireAuth = Callable[[str], None]


@frozen
class Payment:
    """A transfer of the escrow's asset that the call makes."""

    source: str
    destination: str
    stroops: int


@frozen
class Outcome:
    """The record to store and the transfers to make, in this order."""

    escrow: Escrow
    payments: tuple[Payment, ...] = ()


def _refuse(condition: bool, code: EscrowCode) -> None:  # noqa: FBT001 - reads as "refuse if"
    if condition:
        raise EscrowRefused(code)


def initialize(stored: Escrow | None, escrow: Escrow) -> Outcome:
    """§5.1: the record of a new contract. Anybody may deploy; the deployer gains no role."""
    _refuse(stored is not None, EscrowCode.ALREADY_INITIALIZED)
    fee_bps = escrow.platform_fee_bps
    _refuse(
        fee_bps > PLATFORM_FEE_BPS_MAX or fee_bps + PROTOCOL_FEE_BPS > BPS_WHOLE,
        EscrowCode.PLATFORM_FEE_TOO_HIGH,
    )
    _refuse(escrow.amount_stroops <= 0, EscrowCode.AMOUNT_CANNOT_BE_ZERO)
    _refuse(not escrow.milestones, EscrowCode.NO_MILESTONE)
    _refuse(len(escrow.milestones) > MILESTONES_MAX, EscrowCode.TOO_MANY_MILESTONES)
    flags = escrow.flags
    _refuse(
        flags.disputed
        or flags.released
        or flags.resolved
        or any(milestone.approved for milestone in escrow.milestones),
        EscrowCode.FLAGS_MUST_BE_FALSE,
    )
    return Outcome(escrow)


def fund(
    escrow: Escrow,
    *,
    contract_id: str,
    signer: str,
    signer_balance: int,
    expected: Escrow,
    amount: int,
    require_auth: RequireAuth,
) -> Outcome:
    """§5.2: a deposit of any amount by anybody, at any time: the contract does not stop a second one."""
    _refuse(amount <= 0, EscrowCode.AMOUNT_CANNOT_BE_ZERO)
    _refuse(expected != escrow, EscrowCode.PROPERTIES_MISMATCH)
    _refuse(signer_balance < amount, EscrowCode.INSUFFICIENT_FOR_FUNDING)
    require_auth(signer)
    return Outcome(escrow, (Payment(signer, contract_id, amount),))


def change_milestone_status(
    escrow: Escrow,
    *,
    index: int,
    status: str,
    evidence: str | None,
    service_provider: str,
    require_auth: RequireAuth,
) -> Outcome:
    """§5.3: still allowed while disputed; refused once released or resolved."""
    _refuse(service_provider != escrow.roles.service_provider, EscrowCode.ONLY_SERVICE_PROVIDER)
    _refuse(not escrow.milestones, EscrowCode.NO_MILESTONE)
    _refuse(not 0 <= index < len(escrow.milestones), EscrowCode.INVALID_MILESTONE_INDEX)
    _refuse(escrow.flags.released, EscrowCode.ALREADY_RELEASED)
    _refuse(escrow.flags.resolved, EscrowCode.ALREADY_RESOLVED)
    require_auth(service_provider)
    milestone = evolve(escrow.milestones[index], status=status)
    if evidence is not None:
        milestone = evolve(milestone, evidence=evidence)
    return Outcome(escrow.with_milestone(index, milestone))


def approve_milestone(
    escrow: Escrow, *, index: int, approver: str, require_auth: RequireAuth
) -> Outcome:
    """§5.4: irreversible, and possible during a dispute too."""
    _refuse(not 0 <= index < len(escrow.milestones), EscrowCode.INVALID_MILESTONE_INDEX)
    _refuse(approver != escrow.roles.approver, EscrowCode.ONLY_APPROVER)
    milestone = escrow.milestones[index]
    _refuse(milestone.approved, EscrowCode.ALREADY_APPROVED)
    _refuse(not milestone.status, EscrowCode.EMPTY_MILESTONE_STATUS)
    require_auth(approver)
    return Outcome(escrow.with_milestone(index, evolve(milestone, approved=True)))


def release_funds(
    escrow: Escrow,
    *,
    contract_id: str,
    contract_balance: int,
    release_signer: str,
    fee_address: str,
    require_auth: RequireAuth,
) -> Outcome:
    """§5.5: pays from the configured amount; what was funded above it stays behind."""
    _refuse(escrow.flags.released, EscrowCode.ALREADY_RELEASED)
    _refuse(escrow.flags.resolved, EscrowCode.ALREADY_RESOLVED)
    _refuse(release_signer != escrow.roles.release_signer, EscrowCode.ONLY_RELEASE_SIGNER)
    _refuse(not escrow.milestones, EscrowCode.NO_MILESTONE)
    _refuse(
        any(not milestone.approved for milestone in escrow.milestones), EscrowCode.NOT_COMPLETED
    )
    _refuse(escrow.flags.disputed, EscrowCode.OPENED_FOR_RESOLUTION)
    require_auth(release_signer)
    _refuse(contract_balance < escrow.amount_stroops, EscrowCode.BALANCE_NOT_ENOUGH)
    payout = release_payout(escrow.amount_stroops, escrow.platform_fee_bps, escrow.roles.receiver)
    return Outcome(
        escrow.with_flags(evolve(escrow.flags, released=True)),
        _payments(payout, escrow, contract_id, fee_address),
    )


def dispute_escrow(escrow: Escrow, *, signer: str, require_auth: RequireAuth) -> Outcome:
    """§5.6: no balance is needed, and the resolver is refused whatever other role it holds."""
    roles = escrow.roles
    _refuse(escrow.flags.disputed, EscrowCode.ALREADY_IN_DISPUTE)
    _refuse(escrow.flags.resolved, EscrowCode.ALREADY_RESOLVED)
    _refuse(signer == roles.dispute_resolver, EscrowCode.RESOLVER_MAY_NOT_DISPUTE)
    parties = (
        roles.approver,
        roles.service_provider,
        roles.platform,
        roles.release_signer,
        roles.receiver,
    )
    _refuse(signer not in parties, EscrowCode.MAY_NOT_DISPUTE)
    require_auth(signer)
    return Outcome(escrow.with_flags(evolve(escrow.flags, disputed=True)))


def resolve_dispute(
    escrow: Escrow,
    *,
    contract_id: str,
    contract_balance: int,
    dispute_resolver: str,
    fee_address: str,
    distributions: Mapping[str, int],
    require_auth: RequireAuth,
) -> Outcome:
    """§5.7: gross amounts that equal the whole balance to the stroop; terminal."""
    total = sum(distributions.values())
    _check_distributions(distributions)
    _refuse(dispute_resolver != escrow.roles.dispute_resolver, EscrowCode.ONLY_DISPUTE_RESOLVER)
    _refuse(not escrow.flags.disputed, EscrowCode.NOT_IN_DISPUTE)
    _refuse(contract_balance < total, EscrowCode.INSUFFICIENT_FOR_RESOLUTION)
    _refuse(contract_balance != total, EscrowCode.DISTRIBUTIONS_MUST_EQUAL_BALANCE)
    _refuse(total <= 0, EscrowCode.TOTAL_CANNOT_BE_ZERO)
    require_auth(dispute_resolver)
    payout = distribution_payout(distributions, escrow.platform_fee_bps)
    return Outcome(
        escrow.with_flags(evolve(escrow.flags, resolved=True, disputed=False)),
        _payments(payout, escrow, contract_id, fee_address),
    )


def withdraw_remaining_funds(
    escrow: Escrow,
    *,
    contract_id: str,
    contract_balance: int,
    dispute_resolver: str,
    fee_address: str,
    distributions: Mapping[str, int],
    require_auth: RequireAuth,
) -> Outcome:
    """§5.8: parts of what is left, under the same fees; the flags stay as they are."""
    total = sum(distributions.values())
    _check_distributions(distributions)
    _refuse(dispute_resolver != escrow.roles.dispute_resolver, EscrowCode.ONLY_DISPUTE_RESOLVER)
    flags = escrow.flags
    _refuse(
        not (flags.released or flags.resolved or flags.disputed), EscrowCode.NOT_FULLY_PROCESSED
    )
    _refuse(total <= 0, EscrowCode.TOTAL_CANNOT_BE_ZERO)
    _refuse(contract_balance < total, EscrowCode.INSUFFICIENT_FOR_RESOLUTION)
    require_auth(dispute_resolver)
    payout = distribution_payout(distributions, escrow.platform_fee_bps)
    return Outcome(escrow, _payments(payout, escrow, contract_id, fee_address))


def require_platform(escrow: Escrow, *, platform: str, require_auth: RequireAuth) -> None:
    """§5.10: only the platform's address prolongs the contract's life on the ledger."""
    _refuse(platform != escrow.roles.platform, EscrowCode.ONLY_PLATFORM)
    require_auth(platform)


def _check_distributions(distributions: Mapping[str, int]) -> None:
    _refuse(
        any(amount <= 0 for amount in distributions.values()), EscrowCode.AMOUNTS_MUST_BE_POSITIVE
    )
    _refuse(len(distributions) > DISTRIBUTIONS_MAX, EscrowCode.TOO_MANY_DISTRIBUTIONS)


def _payments(
    payout: Payout, escrow: Escrow, contract_id: str, fee_address: str
) -> tuple[Payment, ...]:
    """Protocol, platform, then the recipients; a zero part makes no transfer (§5.5)."""
    parts = (
        (fee_address, payout.protocol_stroops),
        (escrow.roles.platform, payout.platform_stroops),
        *payout.net,
    )
    return tuple(Payment(contract_id, to, stroops) for to, stroops in parts if stroops)
