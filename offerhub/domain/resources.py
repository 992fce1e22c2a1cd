"""Resources as the API shows them (docs/spec/api.md, Resources), and the envelope around an answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from offerhub.domain.api_keys import ApiKey
from offerhub.domain.chain import ChainOperation
from offerhub.domain.fees import FeesKept
from offerhub.domain.ids import iso
from offerhub.domain.order import Escrow, Milestone, Order, Process
from offerhub.domain.steps import Step
from offerhub.domain.unit_of_work import Balance
from offerhub.domain.users import User, Wallet
from offerhub.domain.withdrawal import Withdrawal

Resource = dict[str, object]

_encoder: Final = msgspec.json.Encoder()


def answer_body(data: Mapping[str, object], request_id: str, at: datetime) -> bytes:
    """The whole body of a successful answer (docs/spec/api.md, Envelopes)."""
    return _encoder.encode(
        {
            "success": True,
            "data": data,
            "meta": {"requestId": request_id, "timestamp": iso(at)},
        }
    )


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def step_name(order: Order, step: Step) -> str:
    """A step as shown, with the ref of its milestone: `complete:draft`."""
    if step.milestone is None:
        return step.kind.value
    return f"{step.kind.value}:{order.contract_milestones[step.milestone]}"


def progress_resource(order: Order, process: Process, operation: ChainOperation | None) -> Resource:
    """How far an order's work on the chain is; `operation` is its present chain operation."""
    return {
        "operation": process.operation.value,
        "step": step_name(order, process.current),
        "steps": [step_name(order, step) for step in process.steps],
        "transactionHash": operation.tx_hash if operation else None,
        "attempts": process.attempt,
        "lastError": (operation.last_error if operation else None) or process.last_error,
        "since": iso(process.since),
    }


def milestone_resource(milestone: Milestone) -> Resource:
    """A milestone as shown."""
    return {
        "ref": milestone.ref,
        "title": milestone.title,
        "amount": milestone.amount.two_places(),
        "status": milestone.status.value,
        "completedAt": _iso(milestone.completed_at),
    }


def fees_resource(fees: FeesKept) -> Resource:
    """What the contract kept, seven places."""
    return {"protocol": fees.protocol.seven_places(), "platform": fees.platform.seven_places()}


def escrow_resource(order: Order, escrow: Escrow) -> Resource:
    """An escrow as shown; hashes by step."""
    return {
        "id": escrow.id,
        "orderId": order.id,
        "status": escrow.status.value,
        "trustlessContractId": escrow.contract_id,
        "contractId": escrow.contract_id,
        "amount": order.amount.two_places(),
        "transactionHashes": {
            step_name(order, confirmed.step): confirmed.tx_hash
            for confirmed in escrow.transaction_hashes
        },
        "createdAt": iso(escrow.created_at),
        "fundedAt": _iso(escrow.funded_at),
        "releasedAt": _iso(escrow.released_at),
        "refundedAt": _iso(escrow.refunded_at),
    }


def order_resource(order: Order, operation: ChainOperation | None = None) -> Resource:
    """An order as shown; `operation` is the chain operation of its process, if it was looked up."""
    return {
        "id": order.id,
        "clientOrderRef": order.client_order_ref,
        "buyerId": order.buyer_id,
        "sellerId": order.seller_id,
        "amount": order.amount.two_places(),
        "currency": order.currency,
        "title": order.title,
        "description": order.description,
        "status": order.status.value,
        "outcome": None if order.outcome is None else order.outcome.value,
        "milestones": [milestone_resource(milestone) for milestone in order.milestones],
        "escrow": None if order.escrow is None else escrow_resource(order, order.escrow),
        "dispute": None,
        "fees": None if order.fees is None else fees_resource(order.fees),
        "progress": None
        if order.process is None
        else progress_resource(order, order.process, operation),
        "metadata": order.metadata,
        "expiresAt": _iso(order.expires_at),
        "autoReleaseAt": _iso(order.auto_release_at),
        "createdAt": iso(order.created_at),
        "updatedAt": iso(order.updated_at),
        "closedAt": _iso(order.closed_at),
    }


def user_resource(user: User, wallet: Wallet) -> Resource:
    """A user as shown."""
    return {
        "id": user.id,
        "externalUserId": user.external_user_id,
        "email": user.email,
        "type": user.type.value,
        "status": user.status,
        "metadata": user.metadata,
        "airtm": None,
        "wallet": {"publicKey": wallet.public_key, "status": wallet.status.value},
        "createdAt": iso(user.created_at),
        "updatedAt": iso(user.updated_at),
    }


def balance_resource(balance: Balance, currency: str) -> Resource:
    """A balance as shown: two places, rounded down."""
    return {
        "userId": balance.user_id,
        "available": balance.available.two_places(),
        "reserved": balance.reserved.two_places(),
        "total": balance.total.two_places(),
        "currency": currency,
        "updatedAt": iso(balance.updated_at),
    }


def withdrawal_resource(withdrawal: Withdrawal) -> Resource:
    """A withdrawal as shown."""
    failure = withdrawal.failure
    return {
        "id": withdrawal.id,
        "userId": withdrawal.user_id,
        "amount": withdrawal.amount.two_places(),
        "currency": withdrawal.currency,
        "destinationType": withdrawal.destination_type.value,
        "destinationRef": withdrawal.destination_ref,
        "destinationMemo": withdrawal.destination_memo,
        "status": withdrawal.status.value,
        "committed": withdrawal.committed,
        "transactionHash": withdrawal.transaction_hash,
        "airtmPayoutId": None,
        "failure": None if failure is None else {"code": failure.code, "reason": failure.reason},
        "createdAt": iso(withdrawal.created_at),
        "updatedAt": iso(withdrawal.updated_at),
    }


def api_key_resource(key: ApiKey, text: str | None = None) -> Resource:
    """A key as shown; `text` is the key itself, only in the answer that creates it."""
    return {
        "id": key.id,
        "key": text,
        "maskedKey": key.masked_key,
        "name": key.name,
        "scopes": [scope.value for scope in key.scopes],
        "userId": key.user_id,
        "expiresAt": _iso(key.expires_at),
        "revokedAt": _iso(key.revoked_at),
        "createdAt": iso(key.created_at),
    }
