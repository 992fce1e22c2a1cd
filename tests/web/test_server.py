"""The server on real sockets: what Quart-Trio on Hypercorn is known to get wrong."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import h11
import httpx
import pytest
import trio
from attrs import define, frozen
from quart import Response, request
from quart.wrappers.response import ResponseBody
from quart_trio import QuartTrio

from actors.kernel import Actor, Cell, ChildSpec, Message, Service, Supervisor
from actors.publisher import Publisher
from tests.actors.events import unit
from tests.web.running import open_instance
from web.server import Patience, serve_app

QUICK = Patience(grace_s=3.0, stalled_s=1.0, idle_s=0.3)
PATIENT = Patience(grace_s=3.0, stalled_s=1.0, idle_s=60.0)


@frozen
class Work(Message[str]):
    pass


class Worker(Actor[Message[object]]):
    """Works when its gate opens, and says what it has done."""

    def __init__(self) -> None:
        self.begun = trio.Event()
        self.gate = trio.Event()
        self.done = trio.Event()

    async def handle(self, message: Message[object]) -> object:
        self.begun.set()
        await self.gate.wait()
        self.done.set()
        return "worked"


class Endless(ResponseBody):
    """A body that is never done; `left` when nobody wants it any more."""

    def __init__(self) -> None:
        self.sent = 0
        self.left = trio.Event()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info) -> None:
        self.left.set()

    def __aiter__(self):
        return self

    async def __anext__(self) -> bytes:
        await trio.lowlevel.checkpoint()
        self.sent += 65536
        return bytes(65536)


class App(QuartTrio):
    """A few routes, each of which can be watched."""

    def __init__(self, worker: Cell | None = None) -> None:
        super().__init__(__name__, static_folder=None)
        self.endless = Endless()
        self.left = trio.Event()
        self.begun = trio.Event()
        self.gate = trio.Event()
        self.config["MAX_CONTENT_LENGTH"] = 1000

        @self.get("/")
        async def hello():
            return "hello"

        @self.post("/work")
        async def work():
            try:
                assert worker is not None
                return await worker.address.ask(Work())
            except trio.Cancelled:
                self.left.set()
                raise

        @self.get("/slow")
        async def slow():
            self.begun.set()
            await self.gate.wait()
            return "at last"

        @self.get("/endless")
        async def endless():
            response = Response(self.endless)
            response.timeout = None
            return response

        @self.post("/unread")
        async def unread():
            return "I do not read", 400

        @self.post("/read")
        async def read():
            return str(len(await request.get_data()))


@define
class Serving:
    port: int
    stop: trio.Event
    ended: trio.Event

    async def wait_stopped(self, within_s: float) -> None:
        self.stop.set()
        with trio.fail_after(within_s):
            await self.ended.wait()

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def refuses(self) -> bool:
        try:
            await (await self.connect()).aclose()
        except OSError:
            return True
        return False


@asynccontextmanager
async def serving(app, patience: Patience = PATIENT, **more) -> AsyncIterator[Serving]:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            stop, ended = trio.Event(), trio.Event()

            async def serve(*, task_status) -> None:
                await serve_app(
                    app,
                    host="127.0.0.1",
                    port=0,
                    shutdown=stop,
                    patience=patience,
                    task_status=task_status,
                    **more,
                )
                ended.set()

            port = await nursery.start(serve)
            yield Serving(port, stop, ended)
            nursery.cancel_scope.cancel()


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: test", *headers, "", ""]).encode()


async def until_closed(stream: trio.SocketStream, within_s: float = 3.0) -> bytes:
    answer = b""
    with trio.fail_after(within_s):
        async for chunk in stream:
            answer += chunk
    return answer


async def one_answer(stream: trio.SocketStream) -> bytes:
    """The body of one answer, the connection left open."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "test")]))
    body = b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            parser.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return body


async def test_the_port_is_reported_and_a_connection_serves_many_requests():
    async with serving(App()) as server:
        assert server.port > 0
        stream = await server.connect()
        async with stream:
            for _ in range(3):
                await stream.send_all(head("GET /"))
                assert b"hello" == await one_answer(stream)


async def test_an_idle_connection_is_closed():
    async with serving(App(), QUICK) as server:
        async with await server.connect() as never_used:
            assert b"" == await until_closed(never_used)
        async with await server.connect() as used:
            await used.send_all(head("GET /"))
            assert (await until_closed(used)).endswith(b"hello")


