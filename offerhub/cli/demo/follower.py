"""The subscriber: everything on the event stream, from the first event on."""

from collections.abc import Callable
from typing import Final

import trio

from offerhub.cli.demo.failure import DemoFailed
from offerhub.client import AsyncClient, StreamEvent

_WAIT_S: Final = 30.0


class Follower:
    """Keeps the stream open beside the story, shows each event and lets the story wait for one."""

    def __init__(self, client: AsyncClient, show: Callable[[StreamEvent], None]) -> None:
        self._client = client
        self._show = show
        self._came = trio.Event()
        self.events: list[StreamEvent] = []

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow until cancelled; started when the stream is open."""
        async with self._client.stream_events(after=0) as events:
            await events.open()
            task_status.started()
            async for event in events:
                self.events.append(event)
                self._show(event)
                self._came.set()
                self._came = trio.Event()

    async def wait(self, type: str, **payload: str) -> StreamEvent:
        """The first event of a type with these values, that came or comes within 30 s."""
        with trio.move_on_after(_WAIT_S):
            while True:
                for event in self.events:
                    if event.event_type == type and payload.items() <= event.payload.items():
                        return event
                await self._came.wait()
        raise DemoFailed(f"no event {type} {payload or ''} came within {_WAIT_S:g} s")
