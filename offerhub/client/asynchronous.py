"""The client for trio and asyncio."""

import random
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Self, TypeVar

import anyio
import httpx
import msgspec

from offerhub.client.calls import Call, Exchange, Retries
from offerhub.client.operations import AsyncOperations
from offerhub.client.pages import AsyncPages, Page
from offerhub.client.stream import SILENCE_S, EventReader, StreamEvent
from offerhub.client.synchronous import base_of

T = TypeVar("T")


class AsyncClient(AsyncOperations):
    """The API, one method per operation, under trio or asyncio.

    Args:
        url: of the instance, with or without `/api/v1`.
        key: an API key, a token, or the master key.
        retries: how long and how often a call is tried.
        transport: how to reach it, for tests and proxies; httpx's own by default.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = base_of(url)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"}, transport=transport, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def stream_events(
        self,
        *,
        types: Sequence[str] = (),
        resource_types: Sequence[str] = (),
        after: str | int | None = None,
    ) -> "AsyncEvents":
        """Events as they are committed, over every break of the connection.

        Args:
            types: names, `prefix.*` or `*`; all by default.
            resource_types: aggregate types; all by default.
            after: the place to begin behind: a sequence (0: the very first event), an event's id
                or an ISO 8601 time; `None` begins with what comes now.
        """
        reader = EventReader(None if after is None else str(after), self._retries, time.monotonic())
        query = {"types": ",".join(types), "resourceTypes": ",".join(resource_types)}
        given = {name: value for name, value in query.items() if value}
        return AsyncEvents(self._http, f"{self._base}/events", given, reader)

    async def _call(self, call: Call[T]) -> T:
        if call.method == "POST" and call.key is None:
            call = msgspec.structs.replace(call, key=str(uuid.uuid4()))
        exchange = Exchange(call, self._retries, time.monotonic())
        while True:
            try:
                answer = await self._http.request(
                    call.method,
                    call.url(self._base),
                    params=call.parameters() or None,
                    content=call.content(),
                    headers=call.headers(),
                    timeout=exchange.timeout(time.monotonic()),
                )
            except httpx.TransportError as error:
                pause: float | None = exchange.failed(error, time.monotonic(), random.random())
            else:
                pause = exchange.answered(
                    answer.status_code,
                    answer.headers,
                    answer.content,
                    time.monotonic(),
                    random.random(),
                )
            if pause is None:
                return exchange.result  # type: ignore[return-value]  # there, as `answered` says
            await anyio.sleep(pause)

    def _pages(self, call: Call[Page[T]]) -> AsyncPages[T]:
        async def fetch(cursor: str | None) -> Page[T]:
            query = {**call.query, "cursor": cursor}
            return await self._call(msgspec.structs.replace(call, query=query))

        cursor = call.query.get("cursor")
        return AsyncPages(fetch, None if cursor is None else str(cursor))


class AsyncEvents:
    """An endless iterator of events; `aclose` it, or leave its `async with` block, to end it."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, query: dict[str, str], reader: EventReader
    ) -> None:
        self._http = http
        self._url = url
        self._query = query
        self._reader = reader
        self._ready: deque[StreamEvent] = deque()
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        while not self._closed:
            if self._ready:
                return self._ready.popleft()
            await self._read()
        raise StopAsyncIteration

    async def open(self) -> None:
        """Connect now, so that nothing that is committed from here on is missed."""
        while self._response is None and not self._closed:
            await self._read()

    async def aclose(self) -> None:
        """End the iteration."""
        self._closed = True
        await self._drop()

    async def _read(self) -> None:
        """Connect, or take the next bytes; pause after what went wrong."""
        try:
            pause = await (self._connect() if self._response is None else self._take())
        except httpx.TransportError as error:
            pause = await self._broken(error)
        if pause is not None:
            await anyio.sleep(pause)

    async def _connect(self) -> float | None:
        request = self._http.build_request(
            "GET",
            self._url,
            params=self._query,
            headers=self._reader.headers,
            timeout=httpx.Timeout(15.0, read=SILENCE_S),
        )
        response = await self._http.send(request, stream=True)
        self._response = response
        now = time.monotonic()
        if response.status_code != httpx.codes.OK:
            body = await response.aread()
            await self._drop()
            return self._reader.refused(
                response.status_code, response.headers, body, now, random.random()
            )
        self._reader.began(response.headers)
        self._chunks = aiter(response.aiter_bytes())
        return None

    async def _take(self) -> float | None:
        chunk = None if self._chunks is None else await anext(self._chunks, None)
        if chunk is None:
            return await self._broken(EOFError())
        self._reader.alive(time.monotonic())
        self._ready.extend(self._reader.feed(chunk))
        return None

    async def _broken(self, reason: Exception) -> float:
        await self._drop()
        return self._reader.broken(reason, time.monotonic(), random.random())

    async def _drop(self) -> None:
        response, self._response = self._response, None
        chunks, self._chunks = self._chunks, None
        # Also while the task is being cancelled: the connection must not outlive its reader.
        with anyio.move_on_after(2, shield=True):
            if response is not None:
                await response.aclose()
            # httpx's generators, one in another, end on what is closed: left halfway, each would
            # be for the garbage collector.
            with suppress(httpx.TransportError, httpx.StreamError, StopAsyncIteration):
                while chunks is not None:
                    await anext(chunks)
