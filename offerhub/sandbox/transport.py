"""The sandbox behind an HTTP client without a socket: what the simulation plugs into its clients."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qsl

import httpx

from offerhub.sandbox.fault_effects import ConnectionDropped
from offerhub.sandbox.http import Request, Response

Handle = Callable[[Request], Awaitable[Response]]


class SandboxTransport(httpx.AsyncBaseTransport):
    """Answers httpx requests from `Sandbox.handle`; a dropped connection is a `RemoteProtocolError`.

    httpx leaves its timeouts to transports; this one has none, so callers bring their own deadline.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        try:
            response = await self._handle(
                Request(
                    method=request.method,
                    path=url.path,
                    query=tuple(parse_qsl(url.query.decode("ascii"), keep_blank_values=True)),
                    headers={name.lower(): value for name, value in request.headers.items()},
                    body=await request.aread(),
                    base_url=f"{url.scheme}://{url.netloc.decode('ascii')}",
                )
            )
        except ConnectionDropped:
            raise httpx.RemoteProtocolError(
                "the server disconnected without sending a response", request=request
            ) from None
        if isinstance(response.body, bytes):
            return httpx.Response(
                response.status, headers=list(response.headers), content=response.body
            )
        return httpx.Response(
            response.status, headers=list(response.headers), stream=_Stream(response.body)
        )


class _Stream(httpx.AsyncByteStream):
    """A response stream that breaks as a broken connection does."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body

    def __aiter__(self) -> "_Stream":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._body)
        except ConnectionDropped:
            raise httpx.RemoteProtocolError("peer closed connection in a stream") from None

    async def aclose(self) -> None:
        close = getattr(self._body, "aclose", None)
        if close is not None:
            await close()
