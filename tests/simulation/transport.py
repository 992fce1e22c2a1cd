"""The sandbox behind httpx, over a network that loses requests and answers."""

from collections.abc import Callable
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


SMOOTH = Fate()

Weather = Callable[[httpx.Request], Fate]
"""Draws the fate of a request; called once for each, in the order in which they are sent."""


class SandboxTransport(httpx.AsyncBaseTransport):
    """Carries requests to a sandbox and back, as the weather will have it.

    Once a request has arrived, its effect is no longer undone by whatever befalls the answer; a caller that
    is cancelled while the sandbox works leaves an unknown outcome, as over a real network.
    """

    def __init__(self, handle: Handle, *, weather: Weather | None = None) -> None:
        self._sandbox = PlainTransport(handle)
        self.weather = weather

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fate = SMOOTH if self.weather is None else self.weather(request)
        await trio.sleep(fate.there_s)
        if fate.loss is Loss.REQUEST:
            await self._lose(fate, request, httpx.WriteError("the request was lost"))
        response = await self._sandbox.handle_async_request(request)
        if fate.loss is Loss.ANSWER:
            await response.aclose()
            await self._lose(fate, request, httpx.ReadError("the answer was lost"))
        await trio.sleep(fate.back_s)
        return response

    @staticmethod
    async def _lose(fate: Fate, request: httpx.Request, error: httpx.NetworkError) -> None:
        if fate.silent:
            await trio.sleep_forever()
        error.request = request
        raise error
