"""docs/errors.md: every code of the one table, what it means, what to do, and who returns it."""
# ruff: noqa: E501 - a neighbour of docs/generate.py, and prose with one sentence a line

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from offerhub.domain.errors import ErrorCode as E
from web.call import Route
from web.openapi import codes_of
from web.statuses import STATUS

_OF_AIRTM: Final = "Belongs to AirTM, which this version does not have."

_NO_ROUTE: Final = {
    E.NOT_FOUND: "an unknown path",
    E.METHOD_NOT_ALLOWED: "a method that the path does not support",
}
"""Codes that are returned before a route is found."""

_MEANINGS: Final[dict[E, tuple[str, str]]] = {
    E.UNAUTHORIZED: ("The request carries no API key.", "Send one."),
    E.INVALID_API_KEY: (
        "The key or token is unknown, revoked or expired.",
        "Use another key; do not retry with this one.",
    ),
    E.WEBHOOK_SIGNATURE_INVALID: (
        "The signature of a webhook is missing, or is not that of its body under the instance's secret.",
        "Sign the body exactly as it is sent, with the secret that the operator has set.",
    ),
    E.INSUFFICIENT_SCOPE: (
        "The key lacks the required scope: see `requiredScope` and `currentScopes`.",
        "Use a key that has it.",
    ),
    E.VALIDATION_ERROR: (
        "One or more fields are invalid: `fields` lists all of them.",
        "Correct the request.",
    ),
    E.INVALID_AMOUNT_FORMAT: (
        'An amount is not a string with exactly two decimals, such as `"12.50"`.',
        "Correct the request.",
    ),
    E.INVALID_CURRENCY: ("The currency is neither `USDC` nor `USD`.", "Correct the request."),
    E.MISSING_REQUIRED_FIELD: ("One required field is missing.", "Correct the request."),
    E.INVALID_JSON: ("The body is not a JSON object.", "Correct the request."),
    E.NOT_FOUND: ("No endpoint has this path.", "Correct the path."),
    E.USER_NOT_FOUND: ("No user has this id.", "Correct the id."),
    E.ORDER_NOT_FOUND: ("No order has this id.", "Correct the id."),
    E.ESCROW_NOT_FOUND: ("Reserved: no endpoint asks for an escrow by its own id.", ""),
    E.DISPUTE_NOT_FOUND: ("No dispute has this id.", "Correct the id."),
    E.WITHDRAWAL_NOT_FOUND: ("No withdrawal has this id.", "Correct the id."),
    E.TOPUP_NOT_FOUND: (_OF_AIRTM, ""),
    E.MILESTONE_NOT_FOUND: ("The order has no milestone with this `ref`.", "Correct the ref."),
    E.RESERVE_NOT_FOUND: (
        "The user has no hold with this label of which anything is left.",
        "Check `reference` or `orderId`; a hold that is used up is gone.",
    ),
    E.WALLET_NOT_FOUND: ("The user has no wallet.", "Contact the operator."),
    E.API_KEY_NOT_FOUND: ("No API key has this id.", "Correct the id."),
    E.METHOD_NOT_ALLOWED: (
        "The path does not support this method: `allowed` lists those it supports.",
        "Correct the method.",
    ),
    E.BODY_TOO_LARGE: (
        "The body is larger than 1 MiB, or that of a webhook than 256 KiB.",
        "Send less.",
    ),
    E.UNSUPPORTED_MEDIA_TYPE: (
        "The body is not declared as JSON.",
        "Send `Content-Type: application/json`.",
    ),
    E.INVALID_STATE_TRANSITION: (
        (
            "The order or withdrawal is in a state that does not permit the action:"
            " see `currentState` and `allowedStates`, and `progress` while a chain operation runs."
        ),
        "Read the resource; with `progress`, wait until the operation ends.",
    ),
    E.HISTORY_DETACHED: (
        (
            "The event, the page or the place in the stream is older than what this instance still"
            " serves: the operator has exported and detached it."
        ),
        "Continue from a newer place, or ask the operator for the export.",
    ),
    E.ESCROW_ALREADY_EXISTS: (
        "The order already has an escrow, or its deployment is running (then with `progress`).",
        "Read the order and continue from there.",
    ),
    E.DISPUTE_ALREADY_OPEN: (
        "The order is in dispute already; an order has one dispute.",
        "Read the order's `dispute`; assign or resolve that.",
    ),
    E.FUNDS_ALREADY_RESERVED: (
        "The order's amount is already reserved, or an open hold of the user has this label.",
        "Continue with the escrow; give another hold another label.",
    ),
    E.MILESTONES_OPEN: (
        "Some milestones are still open: see `refs`.",
        "Complete them, then release.",
    ),
    E.MILESTONE_ALREADY_COMPLETED: ("The milestone is already completed.", "Nothing to do."),
    E.WITHDRAWAL_NOT_COMMITTABLE: (
        "The withdrawal is completed, canceled or failed, or is being paid.",
        "Read it.",
    ),
    E.DEADLINE_PASSED: (
        "The deadline that `details.field` names has passed: it can no longer be changed.",
        "Read the order: it was closed or released, or waits for its last milestone.",
    ),
    E.CLIENT_ORDER_REF_TAKEN: (
        "Another order already uses this `clientOrderRef`.",
        "Find that order with `GET /orders?clientOrderRef=`.",
    ),
    E.AIRTM_USER_ALREADY_LINKED: (_OF_AIRTM, ""),
    E.IDEMPOTENCY_KEY_REUSED: (
        "The key was already used with another path or body; nothing was written.",
        "Use a fresh key for a new request; this is a bug in the caller.",
    ),
    E.IDEMPOTENCY_KEY_IN_PROGRESS: (
        "The first request with this key is still running.",
        "Retry with the same key after `Retry-After`.",
    ),
    E.INSUFFICIENT_FUNDS: (
        "The available balance is too low: see `available`, `requested` and `currency`.",
        "Deposit more, or request less.",
    ),
    E.AMOUNT_OUT_OF_LIMITS: (
        "The amount is outside the instance's limits: see `min` and `max`.",
        "Correct the amount; `GET /config` shows the limits.",
    ),
    E.RESERVE_MISMATCH_AMOUNT: (
        (
            "The amount to reserve differs from the order's amount,"
            " or a hold has less left than the amount: see `remaining`."
        ),
        "Omit it, or send the order's amount; take no more than the hold has left.",
    ),
    E.SPLIT_MISMATCH_AMOUNT: (
        "The two shares of a split do not sum to the order's amount: see `expected` and `given`.",
        "Correct the shares.",
    ),
    E.DEADLINE_NOT_LATER: (
        "A deadline moves to a later time only; `details.deadline` is the present one.",
        "Give a later time, or leave the deadline as it is.",
    ),
    E.SAME_USER: (
        "Buyer and seller are the same user, or one of them is the platform's own user.",
        "Correct the request.",
    ),
    E.ESCROW_INSUFFICIENT_FUNDS: (
        "The buyer's wallet on the chain holds less than the escrow needs.",
        "Contact the operator, since books and chain differ; then retry with the same key.",
    ),
    E.WALLET_NOT_READY: (
        "A wallet is not active yet, or the platform lacks XLM for it, or (`treasury_empty`) USDC that it owes it.",
        "Wait for `wallet.created`, then retry with the same key; tell the operator of `treasury_empty`.",
    ),
    E.WITHDRAWAL_DESTINATION_INVALID: (
        "The destination cannot receive the payment: see `reason`.",
        "Correct the destination.",
    ),
    E.AIRTM_USER_NOT_LINKED: (_OF_AIRTM, ""),
    E.AIRTM_USER_INVALID: (_OF_AIRTM, ""),
    E.PROVIDER_NOT_ENABLED: (
        "The endpoint or the destination type belongs to a provider that is not enabled on this instance.",
        "Use what `GET /config` shows as enabled; for a webhook, have the operator set its secret.",
    ),
    E.RATE_LIMITED: (
        "Too many requests in the current minute: see `retryAfter`, `limit` and `window`.",
        "Retry after `Retry-After`.",
    ),
    E.INTERNAL_ERROR: (
        "The orchestrator failed; its log has the details under the request id.",
        "Retry a few times with the same key and with backoff; then give the operator the request id.",
    ),
    E.PROVIDER_ERROR: (
        (
            "A deployment or funding failed and the order is back in the state before it:"
            " see `orderId`, `currentState`, `attempts` and `lastError`."
        ),
        "Retry with the same key: it starts a new attempt.",
    ),
    E.PROVIDER_RATE_LIMITED: (_OF_AIRTM, ""),
    E.STELLAR_NETWORK_ERROR: ("The Stellar network did not respond.", "Retry with the same key."),
    E.MAINTENANCE: (
        "An operator has turned maintenance on: reads work, changes are refused, nothing has moved.",
        "Repeat the request after `Retry-After`, with the same `Idempotency-Key`.",
    ),
    E.PROVIDER_UNAVAILABLE: (_OF_AIRTM, ""),
    E.SERVICE_UNAVAILABLE: (
        (
            "The database is unavailable, the process is stopping, or what handled the request crashed"
            " (the message says which). After a crash the outcome is unknown."
        ),
        "Retry with the same key after `Retry-After`.",
    ),
    E.PROVIDER_TIMEOUT: (_OF_AIRTM, ""),
}

