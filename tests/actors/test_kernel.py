"""The kernel: ask, tell, wake, and what an asker gets whatever happens to the actor."""

import math
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen
from trio.testing import Sequencer, wait_all_tasks_blocked

from actors.kernel import (
    Actor,
    ActorCrashed,
    ActorStopped,
    AskTimeout,
    Backoff,
    Cell,
    Message,
    State,
    described,
    lone,
)
from offerhub.domain.errors import DomainError, ErrorCode


@frozen
class Add(Message[int]):
    amount: int


@frozen
class Refuse(Message[None]):
    in_nursery: bool = False


@frozen
class Explode(Message[None]):
    in_nursery: bool = False


@frozen
class Hang(Message[str]):
    """Waits for the gate, then answers."""


@frozen
class SpawnCrash(Message[None]):
    """Starts a child that crashes while this message is still being handled."""


class Counter(Actor[Message[object]]):
    """A total that survives in `storage`, and a gate that holds `Hang` and `woken` up."""

    def __init__(self, storage: list[int], gate: trio.Event) -> None:
        self.storage = storage
        self.gate = gate
        self.total = 0
        self.wakes: list[frozenset[Hashable]] = []
        self.stopped = False

    async def start(self) -> None:
        await trio.lowlevel.checkpoint()
        self.total = sum(self.storage)

    async def handle(self, message: Message[object]) -> object:
        match message:
            case Add(amount):
                self.storage.append(amount)
                self.total += amount
                return self.total
            case Refuse(in_nursery):
                await self._fail(DomainError(ErrorCode.NOT_FOUND, "no"), in_nursery)
            case Explode(in_nursery):
                await self._fail(RuntimeError("boom"), in_nursery)
            case Hang():
                await self.gate.wait()
                return "opened"
            case SpawnCrash():
                self.spawn(self._fail, RuntimeError("child"), False)
                await trio.sleep_forever()
        raise TypeError(message)

    async def _fail(self, error: Exception, in_nursery: bool) -> None:
        if not in_nursery:
            raise error
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(self._fail, error, False)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        await trio.lowlevel.checkpoint()
        self.wakes.append(keys)
        if "explode" in keys and len(Bench.lives) == 1:
            raise RuntimeError("woken")

    async def stop(self) -> None:
        self.stopped = True


class Bench:
    """A cell, kept alive like a supervisor would but without pauses; records lives and crashes."""

    lives: list[Counter]

    def __init__(self, capacity: int = 64) -> None:
        Bench.lives = self.lives = []
        self.storage: list[int] = []
        self.gate = trio.Event()
        self.crashes: list[Exception] = []
        self.before_restart: Callable[[], None] = lambda: None
        self.cell = Cell("counter", self._new, capacity=capacity)
        self.address = self.cell.address
        self.scope = trio.CancelScope()

    def _new(self) -> Counter:
        self.lives.append(Counter(self.storage, self.gate))
        return self.lives[-1]

    async def keep(self) -> None:
        try:
            with self.scope:
                while not self.cell.stopping.is_set():
                    try:
                        await self.cell.run()
                    except Exception as error:  # noqa: BLE001
                        self.crashes.append(error)
                        self.before_restart()
        finally:
            self.cell.close()


@asynccontextmanager
async def running(capacity: int = 64) -> AsyncIterator[Bench]:
    bench = Bench(capacity)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.keep)
        yield bench
        bench.gate.set()
        bench.cell.request_stop()


async def test_ask_returns_what_the_handler_returned() -> None:
    async with running() as bench:
        answer: int = await bench.address.ask(Add(2))
        assert answer == 2


async def test_messages_are_handled_one_at_a_time_in_the_order_of_arrival() -> None:
    async with running() as bench, trio.open_nursery() as nursery:
        answers: list[object] = []
        order = Sequencer()

        async def ask(place: int, message: Message[object]) -> None:
            async with order(place):
                pass
            answers.append(await bench.address.ask(message))

        for place, message in enumerate((Hang(), Add(1), Add(1))):
            nursery.start_soon(ask, place, message)
        await wait_all_tasks_blocked()
        assert answers == []
        assert bench.address.statistics().depth == 2
        bench.gate.set()
        await wait_all_tasks_blocked()
        assert answers == ["opened", 1, 2]


