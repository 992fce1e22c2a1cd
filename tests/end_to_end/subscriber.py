"""Readers of the event stream: one that comes back with its last id, and one that is new.

The first is `offerhub.client`, one iterator over every death of the process; the second reads the
wire by itself, so that each checks the other.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import msgspec
from attrs import frozen

from offerhub.client import Client, ClientError, Events, Retries, models
from tests.end_to_end.process import Orchestrator

_AGAIN_S = 0.05
_SILENCE_S = 20.0
_RETRIES = Retries(total_s=60.0, pause_s=0.02, pause_max_s=0.1)


@frozen
class Event:
    """One event as it came."""

    sequence: int
    type: str
    aggregate_id: str
    body: dict[str, Any]


class Subscriber:
    """Follows the stream from its start over every restart of the process."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._open: Events | None = None
        self._target: Orchestrator | None = None
        self._ended = threading.Event()

    def point_at(self, orchestrator: Orchestrator | None) -> None:
        """Where the process is that it should follow from now on."""
        self._target = orchestrator

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow in a thread of its own until the block ends."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._target = None
            self._ended.set()
            if self._open is not None:
                self._open.close()
            thread.join(10)

    def wait_for(self, sequence: int, timeout_s: float = 15.0) -> None:
        """Wait until an event with at least this sequence has come."""
        deadline = time.monotonic() + timeout_s
        while not self.events or self.events[-1].sequence < sequence:
            if time.monotonic() > deadline:
                last = self.events[-1].sequence if self.events else None
                raise AssertionError(f"the subscriber is at {last}, not at {sequence}")
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._ended.wait(_AGAIN_S):
            target = self._target
            if target is None or not target.master_key:
                continue
            last = self.events[-1].sequence if self.events else 0
            with (
                Client(target.url, target.master_key, retries=_RETRIES) as client,
                client.stream_events(after=last) as events,
                # None came back in a minute: the case goes on with another process, or is over.
                suppress(ClientError),
            ):
                self._open = events
                for event in events:
                    self.events.append(_event(event.sequence, event))


def replay(orchestrator: Orchestrator, last: int) -> list[Event]:
    """Everything from the first event to the one with this sequence, as a new subscriber sees it."""
    events: list[Event] = []
    if last == 0:
        return events
    for event in stream(orchestrator, 0, until=lambda: False):
        events.append(event)
        if event.sequence >= last:
            break
    return events


def stream(orchestrator: Orchestrator, after: int, *, until: Callable[[], bool]) -> Iterator[Event]:
    """Events after a sequence as they come; ends with the connection, or at a line after `until`."""
    with (
        httpx.Client(timeout=httpx.Timeout(5, read=_SILENCE_S), trust_env=False) as client,
        client.stream(
            "GET",
            f"{orchestrator.api}/events",
            headers={
                "Authorization": f"Bearer {orchestrator.master_key}",
                "Accept": "text/event-stream",
                "Last-Event-ID": str(after),
            },
        ) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"the stream answered {answer.status_code}")
        sequence = 0
        for line in answer.iter_lines():
            if until():
                return
            if line.startswith("id:"):
                sequence = int(line[3:])
            elif line.startswith("data:"):
                yield _event(sequence, msgspec.json.decode(line[5:], type=models.Event))


def _event(sequence: int, event: models.Event) -> Event:
    body: dict[str, Any] = {
        name: value for name, value in msgspec.to_builtins(event).items() if name != "sequence"
    }
    return Event(sequence, event.event_type, event.aggregate_id, body)
