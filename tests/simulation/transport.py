"""The sandbox behind httpx, over a network that loses requests and answers."""

from collections.abc import Callable
from contextlib import suppress
from enum import Enum, unique

import httpx
import trio
from attrs import frozen

from offerhub.sandbox.transport import Handle
from offerhub.sandbox.transport import SandboxTransport as PlainTransport


@unique
class Loss(Enum):
    """What a network does to a request."""

    NOTHING = "nothing"
    REQUEST = "request"
    """It never arrives: no effect."""
    ANSWER = "answer"
    """It arrives and is worked; nobody hears of it."""


@frozen
class Fate:
    """What happens to one request on its way."""

    loss: Loss = Loss.NOTHING
    there_s: float = 0
    """How long the way there takes."""
    back_s: float = 0
    silent: bool = False
    """A loss shows as silence, until the caller's deadline, instead of as a broken connection."""
    late_s: float | None = None
    """A request that is lost to its caller arrives all the same, this much later."""


SMOOTH = Fate()

Weather = Callable[[httpx.Request], Fate]
"""Draws the fate of a request; called once for each, in the order in which they are sent."""


class SandboxTransport(httpx.AsyncBaseTransport):
    """Carries requests to a sandbox and back, as the weather will have it.

    Once a request has arrived, its effect is no longer undone by whatever befalls the answer; a caller that
    is cancelled while the sandbox works leaves an unknown outcome, as over a real network.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        weather: Weather | None = None,
        underway: trio.Nursery | None = None,
    ) -> None:
        """Args: `underway` carries what arrives late, and outlives the process."""
        self._sandbox = PlainTransport(handle)
        self._underway = underway
        self.weather = weather
        self.sent: Callable[[httpx.Request], None] | None = None
        """Told of every request when it leaves."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.sent is not None:
            self.sent(request)
        fate = SMOOTH if self.weather is None else self.weather(request)
        await trio.sleep(fate.there_s)
        if fate.loss is Loss.REQUEST:
            if fate.late_s is not None and self._underway is not None:
                self._underway.start_soon(self._arrive_late, request, fate.late_s)
            await self._lose(fate, request, httpx.WriteError("the request was lost"))
        response = await self._sandbox.handle_async_request(request)
        if fate.loss is Loss.ANSWER:
            await response.aclose()
            await self._lose(fate, request, httpx.ReadError("the answer was lost"))
        await trio.sleep(fate.back_s)
        return response

    async def _arrive_late(self, request: httpx.Request, late_s: float) -> None:
        await trio.sleep(late_s)
        with suppress(httpx.NetworkError, httpx.RemoteProtocolError):
            response = await self._sandbox.handle_async_request(request)
            await response.aclose()

    @staticmethod
    async def _lose(fate: Fate, request: httpx.Request, error: httpx.NetworkError) -> None:
        if fate.silent:
            await trio.sleep_forever()
        error.request = request
        raise error
