"""The event stream, read: bytes in, events out, and where to go on after a break. No I/O.

The server sends every event with its place in one sequence. Whoever comes back with the place of
the last event that he has misses nothing and gets nothing twice (docs/spec/api.md, Event stream).
"""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from offerhub.client.calls import Retries, retry_after
from offerhub.client.failures import ApiError, NoAnswer, UnexpectedAnswer, error_of
from offerhub.client.models import Event

SILENCE_S: Final = 45.0
"""The server sends something every 15 seconds."""
_OK: Final = 200


class StreamEvent(Event, frozen=True, kw_only=True):
    """An event with its place in the stream: `events(after=sequence)` goes on behind it."""

    sequence: int = 0


class EventReader:
    """Reads one stream over all its connections.

    Args:
        after: the place to begin behind: a sequence, an event's id or an ISO 8601 time; `None`
            begins with what comes now.
        retries: how to pause; `total_s` is how long it is tried to come back, in vain.
    """

    def __init__(self, after: str | None, retries: Retries, now: float) -> None:
        self._place = after
        self._retries = retries
        self._pause = retries.pause_s
        self._asked_s: float | None = None
        self._seen = -1
        self._lost_since = now
        self._text = b""
        self._id = ""
        self._data: list[bytes] = []

    @property
    def headers(self) -> dict[str, str]:
        """What to connect with."""
        headers = {"Accept": "text/event-stream"}
        if self._place is not None:
            headers["Last-Event-ID"] = self._place
        return headers

    def began(self, headers: Mapping[str, str]) -> None:
        """A connection stands. One that breaks before its first event is resumed by its moment."""
        self._text, self._id, self._data = b"", "", []
        if self._place is None and "date" in headers:
            moment = parsedate_to_datetime(headers["date"]).astimezone(UTC)
            self._place = moment.isoformat(timespec="seconds").replace("+00:00", "Z")

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that are whole with these bytes."""
        self._pause = self._retries.pause_s
        self._asked_s = None
        found = []
        *lines, self._text = (self._text + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            event = self._line(line)
            if event is not None:
                found.append(event)
        return found

    def refused(
        self, status: int, headers: Mapping[str, str], body: bytes, now: float, chance: float
    ) -> float:
        """Seconds until it is worth to connect again. Raises a refusal that will stand."""
        error = error_of(status, body)
        if status < 500 and status != 429:
            raise error
        self._asked_s = retry_after(headers.get("retry-after"), headers.get("date"))
        return self._paused(error, now, chance)

    def broken(self, reason: Exception, now: float, chance: float) -> float:
        """Seconds until it is worth to connect again, after a connection that was none or ended."""
        return self._paused(NoAnswer(f"the event stream: {type(reason).__name__}"), now, chance)

    def alive(self, now: float) -> None:
        """Something came just now."""
        self._lost_since = now

    def _paused(self, otherwise: ApiError | NoAnswer, now: float, chance: float) -> float:
        pause, self._pause = self._pause, min(self._pause * 2, self._retries.pause_max_s)
        pause = max(pause * (0.5 + chance / 2), self._asked_s or 0.0)
        if now + pause - self._lost_since >= self._retries.total_s:
            raise otherwise
        return pause

    def _line(self, line: bytes) -> StreamEvent | None:
        if not line:
            return self._message()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"id":
            self._id = value.decode()
        elif name == b"data":
            self._data.append(value)
        return None

    def _message(self) -> StreamEvent | None:
        data, self._data = b"\n".join(self._data), []
        if not data:
            return None
        try:
            event = msgspec.json.decode(data, type=StreamEvent)
            sequence = int(self._id)
        except (msgspec.MsgspecError, ValueError) as error:
            raise UnexpectedAnswer(_OK, f"an event cannot be read: {error}") from None
        self._place = self._id
        if sequence <= self._seen:
            return None
        self._seen = sequence
        return msgspec.structs.replace(event, sequence=sequence)
