"""The table of error codes is docs/spec/api.md's list: each code once, with its one status."""

from offerhub.domain.errors import DomainError, ErrorCode
from web.statuses import STATUS

LISTED = {
    401: "UNAUTHORIZED INVALID_API_KEY WEBHOOK_SIGNATURE_INVALID",
    403: "INSUFFICIENT_SCOPE",
    400: "VALIDATION_ERROR INVALID_AMOUNT_FORMAT INVALID_CURRENCY MISSING_REQUIRED_FIELD "
    "INVALID_JSON",
    404: "NOT_FOUND USER_NOT_FOUND ORDER_NOT_FOUND ESCROW_NOT_FOUND DISPUTE_NOT_FOUND "
    "WITHDRAWAL_NOT_FOUND TOPUP_NOT_FOUND MILESTONE_NOT_FOUND RESERVE_NOT_FOUND "
    "WALLET_NOT_FOUND API_KEY_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    409: "INVALID_STATE_TRANSITION ESCROW_ALREADY_EXISTS DISPUTE_ALREADY_OPEN "
    "FUNDS_ALREADY_RESERVED MILESTONES_OPEN MILESTONE_ALREADY_COMPLETED "
    "WITHDRAWAL_NOT_COMMITTABLE DEADLINE_PASSED CLIENT_ORDER_REF_TAKEN AIRTM_USER_ALREADY_LINKED "
    "IDEMPOTENCY_KEY_REUSED IDEMPOTENCY_KEY_IN_PROGRESS",
    410: "HISTORY_DETACHED",
    422: "INSUFFICIENT_FUNDS AMOUNT_OUT_OF_LIMITS RESERVE_MISMATCH_AMOUNT "
    "SPLIT_MISMATCH_AMOUNT DEADLINE_NOT_LATER SAME_USER ESCROW_INSUFFICIENT_FUNDS WALLET_NOT_READY "
    "WITHDRAWAL_DESTINATION_INVALID AIRTM_USER_NOT_LINKED AIRTM_USER_INVALID "
    "PROVIDER_NOT_ENABLED",
    429: "RATE_LIMITED",
    500: "INTERNAL_ERROR",
    502: "PROVIDER_ERROR PROVIDER_RATE_LIMITED STELLAR_NETWORK_ERROR",
    503: "MAINTENANCE PROVIDER_UNAVAILABLE SERVICE_UNAVAILABLE",
    504: "PROVIDER_TIMEOUT",
}
"""Copied from docs/spec/api.md, Errors."""


def test_the_table_is_the_list_of_the_api() -> None:
    listed = {name: status for status, names in LISTED.items() for name in names.split()}
    assert listed == {code.value: STATUS[code] for code in ErrorCode}


def test_a_code_is_called_what_it_says() -> None:
    """An alias would be a second place for the same code."""
    assert all(name == code.value for name, code in ErrorCode.__members__.items())


def test_a_refusal_keeps_details_of_its_own() -> None:
    given = {"a": 1}
    error = DomainError(ErrorCode.NOT_FOUND, "nothing here", given)
    error.details["b"] = 2
    assert {"a": 1} == given
    assert "NOT_FOUND: nothing here" == str(error)
    assert {} == DomainError(ErrorCode.NOT_FOUND, "nothing here").details