@pytest.mark.parametrize("in_nursery", [False, True])
async def test_a_refusal_goes_to_the_asker_and_the_actor_lives(in_nursery: bool) -> None:
    async with running() as bench:
        with pytest.raises(DomainError, match="NOT_FOUND"):
            await bench.address.ask(Refuse(in_nursery))
        assert await bench.address.ask(Add(1)) == 1
        assert len(bench.lives) == 1


@pytest.mark.parametrize("in_nursery", [False, True])
async def test_a_crash_answers_its_asker_and_leaves_the_kernel_as_itself(in_nursery: bool) -> None:
    async with running() as bench:
        with pytest.raises(ActorCrashed):
            await bench.address.ask(Explode(in_nursery))
        await wait_all_tasks_blocked()
        (crash,) = bench.crashes
        assert type(crash) is RuntimeError
        assert crash.__context__ is None


async def test_a_refusal_without_an_asker_is_a_crash() -> None:
    async with running() as bench:
        await bench.address.tell(Refuse())
        await wait_all_tasks_blocked()
        assert [type(crash) for crash in bench.crashes] == [DomainError]


async def test_a_restarted_actor_is_a_new_object_built_from_storage() -> None:
    async with running() as bench:
        await bench.address.ask(Add(5))
        with pytest.raises(ActorCrashed):
            await bench.address.ask(Explode())
        assert await bench.address.ask(Add(1)) == 6
        first, second = bench.lives
        assert first is not second
        assert not first.stopped


async def test_messages_that_wait_in_the_mailbox_of_a_crashed_actor_are_served() -> None:
    async with running(capacity=1) as bench, trio.open_nursery() as nursery:
        outcomes: list[object] = []

        async def ask(message: Message[object]) -> None:
            try:
                outcomes.append(await bench.address.ask(message))
            except ActorCrashed:
                outcomes.append("crashed")

        nursery.start_soon(ask, Hang())
        await wait_all_tasks_blocked()
        for message in (Explode(), Add(1), Add(1)):  # one fits, two wait for room
            nursery.start_soon(ask, message)
            await wait_all_tasks_blocked()
        bench.gate.set()
        await wait_all_tasks_blocked()
        assert outcomes == ["opened", "crashed", 1, 2]
        assert len(bench.lives) == 2


async def test_a_child_that_crashes_crashes_the_actor_and_answers_the_asker_at_hand() -> None:
    async with running() as bench:
        with pytest.raises(ActorCrashed):
            await bench.address.ask(SpawnCrash())
        await wait_all_tasks_blocked()
        assert [str(crash) for crash in bench.crashes] == ["child"]
        assert len(bench.lives) == 2


async def test_a_cancelled_actor_answers_the_asker_at_hand() -> None:
    async with running() as bench, trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(ActorStopped):
                await bench.address.ask(Hang())

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        bench.scope.cancel()


async def test_a_stop_ends_the_message_at_hand_and_refuses_those_that_wait() -> None:
    async with running(capacity=1) as bench, trio.open_nursery() as nursery:
        outcomes: list[object] = []

        async def ask(message: Message[object]) -> None:
            try:
                outcomes.append(await bench.address.ask(message))
            except ActorStopped:
                outcomes.append("stopped")

        for message in (Hang(), Add(1), Add(1)):  # at hand, in the mailbox, waiting for room
            nursery.start_soon(ask, message)
            await wait_all_tasks_blocked()
        bench.cell.request_stop()
        bench.gate.set()
        await wait_all_tasks_blocked()
        assert outcomes == ["opened", "stopped", "stopped"]
        assert bench.lives[0].stopped
        with pytest.raises(ActorStopped):
            await bench.address.ask(Add(1))
        with pytest.raises(ActorStopped):
            await bench.address.tell(Add(1))
        assert bench.storage == []


async def test_a_message_is_handled_to_its_end_when_its_asker_goes_away() -> None:
    async with running() as bench:
        with trio.CancelScope() as client:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bench.address.ask, Hang())
                nursery.start_soon(bench.address.ask, Add(3))
                await wait_all_tasks_blocked()
                client.cancel()
        assert client.cancelled_caught
        bench.gate.set()
        assert await bench.address.ask(Add(1)) == 4
        assert bench.crashes == []


