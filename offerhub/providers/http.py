"""One HTTP server outside: deadlines, the rate budget, and retries where repeating is safe.

Trouble is raised as `HttpTrouble`, with a text that carries no header, no body and no query: nothing secret.
"""

import math
import ssl
from collections.abc import Callable, Mapping
from contextlib import aclosing
from enum import Enum, unique

import httpx
import trio
from attrs import frozen

from offerhub.providers.rate import Priority, RateBudget

RandomFraction = Callable[[], float]
"""Gives a number in [0, 1), for jitter."""


class HttpTrouble(Exception):
    """No answer came: it may or may not have reached the server, unless `sent` is `False`."""

    def __init__(self, reason: str, *, sent: bool = True, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out


@frozen
class HttpAnswer:
    """What the server said."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    latest_ledger: int | None = None
    """Horizon's `Latest-Ledger`: the ledger that an answer about the network's state speaks of."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@unique
class Repeat(Enum):
    """When a request may be sent again without asking anyone."""

    ALWAYS = "always"
    """A read, or a request that changes nothing: after 429, 5xx and lost connections."""
    WHEN_LIMITED = "when_limited"
    """After a 429 only, which was not worked (docs/spec/trustless-work.md §1)."""


Params = Mapping[str, str | int] | tuple[tuple[str, str | int], ...]
"""A query string's fields; a list where one comes more than once."""


class HttpClient:
    """A pool of connections to one server."""

    def __init__(
        self,
        base_url: str,
        *,
        budget: RateBudget,
        random: RandomFraction,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        attempts: int = 4,
    ) -> None:
        self._budget = budget
        self._random = random
        self._attempts = attempts
        self._base_url = base_url.rstrip("/")
        self._headers = {"accept": "application/json", **(headers or {})}
        tls = transport is None and base_url.startswith("https:")
        # The transport itself, without a client's cookies, redirects and credentials around it: we use none
        # of them, and they cost a third of a call.
        self._transport = transport or httpx.AsyncHTTPTransport(
            # Building a TLS context takes tens of milliseconds; the sandbox needs none.
            verify=ssl.create_default_context() if tls else False,
            limits=httpx.Limits(
                max_connections=_CONNECTIONS_MAX, max_keepalive_connections=_CONNECTIONS_KEPT
            ),
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        priority: Priority,
        deadline_s: float,
        repeat: Repeat,
        params: Params | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
    ) -> HttpAnswer:
        """Send a request and return the answer, whatever its status.

        `deadline_s` is for each attempt and begins when the rate budget lets it go; waiting for that has a
        bound of its own. After the last attempt a 429 or 5xx is returned like any answer.

        Raises: `HttpTrouble` when the last attempt brought no answer.
        """
        url = path if path.startswith("http") else self._base_url + path
        headers = {**self._headers, "content-type": content_type} if content_type else self._headers
        request = httpx.Request(method, url, params=params, content=content, headers=headers)
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            await self._wait_budget(priority)
            try:
                answer = await self._attempt(request, deadline_s)
            except HttpTrouble as trouble:
                if last or (repeat is not Repeat.ALWAYS and trouble.sent):
                    raise
                await self._back_off(attempt)
                continue
            if last or not _worth_repeating(answer, repeat):
                return answer
            if answer.status == _TOO_MANY and answer.retry_after_s is not None:
                self._budget.pause(min(answer.retry_after_s, _PAUSE_MAX_S))
            else:
                await self._back_off(attempt)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    async def _wait_budget(self, priority: Priority) -> None:
        try:
            with trio.fail_after(_QUEUE_MAX_S):
                await self._budget.acquire(priority)
        except trio.TooSlowError:
            msg = "our own rate limit left no budget for the request"
            raise HttpTrouble(msg, sent=False) from None

    async def _attempt(self, request: httpx.Request, deadline_s: float) -> HttpAnswer:
        try:
            with trio.fail_after(deadline_s):
                # The deadline around it is the only clock: a pool's own would hide which part hung.
                response = await self._transport.handle_async_request(request)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except trio.TooSlowError:
            msg = f"no answer within {deadline_s:g} s"
            raise HttpTrouble(msg, timed_out=True) from None
        except httpx.ConnectError:
            msg = "no connection to the server"
            raise HttpTrouble(msg, sent=False) from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            msg = f"the connection failed: {type(error).__name__}"
            raise HttpTrouble(msg) from None
        return HttpAnswer(
            response.status_code,
            body,
            _retry_after_s(response),
            _latest_ledger(response),
        )

    async def _back_off(self, attempt: int) -> None:
        await trio.sleep(_BACKOFF_S * 2 ** (attempt - 1) * (0.5 + self._random()))


async def _read(response: httpx.Response) -> bytes:
    """The body, decoded, as far as it is one that we ask for. Raises `HttpTrouble` beyond that."""
    body = bytearray()
    # An async generator, though httpx declares no more than an iterator.
    async with aclosing(response.aiter_bytes()) as parts:  # type: ignore[type-var]
        async for part in parts:
            body += part
            if len(body) > _BODY_MAX:
                msg = f"its answer is over {_BODY_MAX} bytes"
                raise HttpTrouble(msg)
    return bytes(body)


def _worth_repeating(answer: HttpAnswer, repeat: Repeat) -> bool:
    if answer.status == _TOO_MANY:
        return True
    return repeat is Repeat.ALWAYS and answer.status >= _SERVER_FAULT


def _retry_after_s(response: httpx.Response) -> float | None:
    """Only the form in seconds: neither server uses dates."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _latest_ledger(response: httpx.Response) -> int | None:
    text = response.headers.get("latest-ledger", "")
    return int(text) if text.isascii() and text.isdecimal() else None


_BODY_MAX = 16 * 1024 * 1024
"""A full page of payments with their transactions has about 2 MB."""
_TOO_MANY = 429
_SERVER_FAULT = 500
_BACKOFF_S = 0.2
_PAUSE_MAX_S = 120.0
_QUEUE_MAX_S = 300.0
_CONNECTIONS_MAX = 256
_CONNECTIONS_KEPT = 64
