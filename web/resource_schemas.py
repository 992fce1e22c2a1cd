"""How each resource looks, for the documentation; a test holds them to what is answered."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from offerhub.domain.api_keys import Scope
from offerhub.domain.order import EscrowStatus, MilestoneStatus, Operation, OrderStatus, Outcome
from offerhub.domain.users import UserType, WalletStatus
from offerhub.domain.withdrawal import DestinationType, WithdrawalStatus

Schema = dict[str, object]

_TEXT: Final[Schema] = {"type": "string"}
_TEXT_OR_NULL: Final[Schema] = {"type": ["string", "null"]}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TIME_OR_NULL: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
_AMOUNT: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$"}
_EXACT: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{7}$"}
_FLAG: Final[Schema] = {"type": "boolean"}
_WHOLE: Final[Schema] = {"type": "integer"}
_ANY_OBJECT: Final[Schema] = {"type": "object", "additionalProperties": True}
_CURRENCY: Final[Schema] = {"type": "string", "enum": ["USDC", "USD"]}


def _enum(of: type[StrEnum]) -> Schema:
    return {"type": "string", "enum": [each.value for each in of]}


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


RESOURCES: Final[Mapping[str, Schema]] = {
    "User": _object(
        {
            "id": _TEXT,
            "externalUserId": _TEXT,
            "email": _TEXT_OR_NULL,
            "type": _enum(UserType),
            "status": _TEXT,
            "metadata": _ANY_OBJECT,
            "airtm": _or_null(_ANY_OBJECT),
            "wallet": _object({"publicKey": _TEXT, "status": _enum(WalletStatus)}),
            "createdAt": _TIME,
            "updatedAt": _TIME,
        }
    ),
    "Balance": _object(
        {
            "userId": _TEXT,
            "available": _AMOUNT,
            "reserved": _AMOUNT,
            "total": _AMOUNT,
            "currency": _CURRENCY,
            "updatedAt": _TIME,
        }
    ),
    "Milestone": _object(
        {
            "ref": _TEXT,
            "title": _TEXT,
            "amount": _AMOUNT,
            "status": _enum(MilestoneStatus),
            "completedAt": _TIME_OR_NULL,
        }
    ),
    "Escrow": _object(
        {
            "id": _TEXT,
            "orderId": _TEXT,
            "status": _enum(EscrowStatus),
            "trustlessContractId": _TEXT_OR_NULL,
            "contractId": _TEXT_OR_NULL,
            "amount": _AMOUNT,
            "transactionHashes": {"type": "object", "additionalProperties": _TEXT},
            "createdAt": _TIME,
            "fundedAt": _TIME_OR_NULL,
            "releasedAt": _TIME_OR_NULL,
            "refundedAt": _TIME_OR_NULL,
        }
    ),
    "Progress": _object(
        {
            "operation": _enum(Operation),
            "step": _TEXT,
            "steps": _list_of(_TEXT),
            "transactionHash": _TEXT_OR_NULL,
            "attempts": _WHOLE,
            "lastError": _TEXT_OR_NULL,
            "since": _TIME,
        }
    ),
    "Order": _object(
        {
            "id": _TEXT,
            "clientOrderRef": _TEXT_OR_NULL,
            "buyerId": _TEXT,
            "sellerId": _TEXT,
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "title": _TEXT,
            "description": _TEXT_OR_NULL,
            "status": _enum(OrderStatus),
            "outcome": _or_null(_enum(Outcome)),
            "milestones": _list_of(_ref("Milestone")),
            "escrow": _or_null(_ref("Escrow")),
            "dispute": _or_null(_ANY_OBJECT),
            "fees": _or_null(_object({"protocol": _EXACT, "platform": _EXACT})),
            "progress": _or_null(_ref("Progress")),
            "metadata": _ANY_OBJECT,
            "createdAt": _TIME,
            "updatedAt": _TIME,
            "closedAt": _TIME_OR_NULL,
            "expiresAt": _TIME_OR_NULL,
            "autoReleaseAt": _TIME_OR_NULL,
        }
    ),
    "Withdrawal": _object(
        {
            "id": _TEXT,
            "userId": _TEXT,
            "amount": _AMOUNT,
            "currency": _CURRENCY,
            "destinationType": _enum(DestinationType),
            "destinationRef": _TEXT,
            "destinationMemo": _TEXT_OR_NULL,
            "status": _enum(WithdrawalStatus),
            "committed": _FLAG,
            "transactionHash": _TEXT_OR_NULL,
            "airtmPayoutId": _TEXT_OR_NULL,
            "failure": _or_null(_object({"code": _TEXT, "reason": _TEXT})),
            "createdAt": _TIME,
            "updatedAt": _TIME,
        }
    ),
    "Transfer": _object(
        {
            "id": _TEXT,
            "kind": _TEXT,
            "reference": _TEXT,
            "cause": _TEXT,
            "postings": _list_of(_object({"account": _TEXT, "amount": _EXACT})),
            "createdAt": _TIME,
        }
    ),
    "Wallet": _object(
        {
            "publicKey": _TEXT,
            "type": {"type": "string", "enum": ["INVISIBLE"]},
            "provider": {"type": "string", "enum": ["STELLAR"]},
            "status": _enum(WalletStatus),
            "isActive": _FLAG,
            "isPrimary": _FLAG,
            "balance": _object({"usdc": _EXACT, "xlm": _EXACT}),
            "createdAt": _TIME,
        }
    ),
    "Deposit": _object(
        {
            "provider": _TEXT,
            "method": _TEXT,
            "address": _TEXT,
            "asset": _object({"code": _TEXT, "issuer": _TEXT}),
            "network": _TEXT,
            "memo": {"type": "null"},
            "instructions": _TEXT,
        }
    ),
    "Payment": _object(
        {
            "id": _TEXT,
            "type": _TEXT,
            "from": _TEXT_OR_NULL,
            "to": _TEXT_OR_NULL,
            "amount": _or_null(_EXACT),
            "asset": _TEXT,
            "createdAt": _TIME,
            "hash": _TEXT,
            "successful": _FLAG,
        }
    ),
    "Event": _object(
        {
            "eventId": _TEXT,
            "eventType": _TEXT,
            "occurredAt": _TIME,
            "aggregateId": _TEXT,
            "aggregateType": _TEXT,
            "payload": _ANY_OBJECT,
            "metadata": _ANY_OBJECT,
        }
    ),
    "ApiKey": _object(
        {
            "id": _TEXT,
            "key": _TEXT_OR_NULL,
            "maskedKey": _TEXT_OR_NULL,
            "name": _TEXT,
            "scopes": _list_of(_enum(Scope)),
            "userId": _TEXT_OR_NULL,
            "expiresAt": _TIME_OR_NULL,
            "revokedAt": _TIME_OR_NULL,
            "createdAt": _TIME_OR_NULL,
        }
    ),
    "Token": _object({"token": _TEXT_OR_NULL, "expiresAt": _TIME}),
    "Health": _object(
        {
            "status": {"type": "string", "enum": ["healthy", "degraded"]},
            "version": _TEXT,
            "timestamp": _TIME,
        }
    ),
    "HealthDetailed": _object(
        {
            "status": {"type": "string", "enum": ["healthy", "degraded"]},
            "version": _TEXT,
            "timestamp": _TIME,
            "concerns": {"type": "object", "additionalProperties": _TEXT},
            "dependencies": {
                "type": "object",
                "additionalProperties": _object(
                    {
                        "status": {"type": "string", "enum": ["up", "down"]},
                        "latencyMs": {"type": "number"},
                    }
                ),
            },
            "watcher": _object({"state": _TEXT, "lagLedgers": {"type": ["integer", "null"]}}),
        }
    ),
    "Config": _object(
        {
            "version": _TEXT,
            "network": _TEXT,
            "paymentProvider": _TEXT,
            "currency": _CURRENCY,
            "currencies": _list_of(_TEXT),
            "asset": _object({"code": _TEXT, "issuer": _TEXT}),
            "limits": _object(
                {
                    kind: _object({"min": _AMOUNT, "max": _AMOUNT})
                    for kind in ("order", "topup", "withdrawal")
                }
            ),
            "features": {"type": "object", "additionalProperties": _FLAG},
        }
    ),
    "Meta": _object({"requestId": _TEXT, "timestamp": _TIME}),
    "Error": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {"code": _TEXT, "message": _TEXT, "details": _ANY_OBJECT},
                "required": ["code", "message", "details"],
            },
            "meta": _ref("Meta"),
        },
        "required": ["error", "meta"],
    },
}
