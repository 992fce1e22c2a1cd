"""The HTTP status of every error code (docs/spec/api.md, Errors): the only table of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from offerhub.domain.errors import ErrorCode as E

_CODES: Final[Mapping[int, tuple[E, ...]]] = {
    400: (
        E.VALIDATION_ERROR,
        E.INVALID_AMOUNT_FORMAT,
        E.INVALID_CURRENCY,
        E.MISSING_REQUIRED_FIELD,
        E.INVALID_JSON,
    ),
    401: (E.UNAUTHORIZED, E.INVALID_API_KEY, E.WEBHOOK_SIGNATURE_INVALID),
    403: (E.INSUFFICIENT_SCOPE,),
    404: (
        E.NOT_FOUND,
        E.USER_NOT_FOUND,
        E.ORDER_NOT_FOUND,
        E.ESCROW_NOT_FOUND,
        E.DISPUTE_NOT_FOUND,
        E.WITHDRAWAL_NOT_FOUND,
        E.TOPUP_NOT_FOUND,
        E.MILESTONE_NOT_FOUND,
        E.RESERVE_NOT_FOUND,
        E.WALLET_NOT_FOUND,
        E.API_KEY_NOT_FOUND,
    ),
    405: (E.METHOD_NOT_ALLOWED,),
    409: (
        E.INVALID_STATE_TRANSITION,
        E.ESCROW_ALREADY_EXISTS,
        E.DISPUTE_ALREADY_OPEN,
        E.FUNDS_ALREADY_RESERVED,
        E.MILESTONES_OPEN,
        E.MILESTONE_ALREADY_COMPLETED,
        E.WITHDRAWAL_NOT_COMMITTABLE,
        E.DEADLINE_PASSED,
        E.CLIENT_ORDER_REF_TAKEN,
        E.AIRTM_USER_ALREADY_LINKED,
        E.IDEMPOTENCY_KEY_REUSED,
        E.IDEMPOTENCY_KEY_IN_PROGRESS,
    ),
    410: (E.HISTORY_DETACHED,),
    413: (E.BODY_TOO_LARGE,),
    415: (E.UNSUPPORTED_MEDIA_TYPE,),
    422: (
        E.INSUFFICIENT_FUNDS,
        E.AMOUNT_OUT_OF_LIMITS,
        E.RESERVE_MISMATCH_AMOUNT,
        E.SPLIT_MISMATCH_AMOUNT,
        E.DEADLINE_NOT_LATER,
        E.SAME_USER,
        E.ESCROW_INSUFFICIENT_FUNDS,
        E.WALLET_NOT_READY,
        E.WITHDRAWAL_DESTINATION_INVALID,
        E.AIRTM_USER_NOT_LINKED,
        E.AIRTM_USER_INVALID,
        E.PROVIDER_NOT_ENABLED,
    ),
    429: (E.RATE_LIMITED,),
    500: (E.INTERNAL_ERROR,),
    502: (E.PROVIDER_ERROR, E.PROVIDER_RATE_LIMITED, E.STELLAR_NETWORK_ERROR),
    503: (E.MAINTENANCE, E.PROVIDER_UNAVAILABLE, E.SERVICE_UNAVAILABLE),
    504: (E.PROVIDER_TIMEOUT,),
}

STATUS: Final[Mapping[E, int]] = MappingProxyType(
    {code: status for status, codes in _CODES.items() for code in codes}
)
"""Total: a test holds every code to have its status."""
