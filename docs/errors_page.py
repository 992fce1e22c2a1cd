"""docs/errors.md: every code of the one table, what it means, what to do, and who gives it."""
# ruff: noqa: E501 - a neighbour of docs/generate.py, and prose with one sentence a line

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from offerhub.domain.errors import ErrorCode as E
from web.call import Route
from web.openapi import codes_of

_NOT_YET: Final = "Defined for what is to come; nothing gives it in this version."

_NO_ROUTE: Final = {
    E.NOT_FOUND: "a path that is no endpoint",
    E.METHOD_NOT_ALLOWED: "a method that the path does not know",
}
"""Codes that are given before a route is found."""

_MEANINGS: Final[dict[E, tuple[str, str]]] = {
    E.UNAUTHORIZED: ("No key was sent.", "Send one."),
    E.INVALID_API_KEY: (
        "The key or token is unknown, revoked or expired.",
        "Use another key; do not repeat with this one.",
    ),
    E.WEBHOOK_SIGNATURE_INVALID: (_NOT_YET, ""),
    E.INSUFFICIENT_SCOPE: (
        "The key lacks a scope: `requiredScope`, `currentScopes`.",
        "Use a key that has it.",
    ),
    E.VALIDATION_ERROR: (
        "Several faults, or one without a code of its own: `fields` names all.",
        "Correct the request.",
    ),
    E.INVALID_AMOUNT_FORMAT: (
        'An amount is no string with two places, like `"12.50"`.',
        "Correct the request.",
    ),
    E.INVALID_CURRENCY: ("The currency is neither `USDC` nor `USD`.", "Correct the request."),
    E.MISSING_REQUIRED_FIELD: ("One required field is missing.", "Correct the request."),
    E.INVALID_JSON: ("The body is no JSON object.", "Correct the request."),
    E.NOT_FOUND: ("There is no such endpoint.", "Correct the path."),
    E.USER_NOT_FOUND: ("There is no such user.", "Correct the id."),
    E.ORDER_NOT_FOUND: ("There is no such order.", "Correct the id."),
    E.ESCROW_NOT_FOUND: (_NOT_YET, ""),
    E.DISPUTE_NOT_FOUND: (_NOT_YET, ""),
    E.WITHDRAWAL_NOT_FOUND: ("There is no such withdrawal.", "Correct the id."),
    E.TOPUP_NOT_FOUND: (_NOT_YET, ""),
    E.MILESTONE_NOT_FOUND: ("The order has no milestone with this `ref`.", "Correct the ref."),
    E.RESERVE_NOT_FOUND: (_NOT_YET, ""),
    E.WALLET_NOT_FOUND: ("The user has no wallet.", "Tell the operator."),
    E.API_KEY_NOT_FOUND: ("There is no such key.", "Correct the id."),
    E.METHOD_NOT_ALLOWED: (
        "The path does not know this method: `allowed` lists those that it knows.",
        "Correct the method.",
    ),
    E.BODY_TOO_LARGE: ("The body is larger than 1 MiB.", "Send less."),
    E.UNSUPPORTED_MEDIA_TYPE: (
        "The body is not declared as JSON.",
        "Send `Content-Type: application/json`.",
    ),
    E.INVALID_STATE_TRANSITION: (
        (
            "The order's or withdrawal's state does not allow the action:"
            " `currentState`, `allowedStates`, and `progress` while work runs on the chain."
        ),
        "Read the resource; with `progress`, wait for its end.",
    ),
    E.ESCROW_ALREADY_EXISTS: (
        "The order has an escrow, or its deployment runs (then with `progress`).",
        "Read the order and go on from there.",
    ),
    E.DISPUTE_ALREADY_OPEN: (_NOT_YET, ""),
    E.FUNDS_ALREADY_RESERVED: (
        "The order's amount is reserved already.",
        "Go on to the escrow.",
    ),
    E.MILESTONES_OPEN: (
        "Milestones are not completed: `refs`.",
        "Complete them, then release.",
    ),
    E.MILESTONE_ALREADY_COMPLETED: ("It was completed before.", "Nothing to do."),
    E.WITHDRAWAL_NOT_COMMITTABLE: (
        "The withdrawal was paid, canceled or failed, or is being paid.",
        "Read it.",
    ),
    E.CLIENT_ORDER_REF_TAKEN: (
        "Another order has this `clientOrderRef`.",
        "Find that order with `GET /orders?clientOrderRef=`.",
    ),
    E.AIRTM_USER_ALREADY_LINKED: (_NOT_YET, ""),
    E.IDEMPOTENCY_KEY_REUSED: (
        "The key was used for another path or body; nothing was written.",
        "Use a fresh key for a new request: this is a fault of the caller.",
    ),
    E.IDEMPOTENCY_KEY_IN_PROGRESS: (
        "The first request with this key is still running.",
        "Repeat with the same key after `Retry-After`.",
    ),
    E.INSUFFICIENT_FUNDS: (
        "The available balance is too low: `available`, `requested`, `currency`.",
        "Deposit, or ask for less.",
    ),
    E.AMOUNT_OUT_OF_LIMITS: (
        "The amount is outside of the instance's limits: `min`, `max`.",
        "Correct the amount; `GET /config` shows the limits.",
    ),
    E.RESERVE_MISMATCH_AMOUNT: (
        "The amount of a reservation is not the order's.",
        "Leave it out, or send the order's.",
    ),
    E.SPLIT_MISMATCH_AMOUNT: (_NOT_YET, ""),
    E.SAME_USER: (
        "Buyer and seller are one user, or one of them is the platform's own.",
        "Correct the request.",
    ),
    E.ESCROW_INSUFFICIENT_FUNDS: (
        "The buyer's wallet does not hold what the escrow asks for.",
        "Tell the operator: ledger and chain differ.",
    ),
    E.WALLET_NOT_READY: (
        "A wallet is not active on the chain yet, or the platform lacks XLM for it.",
        "Wait for `wallet.created`, then repeat with the same key.",
    ),
    E.WITHDRAWAL_DESTINATION_INVALID: (
        "The destination cannot be paid: `reason`.",
        "Correct the destination.",
    ),
    E.AIRTM_USER_NOT_LINKED: (_NOT_YET, ""),
    E.AIRTM_USER_INVALID: (_NOT_YET, ""),
    E.PROVIDER_NOT_ENABLED: (
        "The destination's type belongs to a payment provider that this instance does not use.",
        "Use `crypto`.",
    ),
    E.RATE_LIMITED: (
        "Too many requests in this minute: `retryAfter`, `limit`, `window`.",
        "Repeat after `Retry-After`.",
    ),
    E.INTERNAL_ERROR: (
        "A fault here; the log has it under the request's id.",
        "Repeat with the same key, later and a few times; then tell the operator the request id.",
    ),
    E.PROVIDER_ERROR: (
        (
            "A deployment or a funding did not reach the chain and has fallen back:"
            " `orderId`, `currentState`, `attempts`, `lastError`."
        ),
        "Repeat with the same key: it tries again.",
    ),
    E.PROVIDER_RATE_LIMITED: (_NOT_YET, ""),
    E.STELLAR_NETWORK_ERROR: ("The Stellar network did not answer.", "Repeat with the same key."),
    E.MAINTENANCE: (_NOT_YET, ""),
    E.PROVIDER_UNAVAILABLE: (_NOT_YET, ""),
    E.SERVICE_UNAVAILABLE: (
        (
            "The database is away, the process stops, or the action is not part of this version"
            " (the message says which)."
        ),
        (
            "Repeat with the same key after `Retry-After`;"
            " a refund of a funded order is not part of this version."
        ),
    ),
    E.PROVIDER_TIMEOUT: (_NOT_YET, ""),
}

_HEAD: Final = """# Errors

Generated from `ErrorCode` in `offerhub/domain/errors.py` and from the routes by `make docs`.

Each code has one status and one meaning.
An error is `{"error": {"code", "message", "details"}, "meta": {"requestId", "timestamp"}}`; with `Accept: application/problem+json` it is the same as RFC 9457.
Programs read `code` and `details`; `message` is for people and may change.
A refusal below 500 means that nothing was moved by this request.
After a 5xx or no answer at all, repeat with the same idempotency key: what was done is not done again.
The integration guide says [what to retry](integration-guide.md#errors-and-what-to-repeat).
"""


def render_errors(routes: Sequence[Route]) -> str:
    """The page. Raises `KeyError` for a code without a meaning."""
    given: dict[E, list[Route]] = {code: [] for code in E}
    for route in routes:
        for code in codes_of(route):
            given[code].append(route)
    lines = [_HEAD]
    for status in dict.fromkeys(sorted(code.status for code in E)):
        lines += [f"## {status} {HTTPStatus(status).phrase}", ""]
        lines += ["| code | means | do | given by |", "|---|---|---|---|"]
        for code in (each for each in E if each.status == status):
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
