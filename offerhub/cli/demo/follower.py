"""The subscriber: everything on the event stream, from the first event on."""

from collections.abc import Callable
from typing import Any, Final

import httpx
import msgspec
import trio
from attrs import frozen

from offerhub.cli.demo.failure import DemoFailed
from offerhub.cli.demo.instance import Instance

_WAIT_S: Final = 30.0


@frozen
class Event:
    """One event as it came."""

    sequence: int
    type: str
    payload: dict[str, Any]


class Follower:
    """Keeps the stream open beside the story, shows each event and lets the story wait for one."""

    def __init__(self, instance: Instance, show: Callable[[Event], None]) -> None:
        self._house = instance
        self._show = show
        self._came = trio.Event()
        self.events: list[Event] = []

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow until cancelled; started when the stream is open."""
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(10, read=60), trust_env=False) as client,
            client.stream(
                "GET",
                f"{self._house.url}/events?lastEventId=0",
                headers={
                    "Authorization": f"Bearer {self._house.master_key}",
                    "Accept": "text/event-stream",
                },
            ) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise DemoFailed(f"the event stream answered {answer.status_code}")
            task_status.started()
            sequence = 0
            try:
                async for line in answer.aiter_lines():
                    if line.startswith("id:"):
                        sequence = int(line[3:])
                    elif line.startswith("data:"):
                        self._take(sequence, line[5:])
            except httpx.HTTPError as error:
                raise DemoFailed(f"the event stream broke: {type(error).__name__}") from error
        raise DemoFailed("the event stream ended")

    async def wait(self, type: str, **payload: str) -> Event:
        """The first event of a type with these values, that came or comes within 30 s."""
        with trio.move_on_after(_WAIT_S):
            while True:
                for event in self.events:
                    if event.type == type and payload.items() <= event.payload.items():
                        return event
                await self._came.wait()
        raise DemoFailed(f"no event {type} {payload or ''} came within {_WAIT_S:g} s")

    def _take(self, sequence: int, data: str) -> None:
        body = msgspec.json.decode(data)
        event = Event(sequence, body["eventType"], body["payload"])
        self.events.append(event)
        self._show(event)
        self._came.set()
        self._came = trio.Event()
