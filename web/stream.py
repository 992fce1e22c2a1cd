"""`GET /events`: committed events as server-sent events (docs/spec/api.md, Event stream).

A stream is a subscription of the hub, taken and given back by the response's body: a generator
that is dropped in the middle would not give it back in time.
"""

import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from functools import lru_cache, partial
from types import TracebackType
from typing import Final, Self, cast

import trio
from attrs import frozen
from quart import Response, request
from quart.wrappers.response import ResponseBody

from actors.event_filter import EventFilter, Names, NoPattern
from actors.publisher import EventHub, StreamEvent, Subscription, SubscriptionClosed
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.event_catalog import AGGREGATES
from offerhub.domain.ids import is_id
from storage.port import HistoryDetached, Storage, StorageUnavailable
from web.call import Call, Route
from web.field_errors import FieldErrors, field_error
from web.field_types import Instant, Text
from web.resources import Event
from web.schema import Schema, optional

HEARTBEAT_S: Final = 15.0
RETRY: Final = b"retry: 3000\n\n"
_PIECE_BYTES: Final = 64 * 1024
"""Sent at once: between two pieces a reader is seen to be too slow, or its key to have ended."""

_BEAT: Final = b": still here\n\n"
_SEQUENCE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
Allowed = Callable[[], Awaitable[bool]]
"""Whether a stream may go on."""

Ending = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Has something called when the caller's key ends, while the context is open."""


@frozen
class Patterns:
    """Comma-separated names, `prefix.*` or `*`; read as `Names`.

    Args:
        known: the only names that there are, or `None`.
    """

    known: tuple[str, ...] | None = None

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if not isinstance(value, str) or not value.strip(", "):
            errors.add(name, "must be a list of names, separated by commas")
            return Names()
        given = [part for each in value.split(",") if (part := each.strip())]
        unknown = (
            [] if self.known is None else [each for each in given if each not in ("*", *self.known)]
        )
        if self.known is not None and unknown:
            errors.add(name, "must be * or some of " + ", ".join(self.known))
            return Names()
        try:
            return Names.parse(given)
        except NoPattern:
            errors.add(name, "each must be a name, a prefix like order.*, or *")
            return Names()

    def document(self) -> dict[str, object]:
        schema: dict[str, object] = {"type": "string", "description": "comma-separated"}
        if self.known is not None:
            schema["example"] = ",".join(self.known[4:6])
        return schema


@frozen
class Spoken:
    """A boolean in a query string."""

    def read(self, value: object, name: str, errors: FieldErrors) -> object:
        if value not in ("true", "false", "1", "0"):
            errors.add(name, "must be true or false")
        return value in ("true", "1")

    def document(self) -> dict[str, object]:
        return {"type": "boolean"}


@frozen
class StreamQuery:
    """`GET /events`."""

    types: Names | None = optional(Patterns())  # noqa: RUF009 - attrs' field
    resource_types: Names | None = optional(Patterns(AGGREGATES))  # noqa: RUF009 - likewise
    named: bool = optional(Spoken(), default=False)
    last_event_id: str | None = optional(Text(0, 64))


async def events(call: Call) -> Response:
    """Stream what is committed from here on, after a replay if the client says where it was."""
    query = call.query_as(StreamQuery)
    hub = call.system.hub
    # Now, not when the body begins: what is committed after our headers are seen belongs to it.
    after = hub.last_told
    hub.check_room()
    # A browser that comes back repeats the URL as it was; its header says how far it got since.
    last = request.headers.get("Last-Event-ID", "").strip() or query.last_event_id
    if last:
        after = await place_of(last, hub, call.system.storage)
        # What follows may be detached: better said now than by a stream that begins elsewhere.
        await call.system.storage.events_after(after, 1)
    wanted = EventFilter(query.types or Names(), query.resource_types or Names())
    if request.method == "HEAD":
        return _response(Response(b""))
    body = EventStream(
        hub, after, wanted, named=query.named, allowed=_allowed(call), ending=_ending(call)
    )
    return _response(Response(body))


