"""Trustless Work's JSON, V1 (docs/spec/trustless-work.md §2 to §4).

Amounts are JSON numbers of USDC: written from exact decimals, read as exact decimals, never through a float.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, assert_never

import msgspec

from offerhub.domain.intents import (
    ApproveMilestone,
    ChangeMilestoneStatus,
    DeployEscrow,
    DisputeEscrow,
    EscrowIntent,
    FundEscrow,
    ReleaseFunds,
    ResolveDispute,
)
from offerhub.domain.money import Money
from offerhub.providers.trustless_work.port import EscrowRecord, MilestoneRecord


class UnreadableAnswer(Exception):
    """The provider's answer is not what its documentation says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Built(msgspec.Struct):
    """The answer to a build call (§2.1)."""

    status: str = ""
    unsigned_transaction: str | None = msgspec.field(default=None, name="unsignedTransaction")
    message: str | list[str] | None = None


class SentAnswer(msgspec.Struct):
    """The answer to send-transaction (§2.3)."""

    status: str = ""
    message: str | list[str] | None = None
    contract_id: str | None = msgspec.field(default=None, name="contractId")


class _Fault(msgspec.Struct):
    message: str | list[str] | None = None


class _Roles(msgspec.Struct, rename="camel"):
    approver: str
    service_provider: str
    platform_address: str
    release_signer: str
    dispute_resolver: str
    receiver: str


class _Milestone(msgspec.Struct):
    description: str
    status: str = "pending"
    evidence: str | None = None
    approved: bool = False


class _Flags(msgspec.Struct):
    disputed: bool = False
    released: bool = False
    resolved: bool = False


class _Escrow(msgspec.Struct, rename="camel"):
    contract_id: str
    engagement_id: str
    title: str
    description: str
    roles: _Roles
    amount: Decimal
    platform_fee: Decimal
    milestones: list[_Milestone]
    flags: _Flags
    balance: Decimal | None = None


class _Balance(msgspec.Struct):
    address: str
    balance: Decimal


_built = msgspec.json.Decoder(Built)
_sent = msgspec.json.Decoder(SentAnswer)
_fault = msgspec.json.Decoder(_Fault)
_escrows = msgspec.json.Decoder(list[_Escrow])
_balances = msgspec.json.Decoder(list[_Balance])
_encode = msgspec.json.Encoder().encode


def request_of(intent: EscrowIntent) -> tuple[str, bytes]:
    """The path and body that ask for an intent's envelope (§3)."""
    match intent:
        case DeployEscrow():
            return "/deployer/single-release", _encode(_deploy_body(intent))
        case FundEscrow():
            return "/escrow/single-release/fund-escrow", _encode(
                {
                    "contractId": intent.contract_id,
                    "signer": intent.signer,
                    "amount": amount_literal(intent.amount),
                }
            )
        case ChangeMilestoneStatus():
            return "/escrow/single-release/change-milestone-status", _encode(
                {
                    "contractId": intent.contract_id,
                    "milestoneIndex": str(intent.index),
                    "newStatus": intent.status,
                    "newEvidence": intent.evidence,
                    "serviceProvider": intent.service_provider,
                }
            )
        case ApproveMilestone():
            return "/escrow/single-release/approve-milestone", _encode(
                {
                    "contractId": intent.contract_id,
                    "milestoneIndex": str(intent.index),
                    "approver": intent.approver,
                }
            )
        case ReleaseFunds():
            return "/escrow/single-release/release-funds", _encode(
                {"contractId": intent.contract_id, "releaseSigner": intent.release_signer}
            )
        case DisputeEscrow():
            return "/escrow/single-release/dispute-escrow", _encode(
                {"contractId": intent.contract_id, "signer": intent.signer}
            )
        case ResolveDispute():
            return "/escrow/single-release/resolve-dispute", _encode(
                {
                    "contractId": intent.contract_id,
                    "disputeResolver": intent.dispute_resolver,
                    "distributions": [
                        {"address": each.address, "amount": amount_literal(each.amount)}
                        for each in intent.whole
                    ],
                }
            )
        case _:
            assert_never(intent)