async def test_half_a_request_does_not_hold_its_connection_open():
    async with serving(App(), QUICK) as server, await server.connect() as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: te")
        await until_closed(stream)


async def test_a_connection_that_is_to_be_closed_is_closed_after_the_answer():
    async with serving(App()) as server, await server.connect() as stream:
        await stream.send_all(head("GET /", "Connection: close"))
        assert (await until_closed(stream, 1.0)).endswith(b"hello")


async def test_a_request_whose_body_nobody_read_leaves_nothing_behind():
    async with serving(App()) as server:
        async with await server.connect() as stream:
            await stream.send_all(head("POST /unread", "Content-Length: 3000000"))
            with pytest.raises(trio.BrokenResourceError):
                await stream.send_all(bytes(64 * 2**20))
        await server.wait_stopped(1.0)


async def test_bodies_and_heads_are_bounded():
    async with serving(App()) as server:
        async with await server.connect() as stream:
            await stream.send_all(head("POST /read", "Content-Length: 2000") + bytes(2000))
            assert b" 413 " in await stream.receive_some()
        async with await server.connect() as stream:
            await stream.send_all(head("GET /", "X-Long: " + "x" * 100_000))
            assert b" 431 " in await until_closed(stream)


async def test_a_websocket_is_refused_and_nothing_is_logged_of_it():
    asked = head(
        "GET /",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    )
    async with serving(App()) as server, await server.connect() as stream:
        await stream.send_all(asked)
        assert b" 403 " in await stream.receive_some()


async def test_a_client_that_leaves_cancels_the_handler_but_not_the_actors_work():
    worker = Worker()
    cell = Cell("worker", lambda: worker)
    app = App(cell)
    async with serving(app) as server, trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        stream = await server.connect()
        await stream.send_all(head("POST /work", "Content-Length: 0"))
        await worker.begun.wait()
        await stream.aclose()
        with trio.fail_after(2):
            await app.left.wait()
        assert not worker.done.is_set()
        worker.gate.set()
        with trio.fail_after(2):
            await worker.done.wait()
        nursery.cancel_scope.cancel()


async def test_a_stop_takes_nobody_new_and_finishes_what_runs():
    app = App()
    async with serving(app) as server:
        async with await server.connect() as idle, await server.connect() as busy:
            await busy.send_all(head("GET /slow"))
            await app.begun.wait()
            server.stop.set()
            await until_closed(idle, 1.0)
            assert await server.refuses()
            assert not server.ended.is_set()
            app.gate.set()
            assert (await until_closed(busy)).endswith(b"at last")
        await server.wait_stopped(1.0)


async def test_a_request_that_does_not_end_is_cut_off_after_the_grace():
    app = App()
    patience = Patience(grace_s=0.3, stalled_s=1.0)
    async with serving(app, patience) as server, await server.connect() as stream:
        await stream.send_all(head("GET /slow"))
        await app.begun.wait()
        await server.wait_stopped(1.5)
        assert b"200" not in await until_closed(stream)


async def stalled(server: Serving, app: App) -> trio.SocketStream:
    """A client that asks for much and reads nothing; returns when no more can be sent to it."""
    small = trio.socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await small.connect(("127.0.0.1", server.port))
    stream = trio.SocketStream(small)
    await stream.send_all(head("GET /endless"))
    sent = -1
    while sent != app.endless.sent or sent <= 0:
        sent = app.endless.sent
        await trio.sleep(0.1)
    return stream


async def test_a_client_that_stops_reading_does_not_block_a_stop():
    app = App()
    patience = Patience(grace_s=0.2, stalled_s=1.0)
    async with serving(app, patience) as server, await stalled(server, app):
        await server.wait_stopped(5.0)


async def test_a_client_that_stops_reading_is_dropped_while_the_server_runs():
    app = App()
    async with serving(app, PATIENT) as server, await stalled(server, app):
        with trio.fail_after(5):
            await app.endless.left.wait()
        async with await server.connect() as other:
            await other.send_all(head("GET /"))
            assert b"hello" == await one_answer(other)


async def test_cancelling_the_server_ends_it_with_its_requests():
    app = App()
    async with trio.open_nursery() as nursery:
        port = await nursery.start(
            partial(serve_app, app, host="127.0.0.1", port=0, shutdown=trio.Event())
        )
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(head("GET /slow"))
        await app.begun.wait()
        with trio.fail_after(2):
            nursery.cancel_scope.cancel()
            await trio.lowlevel.checkpoint_if_cancelled()
    await stream.aclose()