async def test_an_ask_that_is_cancelled_before_it_begins_posts_nothing() -> None:
    async with running() as bench:
        with trio.CancelScope() as client:
            client.cancel()
            await bench.address.ask(Add(3))
        await wait_all_tasks_blocked()
        assert bench.storage == []


async def test_an_ask_that_waits_for_room_posts_nothing_when_cancelled() -> None:
    async with running(capacity=1) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(bench.address.ask, Hang())
        await wait_all_tasks_blocked()
        await bench.address.tell(Add(1))
        with trio.CancelScope() as client:
            async with trio.open_nursery() as clients:
                clients.start_soon(bench.address.ask, Add(10))
                await wait_all_tasks_blocked()
                assert bench.address.statistics().depth == 2
                client.cancel()
        bench.gate.set()
        assert await bench.address.ask(Add(1)) == 2


async def test_an_ask_gives_up_at_its_deadline(autojump_clock: trio.testing.MockClock) -> None:
    async with running() as bench:
        began = trio.current_time()
        with pytest.raises(AskTimeout, match="did not answer within 7 s"):
            await bench.address.ask(Hang(), timeout_s=7)
        assert trio.current_time() - began == 7


async def test_a_tell_waits_for_room() -> None:
    async with running(capacity=1) as bench, trio.open_nursery() as nursery:
        await bench.address.tell(Hang())
        await wait_all_tasks_blocked()
        await bench.address.tell(Add(1))
        nursery.start_soon(bench.address.tell, Add(2))
        await wait_all_tasks_blocked()
        assert bench.address.statistics().depth == 2
        bench.gate.set()
        assert await bench.address.ask(Add(0)) == 3


async def test_wake_ups_coalesce_per_key_and_run_between_messages() -> None:
    async with running(capacity=1) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(bench.address.ask, Hang())
        await wait_all_tasks_blocked()
        await bench.address.tell(Add(1))  # the mailbox is full: a wake-up needs no room
        for key in ("a", "b", "a", "a"):
            bench.address.wake(key)
        await wait_all_tasks_blocked()
        assert bench.lives[0].wakes == []
        bench.gate.set()
        await wait_all_tasks_blocked()
        assert bench.lives[0].wakes == [frozenset({"a", "b"})]


async def test_a_wake_up_reaches_an_actor_that_waits_for_messages() -> None:
    async with running() as bench:
        for _ in range(3):
            await wait_all_tasks_blocked()
            bench.address.wake("k")
        await wait_all_tasks_blocked()
        assert bench.lives[0].wakes == [frozenset({"k"})] * 3
        assert bench.address.statistics().depth == 0


async def test_a_wake_up_that_arrives_during_a_crash_reaches_the_new_object() -> None:
    async with running() as bench:
        bench.before_restart = lambda: bench.address.wake("during")
        bench.address.wake("before")
        await bench.address.tell(Explode())
        await wait_all_tasks_blocked()
        woken = frozenset[Hashable]().union(*bench.lives[0].wakes, *bench.lives[1].wakes)
        assert woken == {"before", "during"}
        assert "during" in frozenset[Hashable]().union(*bench.lives[1].wakes)


async def test_the_wake_ups_of_a_crashed_run_are_delivered_again() -> None:
    async with running() as bench:
        bench.address.wake("explode")
        bench.address.wake("other")
        await wait_all_tasks_blocked()
        assert [str(crash) for crash in bench.crashes] == ["woken"]
        assert bench.lives[1].wakes == [frozenset({"explode", "other"})]


async def test_an_actor_that_wakes_itself_for_ever_starves_nobody() -> None:
    class Restless(Actor[Message[object]]):
        async def handle(self, message: Message[object]) -> object:
            return "answer"

        async def woken(self, keys: frozenset[Hashable]) -> None:
            self.self_address.wake("again")
            await trio.lowlevel.checkpoint()

    cell = Cell("restless", Restless)
    cell.address.wake("first")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cell.run)
        assert await cell.address.ask(Hang()) == "answer"
        cell.request_stop()


