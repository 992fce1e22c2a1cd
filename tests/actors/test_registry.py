"""The registry: activation, sleep, repair and quarantine of one actor an id."""

import contextvars
import gc
import weakref
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.kernel import Actor, ActorCrashed, ActorStopped, Backoff, Message, Registry, State

request_id = contextvars.ContextVar("request_id", default="none")


@frozen
class Add(Message[int]):
    amount: int


@frozen
class Explode(Message[None]):
    pass


@frozen
class Hang(Message[None]):
    pass


@frozen
class Who(Message[str]):
    """Asks for the request id that the actor's task sees."""


class Account(Actor[Message[object]]):
    def __init__(self, world: "World", key: str) -> None:
        self.world = world
        self.key = key

    async def start(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.key in self.world.broken:
            raise RuntimeError("storage is away")

    async def handle(self, message: Message[object]) -> object:
        match message:
            case Add(amount):
                self.world.totals[self.key] = self.world.totals.get(self.key, 0) + amount
                return self.world.totals[self.key]
            case Explode():
                raise RuntimeError("boom")
            case Hang():
                await self.world.gate.wait()
                return None
            case Who():
                return request_id.get()
        raise TypeError(message)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        self.world.wakes.append((self.key, keys))

    async def stop(self) -> None:
        self.world.sleeping.append(self.key)
        await self.world.stop_gate.wait()

    def busy(self) -> bool:
        return self.key in self.world.busy


class World:
    """Storage, the record of what happened, and the registry; restarts have no jitter."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.broken: set[str] = set()
        self.busy: set[str] = set()
        self.lives: list[str] = []
        self.wakes: list[tuple[str, frozenset[Hashable]]] = []
        self.sleeping: list[str] = []
        self.crashes: list[str] = []
        self.gate = trio.Event()
        self.stop_gate = trio.Event()
        self.stop_gate.set()
        self.objects: weakref.WeakSet[Account] = weakref.WeakSet()
        self.registry = Registry[str, Message[object]](
            "account",
            self._new,
            random=lambda: 0.5,
            on_crash=lambda name, error: self.crashes.append(f"{name}: {error}"),
            idle_s=10,
            backoff=Backoff(first_s=1, limit_s=4),
            crashes_max=2,
            period_s=20,
            cool_down_s=30,
        )

    def _new(self, key: str) -> Account:
        self.lives.append(key)
        account = Account(self, key)
        self.objects.add(account)
        return account

    async def ask(self, key: str, message: Message[object]) -> object:
        return await self.registry.address(key).ask(message, timeout_s=1000)


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    world = World()
    async with trio.open_nursery() as nursery:
        await nursery.start(world.registry.run)
        yield world
        world.gate.set()
        world.stop_gate.set()
        world.registry.request_stop()


async def test_an_actor_is_activated_on_first_use_one_per_id() -> None:
    async with running() as world:
        address = world.registry.address("a")
        assert world.lives == []
        assert address.statistics().state is State.WAITING
        assert await address.ask(Add(1)) == 1
        assert await world.registry.address("a").ask(Add(1)) == 2
        assert await world.ask("b", Add(1)) == 1
        assert world.lives == ["a", "b"]
        assert address.name == "account/a"


async def test_a_wake_up_activates() -> None:
    async with running() as world:
        world.registry.wake("a", "op_1")
        world.registry.address("b").wake("op_2")
        await wait_all_tasks_blocked()
        assert sorted(world.wakes, key=str) == [
            ("a", frozenset({"op_1"})),
            ("b", frozenset({"op_2"})),
        ]


async def test_what_comes_before_the_registry_runs_waits_for_it() -> None:
    world = World()
    world.registry.wake("a", "op")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.ask, "b", Add(2))
        await wait_all_tasks_blocked()
        assert world.lives == []
        await nursery.start(world.registry.run)
        await wait_all_tasks_blocked()
        assert world.wakes == [("a", frozenset({"op"}))]
        assert world.totals == {"b": 2}
        world.registry.request_stop()


async def test_an_idle_actor_sleeps_and_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    async with running() as world:
        addresses = [world.registry.address(str(n)) for n in range(1000)]
        for address in addresses:
            await address.ask(Add(1))
        assert world.registry.tree().active == 1000
        await trio.sleep(21)
        assert world.registry.tree().active == 0
        assert len(world.sleeping) == 1000
        gc.collect()
        assert len(world.objects) == 0
        assert await addresses[7].ask(Add(1)) == 2
        assert world.lives.count("7") == 2


async def test_an_actor_in_use_or_busy_stays_awake(autojump_clock: MockClock) -> None:
    async with running() as world:
        world.busy.add("chain")
        await world.ask("chain", Add(1))
        await trio.sleep(1)
        for _ in range(12):
            await world.ask("used", Add(1))
            await trio.sleep(5)
        assert world.lives == ["chain", "used"]
        assert world.sleeping == []
        world.busy.clear()
        await trio.sleep(21)
        assert sorted(world.sleeping) == ["chain", "used"]


async def test_an_actor_that_handles_one_long_message_does_not_sleep_after_it(
    autojump_clock: MockClock,
) -> None:
    """A sweep that finds a message at hand is no evidence of idleness."""
    async with running() as world, trio.open_nursery() as nursery:
        nursery.start_soon(world.ask, "a", Hang())
        await trio.sleep(45)
        world.gate.set()
        await trio.sleep(4)
        assert world.sleeping == []


async def test_a_message_that_races_with_falling_asleep_is_served(
    autojump_clock: MockClock,
) -> None:
    async with running() as world, trio.open_nursery() as nursery:
        await world.ask("a", Add(1))
        world.stop_gate = trio.Event()
        await trio.sleep(21)
        assert world.sleeping == ["a"]
        nursery.start_soon(world.ask, "a", Add(1))
        world.registry.wake("a", "op")
        await wait_all_tasks_blocked()
        assert world.totals == {"a": 1}
        world.stop_gate.set()
        await wait_all_tasks_blocked()
        assert world.totals == {"a": 2}
        assert world.wakes == [("a", frozenset({"op"}))]
        assert world.lives == ["a", "a"]


@pytest.mark.parametrize("yields", range(12))
async def test_no_step_of_falling_asleep_loses_a_message(
    yields: int, autojump_clock: MockClock
) -> None:
    """The message comes `yields` scheduler steps after the sweep that sends the actor to sleep."""
    async with running() as world:
        await world.ask("a", Add(1))
        await trio.sleep(20)
        for _ in range(yields):
            await trio.lowlevel.checkpoint()
        assert await world.registry.address("a").ask(Add(1), timeout_s=5) == 2


async def test_a_crash_is_repaired_after_a_growing_pause_others_untouched(
    autojump_clock: MockClock,
) -> None:
    async with running() as world:
        await world.ask("b", Add(1))
        began = trio.current_time()
        with pytest.raises(ActorCrashed):
            await world.ask("a", Explode())
        assert await world.ask("a", Add(1)) == 1
        assert trio.current_time() - began == 1
        with pytest.raises(ActorCrashed):
            await world.ask("a", Explode())
        assert await world.ask("a", Add(1)) == 2
        assert trio.current_time() - began == 1 + 2
        assert world.crashes == ["account/a: boom"] * 2
        assert world.lives == ["b", "a", "a", "a"]


async def test_an_asker_waits_while_its_actor_cannot_load(autojump_clock: MockClock) -> None:
    async with running() as world, trio.open_nursery() as nursery:
        world.broken.add("a")
        nursery.start_soon(world.ask, "a", Add(1))
        await trio.sleep(2)
        world.broken.clear()
        await trio.sleep(2)
        assert world.totals == {"a": 1}


async def test_an_actor_that_crashes_too_often_is_quarantined_alone(
    autojump_clock: MockClock,
) -> None:
    async with running() as world, trio.open_nursery() as nursery:
        world.broken.add("a")

        async def ask() -> None:
            with pytest.raises(ActorCrashed):
                await world.ask("a", Add(1))

        nursery.start_soon(ask)  # waits through two crashes, is answered at the third
        await trio.sleep(5)
        assert world.crashes == ["account/a: storage is away"] * 3
        (troubled,) = world.registry.tree().children
        assert (troubled.name, troubled.state) == ("account/a", State.QUARANTINED)
        assert troubled.last_error == "RuntimeError: storage is away"

        began = trio.current_time()
        with pytest.raises(ActorCrashed):
            await world.ask("a", Add(1))
        with pytest.raises(ActorCrashed):
            await world.registry.address("a").tell(Add(1))
        assert await world.ask("b", Add(1)) == 1
        assert trio.current_time() == began

        world.registry.wake("a", "op")
        world.broken.clear()
        await trio.sleep(30)
        assert world.wakes == [("a", frozenset({"op"}))]
        assert await world.ask("a", Add(1)) == 1
        assert world.registry.tree().children == ()


async def test_an_actor_that_crashed_of_late_stays_awake(autojump_clock: MockClock) -> None:
    """Asleep, its crashes would be forgotten."""
    async with running() as world:
        await trio.sleep(5)
        with pytest.raises(ActorCrashed):
            await world.ask("a", Explode())
        await trio.sleep(20)
        assert world.sleeping == []
        await trio.sleep(20)
        assert world.sleeping == ["a"]


async def test_crashes_that_are_far_apart_do_not_quarantine(autojump_clock: MockClock) -> None:
    async with running() as world:
        for _ in range(6):
            with pytest.raises(ActorCrashed):
                await world.ask("a", Explode())
            await trio.sleep(15)
        assert await world.ask("a", Add(1)) == 1


async def test_a_stop_ends_messages_at_hand_and_interrupts_pauses(
    autojump_clock: MockClock,
) -> None:
    async with running() as world, trio.open_nursery() as nursery:
        with pytest.raises(ActorCrashed):
            await world.ask("crashed", Explode())
        nursery.start_soon(world.ask, "busy", Hang())
        await wait_all_tasks_blocked()
        began = trio.current_time()
        world.registry.request_stop()
        await wait_all_tasks_blocked()
        assert world.registry.tree().active == 1
        with pytest.raises(ActorStopped):
            await world.ask("new", Add(1))
        world.registry.wake("new", "op")
        world.gate.set()
        await wait_all_tasks_blocked()
        assert world.registry.tree().active == 0
        assert world.registry.tree().state is State.STOPPED
        assert trio.current_time() == began


async def test_a_cancelled_registry_answers_every_asker() -> None:
    world = World()
    answers: list[str] = []

    async def ask(message: Message[object]) -> None:
        try:
            await world.ask("a", message)
        except ActorStopped:
            answers.append("stopped")

    async with trio.open_nursery() as askers, trio.open_nursery() as nursery:
        await nursery.start(world.registry.run)
        askers.start_soon(ask, Hang())
        await wait_all_tasks_blocked()
        askers.start_soon(ask, Add(1))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert answers == ["stopped", "stopped"]
    assert world.totals == {}


@pytest.mark.parametrize("yields", range(12))
async def test_a_wake_up_never_fails_at_any_step_of_a_cancelled_registry(yields: int) -> None:
    world = World()
    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as tree:
                await tree.start(world.registry.run)
                await world.ask("a", Add(1))

                async def wake() -> None:
                    for _ in range(yields):
                        await trio.lowlevel.checkpoint()
                    world.registry.wake("a", "op")
                    world.registry.wake("b", "op")

                nursery.start_soon(wake)
                scope.cancel()
    assert world.registry.tree().active == 0


async def test_a_registry_runs_again_after_a_stop() -> None:
    world = World()
    for total in (1, 2):
        async with trio.open_nursery() as nursery:
            await nursery.start(world.registry.run)
            assert await world.ask("a", Add(1)) == total
            world.registry.request_stop()


async def test_an_actor_does_not_inherit_the_context_of_its_first_asker() -> None:
    async with running() as world:
        request_id.set("req_1")
        assert await world.ask("a", Who()) == "none"
