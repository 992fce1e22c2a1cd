"""Server-sent events as Horizon writes them (docs/spec/stellar-horizon.md §3)."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec
import trio

from offerhub.sandbox.engine.shell import EngineShell
from offerhub.sandbox.horizon.answers import STANDING_HEADERS
from offerhub.sandbox.http import Response

HELLO: Final = b'retry: 1000\nevent: open\ndata: "hello"\n\n'
BYEBYE: Final = b'retry: 10\nevent: close\ndata: "byebye"\n\n'
GONE: Final = b"event: error\ndata: Resource Missing\n\n"

Event = tuple[int, object]
"""A record's id and its JSON value."""


def stream(body: AsyncIterator[bytes]) -> Response:
    """Give the answer that carries a stream."""
    headers = (
        ("content-type", "text/event-stream; charset=utf-8"),
        ("connection", "keep-alive"),
        *(item for item in STANDING_HEADERS if item[0] != "cache-control"),
        ("cache-control", "no-cache"),
    )
    return Response(200, headers, body)


async def record_events(
    shell: EngineShell,
    fetch: Callable[[int | None, int], Sequence[Event]],
    cursor: int | None,
    *,
    limit: int,
    duration_s: float,
) -> AsyncIterator[bytes]:
    """Give hello, each record as its ledger closes, and byebye after `limit` records or `duration_s`.

    `fetch(cursor, limit)` gives what follows a record. No scope is open across a yield, so the stream
    may be closed or abandoned at any event.
    """
    deadline = trio.current_time() + duration_s
    yield HELLO
    sent = 0
    while True:
        seen = shell.engine.latest_ledger().sequence
        for row_id, record in fetch(cursor, limit - sent):
            yield b"id: %d\ndata: %s\n\n" % (row_id, msgspec.json.encode(record))
            cursor, sent = row_id, sent + 1
        if sent >= limit or not await _ledger_after(shell, seen, deadline):
            break
    yield BYEBYE


async def object_events(
    shell: EngineShell, fetch: Callable[[], object | None], *, duration_s: float, limit: int = 10
) -> AsyncIterator[bytes]:
    """Give hello, the object now and at each change, and byebye after `limit` events or `duration_s`.

    An object that is gone (None) ends the stream with an error event, without byebye (§3.2).
    """
    deadline = trio.current_time() + duration_s
    yield HELLO
    sent, last = 0, b""
    while True:
        seen = shell.engine.latest_ledger().sequence
        found = fetch()
        if found is None:
            yield GONE
            return
        current = msgspec.json.encode(found)
        if current != last:
            yield b"data: %s\n\n" % current
            last, sent = current, sent + 1
        if sent >= limit or not await _ledger_after(shell, seen, deadline):
            break
    yield BYEBYE


async def _ledger_after(shell: EngineShell, seen: int, deadline: float) -> bool:
    """Wait for a ledger newer than `seen`; False when the deadline comes first."""
    # A ledger may have closed while the last event was on its way to the client.
    while shell.engine.latest_ledger().sequence == seen:
        with trio.move_on_at(deadline) as scope:
            await shell.wait_ledger_closed()
        if scope.cancelled_caught:
            return False
    return trio.current_time() < deadline