_HEAD: Final = """# Errors

Generated from `ErrorCode` in `offerhub/domain/errors.py` and from the routes by `make docs`.

Each code has one status and one meaning.
An error is `{"error": {"code", "message", "details"}, "meta": {"requestId", "timestamp"}}`; with `Accept: application/problem+json` it is the same as RFC 9457.
Programs read `code` and `details`; `message` is for people and may change at any time.
A status below 500 means that this request moved nothing.
After a 5xx, or no response at all, retry with the same idempotency key: nothing is done twice.
The integration guide says [what to retry](integration-guide.md#errors-and-retries).
"""


def render_errors(routes: Sequence[Route]) -> str:
    """The page. Raises `KeyError` for a code without a meaning."""
    given: dict[E, list[Route]] = {code: [] for code in E}
    for route in routes:
        for code in codes_of(route):
            given[code].append(route)
    lines = [_HEAD]
    for status in dict.fromkeys(sorted(STATUS[code] for code in E)):
        lines += [f"## {status} {HTTPStatus(status).phrase}", ""]
        lines += ["| code | meaning | what to do | returned by |", "|---|---|---|---|"]
        for code in (each for each in E if STATUS[each] == status):
            meaning, remedy = _MEANINGS[code]
            lines.append(
                f"| `{code.value}` | {meaning} | {remedy} | {_givers(code, given[code], routes)} |"
            )
        lines.append("")
    return "\n".join(lines)


def _givers(code: E, given: Sequence[Route], routes: Sequence[Route]) -> str:
    if not given:
        return _NO_ROUTE.get(code, "nothing yet")
    groups = (
        ("every endpoint", [*routes]),
        ("every endpoint that needs a key", [r for r in routes if not r.public]),
        ("every endpoint with a scope", [r for r in routes if r.scope is not None]),
        ("every POST", [r for r in routes if r.method == "POST"]),
    )
    for name, group in groups:
        rest = [route for route in given if route not in group]
        if all(route in given for route in group) and len(rest) <= 2:
            return ", ".join([name, *(_shown(route) for route in rest)])
    return ", ".join(_shown(route) for route in given)


def _shown(route: Route) -> str:
    path = route.path.replace("<", "{").replace(">", "}")
    return f"`{route.method} {path}`"
