"""What a request carries, read: its body as JSON, its query string as pairs."""

import json
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from offerhub.domain.errors import DomainError, ErrorCode
from web.bodies import EMPTY
from web.call import Route
from web.field_errors import FieldErrors, field_error
from web.request_info import RequestInfo

_JSON: Final = b"application/json"
_PARAMETERS_MAX: Final = 50


def too_large(info: RequestInfo, maximum: int) -> bool:
    """Whether the body says of itself that it is over the limit, in bytes."""
    length = info.headers.get(b"content-length")
    return length is not None and length.isdigit() and int(length[:20]) > maximum


def read_json(raw: bytes, info: RequestInfo) -> object:
    """The body as parsed JSON; nothing at all is an empty object.

    A name that comes twice in one object is a fault: readers differ in which value they take, and
    so might a proxy and we.
    """
    if not raw:
        return {}
    media = info.headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if media != _JSON and not (media.startswith(b"application/") and media.endswith(b"+json")):
        raise DomainError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send the body as Content-Type: application/json"
        )
    try:
        body = msgspec.json.decode(raw)
        json.loads(raw, object_pairs_hook=_without_repeats)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        reason = str(error) if isinstance(error, msgspec.MsgspecError) else "it is nested too deep"
        raise DomainError(
            ErrorCode.INVALID_JSON, f"the body is not valid JSON: {reason}"[:200]
        ) from None
    return body


def _without_repeats(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise field_error(name[:100], "is given twice in the same object")
        seen.add(name)


def read_query(route: Route, text: bytes) -> object:
    """The query string as its schema builds it."""
    if not text:
        return None if route.query is None else route.query.parse({})
    pairs: dict[str, object] = {}
    errors = FieldErrors()
    try:
        given = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_PARAMETERS_MAX,
            errors="strict",
        )
    except ValueError:
        raise field_error("query", "cannot be read") from None
    for name, value in given:
        if name in pairs:
            errors.add(name[:100], "is given twice")
        pairs[name] = value
    if errors:
        raise errors.error()
    return (route.query or EMPTY).parse(pairs)
