"""Error answers of the V1 API (docs/spec/trustless-work.md §2.3, §8.4)."""

from datetime import datetime

from offerhub.domain.ids import iso
from offerhub.sandbox.http import Response
from offerhub.sandbox.json_answers import json_response


class ApiError(Exception):
    """An answer other than success; `message` is a text, or a list for the body's validation."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message


def error_response(error: ApiError, path: str, now: datetime) -> Response:
    """The live shape: status, message, time and path."""
    return json_response(
        error.status,
        {
            "statusCode": error.status,
            "message": error.message,
            "timestamp": iso(now),
            "path": path,
        },
    )


def unauthorized() -> Response:
    """No `x-api-key`, or not ours."""
    return json_response(
        401, {"statusCode": 401, "message": "Unauthorized", "error": "Unauthorized"}
    )


def too_many_requests(retry_after_s: int | None = None) -> Response:
    """Over the limit (§1): the request was not processed."""
    headers = () if retry_after_s is None else (("retry-after", str(retry_after_s)),)
    return json_response(
        429,
        {"statusCode": 429, "message": "ThrottlerException: Too Many Requests"},
        headers,
    )


def not_found(method: str, path: str) -> Response:
    """No such route."""
    return json_response(
        404, {"statusCode": 404, "message": f"Cannot {method} {path}", "error": "Not Found"}
    )


SENT = "The transaction has been successfully sent to the Stellar network."
NOT_SENT = (
    "The transaction could not be sent to the Stellar network for some unknown reason. "
    "Please try again."
)
NOT_COMPLETE_YET = (
    "Cannot read properties of undefined (reading 'resultMetaXdr'): "
    "the transaction may not be complete yet"
)
"""Said after the transaction was applied: only the echo and the indexing are lost (§12.1)."""


def failed_response(status: int) -> Response:
    """`status: FAILED`, under a 2xx or a 500 (§2.3)."""
    return json_response(status, {"status": "FAILED", "message": NOT_SENT})
