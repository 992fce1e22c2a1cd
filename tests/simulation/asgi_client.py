"""The real web application without a socket: a request is a few ASGI messages, under the mock clock."""

import contextvars
import json
from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import quote

import trio
from attrs import define, field, frozen
from quart_trio import QuartTrio

from actors.system import System
from tests.simulation.world import now
from web.app import create_app
from web.call import BASE_PATH
from web.rate_limit import RateLimit
from web.server import ClosingConnection

WEBHOOK_SECRET: Final = b"webhook-secret-of-a-simulated-instance"
MASTER_KEY: Final = "master-key-of-a-simulated-instance-0123456789"


@frozen
class Reply:
    """What came back of one request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data

    @property
    def code(self) -> str:
        """`ok`, or the code of the error."""
        return "ok" if self.ok else str(json.loads(self.body)["error"]["code"])

    @property
    def details(self) -> dict[str, Any]:
        """What the error says beside its code."""
        details: dict[str, Any] = json.loads(self.body)["error"].get("details") or {}
        return details


class Front:
    """The application of one life of the process: what it serves ends with that life."""

    def __init__(self, system: System, serving: trio.Nursery, per_minute: int = 0) -> None:
        """Args: `per_minute`: requests of one key; 0: no limit."""
        self._app: QuartTrio = create_app(
            system,
            master_key=MASTER_KEY,
            rate_limit=RateLimit(per_minute, now),
            webhook_secrets={"trustless-work": WEBHOOK_SECRET},
        )
        self._app.asgi_http_class = ClosingConnection
        self._serving = serving
        # A handler runs in the context of its process, not in that of whoever calls.
        self._context = contextvars.copy_context()

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | None:
        """One request and its answer, `None` if the process died before it.

        Cancelled, the client has hung up: the application hears of it and may go on all the same.

        Args:
            body: as it is if it is bytes, else as JSON.
            headers: beside the usual ones.
        """
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        exchange = _Exchange(raw)
        scope = _scope(method, BASE_PATH + path, key, headers or {})
        try:
            self._context.run(self._serving.start_soon, exchange.run, self._app, scope)
        except RuntimeError:  # the nursery is closed: nobody listens on the port any more
            return None
        try:
            await exchange.ended.wait()
        finally:
            exchange.left.set()
        return exchange.reply


@define(eq=False)
class _Exchange:
    """The messages of one request."""

    body: bytes
    reply: Reply | None = None
    ended: trio.Event = field(factory=trio.Event)
    left: trio.Event = field(factory=trio.Event)
    _sent: bool = False
    _head: MutableMapping[str, Any] = field(factory=dict)
    _content: bytes = b""

    async def run(self, app: QuartTrio, scope: Any) -> None:
        try:
            await app(scope, self.receive, self.send)
        finally:
            self.ended.set()

    async def receive(self) -> Any:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await trio.lowlevel.checkpoint()
        if message["type"] == "http.response.start":
            self._head = message
            return
        self._content += message.get("body", b"")
        if not message.get("more_body", False):
            headers = {name.decode().lower(): each.decode() for name, each in self._head["headers"]}
            self.reply = Reply(self._head["status"], headers, self._content)
            self.ended.set()


def _scope(method: str, path: str, key: str | None, more: Mapping[str, str]) -> dict[str, Any]:
    headers = {
        "authorization": f"Bearer {MASTER_KEY}",
        "content-type": "application/json",
        **({} if key is None else {"idempotency-key": key}),
        **more,
    }
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.1"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }
