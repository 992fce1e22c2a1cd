"""A client of a streaming answer that speaks ASGI to the application, so that a mock clock may run.

Messages are parsed as the HTML standard's event streams are.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

import trio
from attrs import define, field


@define
class Message:
    """One server-sent event."""

    id: str | None = None
    event: str | None = None
    data: str | None = None


@define(eq=False)
class Stream:
    """What came so far: `text` all of it, `ended` when the answer did."""

    status: int = 0
    headers: dict[str, str] = field(factory=dict)
    text: str = ""
    ended: bool = False
    started: trio.Event = field(factory=trio.Event)
    _came: trio.Event = field(factory=trio.Event)
    _left: trio.Event = field(factory=trio.Event)

    @property
    def messages(self) -> list[Message]:
        """Whole messages with data."""
        found = []
        for block in self.text.split("\n\n")[:-1]:
            message = Message()
            for line in block.split("\n"):
                name, _, value = line.partition(": ")
                if name in {"id", "event", "data"}:
                    setattr(message, name, value)
            if message.data is not None:
                found.append(message)
        return found

    @property
    def ids(self) -> list[int]:
        return [int(message.id or 0) for message in self.messages]

    async def wait_messages(self, count: int) -> list[Message]:
        while len(self.messages) < count and not self.ended:
            await self._came.wait()
        return self.messages

    async def wait_ended(self) -> None:
        while not self.ended:
            await self._came.wait()

    def leave(self) -> None:
        """What a client does that has seen enough."""
        self._left.set()

    async def receive(self) -> dict[str, object]:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        await trio.lowlevel.checkpoint()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {n.decode().lower(): v.decode() for n, v in message["headers"]}
            self.started.set()
            await trio.sleep(0.01)  # the client acts before the server's next line runs
        else:
            self.text += message["body"].decode()
            self.ended = not message["more_body"]
        self._came.set()
        self._came = trio.Event()


@asynccontextmanager
async def open_stream(
    app, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **query: str
) -> AsyncIterator[Stream]:
    """Ask, and go on when the status is there; leaves at the end of the block."""
    stream = Stream()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.1"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path).encode(),
        "query_string": urlencode(query, safe="*").encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in (headers or {}).items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }
    async with trio.open_nursery() as nursery:
        nursery.start_soon(app, scope, stream.receive, stream.send)
        await stream.started.wait()
        yield stream
        stream.leave()
