"""An example of every request and every answer, made of the vocabulary and the declarations."""

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin

import msgspec

from offerhub.domain.errors import ErrorCode as E
from web import resources
from web.call import Route
from web.resources import Resource
from web.schema import Schema
from web.vocabulary import WORDS, word_of

_META: Final = {"requestId": "req_2XcV8bN5mK", "timestamp": "2026-11-22T12:00:00.123Z"}
_UNCOMMON: Final = frozenset(
    {"NewOrder.expiresAt", "NewOrder.autoReleaseAt", "NewUser.metadata", "NewWithdrawal.currency"}
)
"""Fields of requests that most callers leave out."""

_NEW: Final = {"status": "ORDER_CREATED", "escrow": None}
_OPEN: Final = {
    "status": "OPEN",
    "assignedTo": None,
    "resolutionDecision": None,
    "releaseAmount": None,
    "refundAmount": None,
    "decisionNote": None,
}
_RESOLVED: Final = {
    "status": "RESOLVED",
    "resolutionDecision": "SPLIT",
    "resolvedAt": "2026-11-22T12:00:05.456Z",
}
_AFTER: Final[Mapping[str, Mapping[str, object]]] = {
    "createOrder": _NEW,
    "reserveOrder": {**_NEW, "status": "FUNDS_RESERVED"},
    "setOrderDeadlines": _NEW,
    "cancelOrder": {
        **_NEW,
        "status": "CLOSED",
        "outcome": "CANCELED",
        "closedAt": "2026-11-22T12:00:05.456Z",
    },
    "releaseOrder": {
        "status": "CLOSED",
        "outcome": "RELEASED",
        "fees": {"protocol": "0.2400000", "platform": "0.0000000"},
        "closedAt": "2026-11-22T12:00:05.456Z",
    },
    "refundOrder": {
        "status": "CLOSED",
        "outcome": "REFUNDED",
        "fees": {"protocol": "0.2400000", "platform": "0.0000000"},
        "closedAt": "2026-11-22T12:00:05.456Z",
    },
    "disputeOrder": _OPEN,
    "assignDispute": {**_OPEN, "status": "UNDER_REVIEW", "assignedTo": "support-agent-7"},
    "resolveDispute": _RESOLVED,
    "getDispute": _RESOLVED,
    "listDisputes": _RESOLVED,
    "completeMilestone": {"status": "COMPLETED", "completedAt": "2026-11-22T12:00:05.456Z"},
    "cancelWithdrawal": {
        "status": "WITHDRAWAL_CANCELED",
        "committed": False,
        "transactionHash": None,
    },
    "listApiKeys": {"key": None},
    "revokeApiKey": {"key": None, "revokedAt": "2026-11-22T12:00:05.456Z"},
    "getCurrentKey": {"key": None},
}
"""What an answer shows that differs from its resource's example."""

_ERRORS: Final[Mapping[E, tuple[str, dict[str, object]]]] = {
    E.VALIDATION_ERROR: (
        "title: must not be blank",
        {"fields": [{"field": "title", "message": "must not be blank"}]},
    ),
    E.MISSING_REQUIRED_FIELD: (
        "title: is required",
        {"fields": [{"field": "title", "message": "is required"}]},
    ),
    E.INVALID_AMOUNT_FORMAT: (
        "amount: must be a decimal string with two places",
        {"fields": [{"field": "amount", "message": "must be a decimal string with two places"}]},
    ),
    E.INSUFFICIENT_SCOPE: (
        "this needs the scope write",
        {"requiredScope": "write", "currentScopes": ["read"]},
    ),
    E.INVALID_STATE_TRANSITION: (
        "the order is CLOSED",
        {"orderId": "ord_JQ8kM2vXz5T-b1aC7dE9f", "currentState": "CLOSED", "allowedStates": []},
    ),
    E.INSUFFICIENT_FUNDS: (
        "the available balance is too low",
        {"available": "20.00", "requested": "80.00", "currency": "USDC"},
    ),
    E.AMOUNT_OUT_OF_LIMITS: (
        "the amount is outside of the limits",
        {"min": "1.00", "max": "10000.00"},
    ),
    E.MILESTONES_OPEN: (
        "milestones are open",
        {"orderId": "ord_JQ8kM2vXz5T-b1aC7dE9f", "refs": ["final"]},
    ),
    E.BODY_TOO_LARGE: ("the body is larger than 1 MiB", {"maxBytes": 1_048_576}),
    E.RATE_LIMITED: ("too many requests", {"retryAfter": 7, "limit": 600, "window": 60}),
    E.PROVIDER_ERROR: (
        "the escrow failed; the order is back in its previous state",
        {
            "orderId": "ord_JQ8kM2vXz5T-b1aC7dE9f",
            "currentState": "FUNDS_RESERVED",
            "attempts": 5,
            "lastError": "the contract refused",
        },
    ),
}


