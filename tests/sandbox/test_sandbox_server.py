"""The sandbox behind a real socket: keep-alive, streams, bounds, a clean stop, a chain that stays."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio
from stellar_sdk import Keypair

from offerhub.sandbox.fault_effects import ConnectionDropped
from offerhub.sandbox.http import Request, Response
from offerhub.sandbox.server import serve, serve_sandbox
from tests.sandbox.market import seeded_bytes


def real_time() -> datetime:
    # Any clock that goes forward will do.
    return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=trio.current_time())


@asynccontextmanager
async def serving(handle) -> AsyncIterator[str]:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve, handle, port=0))
            yield f"http://127.0.0.1:{port}"
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def sandbox_at(path: Path | None, ledger_seconds: float = 0.05) -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(
            partial(
                serve_sandbox,
                port=0,
                database_path=path,
                ledger_seconds=ledger_seconds,
                clock=real_time,
                random_bytes=seeded_bytes("server"),
            )
        )
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def echo(request: Request) -> Response:
    query = "&".join(f"{name}={value}" for name, value in request.query)
    said = f"{request.method} {request.path} {query} {len(request.body)} {request.base_url}"
    return Response(200, (("content-type", "text/plain"),), said.encode())


async def raw(base: str, content: bytes) -> bytes:
    stream = await trio.open_tcp_stream("127.0.0.1", int(base.rsplit(":", 1)[1]))
    answer = b""
    async with stream:
        await stream.send_all(content)
        async for chunk in stream:
            answer += chunk
    return answer


async def test_requests_arrive_whole_and_share_a_connection():
    async with serving(echo) as base, httpx.AsyncClient(base_url=base) as http:
        response = await http.post("/a%20b/c?x=1&x=%202&y=", content=b"12345")
        assert f"POST /a b/c x=1&x= 2&y= 5 {base}" == response.text
        for _ in range(3):
            assert 200 == (await http.get("/")).status_code
        assert 200 == (await http.head("/")).status_code
        pool = http._transport._pool  # type: ignore[attr-defined]
        assert 1 == len(pool.connections)


async def test_two_requests_in_one_packet_are_answered_in_order():
    async with serving(echo) as base:
        head = b"GET /%d HTTP/1.1\r\nHost: h\r\n%s\r\n"
        answer = await raw(base, head % (1, b"") + head % (2, b"Connection: close\r\n"))
        assert -1 < answer.find(b"GET /1") < answer.find(b"GET /2")


async def test_a_body_above_the_bound_is_refused():
    async with serving(echo) as base, httpx.AsyncClient(base_url=base) as http:
        assert 200 == (await http.post("/", content=b"x" * 200_000)).status_code
        assert 413 == (await http.post("/", content=b"x" * 200_001)).status_code


async def test_nonsense_is_a_400_and_ends_the_connection():
    async with serving(echo) as base:
        assert (await raw(base, b"\x16\x03\x01 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")


@pytest.mark.expect_errors
async def test_a_failure_in_a_face_is_a_500_and_the_server_goes_on():
    async def fail(request: Request) -> Response:
        if request.path == "/fail":
            raise LookupError("a bug")
        return await echo(request)

    async with serving(fail) as base, httpx.AsyncClient(base_url=base) as http:
        assert 500 == (await http.get("/fail")).status_code
        assert 200 == (await http.get("/")).status_code


async def test_a_dropped_connection_ends_without_an_answer():
    async def drop(request: Request) -> Response:
        raise ConnectionDropped

    async with serving(drop) as base, httpx.AsyncClient(base_url=base) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/")


class Ticks:
    """A stream that never ends; remembers that it was closed."""

    def __init__(self) -> None:
        self.closed = trio.Event()
        self.broken = False

    def __aiter__(self) -> "Ticks":
        return self

    async def __anext__(self) -> bytes:
        await trio.sleep(0.01)
        if self.broken:
            raise ConnectionDropped
        return b"tick\n"

    async def aclose(self) -> None:
        self.closed.set()


async def connect(base: str, head: bytes) -> trio.SocketStream:
    stream = await trio.open_tcp_stream("127.0.0.1", int(base.rsplit(":", 1)[1]))
    await stream.send_all(head)
    return stream


async def read_until(stream: trio.SocketStream, mark: bytes) -> bytes:
    seen = b""
    while mark not in seen:
        chunk = await stream.receive_some()
        assert chunk, seen
        seen += chunk
    return seen


GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


@asynccontextmanager
async def ticking(ticks: Ticks) -> AsyncIterator[trio.SocketStream]:
    async def give(request: Request) -> Response:
        return Response(200, (("content-type", "text/event-stream"),), ticks)

    async with serving(give) as base, await connect(base, GET) as stream:
        yield stream


async def test_a_stream_comes_as_it_is_made_and_is_closed_when_the_client_leaves():
    ticks = Ticks()
    async with ticking(ticks) as stream:
        await read_until(stream, b"tick\n\r\n5\r\ntick\n\r\n")
        await stream.aclose()
        await ticks.closed.wait()


async def test_stopping_the_server_closes_its_streams():
    ticks = Ticks()
    with trio.fail_after(5):
        async with ticking(ticks) as stream:
            await read_until(stream, b"tick")
    assert ticks.closed.is_set()


async def test_a_stream_that_a_fault_cuts_ends_without_its_last_chunk():
    ticks = Ticks()
    async with ticking(ticks) as stream:
        seen = await read_until(stream, b"tick")
        ticks.broken = True
        async for chunk in stream:
            seen += chunk
    assert not seen.endswith(b"0\r\n\r\n")


async def test_the_chain_in_its_file_outlives_the_process(tmp_path):
    address = Keypair.random().public_key
    path = tmp_path / "chain.sqlite"
    with trio.fail_after(20):
        async with sandbox_at(path) as base, httpx.AsyncClient(base_url=base) as http:
            assert 200 == (await http.get("/friendbot", params={"addr": address})).status_code
            before = (await http.get("/")).json()["history_latest_ledger"]
        async with (
            sandbox_at(path, ledger_seconds=3600) as base,
            httpx.AsyncClient(base_url=base) as http,
        ):
            account = (await http.get(f"/accounts/{address}")).json()
            assert address == account["id"]
            assert before <= (await http.get("/")).json()["history_latest_ledger"]
            closed = (await http.post("/ledgers/close")).json()
            assert math.isclose(before + 1, closed["sequence"], abs_tol=2)


async def test_a_payment_stream_of_horizon_passes_through_the_server():
    address = Keypair.random().public_key
    head = b"GET /payments?cursor=0 HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"
    with trio.fail_after(20):
        async with (
            sandbox_at(None) as base,
            httpx.AsyncClient(base_url=base) as http,
            await connect(base, head) as stream,
        ):
            await read_until(stream, b"hello")
            await http.get("/friendbot", params={"addr": address})
            await read_until(stream, address.encode())
