"""A thin HTTP/1.1 server on Trio for the sandbox: loopback only, keep-alive, streams.

h11 speaks the protocol; this file moves bytes. Nothing here knows what a ledger is.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import h11
import trio

from offerhub.domain.ids import Clock, RandomBytes
from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.fault_effects import ConnectionDropped
from offerhub.sandbox.http import Request, Response

LOOPBACK = "127.0.0.1"
BODY_BYTES_MAX = 200_000
"""Horizon's own limit (docs/spec/stellar-horizon.md §2.1)."""
IDLE_S = 75.0
SEND_S = 30.0
"""A client that does not read for so long is dropped."""
RECEIVE_BYTES = 65_536

_log = logging.getLogger(__name__)

Handle = Callable[[Request], Awaitable[Response]]


async def serve_sandbox(
    *,
    port: int,
    database_path: Path | None,
    ledger_seconds: float,
    clock: Clock,
    random_bytes: RandomBytes,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a whole sandbox until cancelled; reports the port that it listens on.

    `port` 0 takes a free one. `database_path` None keeps the chain in memory.
    """
    with Sandbox(
        database_path=database_path,
        ledger_seconds=ledger_seconds,
        clock=clock,
        random_bytes=random_bytes,
    ) as sandbox:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.close_ledgers, ledger_seconds)
            await serve(sandbox.handle, port=port, task_status=task_status)


async def serve(
    handle: Handle, *, port: int, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
) -> None:
    """Serve until cancelled; reports the port."""
    (listener,) = await trio.open_tcp_listeners(port, host=LOOPBACK)
    async with listener:
        task_status.started(listener.socket.getsockname()[1])
        await trio.serve_listeners(partial(_serve_connection, handle), [listener])


async def _serve_connection(handle: Handle, stream: trio.SocketStream) -> None:
    connection = _Connection(handle, stream)
    try:
        await connection.run()
    except (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionDropped):
        pass  # the client left, or a fault wants it to see exactly this
    finally:
        await trio.aclose_forcefully(stream)


class _Connection:
    """One client: requests one after the other."""

    def __init__(self, handle: Handle, stream: trio.SocketStream) -> None:
        self._handle = handle
        self._stream = stream
        self._h11 = h11.Connection(h11.SERVER)

    async def run(self) -> None:
        """Serve until the client leaves, asks to close, or speaks nonsense."""
        while True:
            try:
                with trio.move_on_after(IDLE_S) as idle:
                    event = await self._next_event()
                if idle.cancelled_caught or not isinstance(event, h11.Request):
                    return
                response = await self._answer(event)
            except h11.RemoteProtocolError as error:
                await self._refuse(error.error_status_hint)
                return
            await self._send_response(event.method, response)
            if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
                return
            self._h11.start_next_cycle()

    async def _answer(self, head: h11.Request) -> Response:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
        body = bytearray()
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > BODY_BYTES_MAX:
                return Response(
                    413,
                    (("content-type", "application/json"), ("connection", "close")),
                    b'{"statusCode":413,"message":"Payload Too Large"}',
                )
        path, _, query = head.target.decode("latin-1").partition("?")
        request = Request(
            method=head.method.decode("ascii"),
            path=unquote(path),
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=bytes(body),
            base_url=f"http://{headers.get('host', LOOPBACK)}",
        )
        try:
            return await self._handle(request)
        except ConnectionDropped:
            raise
        except Exception:  # noqa: BLE001 - one request's failure must not end everybody's chain
            _log.exception("the sandbox failed at %s %s", request.method, request.path)
            return Response(
                500,
                (("content-type", "application/json"),),
                b'{"statusCode":500,"message":"Internal server error"}',
            )

    async def _send_response(self, method: bytes, response: Response) -> None:
        headers = list(response.headers)
        if isinstance(response.body, bytes):
            headers.append(("content-length", str(len(response.body))))
            head = h11.Response(status_code=response.status, headers=_encoded(headers))
            content = self._bytes_of(head)
            if method != b"HEAD":
                content += self._bytes_of(h11.Data(data=response.body))
            await self._send(content + self._bytes_of(h11.EndOfMessage()))
            return
        # The stream's end is the connection's: what the client said meanwhile was not read as HTTP.
        headers = [item for item in headers if item[0].lower() != "connection"]
        headers.append(("connection", "close"))
        head = h11.Response(status_code=response.status, headers=_encoded(headers))
        await self._send(self._bytes_of(head))
        await self._send_stream(response.body)

    async def _send_stream(self, body: AsyncIterator[bytes]) -> None:
        """Pass chunks on until the stream ends or the client leaves, which nothing else would notice."""
        dropped = False
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._wait_client_gone)
                async for chunk in body:
                    await self._send(self._bytes_of(h11.Data(data=chunk)))
                nursery.cancel_scope.cancel()
        except* (ConnectionDropped, trio.BrokenResourceError):
            dropped = True
        finally:
            close = getattr(body, "aclose", None)
            if close is not None:
                with trio.CancelScope(shield=True), trio.move_on_after(1):
                    await close()
        if dropped:
            raise ConnectionDropped
        await self._send(self._bytes_of(h11.EndOfMessage()))

    async def _wait_client_gone(self) -> None:
        """Nobody has anything to say during a stream: bytes or their end both mean goodbye."""
        await self._stream.receive_some(1)
        raise ConnectionDropped

    async def _next_event(self) -> h11.Event | type[h11.PAUSED] | type[h11.NEED_DATA]:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            if self._h11.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self._send(self._bytes_of(go_on))
            self._h11.receive_data(await self._stream.receive_some(RECEIVE_BYTES))
        return event

    async def _refuse(self, status: int) -> None:
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            head = h11.Response(
                status_code=status, headers=[("content-length", "0"), ("connection", "close")]
            )
            await self._send(self._bytes_of(head) + self._bytes_of(h11.EndOfMessage()))

    def _bytes_of(self, event: h11.Event) -> bytes:
        return self._h11.send(event) or b""

    async def _send(self, content: bytes) -> None:
        with trio.move_on_after(SEND_S) as scope:
            await self._stream.send_all(content)
        if scope.cancelled_caught:
            raise ConnectionDropped


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
