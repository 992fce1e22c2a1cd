"""An actor that is woken: it retries while storage is away, and survives what breaks a rule of money."""

import pytest
import trio

from actors.kernel import Cell, Message
from actors.outages import WokenActor
from offerhub.domain.errors import InvariantViolated
from storage.port import StorageUnavailable


class Ping(Message[str]):
    """Ask whether it lives."""


class Looker(WokenActor[Message[object]]):
    """Raises what it is given, one error a look."""

    def __init__(self, errors: list[Exception], looked_at: list[float]) -> None:
        self._errors = errors
        self._looked_at = looked_at

    async def handle(self, message: Message[object]) -> object:
        return "here"

    async def look(self) -> None:
        self._looked_at.append(trio.current_time())
        if self._errors:
            raise self._errors.pop(0)


async def looks_after(error: Exception, pause_s: float) -> list[float]:
    looked_at: list[float] = []
    cell = Cell("looker", lambda: Looker([error], looked_at))
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        cell.address.wake("key")
        await trio.sleep(pause_s / 2)
        assert "here" == await cell.address.ask(Ping())
        assert 1 == len(looked_at)
        await trio.sleep(pause_s)
        nursery.cancel_scope.cancel()
    assert 0 == cell.restarts
    return looked_at


async def test_a_look_that_storage_is_away_for_comes_again(autojump_clock: object) -> None:
    first, second = await looks_after(StorageUnavailable("away"), 1)
    assert 1 == second - first


@pytest.mark.expect_errors
async def test_what_breaks_a_rule_of_money_is_told_and_the_actor_answers_on(
    autojump_clock: object,
) -> None:
    first, second = await looks_after(InvariantViolated("it does not sum"), 300)
    assert 300 == second - first


async def test_wake_ups_during_an_outage_leave_one_task_behind_and_not_one_each(
    autojump_clock: object,
) -> None:
    looked_at: list[float] = []
    errors: list[Exception] = [StorageUnavailable("away") for _ in range(10_000)]
    cell = Cell("looker", lambda: Looker(errors, looked_at))
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        for _ in range(100):
            cell.address.wake("key")
            await trio.sleep(0.3)
        looked = len(looked_at)
        await trio.sleep(60)
        assert 60 == len(looked_at) - looked
        nursery.cancel_scope.cancel()