async def test_an_address_that_is_taken_is_told():
    async with serving(App()) as server:
        with pytest.raises(OSError, match="in use"):
            await serve_app(App(), host="127.0.0.1", port=server.port, shutdown=trio.Event())


class Boom(Exception):
    pass


async def boom() -> None:
    raise Boom


@pytest.mark.expect_errors
async def test_a_crash_of_the_applications_own_task_ends_the_server_with_that_crash():
    app = App()
    caught: list[BaseException] = []

    async def serve(*, task_status) -> None:
        try:
            await serve_app(
                app, host="127.0.0.1", port=0, shutdown=trio.Event(), task_status=task_status
            )
        except Boom as error:
            caught.append(error)

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            await nursery.start(serve)
            app.nursery.start_soon(boom)
    assert 1 == len(caught)


@pytest.mark.expect_errors
async def test_the_tree_hears_of_the_crash_and_serves_again():
    app = App()
    crashes: list[str] = []
    ports: list[int] = []
    stop = trio.Event()

    class Reported:
        def __init__(self, task_status) -> None:
            self.task_status = task_status

        def started(self, value: int | None = None) -> None:
            assert value is not None
            ports.append(value)
            self.task_status.started()

    async def web(*, task_status) -> None:
        await serve_app(
            app,
            host="127.0.0.1",
            port=ports[0] if ports else 0,
            shutdown=stop,
            task_status=Reported(task_status),
        )

    tree = Supervisor(
        "root",
        [ChildSpec(Service("web", web, request_stop=stop.set))],
        random=lambda: 0.0,
        on_crash=lambda name, error: crashes.append(f"{name}: {type(error).__name__}"),
    )
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            await nursery.start(tree.run)
            app.nursery.start_soon(boom)
            while len(ports) < 2:
                await trio.sleep(0.05)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports[1]}") as http:
                assert 200 == (await http.get("/")).status_code
            tree.request_stop()
    assert ["web: Boom"] == crashes
    assert ports[0] == ports[1]


@asynccontextmanager
async def instance_on_a_socket(patience: Patience = PATIENT):
    async with open_instance() as running, trio.open_nursery() as nursery:
        await nursery.start(Publisher(running.system.hub, running.system.storage).run)
        async with serving(running.app, patience, streams=running.system.hub) as server:
            yield running, server
        nursery.cancel_scope.cancel()


async def subscribe(running, stream: trio.SocketStream) -> None:
    asked = head("GET /api/v1/events", f"Authorization: {running.headers['Authorization']}")
    await stream.send_all(asked)


async def read_until(stream: trio.SocketStream, what: bytes) -> bytes:
    came = b""
    while what not in came:
        came += await stream.receive_some()
    return came


async def test_events_stream_over_a_socket_as_they_are_committed():
    async with instance_on_a_socket() as (running, server):
        async with await server.connect() as stream:
            await subscribe(running, stream)
            came = await read_until(stream, b"retry: 3000\n\n")
            assert b"200" in came.split(b"\r\n")[0]
            for number in (1, 2):
                await running.journal.commit(unit(number))
                await read_until(stream, f"id: {number}\ndata: {{".encode())
        with trio.fail_after(2):
            while running.system.hub.statistics().subscribers:
                await trio.sleep(0.01)


async def test_streams_are_ended_before_the_server_stops_so_that_it_stops_at_once():
    patience = Patience(grace_s=5.0)
    async with (
        instance_on_a_socket(patience) as (running, server),
        await server.connect() as stream,
    ):
        await subscribe(running, stream)
        await read_until(stream, b"retry: 3000\n\n")
        await server.wait_stopped(1.0)
        assert (await until_closed(stream)).endswith(b"0\r\n\r\n")


async def test_a_subscriber_that_stops_reading_holds_nobody_up_and_is_dropped():
    async with instance_on_a_socket(Patience(grace_s=0.2, stalled_s=1.0)) as (running, server):
        small = trio.socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await small.connect(("127.0.0.1", server.port))
        await subscribe(running, trio.SocketStream(small))
        hub = running.system.hub
        while not hub.statistics().subscribers:
            await trio.sleep(0.01)
        reader = hub.subscribe()
        seen = 0
        for number in range(1, 9001, 100):
            await running.journal.commit(unit(*range(number, number + 100), padding=1500))
            while seen < number + 99:
                seen += len(await reader.receive())
        assert 4096 == hub.statistics().kept
        reader.close()
        with trio.fail_after(8):
            while hub.statistics().subscribers:
                await trio.sleep(0.05)
        small.close()
