"""The codes that an endpoint can refuse with, as enumerations with a name each."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from offerhub.domain.errors import ErrorCode as E
from web.call import Route
from web.statuses import STATUS

_SHARED: Final[Mapping[tuple[E, ...], str]] = {
    (E.UNAUTHORIZED, E.INVALID_API_KEY): "Unauthorized",
    (E.VALIDATION_ERROR, E.INVALID_JSON): "BadRequest",
    (E.VALIDATION_ERROR, E.MISSING_REQUIRED_FIELD, E.INVALID_JSON): "IncompleteRequest",
    (E.IDEMPOTENCY_KEY_REUSED, E.IDEMPOTENCY_KEY_IN_PROGRESS): "IdempotencyKeyConflict",
}
"""What many endpoints have alike; a single code is called by its own name."""


def code_set(codes: tuple[E, ...], route: Route | None = None, status: int = 0) -> str | None:
    """The name of some codes under one status; without a route `None` if they are its own."""
    if len(codes) == 1:
        return "".join(word.capitalize() for word in codes[0].value.split("_"))
    shared = _SHARED.get(codes)
    if shared is not None or route is None:
        return shared
    phrase = HTTPStatus(status).phrase.title().replace(" ", "")
    return route.operation[0].upper() + route.operation[1:] + phrase


def code_sets(
    routes: Sequence[Route], codes_of: Callable[[Route], tuple[E, ...]]
) -> dict[str, Any]:
    """The enumerations by name: of every endpoint and status, and of all codes."""
    found: dict[str, Any] = {}
    for route in routes:
        by_status: dict[int, tuple[E, ...]] = {}
        for code in codes_of(route):
            by_status[STATUS[code]] = (*by_status.get(STATUS[code], ()), code)
        for status, codes in by_status.items():
            name = f"{code_set(codes, route, status)}Code"
            found[name] = {"type": "string", "enum": [code.value for code in codes]}
    return found
