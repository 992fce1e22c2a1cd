"""What a fault does to one request and its answer."""

from collections.abc import AsyncIterator, Awaitable, Callable

import trio

from offerhub.sandbox.escrow import errors
from offerhub.sandbox.escrow.face import Twist
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from offerhub.sandbox.http import Request, Response
from offerhub.sandbox.json_answers import json_response

Answer = Callable[[Request, Twist], Awaitable[Response]]


class ConnectionDropped(Exception):
    """The connection is to be closed without (the rest of) an answer."""


async def apply_fault(
    fault: FaultSpec, request: Request, answer: Answer, *, horizon: bool
) -> Response:
    """Handle a request under a fault; `horizon` chooses the shape of error bodies.

    Raises `ConnectionDropped` where the client is to see no answer. Cancelled after the effect, the
    effect remains.
    """
    match fault.kind:
        case FaultKind.SLOW:
            await trio.sleep(fault.wait_s)
            return await answer(request, Twist())
        case FaultKind.RATE_LIMITED:
            return _too_many_requests(fault, horizon=horizon)
        case FaultKind.ERROR_BEFORE:
            return _error(fault.answer_status, horizon=horizon)
        case FaultKind.FAILED_BEFORE:
            return errors.failed_response(fault.answer_status)
        case FaultKind.CLOSE_BEFORE:
            raise ConnectionDropped
        case FaultKind.TIMEOUT_BEFORE:
            await trio.sleep(fault.wait_s)
            raise ConnectionDropped
        case FaultKind.EXPIRED_BOUNDS:
            return await answer(request, Twist(envelope_lifetime_s=fault.lifetime_s))
        case FaultKind.INDEX_LOST:
            return await answer(request, Twist(indexed=False))
        case _:
            return await _apply_after(fault, request, answer, horizon=horizon)


async def _apply_after(
    fault: FaultSpec, request: Request, answer: Answer, *, horizon: bool
) -> Response:
    """The kinds that strike when the effect is there; an answer that is an error anyway is kept."""
    lost = fault.kind is FaultKind.NOT_COMPLETE_YET
    response = await answer(request, Twist(indexed=not lost))
    if fault.kind is FaultKind.STREAM_CUT:
        return _cut(response, fault.wait_s)
    await _discard(response)
    match fault.kind:
        case FaultKind.TIMEOUT_AFTER:
            await trio.sleep(fault.wait_s)
            raise ConnectionDropped
        case FaultKind.CLOSE_AFTER:
            raise ConnectionDropped
    if response.status >= 400:
        return response
    match fault.kind:
        case FaultKind.NOT_COMPLETE_YET:
            return json_response(500, {"statusCode": 500, "message": errors.NOT_COMPLETE_YET})
        case FaultKind.FAILED_AFTER:
            return errors.failed_response(fault.answer_status)
        case _:
            return _error(fault.answer_status, horizon=horizon)


async def _discard(response: Response) -> None:
    if not isinstance(response.body, bytes):
        await _aclose(response.body)


async def _aclose(body: AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        await close()


def _cut(response: Response, after_s: float) -> Response:
    if isinstance(response.body, bytes):
        return response
    return Response(response.status, response.headers, CutStream(response.body, after_s))


class CutStream:
    """A stream that breaks off after a time."""

    def __init__(self, body: AsyncIterator[bytes], after_s: float) -> None:
        self._body = body
        self._deadline = trio.current_time() + after_s

    def __aiter__(self) -> "CutStream":
        return self

    async def __anext__(self) -> bytes:
        with trio.move_on_at(self._deadline):
            return await self._body.__anext__()
        raise ConnectionDropped

    async def aclose(self) -> None:
        await _aclose(self._body)


def _too_many_requests(fault: FaultSpec, *, horizon: bool) -> Response:
    if not horizon:
        return errors.too_many_requests(fault.retry_after_s)
    response = _error(429, horizon=True)
    if fault.retry_after_s is None:
        return response
    retry_after = ("retry-after", str(fault.retry_after_s))
    return Response(response.status, (*response.headers, retry_after), response.body)


_HORIZON_TYPES = {
    429: ("rate_limit_exceeded", "Rate Limit Exceeded"),
    503: ("server_over_capacity", "Server Over Capacity"),
    504: ("timeout", "Timeout"),
}


def _error(status: int, *, horizon: bool) -> Response:
    if not horizon:
        return json_response(status, {"statusCode": status, "message": "Internal server error"})
    kind, title = _HORIZON_TYPES.get(status, ("server_error", "Internal Server Error"))
    problem = json_response(
        status,
        {"type": f"https://stellar.org/horizon-errors/{kind}", "title": title, "status": status},
    )
    return Response(
        status, (("content-type", "application/problem+json; charset=utf-8"),), problem.body
    )
