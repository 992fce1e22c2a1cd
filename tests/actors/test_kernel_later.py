"""An answer that a child task brings: the actor goes on, and no asker waits for ever."""

import pytest
import trio
from attrs import field, frozen
from trio.testing import wait_all_tasks_blocked

from actors.kernel import Actor, ActorCrashed, ActorStopped, Cell, Later, Message
from offerhub.domain.errors import DomainError, ErrorCode


@frozen
class Bring(Message[str]):
    """Answered once the gate is open; or, with an `error`, it is raised then."""

    text: str
    gate: trio.Event = field(factory=trio.Event)
    error: Exception | None = None


@frozen
class Now(Message[str]):
    text: str


class Slow(Actor[Bring | Now]):
    async def handle(self, message: Bring | Now) -> object:
        return Later(self._bring, message) if isinstance(message, Bring) else message.text

    async def _bring(self, message: Bring) -> str:
        await message.gate.wait()
        if message.error is not None:
            raise message.error
        return message.text


async def answer_of(cell: Cell[Bring | Now], message: Bring, answers: list[object]) -> None:
    try:
        answers.append(await cell.address.ask(message))
    except (DomainError, ActorCrashed, ActorStopped) as error:
        answers.append(type(error))


async def test_the_next_message_does_not_wait_for_it() -> None:
    cell = Cell("slow", Slow)
    first, second = Bring("first"), Bring("second")
    answers: list[object] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        async with trio.open_nursery() as askers:
            askers.start_soon(answer_of, cell, first, answers)
            askers.start_soon(answer_of, cell, second, answers)
            await wait_all_tasks_blocked()
            assert "now" == await cell.address.ask(Now("now"))
            assert 2 == cell.statistics().tasks
            second.gate.set()
            await wait_all_tasks_blocked()
            first.gate.set()
        nursery.cancel_scope.cancel()
    assert ["second", "first"] == answers


async def test_its_refusal_goes_to_the_asker_and_the_actor_lives() -> None:
    cell = Cell("slow", Slow)
    message = Bring("", error=DomainError(ErrorCode.NOT_FOUND, "no"))
    message.gate.set()
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        with pytest.raises(DomainError):
            await cell.address.ask(message)
        assert "now" == await cell.address.ask(Now("now"))
        nursery.cancel_scope.cancel()


async def test_its_crash_is_the_actors_and_answers_all_who_wait() -> None:
    cell = Cell("slow", Slow)
    broken, open_one = Bring("", error=RuntimeError("provoked")), Bring("")
    answers: list[object] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_of, cell, broken, answers)
        nursery.start_soon(answer_of, cell, open_one, answers)
        nursery.start_soon(open_when_all_wait, broken.gate)
        with pytest.raises(RuntimeError, match="provoked"):
            await cell.run()
    assert [ActorCrashed, ActorCrashed] == answers


async def test_a_stop_answers_who_still_waits() -> None:
    cell = Cell("slow", Slow)
    answers: list[object] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        nursery.start_soon(answer_of, cell, Bring(""), answers)
        await wait_all_tasks_blocked()
        cell.request_stop()
    assert [ActorStopped] == answers


async def open_when_all_wait(gate: trio.Event) -> None:
    await wait_all_tasks_blocked()
    gate.set()
