"""Escrows as the API writes them: camelCase, human units, percent (docs/spec/trustless-work.md §2.3, §4)."""

from decimal import Decimal

from offerhub.sandbox.constants import CONTRACT_BASE_ID, USDC_CODE, USDC_CONTRACT_ID
from offerhub.sandbox.constants import ISSUER_ADDRESS as USDC_ISSUER
from offerhub.sandbox.escrow.index import IndexedEscrow
from offerhub.sandbox.escrow.record import Escrow
from offerhub.sandbox.json_answers import human_number


def deployed_view(escrow: Escrow) -> dict[str, object]:
    """`escrow` in the answer to a submitted deployment."""
    roles = escrow.roles
    return {
        "engagementId": escrow.engagement_id,
        "title": escrow.title,
        "description": escrow.description,
        "roles": {
            "approver": roles.approver,
            "serviceProvider": roles.service_provider,
            "platformAddress": roles.platform,
            "releaseSigner": roles.release_signer,
            "disputeResolver": roles.dispute_resolver,
            "receiver": roles.receiver,
        },
        "amount": human_number(escrow.amount_stroops),
        "platformFee": percent(escrow.platform_fee_bps),
        "milestones": [
            {
                "description": milestone.description,
                "status": milestone.status,
                "evidence": milestone.evidence,
                "approved": milestone.approved,
            }
            for milestone in escrow.milestones
        ],
        "flags": {
            "disputed": escrow.flags.disputed,
            "released": escrow.flags.released,
            "resolved": escrow.flags.resolved,
        },
        "trustline": _trustline(escrow),
        "receiverMemo": escrow.receiver_memo,
    }


def indexed_view(indexed: IndexedEscrow, *, validated: bool) -> dict[str, object]:
    """One entry of the list endpoints; `validated`: it was compared with the chain."""
    view = {
        "contractId": indexed.contract_id,
        "contractBaseId": CONTRACT_BASE_ID,
        "signer": indexed.signer,
        "type": "single-release",
        **deployed_view(indexed.escrow),
        "balance": human_number(indexed.balance_stroops),
        "isActive": True,
        "user": indexed.signer,
        "createdAt": _moment(indexed.created_at),
        "updatedAt": _moment(indexed.updated_at),
    }
    if validated:
        view["inconsistencies"] = []
    return view


def percent(basis_points: int) -> int | Decimal:
    """Percent of basis points: `5`, `0.5`."""
    whole, rest = divmod(basis_points, 100)
    return whole if not rest else Decimal(f"{whole}.{rest:02d}".rstrip("0"))


def _trustline(escrow: Escrow) -> dict[str, str]:
    if escrow.trustline == USDC_CONTRACT_ID:
        return {"address": USDC_ISSUER, "symbol": USDC_CODE, "name": USDC_CODE}
    return {"address": escrow.trustline}


def _moment(seconds: float) -> dict[str, int]:
    whole = int(seconds)
    return {"_seconds": whole, "_nanoseconds": int((seconds - whole) * 1_000_000_000)}
