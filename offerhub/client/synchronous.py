"""The client for plain threads."""

import random
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Self, TypeVar

import httpx
import msgspec

from offerhub.client.calls import Call, Exchange, Retries
from offerhub.client.operations import Operations
from offerhub.client.pages import Page, Pages
from offerhub.client.stream import SILENCE_S, EventReader, StreamEvent

T = TypeVar("T")


class Client(Operations):
    """The API, one method per operation; safe to share between threads.

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._base = base_of(url)
        self._retries = retries or Retries()
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {key}"}, transport=transport, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def stream_events(
        self,
        *,
        types: Sequence[str] = (),
        resource_types: Sequence[str] = (),
        after: str | int | None = None,
    ) -> "Events":
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
        return Events(self._http, f"{self._base}/events", given, reader)

    def _call(self, call: Call[T]) -> T:
        if call.method == "POST" and call.key is None:
            call = msgspec.structs.replace(call, key=str(uuid.uuid4()))
        exchange = Exchange(call, self._retries, time.monotonic())
        while True:
            try:
                answer = self._http.request(
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
            time.sleep(pause)

    def _pages(self, call: Call[Page[T]]) -> Pages[T]:
        def fetch(cursor: str | None) -> Page[T]:
            query = {**call.query, "cursor": cursor}
            return self._call(msgspec.structs.replace(call, query=query))

        cursor = call.query.get("cursor")
        return Pages(fetch, None if cursor is None else str(cursor))


class Events:
    """An endless iterator of events; `close` it, or leave its `with` block, to end it."""

    def __init__(
        self, http: httpx.Client, url: str, query: dict[str, str], reader: EventReader
    ) -> None:
        self._http = http
        self._url = url
        self._query = query
        self._reader = reader
        self._ready: deque[StreamEvent] = deque()
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamEvent:
        while not self._closed:
            if self._ready:
                return self._ready.popleft()
            self._read()
        raise StopIteration

    def open(self) -> None:
        """Connect now, so that nothing that is committed from here on is missed."""
        while self._response is None and not self._closed:
            self._read()

    def close(self) -> None:
        """End the iteration."""
        self._closed = True
        self._drop()

    def _read(self) -> None:
        """Connect, or take the next bytes; pause after what went wrong."""
        try:
            pause = self._connect() if self._response is None else self._take()
        except httpx.TransportError as error:
            pause = self._broken(error)
        if pause is not None:
            time.sleep(pause)

    def _connect(self) -> float | None:
        request = self._http.build_request(
            "GET",
            self._url,
            params=self._query,
            headers=self._reader.headers,
            timeout=httpx.Timeout(15.0, read=SILENCE_S),
        )
        response = self._http.send(request, stream=True)
        self._response = response
        now = time.monotonic()
        if response.status_code != httpx.codes.OK:
            body = response.read()
            self._drop()
            return self._reader.refused(
                response.status_code, response.headers, body, now, random.random()
            )
        self._reader.began(response.headers)
        self._chunks = response.iter_bytes()
        return None

    def _take(self) -> float | None:
        chunk = next(self._chunks, None)
        if chunk is None:
            return self._broken(EOFError())
        self._reader.alive(time.monotonic())
        self._ready.extend(self._reader.feed(chunk))
        return None

    def _broken(self, reason: Exception) -> float:
        self._drop()
        return self._reader.broken(reason, time.monotonic(), random.random())

    def _drop(self) -> None:
        response, self._response = self._response, None
        self._chunks = iter(())
        if response is not None:
            response.close()


def base_of(url: str) -> str:
    """The base of all paths, whether or not the caller named it."""
    trimmed = url.rstrip("/")
    return trimmed if trimmed.endswith("/api/v1") else f"{trimmed}/api/v1"