async def test_an_ask_may_rely_on_its_callers_deadline(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running() as bench:
        with trio.move_on_after(40) as caller:
            await bench.address.ask(Hang(), timeout_s=math.inf)
        assert caller.cancelled_caught


async def test_a_child_task_needs_a_started_actor() -> None:
    with pytest.raises(RuntimeError, match=r"from start\(\) on"):
        Counter([], trio.Event()).spawn(trio.sleep_forever)


async def test_wake_ups_survive_a_stop() -> None:
    bench = Bench()
    bench.cell.close()
    bench.address.wake("late")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.keep)
        await wait_all_tasks_blocked()
        assert bench.lives[0].wakes == [frozenset({"late"})]
        bench.scope.cancel()


async def test_a_cancel_is_never_swallowed() -> None:
    """A refusal out of a nursery that was being cancelled reaches the asker; the cancel still ends."""
    async with running() as bench, trio.open_nursery() as nursery:

        class Late(Message[None]):
            pass

        class Stubborn(Actor[Message[object]]):
            async def handle(self, message: Message[object]) -> object:
                try:
                    await trio.sleep_forever()
                finally:
                    raise DomainError(ErrorCode.NOT_FOUND, "while cancelled")

        cell = Cell("stubborn", Stubborn)

        async def ask() -> None:
            with pytest.raises(DomainError):
                await cell.address.ask(Late())

        with trio.CancelScope() as scope:
            nursery.start_soon(ask)
            async with trio.open_nursery() as lives:
                lives.start_soon(cell.run)
                await wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught
        assert bench.crashes == []


async def test_an_actor_asks_others_and_wakes_itself_through_its_addresses() -> None:
    class Chain(Actor[Message[object]]):
        def __init__(self) -> None:
            self.keys: frozenset[Hashable] = frozenset()

        async def start(self) -> None:
            self.spawn(self._work, 3)

        async def _work(self, step: int) -> None:
            await trio.lowlevel.checkpoint()
            self.self_address.wake(step)

        async def handle(self, message: Message[object]) -> object:
            raise TypeError(message)

        async def woken(self, keys: frozenset[Hashable]) -> None:
            self.keys |= keys

    actor = Chain()
    cell = Cell("chain", lambda: actor)
    async with trio.open_nursery() as nursery:
        await nursery.start(cell.run)
        await wait_all_tasks_blocked()
        assert actor.keys == {3}
        assert not actor.busy()
        cell.request_stop()


def test_the_lone_exception_of_a_group_keeps_the_others_as_notes() -> None:
    refusal = DomainError(ErrorCode.NOT_FOUND, "no")
    crash = RuntimeError("boom")
    inner = ExceptionGroup("inner", [refusal, crash])
    assert lone(ExceptionGroup("outer", [inner])) is crash
    assert crash.__notes__ == ["beside it: DomainError: NOT_FOUND: no"]
    interrupt = KeyboardInterrupt()
    assert lone(BaseExceptionGroup("outer", [ValueError("x"), interrupt])) is interrupt


def test_a_described_error_shows_neither_keys_nor_passwords() -> None:
    error = ValueError(f"postgresql://offerhub:hunter2@db/x refused {'SABC' * 14}")
    assert described(error) == "ValueError: postgresql://[redacted]@db/x refused [redacted]"


def test_pauses_double_up_to_a_limit_with_jitter() -> None:
    backoff = Backoff(first_s=0.1, limit_s=1.0)
    assert [backoff.delay_s(n, lambda: 0.5) for n in (1, 2, 3, 9)] == [0.1, 0.2, 0.4, 1.0]
    assert backoff.delay_s(1, lambda: 0.0) == 0.05
    assert backoff.delay_s(10**6, lambda: 0.5) == 1.0


async def test_a_cell_tells_its_state() -> None:
    bench = Bench()
    assert bench.address.statistics().state is State.WAITING
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.keep)
        await wait_all_tasks_blocked()
        assert bench.address.statistics().state is State.RUNNING
        bench.cell.request_stop()
    assert bench.address.statistics().state is State.STOPPED
