"""Readers of the event stream over real sockets: many at once, and one that is too slow."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from actors.event_filter import EVERYTHING
from actors.publisher import Publisher
from tests.actors.events import Market, received, unit
from tests.web.running import MASTER_KEY, RunningInstance, open_instance
from web.server import Patience, serve_app
from web.stream import RETRY, EventStream

LAST_CHUNK = b"\r\n0\r\n\r\n"

READERS = 100
"""Over sockets: two descriptors each, both in this process."""


@define
class Reader:
    """A client that reads what it is told to, and knows where it was: `ids` of whole messages only."""

    stream: trio.SocketStream
    head: bytes = b""
    ids: list[int] = field(factory=list)
    ended: bool = False
    _rest: bytearray = field(factory=bytearray)
    _tail: bytes = b""

    async def read(self, maximum: int = 1 << 16) -> None:
        """Take what has come, as a client of server-sent events does."""
        try:
            data = await self.stream.receive_some(maximum)
        except trio.BrokenResourceError:
            data = b""
        # The connection was closed, or the last chunk of the answer has come, be it in two parts.
        self._tail = (self._tail + data)[-len(LAST_CHUNK) :]
        self.ended = not data or self._tail == LAST_CHUNK
        self.head = self.head if b"retry: 3000" in self.head else self.head + data
        self._rest += data
        end = self._rest.rfind(b"\n\n") + 2
        if end > 1:
            found = re.findall(rb"^id: (\d+)$", self._rest[:end], re.MULTILINE)
            self.ids += map(int, found)
            del self._rest[:end]

    async def read_until(self, last: int | None) -> None:
        """Read until an event was read, or (`None`) until the server closes."""
        while not self.ended and (not self.ids or self.ids[-1] != last):
            await self.read()


@define
class Serving:
    """An instance behind a server."""

    running: RunningInstance
    port: int
    streams: list[trio.SocketStream] = field(factory=list)

    async def commit(self, *numbers: int, padding: int = 0) -> None:
        await self.running.journal.commit(unit(*numbers, padding=padding))

    async def reader(self, last: int | None = None, *, receive_buffer: int = 0) -> Reader:
        """A client whose stream has begun; `last` is the id that it comes back with."""
        sock = trio.socket.socket()
        if receive_buffer:
            sock.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, receive_buffer)
        await sock.connect(("127.0.0.1", self.port))
        stream = trio.SocketStream(sock)
        self.streams.append(stream)
        came_from = "" if last is None else f"Last-Event-ID: {last}\r\n"
        await stream.send_all(
            f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {MASTER_KEY}\r\n"
            f"{came_from}\r\n".encode()
        )
        reader = Reader(stream)
        while b"retry: 3000" not in reader.head:
            await reader.read()
        assert reader.head.startswith(b"HTTP/1.1 200")
        return reader


@asynccontextmanager
async def serving(stalled_s: float = 10.0, **hub: int) -> AsyncIterator[Serving]:
    with trio.fail_after(60):
        async with open_instance(hub_options=hub) as running, trio.open_nursery() as nursery:
            publisher = Publisher(running.system.hub, running.system.storage)
            await nursery.start(publisher.run)
            stop = trio.Event()

            async def serve(*, task_status: trio.TaskStatus[int]) -> None:
                await serve_app(
                    running.app,
                    host="127.0.0.1",
                    port=0,
                    shutdown=stop,
                    streams=running.system.hub,
                    patience=Patience(grace_s=3.0, stalled_s=stalled_s, idle_s=60.0),
                    task_status=task_status,
                )

            port = await nursery.start(serve)
            server = Serving(running, port)
            try:
                yield server
            finally:
                for stream in server.streams:
                    stream.socket.close()
            nursery.cancel_scope.cancel()


async def test_a_thousand_subscribers_of_the_hub_all_get_every_event_in_order():
    async with Market().running() as market, trio.open_nursery() as nursery:
        complete = 0

        async def read(subscription) -> None:
            nonlocal complete
            assert [*range(1, 101)] == await received(subscription, 100)
            complete += 1

        for _ in range(1000):
            nursery.start_soon(read, market.hub.subscribe())
        for _ in range(20):
            await market.commit(5)
            await trio.lowlevel.checkpoint()
        assert 1000 == market.hub.statistics().subscribers
        # However many read, an event is kept once.
        assert 100 == market.hub.statistics().kept
    assert 1000 == complete


async def test_a_hundred_clients_on_real_sockets_all_get_every_event_in_order():
    async with serving() as server:
        readers: list[Reader] = []

        async def come() -> None:
            readers.append(await server.reader())

        async with trio.open_nursery() as nursery:
            for _ in range(READERS):
                nursery.start_soon(come)
        assert READERS == server.running.system.hub.statistics().subscribers
        async with trio.open_nursery() as nursery:
            for reader in readers:
                nursery.start_soon(reader.read_until, 30)
            for number in range(1, 31):
                await server.commit(number)

        assert all([*range(1, 31)] == reader.ids for reader in readers)


async def test_a_client_that_stops_reading_is_closed_and_loses_nothing_when_it_comes_back():
    async with serving(stalled_s=0.5, kept_max=64) as server:
        slow = await server.reader(receive_buffer=65_536)
        quick = await server.reader()
        last = 0
        async with trio.open_nursery() as nursery:
            # More than sockets and the ring hold: the slow one reads nothing of it.
            nursery.start_soon(quick.read_until, 300)
            while server.running.system.hub.statistics().subscribers == 2 or last < 300:
                if last < 300:
                    last += 1
                    await server.commit(last, padding=40_000)
                await trio.sleep(0.002)
        assert [*range(1, 301)] == quick.ids

        await slow.read_until(None)
        assert slow.ended
        seen = slow.ids
        assert seen == [*range(1, len(seen) + 1)]
        assert len(seen) < 300

        again = await server.reader(last=len(seen))
        await server.commit(301)
        await again.read_until(301)
        assert [*range(len(seen) + 1, 302)] == again.ids


async def test_a_client_that_reads_too_slowly_is_closed_though_it_never_stalls():
    async with serving(kept_max=16) as server:
        slow = await server.reader(receive_buffer=65_536)
        committed = 0
        while server.running.system.hub.statistics().subscribers:
            committed += 1
            await server.commit(committed, padding=100_000)
            await slow.read(1 << 14)
        await slow.read_until(None)
        seen = slow.ids
        assert seen == [*range(1, len(seen) + 1)]
        assert len(seen) < committed

        again = await server.reader(last=len(seen))
        await again.read_until(committed)
        assert [*range(len(seen) + 1, committed + 1)] == again.ids


async def test_there_is_no_room_for_streams_without_end():
    async with serving(subscribers_max=2) as server:
        first, _ = await server.reader(), await server.reader()
        refused = await server.running.get("/events")
        assert 503 == refused.status_code
        assert "SERVICE_UNAVAILABLE" == (await refused.get_json())["error"]["code"]
        await first.stream.aclose()
        while server.running.system.hub.statistics().subscribers == 2:
            await trio.sleep(0.01)
        await server.reader()


async def test_a_reader_that_takes_long_over_a_page_is_seen_before_its_next_piece():
    async with (
        Market(kept_max=16).running() as market,
        EventStream(market.hub, 0, EVERYTHING) as body,
    ):
        assert RETRY == await anext(body)
        await market.commit(10, padding=20_000)
        first = await anext(body)
        assert first.startswith(b"id: 1\n")
        assert b"id: 10\n" not in first
        await market.commit(17)
        await wait_all_tasks_blocked()
        with pytest.raises(StopAsyncIteration):
            await anext(body)