def amount_literal(amount: Money) -> msgspec.Raw:
    """An amount as a JSON number with no digit lost: `100.5`."""
    return msgspec.Raw(_short(amount.seven_places()).encode())


def percent_literal(basis_points: int) -> msgspec.Raw:
    """Basis points as a percentage: 50 is `0.5`."""
    return msgspec.Raw(_short(f"{basis_points // 100}.{basis_points % 100:02d}").encode())


def read_built(body: bytes) -> Built:
    """Read a build's answer. Raises `UnreadableAnswer`."""
    try:
        return _built.decode(body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_sent(body: bytes) -> SentAnswer:
    """Read a submission's answer. Raises `UnreadableAnswer`."""
    try:
        return _sent.decode(body)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_fault(body: bytes) -> str | list[str] | None:
    """The message of an error's body, a list from the body's validation; `None` if there is none."""
    try:
        return _fault.decode(body).message
    except (msgspec.MsgspecError, ValueError):
        return None


def read_escrow(body: bytes, contract_id: str) -> EscrowRecord | None:
    """Read one escrow from the answer to get-escrow-by-contract-ids (§4). Raises `UnreadableAnswer`."""
    try:
        for escrow in _escrows.decode(body):
            if escrow.contract_id == contract_id:
                return _record(escrow)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None
    return None


def read_balances(body: bytes, contract_ids: Sequence[str]) -> dict[str, Money]:
    """Read contracts' balances (§4). Raises `UnreadableAnswer`, also if one is not among the answers."""
    try:
        found = {each.address: _money(each.balance) for each in _balances.decode(body)}
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None
    if not found.keys() >= set(contract_ids):
        msg = "a requested balance is missing"
        raise UnreadableAnswer(msg)
    return {contract_id: found[contract_id] for contract_id in contract_ids}


def _deploy_body(intent: DeployEscrow) -> dict[str, Any]:
    terms = intent.terms
    return {
        "signer": intent.signer,
        "engagementId": terms.engagement_id,
        "title": terms.title,
        "description": terms.description,
        "roles": {
            "approver": terms.approver,
            "serviceProvider": terms.service_provider,
            "platformAddress": terms.platform,
            "releaseSigner": terms.release_signer,
            "disputeResolver": terms.dispute_resolver,
            "receiver": terms.receiver,
        },
        "amount": amount_literal(terms.amount),
        "platformFee": percent_literal(terms.platform_fee_bps),
        "milestones": [{"description": text} for text in terms.milestones],
        # The issuer's address, not the asset's contract: with that one a later funding dies (§3.1).
        "trustline": {"address": terms.usdc_issuer, "symbol": terms.usdc_code},
    }


def _record(escrow: _Escrow) -> EscrowRecord:
    return EscrowRecord(
        contract_id=escrow.contract_id,
        engagement_id=escrow.engagement_id,
        title=escrow.title,
        description=escrow.description,
        approver=escrow.roles.approver,
        service_provider=escrow.roles.service_provider,
        platform=escrow.roles.platform_address,
        release_signer=escrow.roles.release_signer,
        dispute_resolver=escrow.roles.dispute_resolver,
        receiver=escrow.roles.receiver,
        amount=_money(escrow.amount),
        platform_fee_percent=escrow.platform_fee,
        balance=None if escrow.balance is None else _money(escrow.balance),
        milestones=tuple(
            MilestoneRecord(
                description=milestone.description,
                status=milestone.status,
                evidence=milestone.evidence or "",
                approved=milestone.approved,
            )
            for milestone in escrow.milestones
        ),
        disputed=escrow.flags.disputed,
        released=escrow.flags.released,
        resolved=escrow.flags.resolved,
    )


def _money(number: Decimal) -> Money:
    """A number of USDC, rounded to the stroop it came from: JavaScript may have printed 0.30000000000000004."""
    if not number.is_finite() or not 0 <= number < _AMOUNT_MAX:
        msg = "an amount out of range"
        raise ValueError(msg)
    return Money(int((number * 10_000_000).to_integral_value()))


def _short(text: str) -> str:
    return text.rstrip("0").rstrip(".")


def _why(error: Exception) -> str:
    return f"unreadable: {error}"[:200]


_AMOUNT_MAX = 900_000_000_000
