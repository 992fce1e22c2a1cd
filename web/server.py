"""The web server: Hypercorn on Trio as a child of the tree.

The tree starts it, stops it and hears of its crashes. Left alone, Hypercorn logs a crash of the
application's own tasks and goes on, leaves sockets open that nobody will use again, and waits for
ever for a client that does not read.
"""

import logging
import socket
from typing import Any, Final, Protocol

import trio
from attrs import frozen
from hypercorn.config import Config, Sockets
from hypercorn.trio import serve
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)
from quart_trio import QuartTrio
from quart_trio.asgi import TrioASGIHTTPConnection

from actors.kernel import lone, ungrouped

_LIFESPAN_S: Final = 5.0
_HEAD_BYTES_MAX: Final = 32 * 1024
_BACKLOG: Final = 1024
# Hypercorn closes a connection after so many requests; clients reconnect, but need not soon.
_REQUESTS_PER_CONNECTION: Final = 1_000_000


@frozen
class Patience:
    """How long the server waits for its clients.

    Args:
        grace_s: for requests that run at a stop.
        stalled_s: for a client that takes nothing of what is sent to it; then it is dropped.
        idle_s: for the next request on a connection; longer than usual proxies keep theirs.
    """

    grace_s: float = 10.0
    stalled_s: float = 10.0
    idle_s: float = 75.0


PATIENCE: Final = Patience()


class Streams(Protocol):
    """Long-lived answers that must end before the server does; `EventHub` is one."""

    def open_subscriptions(self) -> None: ...

    def close_subscriptions(self) -> None: ...


async def serve_app(
    app: QuartTrio,
    *,
    host: str,
    port: int,
    shutdown: trio.Event,
    streams: Streams | None = None,
    patience: Patience = PATIENCE,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `shutdown` is set; reports the port that it listens on (0 takes a free one).

    A stop takes no new connections, ends the streams, and lets requests finish for `grace_s`; a
    send to a client that does not read ends after `stalled_s` more. Cancelled, it drops all the
    requests at once, and waits for such a send only.

    Raises what a task of `app.nursery`, or the server itself, crashed with: a supervisor's case.
    """
    # Set here and not by who makes the app, so that no app of ours can be served without.
    app.asgi_http_class = ClosingConnection
    guarded = _Guarded(app)
    config = _config(host, port, patience)

    async def stop_wanted() -> None:
        async with trio.open_nursery() as either:

            async def wait(event: trio.Event) -> None:
                await event.wait()
                either.cancel_scope.cancel()

            either.start_soon(wait, shutdown)
            either.start_soon(wait, guarded.crashed)
        if streams is not None:
            streams.close_subscriptions()

    if streams is not None:
        streams.open_subscriptions()
    try:
        with ungrouped():
            await serve(
                guarded,
                config,
                shutdown_trigger=stop_wanted,
                task_status=_Bound(config, task_status),
                mode="asgi",
            )
    finally:
        config.close_unserved()
        if streams is not None:
            streams.close_subscriptions()
    if guarded.error is not None:
        raise guarded.error


class ClosingConnection(TrioASGIHTTPConnection):
    """Lets the last send of an answer finish, which is what closes or recycles its connection.

    Inside that send Hypercorn tells us "disconnected", and Quart-Trio cancels the task that is
    sending: without the shield idle and `Connection: close` sockets stay open for ever.
    """

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def send_to_the_end(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                with trio.move_on_after(PATIENCE.stalled_s, shield=True):
                    await send(message)
            else:
                await send(message)

        await super().__call__(receive, send_to_the_end)


class _Guarded:
    """The application, with the crash of its lifespan (of `app.nursery`) noticed.

    Hypercorn logs that one and goes on serving an application whose tasks are gone. Websockets,
    which no application of ours has, are refused here: Quart would have none of our handlers.
    """

    def __init__(self, app: QuartTrio) -> None:
        self._app = app
        self.crashed = trio.Event()
        self.error: BaseException | None = None

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": None})  # a 403
            return
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except (Exception, BaseExceptionGroup) as error:
            cause = lone(error)
            if isinstance(cause, Exception):
                self.error = cause
                self.crashed.set()
            raise


class _ListeningConfig(Config):
    """Hypercorn's settings, with listening sockets whose connections cannot stall a send."""

    def __init__(self, host: str, port: int, stalled_s: float) -> None:
        super().__init__()
        self._address = (host, port)
        self._stalled_s = stalled_s
        self._listening: socket.socket | None = None
        self._served = False

    def create_sockets(self) -> Sockets:
        """Bind; what is accepted inherits the options."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        listening = self._listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Linux only; elsewhere a client that stops reading holds a stop up until it leaves.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listening.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._stalled_s * 1000)
            )
        listening.bind(self._address)
        listening.setblocking(False)
        return Sockets([], [listening], [])

    def bound_port(self) -> int:
        """The port that is listened on; from here on Hypercorn closes the socket."""
        if self._listening is None:
            msg = "the server does not listen"
            raise RuntimeError(msg)
        self._served = True
        port: int = self._listening.getsockname()[1]
        return port

    def close_unserved(self) -> None:
        """Close the socket of a server that did not come up: its address was taken, say."""
        if self._listening is not None and not self._served:
            self._listening.close()


def _config(host: str, port: int, patience: Patience) -> _ListeningConfig:
    config = _ListeningConfig(host, port, patience.stalled_s)
    config.backlog = _BACKLOG
    config.graceful_timeout = patience.grace_s
    config.keep_alive_timeout = patience.idle_s
    config.keep_alive_max_requests = _REQUESTS_PER_CONNECTION
    config.h11_max_incomplete_size = _HEAD_BYTES_MAX
    config.startup_timeout = config.shutdown_timeout = _LIFESPAN_S
    config.include_server_header = False
    # Through the process's own log, and without "Running on ... (CTRL + C to quit)".
    config.errorlog = logging.getLogger("hypercorn.error")
    config.errorlog.setLevel(logging.WARNING)
    return config


class _Bound:
    """Hypercorn's report that it listens, passed on as the port."""

    def __init__(self, config: _ListeningConfig, task_status: trio.TaskStatus[int]) -> None:
        self._config = config
        self._task_status = task_status

    def started(self, _binds: Any = None) -> None:
        """It listens."""
        self._task_status.started(self._config.bound_port())
