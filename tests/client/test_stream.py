"""The event iterator: nothing lost, nothing twice, over every break."""

from collections.abc import Callable, Iterator

import anyio
import httpx
import msgspec
import pytest

from offerhub.client import AsyncClient, Client, Retries, errors
from offerhub.client.failures import NoAnswer, UnexpectedAnswer
from offerhub.client.stream import EventReader
from tests.client.answering import QUICK, Answering, refused

DATE = {"Date": "Sun, 22 Nov 2026 12:00:00 GMT"}


def event(sequence: int, text: str = "") -> bytes:
    body = {
        "eventId": f"evt_{sequence}",
        "eventType": "order.in_progress",
        "occurredAt": "2026-11-22T12:00:00.123Z",
        "aggregateId": "ord_1",
        "aggregateType": "Order",
        "payload": {"orderId": "ord_1", "text": text},
        "metadata": {"correlationId": "r", "causationId": None, "userId": None},
    }
    return b"id: %d\ndata: %s\n\n" % (sequence, msgspec.json.encode(body))


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Bytes that come in pieces, and then the connection breaks."""

    def __init__(self, *pieces: bytes, breaks: bool = True) -> None:
        self.pieces = pieces
        self.breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces
        if self.breaks:
            raise httpx.ReadError("gone")

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece
        if self.breaks:
            raise httpx.ReadError("gone")


def connection(*pieces: bytes, breaks: bool = True) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        assert "text/event-stream" == request.headers["Accept"]
        return httpx.Response(200, headers=DATE, stream=Body(*pieces, breaks=breaks))

    return answer


def reader(after: str | None = None, **more: float) -> EventReader:
    return EventReader(after, Retries(**more), 0.0)


def test_an_event_is_whole_however_its_bytes_come() -> None:
    whole = b"retry: 3000\n\n: still here\n\n" + event(7, "line\u2028separator \x85") + event(8)
    for size in (1, 2, 3, 50, len(whole)):
        reading = reader()
        found = []
        for at in range(0, len(whole), size):
            found += reading.feed(whole[at : at + size])
        assert [7, 8] == [each.sequence for each in found], size
        assert "line\u2028separator \x85" == found[0].payload["text"]


def test_a_break_goes_on_behind_the_last_event_and_repeats_are_dropped() -> None:
    server = Answering(
        connection(event(5), event(6), b"id: 7\nda"),
        connection(event(6), event(7), breaks=False),
        refused(503, "SERVICE_UNAVAILABLE"),
        httpx.ConnectError("away"),
        connection(event(8)),
    )
    with server.client() as client, client.stream_events(after=4, types=["order.*"]) as events:
        found = [next(events).sequence for _ in range(4)]

    assert [5, 6, 7, 8] == found
    assert ["4", "6", "7", "7", "7"] == [each.headers["Last-Event-ID"] for each in server.asked]
    assert {"types": "order.*"} == dict(server.asked[0].url.params)


def test_a_connection_that_breaks_before_its_first_event_is_resumed_at_its_moment() -> None:
    server = Answering(connection(b"retry: 3000\n\n"), connection(event(1)))
    with server.client() as client, client.stream_events(resource_types=["Order"]) as events:
        events.open()
        assert 1 == next(events).sequence

    assert "Last-Event-ID" not in server.asked[0].headers
    assert "2026-11-22T12:00:00Z" == server.asked[1].headers["Last-Event-ID"]


@pytest.mark.parametrize(
    ("status", "code", "raised"),
    [
        (401, "INVALID_API_KEY", errors.InvalidApiKey),
        (410, "HISTORY_DETACHED", errors.HistoryDetached),
        (400, "VALIDATION_ERROR", errors.ValidationError),
    ],
)
def test_a_refusal_that_will_stand_ends_the_stream(
    status: int, code: str, raised: type[Exception]
) -> None:
    server = Answering(connection(event(1)), refused(status, code))
    with server.client() as client, client.stream_events(after=0) as events:
        assert 1 == next(events).sequence
        with pytest.raises(raised):
            next(events)


def test_who_cannot_come_back_for_long_is_told() -> None:
    reading = reader(total_s=60.0, pause_s=1.0, pause_max_s=8.0)
    pauses = [reading.broken(EOFError(), 10.0, 1.0) for _ in range(5)]
    assert [1.0, 2.0, 4.0, 8.0, 8.0] == pauses
    reading.alive(20.0)
    assert 8.0 == reading.broken(EOFError(), 60.0, 1.0)
    with pytest.raises(NoAnswer):
        reading.broken(EOFError(), 75.0, 1.0)


def test_retry_after_of_a_refused_connection_is_honoured() -> None:
    reading = reader()
    answer = refused(429, "RATE_LIMITED")
    assert 9.0 == reading.refused(429, {"retry-after": "9"}, answer.content, 1.0, 1.0)


def test_what_is_no_event_is_a_fault_and_not_skipped() -> None:
    with pytest.raises(UnexpectedAnswer):
        reader().feed(b"id: 3\ndata: {}\n\n")


def test_a_closed_iterator_ends() -> None:
    with Answering(connection(event(1))).client() as client:
        events = client.stream_events(after=0)
        events.close()
        assert [] == list(events)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_asynchronous_client_does_the_same_under_both_loops(backend: str) -> None:
    async def main() -> None:
        server = Answering(connection(event(5)), connection(event(5), event(6)))
        async with server.async_client() as client, client.stream_events(after=4) as events:
            assert [5, 6] == [(await anext(events)).sequence for _ in range(2)]
        assert ["4", "5"] == [each.headers["Last-Event-ID"] for each in server.asked]
        server = Answering(connection(b""), connection(event(1)))
        async with server.async_client() as client, client.stream_events() as events:
            await events.open()
            async for each in events:
                assert 1 == each.sequence
                break

    anyio.run(main, backend=backend)


def test_the_clients_are_alike_in_how_they_are_made() -> None:
    assert Client.__init__.__annotations__.keys() == AsyncClient.__init__.__annotations__.keys()
    assert QUICK.pause_s < Retries().pause_s
