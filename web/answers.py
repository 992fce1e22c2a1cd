"""Envelopes around answers (api.md, Envelopes)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from offerhub.domain.errors import DomainError
from offerhub.domain.ids import iso
from offerhub.domain.resources import answer_body
from web.call import Answer, Call

_encoder: Final = msgspec.json.Encoder()

PROBLEM_TYPE: Final = "application/problem+json"


def one(
    call: Call, resource: Mapping[str, object], at: datetime, status: int | None = None
) -> Answer:
    """One resource, or the result of an action.

    Args:
        at: `meta.timestamp`: of a POST the commit's moment, so that a replay is the same text.
        status: the route's own by default.
    """
    return Answer(
        call.route.status if status is None else status,
        answer_body(resource, call.trace.correlation_id, at),
    )


def now(call: Call, resource: Mapping[str, object]) -> Answer:
    """One resource as it was read just now."""
    return one(call, resource, call.system.clock())


def now_rendered(call: Call, resource: bytes) -> Answer:
    """One resource whose JSON is there already; the same text as `now` makes."""
    # A request id is letters, digits and .:_- only (web/facts.py): nothing to escape.
    request_id, at = call.trace.correlation_id, iso(call.system.clock())
    meta = f',"meta":{{"requestId":"{request_id}","timestamp":"{at}"}}}}'
    return Answer(call.route.status, b'{"success":true,"data":' + resource + meta.encode())


def page(call: Call, items: Sequence[object], next_cursor: str | None = None) -> Answer:
    """A page of a list, newest first."""
    return Answer(
        200,
        _encoder.encode(
            {
                "success": True,
                "data": items,
                "hasMore": next_cursor is not None,
                "nextCursor": next_cursor,
                "meta": {
                    "requestId": call.trace.correlation_id,
                    "timestamp": iso(call.system.clock()),
                },
            }
        ),
    )


def error_body(error: DomainError, request_id: str, at: datetime) -> bytes:
    """The whole body of a refusal."""
    return _encoder.encode(
        {
            "error": {
                "code": error.code.value,
                "message": error.message,
                "details": error.details,
            },
            "meta": {"requestId": request_id, "timestamp": iso(at)},
        }
    )


def as_problem(status: int, body: bytes, instance: str) -> bytes:
    """The same refusal as RFC 9457 tells it."""
    envelope = msgspec.json.decode(body)
    error = envelope["error"]
    return _encoder.encode(
        {
            "type": "about:blank",
            "title": error["code"],
            "status": status,
            "detail": error["message"],
            "instance": instance,
            "code": error["code"],
            "details": error["details"],
            "requestId": envelope["meta"]["requestId"],
            "timestamp": envelope["meta"]["timestamp"],
        }
    )
