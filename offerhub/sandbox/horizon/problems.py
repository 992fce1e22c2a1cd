"""Horizon's errors: problem+json with a stable type (docs/spec/stellar-horizon.md §2.3)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from offerhub.sandbox.horizon.answers import STANDING_HEADERS
from offerhub.sandbox.http import Response

_TYPE_PREFIX: Final = "https://stellar.org/horizon-errors/"

_TITLES: Final = {
    "bad_request": (400, "Bad Request"),
    "transaction_malformed": (400, "Transaction Malformed"),
    "transaction_failed": (400, "Transaction Failed"),
    "not_found": (404, "Resource Missing"),
    "method_not_allowed": (405, "Method Not Allowed"),
    "not_acceptable": (
        406,
        "An acceptable response content-type could not be provided for this request",
    ),
    "before_history": (410, "Data Requested Is Before Recorded History"),
    "unsupported_media_type": (415, "Unsupported Media Type"),
    "transaction_submission_timeout": (504, "Transaction Submission Timeout"),
    "timeout": (504, "Timeout"),
}


class Problem(Exception):
    """A request that is answered with an error; `extras` are left out when there are none."""

    def __init__(
        self, kind: str, detail: str | None = None, extras: Mapping[str, object] | None = None
    ) -> None:
        self.kind = kind
        self.status, self.title = _TITLES[kind]
        self.detail = detail
        self.extras = extras
        super().__init__(f"{self.status} {kind}: {detail}")

    def response(self) -> Response:
        body: dict[str, object] = {
            "type": _TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
        }
        if self.detail is not None:
            body["detail"] = self.detail
        # An explicit null crashes the Python SDK (§8).
        if self.extras is not None:
            body["extras"] = self.extras
        headers = (("content-type", "application/problem+json; charset=utf-8"), *STANDING_HEADERS)
        return Response(self.status, headers, msgspec.json.encode(body))


def invalid(field: str, reason: str) -> Problem:
    """Give the 400 for a bad parameter."""
    detail = "The request you sent was invalid in some way."
    return Problem("bad_request", detail, {"invalid_field": field, "reason": reason})


def missing() -> Problem:
    """Give the 404."""
    return Problem("not_found", "The resource at the url requested was not found.")


def before_history() -> Problem:
    """Give the 410 for what is older than the server keeps."""
    return Problem("before_history", "This horizon instance keeps only a part of the history.")
