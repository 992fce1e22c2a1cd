"""Requests are repeated only where that is safe, within a deadline, and tell no secret."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
import trio

from offerhub.providers.http import HttpAnswer, HttpClient, HttpTrouble, Repeat
from offerhub.providers.rate import Priority, RateBudget

Step = httpx.Response | Exception | float


class Script:
    """Answers one step after the other: a response, an error, or seconds of silence."""

    def __init__(self, *steps: Step) -> None:
        self._steps: Iterator[Step] = iter(steps)
        self.sent_at: list[float] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent_at.append(trio.current_time())
        step = next(self._steps)
        if isinstance(step, float):
            await trio.sleep(step)
            return httpx.Response(200)
        if isinstance(step, Exception):
            raise step
        return step


@asynccontextmanager
async def client(
    handler: Callable[[httpx.Request], Awaitable[httpx.Response]],
) -> AsyncIterator[HttpClient]:
    http = HttpClient(
        "http://server.test/",
        budget=RateBudget(0, 1),
        random=lambda: 0.5,
        headers={"x-api-key": "s3cret"},
        transport=httpx.MockTransport(handler),  # type: ignore[arg-type]
    )
    try:
        yield http
    finally:
        await http.aclose()


async def call(script: Script, repeat: Repeat) -> HttpAnswer:
    async with client(script) as http:
        return await http.request(
            "GET",
            "/thing",
            priority=Priority.READ,
            deadline_s=5,
            repeat=repeat,
            params={"token": "s3cret"},
        )


async def test_a_read_is_repeated_after_trouble_with_growing_pauses(autojump_clock):
    script = Script(
        httpx.Response(503), httpx.ReadError("secret"), 60.0, httpx.Response(200, content=b"yes")
    )
    answer = await call(script, Repeat.ALWAYS)
    assert (answer.status, answer.body) == (200, b"yes")
    assert script.sent_at == pytest.approx([0, 0.2, 0.6, 6.4])


async def test_the_last_answer_is_returned_as_it_is(autojump_clock):
    script = Script(*[httpx.Response(502)] * 4)
    assert (await call(script, Repeat.ALWAYS)).status == 502
    assert len(script.sent_at) == 4


@pytest.mark.parametrize("step", [httpx.ReadError("x"), httpx.RemoteProtocolError("x"), 60.0])
async def test_a_request_with_an_effect_is_not_repeated_when_its_outcome_is_unknown(
    autojump_clock, step
):
    script = Script(step)
    with pytest.raises(HttpTrouble) as caught:
        await call(script, Repeat.WHEN_LIMITED)
    assert caught.value.sent
    assert caught.value.timed_out is (step == 60.0)
    assert len(script.sent_at) == 1


async def test_a_request_with_an_effect_is_not_repeated_after_a_fault_of_the_server(autojump_clock):
    script = Script(httpx.Response(500))
    assert (await call(script, Repeat.WHEN_LIMITED)).status == 500
    assert len(script.sent_at) == 1


async def test_a_request_that_never_left_is_repeated_whatever_its_effect(autojump_clock):
    script = Script(httpx.ConnectError("refused"), httpx.Response(201))
    assert (await call(script, Repeat.WHEN_LIMITED)).status == 201


async def test_a_limit_is_obeyed_for_as_long_as_the_server_says(autojump_clock):
    script = Script(httpx.Response(429, headers={"retry-after": "11"}), httpx.Response(200))
    assert (await call(script, Repeat.WHEN_LIMITED)).status == 200
    assert script.sent_at == [0, 11]


@pytest.mark.parametrize("value", ["soon", "nan", "inf", "-5", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_strange_retry_after_does_no_harm(autojump_clock, value):
    script = Script(httpx.Response(429, headers={"retry-after": value}), httpx.Response(200))
    assert (await call(script, Repeat.WHEN_LIMITED)).status == 200
    assert script.sent_at[1] < 1


async def test_trouble_tells_neither_headers_nor_query_nor_inner_text(autojump_clock):
    with pytest.raises(HttpTrouble) as caught:
        await call(Script(httpx.ReadError("s3cret")), Repeat.WHEN_LIMITED)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_a_cancelled_call_ends_at_once(autojump_clock):
    with trio.move_on_after(2) as scope:
        await call(Script(60.0), Repeat.ALWAYS)
    assert scope.cancelled_caught
    assert trio.current_time() == 2


async def test_a_real_server_is_spoken_to_over_one_kept_connection():
    connections = 0

    async def serve(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        async with stream:
            pending = b""
            async for chunk in stream:
                pending += chunk
                while b"\r\n\r\n" in pending:
                    pending = pending.partition(b"\r\n\r\n")[2]
                    await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async with trio.open_nursery() as nursery:
        listeners: list[trio.SocketListener] = await nursery.start(
            partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
        )
        port = listeners[0].socket.getsockname()[1]
        http = HttpClient(f"http://127.0.0.1:{port}", budget=RateBudget(0, 1), random=lambda: 0.0)
        for _ in range(3):
            answer = await http.request(
                "GET", "/", priority=Priority.READ, deadline_s=5, repeat=Repeat.ALWAYS
            )
            assert answer.body == b"ok"
        await http.aclose()
        nursery.cancel_scope.cancel()
    assert connections == 1


@pytest.mark.parametrize("size", [16 * 1024 * 1024, 16 * 1024 * 1024 + 1])
async def test_an_answer_has_a_bound(autojump_clock, size):
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=bytes(size)))
    http = HttpClient(
        "http://test", budget=RateBudget(0, 1), random=lambda: 0.0, transport=transport, attempts=1
    )
    call_it = partial(
        http.request, "GET", "/", priority=Priority.READ, deadline_s=5, repeat=Repeat.ALWAYS
    )
    if size > 16 * 1024 * 1024:
        with pytest.raises(HttpTrouble, match="over"):
            await call_it()
    else:
        assert len((await call_it()).body) == size
    await http.aclose()
