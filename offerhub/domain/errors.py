"""The one table of error codes (docs/spec/api.md, Errors) and the error that carries one."""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Literal, Self


class ErrorCode(Enum):
    """A stable code; its value is the code's name, `status` the one HTTP status that it has."""

    status: int

    def __new__(cls, name: str, status: int) -> Self:
        member = object.__new__(cls)
        member._value_ = name
        member.status = status
        return member

    UNAUTHORIZED = ("UNAUTHORIZED", 401)
    INVALID_API_KEY = ("INVALID_API_KEY", 401)
    WEBHOOK_SIGNATURE_INVALID = ("WEBHOOK_SIGNATURE_INVALID", 401)

    INSUFFICIENT_SCOPE = ("INSUFFICIENT_SCOPE", 403)

    VALIDATION_ERROR = ("VALIDATION_ERROR", 400)
    INVALID_AMOUNT_FORMAT = ("INVALID_AMOUNT_FORMAT", 400)
    INVALID_CURRENCY = ("INVALID_CURRENCY", 400)
    MISSING_REQUIRED_FIELD = ("MISSING_REQUIRED_FIELD", 400)
    INVALID_JSON = ("INVALID_JSON", 400)

    NOT_FOUND = ("NOT_FOUND", 404)
    USER_NOT_FOUND = ("USER_NOT_FOUND", 404)
    ORDER_NOT_FOUND = ("ORDER_NOT_FOUND", 404)
    ESCROW_NOT_FOUND = ("ESCROW_NOT_FOUND", 404)
    DISPUTE_NOT_FOUND = ("DISPUTE_NOT_FOUND", 404)
    WITHDRAWAL_NOT_FOUND = ("WITHDRAWAL_NOT_FOUND", 404)
    TOPUP_NOT_FOUND = ("TOPUP_NOT_FOUND", 404)
    MILESTONE_NOT_FOUND = ("MILESTONE_NOT_FOUND", 404)
    RESERVE_NOT_FOUND = ("RESERVE_NOT_FOUND", 404)
    WALLET_NOT_FOUND = ("WALLET_NOT_FOUND", 404)
    API_KEY_NOT_FOUND = ("API_KEY_NOT_FOUND", 404)

    METHOD_NOT_ALLOWED = ("METHOD_NOT_ALLOWED", 405)
    BODY_TOO_LARGE = ("BODY_TOO_LARGE", 413)
    UNSUPPORTED_MEDIA_TYPE = ("UNSUPPORTED_MEDIA_TYPE", 415)

    INVALID_STATE_TRANSITION = ("INVALID_STATE_TRANSITION", 409)
    ESCROW_ALREADY_EXISTS = ("ESCROW_ALREADY_EXISTS", 409)
    DISPUTE_ALREADY_OPEN = ("DISPUTE_ALREADY_OPEN", 409)
    FUNDS_ALREADY_RESERVED = ("FUNDS_ALREADY_RESERVED", 409)
    MILESTONES_OPEN = ("MILESTONES_OPEN", 409)
    MILESTONE_ALREADY_COMPLETED = ("MILESTONE_ALREADY_COMPLETED", 409)
    WITHDRAWAL_NOT_COMMITTABLE = ("WITHDRAWAL_NOT_COMMITTABLE", 409)
    DEADLINE_PASSED = ("DEADLINE_PASSED", 409)
    CLIENT_ORDER_REF_TAKEN = ("CLIENT_ORDER_REF_TAKEN", 409)
    AIRTM_USER_ALREADY_LINKED = ("AIRTM_USER_ALREADY_LINKED", 409)
    IDEMPOTENCY_KEY_REUSED = ("IDEMPOTENCY_KEY_REUSED", 409)
    IDEMPOTENCY_KEY_IN_PROGRESS = ("IDEMPOTENCY_KEY_IN_PROGRESS", 409)

    INSUFFICIENT_FUNDS = ("INSUFFICIENT_FUNDS", 422)
    AMOUNT_OUT_OF_LIMITS = ("AMOUNT_OUT_OF_LIMITS", 422)
    RESERVE_MISMATCH_AMOUNT = ("RESERVE_MISMATCH_AMOUNT", 422)
    SPLIT_MISMATCH_AMOUNT = ("SPLIT_MISMATCH_AMOUNT", 422)
    DEADLINE_NOT_LATER = ("DEADLINE_NOT_LATER", 422)
    SAME_USER = ("SAME_USER", 422)
    ESCROW_INSUFFICIENT_FUNDS = ("ESCROW_INSUFFICIENT_FUNDS", 422)
    WALLET_NOT_READY = ("WALLET_NOT_READY", 422)
    WITHDRAWAL_DESTINATION_INVALID = ("WITHDRAWAL_DESTINATION_INVALID", 422)
    AIRTM_USER_NOT_LINKED = ("AIRTM_USER_NOT_LINKED", 422)
    AIRTM_USER_INVALID = ("AIRTM_USER_INVALID", 422)
    PROVIDER_NOT_ENABLED = ("PROVIDER_NOT_ENABLED", 422)

    RATE_LIMITED = ("RATE_LIMITED", 429)

    INTERNAL_ERROR = ("INTERNAL_ERROR", 500)
    PROVIDER_ERROR = ("PROVIDER_ERROR", 502)
    PROVIDER_RATE_LIMITED = ("PROVIDER_RATE_LIMITED", 502)
    STELLAR_NETWORK_ERROR = ("STELLAR_NETWORK_ERROR", 502)
    MAINTENANCE = ("MAINTENANCE", 503)
    PROVIDER_UNAVAILABLE = ("PROVIDER_UNAVAILABLE", 503)
    SERVICE_UNAVAILABLE = ("SERVICE_UNAVAILABLE", 503)
    PROVIDER_TIMEOUT = ("PROVIDER_TIMEOUT", 504)


class DomainError(Exception):
    """An expected refusal: part of the protocol, shown to the caller; nothing has moved.

    Args:
        code: what it is, for programs.
        message: what it is, for people; never with a secret in it.
        details: JSON-ready facts.
    """

    is_refusal: ClassVar[Literal[True]] = True
    """For whoever runs an actor: it answers the asker, and crashes nothing."""

    def __init__(
        self, code: ErrorCode, message: str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message
        self.details: dict[str, object] = dict(details or {})


class InvariantViolated(Exception):
    """A rule of money does not hold: a fault of ours, never the caller's."""