def request_example(route: Route) -> dict[str, object]:
    """A body that the endpoint accepts."""
    return {} if route.body is None else _of_schema(route.body)


def answer_example(route: Route) -> dict[str, object]:
    """The whole body of a success."""
    if route.resource is None:
        return {}
    shown = of_resource(route.resource) | dict(_AFTER.get(route.operation, {}))
    if route.listed:
        return {
            "success": True,
            "data": [shown],
            "hasMore": False,
            "nextCursor": None,
            "meta": _META,
        }
    return {"success": True, "data": shown, "meta": _META}


def error_example(code: E) -> dict[str, object]:
    """The whole body of a refusal."""
    message, details = _ERRORS.get(code, (code.value.lower().replace("_", " "), {}))
    error = {"code": code.value, "message": message, "details": details}
    return {"error": error, "meta": _META}


def of_resource(resource: type[msgspec.Struct]) -> dict[str, object]:
    """An example of a resource: of each field its word, or what its type gives."""
    found: dict[str, object] = {}
    for field in msgspec.structs.fields(resource):
        word = word_of(resource.__name__, field.encode_name)
        specific = WORDS.get(f"{resource.__name__}.{field.encode_name}")
        given = _of_type(field.type) if specific is None else None
        if given is None:
            given = _plain(field.type) if word is None else word.example
        found[field.encode_name] = given
    return found


def _plain(of: Any) -> object:
    """What a field without a word shows; text has none, and must be given one."""
    for kind, value in (
        (resources.Amount, "80.00"),
        (resources.ExactAmount, "0.2400000"),
        (resources.Time, "2026-11-22T12:00:00.123Z"),
        (int, 1),
        (bool, False),
    ):
        if of == kind:
            return value
    return [] if get_origin(of) is tuple else None


def _example(word: Any) -> object:
    return None if word is None else word.example


def _of_type(of: Any) -> object:
    """What a type alone gives: a resource's example, an enumeration's; else nothing."""
    if isinstance(of, type) and issubclass(of, Resource):
        return of_resource(of)
    if isinstance(of, type) and issubclass(of, Enum):
        word = WORDS.get(of.__name__)
        return next(iter(of)).value if word is None else word.example
    origin, arguments = get_origin(of), get_args(of)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return _of_type(next(each for each in arguments if each is not type(None)))
    if origin is tuple:
        item = _of_type(arguments[0])
        return None if item is None else [item]
    return None


def _of_schema(schema: Schema[Any]) -> dict[str, object]:
    """A body: of each field its word, or what its kind gives."""
    found: dict[str, object] = {}
    for field in schema.fields:
        if f"{schema.name}.{field.shown}" in _UNCOMMON and not field.required:
            continue
        word = word_of(schema.name, field.shown)
        value = _example(word)
        if value is None:
            of = getattr(field.kind, "of", None)
            if isinstance(field.kind, Schema):
                value = _of_schema(field.kind)
            elif of is not None:
                value = next(iter(of)).value
        if value is not None:
            found[field.shown] = value
    return found
