"""The kernel: ask, tell, wake, and what an asker gets whatever happens to the actor."""

import pytest
import trio
from attrs import frozen

from actors.kernel import Actor, ActorCrashed, Cell, Message


@frozen
class Add(Message[int]):
    """Adds to the total and answers it."""

    amount: int


@frozen
class Explode(Message[None]):
    """Crashes the actor."""


class Counter(Actor):
    def __init__(self) -> None:
        self.total = 0

    async def handle(self, message: Message[object]) -> object:
        match message:
            case Add(amount):
                self.total += amount
                return self.total
            case Explode():
                raise RuntimeError("boom")
        raise TypeError(message)


async def test_ask_returns_what_the_handler_returned() -> None:
    cell = Cell("counter", Counter)
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        answer: int = await cell.address.ask(Add(2))
        assert answer == 2
        cell.request_stop()


async def test_a_crash_answers_its_asker() -> None:
    cell = Cell("counter", Counter)

    async def run() -> None:
        with pytest.raises(RuntimeError, match="boom"):
            await cell.run()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        with pytest.raises(ActorCrashed):
            await cell.address.ask(Explode())
