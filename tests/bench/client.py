"""A client that costs little: keep-alive connections and no more HTTP than our server speaks."""

from types import TracebackType
from typing import Any, Self

import msgspec
import trio

_CHUNK = 65_536


class Failed(Exception):
    """An answer that the benchmark did not expect."""


class Connection:
    """One keep-alive connection; one request at a time."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host = host
        self._port = port
        self._fixed = (
            f"Host: {host}:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\n"
        )
        self._stream: trio.SocketStream | None = None

    async def __aenter__(self) -> Self:
        self._stream = await trio.open_tcp_stream(self._host, self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            await trio.aclose_forcefully(self._stream)

    async def call(
        self, method: str, path: str, body: object = None, *, key: str | None = None
    ) -> tuple[int, bytes]:
        """Send a request and return status and body of its answer."""
        content = b"" if method == "GET" else msgspec.json.encode(body or {})
        claim = "" if key is None else f"Idempotency-Key: {key}\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{self._fixed}{claim}Content-Length: {len(content)}\r\n\r\n"
        stream = self._stream
        if stream is None:
            msg = "the connection is not open"
            raise Failed(msg)
        with trio.fail_after(120):
            await stream.send_all(head.encode() + content)
            received = b""
            while b"\r\n\r\n" not in received:
                received += await self._more(stream)
            top, _, rest = received.partition(b"\r\n\r\n")
            lines = top.split(b"\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in lines
                if line.lower().startswith(b"content-length:")
            )
            while len(rest) < length:
                rest += await self._more(stream)
        return int(lines[0].split(b" ")[1]), rest

    async def data(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        expected: int = 200,
    ) -> Any:
        """Call, and return the answer's `data`; any other status is a failure."""
        status, content = await self.call(method, path, body, key=key)
        if status != expected:
            msg = f"{method} {path}: {status} {content[:400]!r}"
            raise Failed(msg)
        return msgspec.json.decode(content)["data"]

    @staticmethod
    async def _more(stream: trio.SocketStream) -> bytes:
        received = await stream.receive_some(_CHUNK)
        if not received:
            msg = "the server closed the connection"
            raise Failed(msg)
        return received