def _response(response: Response) -> Response:
    response.timeout = None
    response.content_type = "text/event-stream"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def place_of(last: str, hub: EventHub, storage: Storage) -> int:
    """The sequence that a client's last id stands for; 0 is the place before the first event.

    A sequence, an event's id or a time; raises `VALIDATION_ERROR` if it never was.
    """
    if _SEQUENCE.fullmatch(last):
        sequence = int(last)
        if sequence <= hub.last_told or sequence <= await storage.last_sequence():
            return sequence
    elif is_id(last, "evt"):
        found = await storage.event_sequence(last)
        if found is not None:
            return found
    else:
        errors = FieldErrors()
        moment = Instant().read(last, "lastEventId", errors)
        if not errors:
            # The kind has read it, so it is a datetime.
            return await storage.sequence_before(cast("datetime", moment))
    raise field_error(
        "lastEventId", "must be the sequence number or id of an event, or an ISO 8601 time"
    )


def _allowed(call: Call) -> Allowed:
    """Whether the caller's key still holds: a stream outlives the gate's look at it by far.

    The ring forgets a key when it is revoked here, and reads it again when it has not for a while.
    """
    system = call.system
    known = None if call.caller is None else call.caller.known

    async def allowed() -> bool:
        if known is None:
            return True
        now = system.api_keys.get(known.digest)
        if now is None:
            now = await system.api_keys.find(known.digest, token=known.token)
        return now is not None and now.valid_at(system.clock())

    return allowed


def _ending(call: Call) -> Ending | None:
    """Ends a stream at once when the caller's key is revoked or expires; the master key does not."""
    known = None if call.caller is None else call.caller.known
    return None if known is None else partial(call.system.api_keys.ending, known.key.id)


class EventStream(ResponseBody):
    """The body of a stream: its subscription lives from `__aenter__` to `__aexit__`.

    Args:
        after: the sequence of the last event that the client has.
        named: write `event:` lines.
        allowed: asked before every piece; a no ends the stream.
        ending: has the stream end when its caller's key does, also while nothing is sent.
    """

    def __init__(
        self,
        hub: EventHub,
        after: int,
        wanted: EventFilter,
        *,
        named: bool = False,
        heartbeat_s: float = HEARTBEAT_S,
        allowed: Allowed | None = None,
        ending: Ending | None = None,
    ) -> None:
        self._hub = hub
        self._after = after
        self._wanted = wanted
        self._named = named
        self._heartbeat_s = heartbeat_s
        self._allowed = allowed
        self._ending = ending
        self._given_back = ExitStack()
        self._subscription: Subscription | None = None
        self._begun = False
        self._next_beat = 0.0
        self._unsent: deque[StreamEvent] = deque()

    async def __aenter__(self) -> Self:
        try:
            self._subscription = self._hub.subscribe(self._after, self._wanted)
            self._given_back.callback(self._subscription.close)
            if self._ending is not None:
                self._given_back.enter_context(self._ending(self._subscription.close))
        except DomainError:
            # The hub closed since the handler looked; the headers are out, so it is a short stream.
            self._subscription = None
        self._next_beat = trio.current_time() + self._heartbeat_s
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._given_back.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next piece: events that are there, a heartbeat, or both."""
        if self._subscription is None:
            raise StopAsyncIteration
        if not self._begun:
            self._begun = True
            return RETRY
        try:
            if not self._unsent:
                with trio.move_on_at(self._next_beat):
                    self._unsent.extend(await self._subscription.receive())
            if self._allowed is not None and not await self._allowed():
                raise StopAsyncIteration
        except (SubscriptionClosed, StorageUnavailable, HistoryDetached):
            raise StopAsyncIteration from None
        piece = b""
        while self._unsent and len(piece) < _PIECE_BYTES:
            # Looked at before every piece: a reader that takes long over one may have lost the next.
            if not piece and self._subscription.has_lost(self._unsent[0]):
                raise StopAsyncIteration
            piece += sse(self._unsent.popleft(), named=self._named)
        if trio.current_time() >= self._next_beat:
            self._next_beat = trio.current_time() + self._heartbeat_s
            piece += _BEAT
        return piece


@lru_cache(maxsize=512)
def sse(event: StreamEvent, *, named: bool) -> bytes:
    """One event as one message of the stream; written once for all who read it now."""
    name = f"event: {event.type}\n" if named else ""
    return f"id: {event.sequence}\n{name}data: {event.body}\n\n".encode()


ROUTES: Final = (
    Route(
        "GET",
        "/events",
        "streamEvents",
        events,
        "The event stream (server-sent events)",
        Event,
        "Events",
        Scope.READ,
        query=Schema(StreamQuery),
        media="text/event-stream",
        codes=(ErrorCode.HISTORY_DETACHED, ErrorCode.SERVICE_UNAVAILABLE),
    ),
)
