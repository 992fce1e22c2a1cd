"""The supervisor: ordered start and stop, restarts, escalation, and the tree."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.kernel import (
    Actor,
    ActorCrashed,
    ActorStopped,
    Backoff,
    Cell,
    ChildSpec,
    EndedUnexpectedly,
    MailboxStatistics,
    Message,
    Node,
    OnCrash,
    Registry,
    Restart,
    Service,
    State,
    Supervisor,
    TooManyRestarts,
)


@frozen
class Echo(Message[str]):
    text: str


@frozen
class Explode(Message[None]):
    pass


class Parrot(Actor[Message[object]]):
    async def handle(self, message: Message[object]) -> object:
        match message:
            case Echo(text):
                return text
        raise RuntimeError("boom")


class World:
    """Records what services do: `log` has `+name` for started and `-name` for ended."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.crashes: list[str] = []
        self.triggers: dict[str, trio.Event] = {}

    def on_crash(self, name: str, error: Exception) -> None:
        self.crashes.append(f"{name}: {type(error).__name__}")

    def service(
        self,
        name: str,
        *,
        start_s: float = 0.0,
        end_s: float = 0.0,
        error: Exception | None = None,
        fails_to_start: int = 0,
    ) -> Service:
        """Runs until triggered, then raises `error` or returns; takes its time to start and end."""
        failures = [fails_to_start]

        async def run(*, task_status: trio.TaskStatus[None]) -> None:
            trigger = self.triggers[name] = trio.Event()
            await trio.sleep(start_s)
            if failures[0] > 0:
                failures[0] -= 1
                raise OSError("not yet")
            self.log.append(f"+{name}")
            task_status.started()
            try:
                await trigger.wait()
                if error is not None:
                    raise error
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(end_s)
                self.log.append(f"-{name}")

        return Service(name, run)

    def supervisor(
        self, *specs: ChildSpec, name: str = "root", restarts_max: int = 3
    ) -> Supervisor:
        return Supervisor(
            name,
            specs,
            random=lambda: 0.5,
            on_crash=self.on_crash,
            restarts_max=restarts_max,
            period_s=100,
            backoff=Backoff(first_s=1, limit_s=8),
        )


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        yield
        supervisor.request_stop()


def states(tree: Node) -> dict[str, State]:
    return {child.name: child.state for child in tree.children}


async def test_children_start_in_order_and_stop_in_reverse(autojump_clock: MockClock) -> None:
    world = World()
    tree = world.supervisor(
        ChildSpec(world.service("a", start_s=3, end_s=1)),
        ChildSpec(world.service("b", start_s=1, end_s=2)),
        ChildSpec(world.service("c", end_s=3)),
    )
    async with running(tree):
        assert world.log == ["+a", "+b", "+c"]
        world.log.clear()
    assert world.log == ["-c", "-b", "-a"]
    assert world.crashes == []


async def test_a_cancelled_supervisor_ends_its_children_in_reverse_too(
    autojump_clock: MockClock,
) -> None:
    world = World()
    tree = world.supervisor(
        ChildSpec(world.service("a")),
        ChildSpec(world.supervisor(ChildSpec(world.service("b", end_s=1)), name="inner")),
        ChildSpec(world.service("c", end_s=3)),
    )
    with trio.CancelScope() as scope:
        async with running(tree):
            world.log.clear()
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert world.log == ["-c", "-b", "-a"]


async def test_a_stop_during_the_start_ends_what_had_started(autojump_clock: MockClock) -> None:
    world = World()
    tree = world.supervisor(
        ChildSpec(world.service("a")),
        ChildSpec(world.service("b", start_s=1000)),
        ChildSpec(world.service("c")),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        await trio.sleep(1)
        tree.request_stop()
    assert world.log == ["+a", "-a"]
    assert trio.current_time() < 100


async def test_a_stop_before_the_start_starts_nothing() -> None:
    world = World()
    tree = world.supervisor(ChildSpec(world.service("a")))
    tree.request_stop()
    await tree.run()
    assert world.log == []


class Deaf(Actor[Message[object]]):
    async def handle(self, message: Message[object]) -> object:
        return await trio.sleep_forever()


async def test_a_cancelled_supervisor_does_not_wait_for_its_children_to_stop_by_themselves(
    autojump_clock: MockClock,
) -> None:
    cell = Cell("deaf", Deaf)
    with trio.CancelScope() as scope:
        async with running(World().supervisor(ChildSpec(cell, stop_s=7))):
            await cell.address.tell(Explode())
            await wait_all_tasks_blocked()
            began = trio.current_time()
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert trio.current_time() == began


@pytest.mark.parametrize("stopped_by", ["request", "cancel"])
async def test_a_crash_in_a_cancelled_child_s_cleanup_is_told(stopped_by: str) -> None:
    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        async def fail() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise OSError("cleanup")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail)
            task_status.started()

    world = World()
    with trio.CancelScope() as scope:
        async with running(world.supervisor(ChildSpec(Service("s", run)))):
            await wait_all_tasks_blocked()
            if stopped_by == "cancel":
                scope.cancel()
                await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught == (stopped_by == "cancel")
    assert world.crashes == ["s: OSError"]


async def test_a_child_that_does_not_stop_in_time_is_cancelled(autojump_clock: MockClock) -> None:
    world = World()
    cell = Cell("deaf", Deaf)
    tree = world.supervisor(ChildSpec(cell, stop_s=7))

    async def ask() -> None:
        with pytest.raises(ActorStopped):
            await cell.address.ask(Explode(), timeout_s=1000)

    async with trio.open_nursery() as askers:
        async with running(tree):
            askers.start_soon(ask)
            await wait_all_tasks_blocked()
            began = trio.current_time()
        assert trio.current_time() - began == 7


@pytest.mark.parametrize(
    ("restart", "error", "lives"),
    [
        (Restart.PERMANENT, None, 2),
        (Restart.PERMANENT, OSError("x"), 2),
        (Restart.TRANSIENT, None, 1),
        (Restart.TRANSIENT, OSError("x"), 2),
        (Restart.TEMPORARY, None, 1),
        (Restart.TEMPORARY, OSError("x"), 1),
    ],
)
async def test_the_restart_policy_says_who_comes_back(
    restart: Restart, error: Exception | None, lives: int, autojump_clock: MockClock
) -> None:
    world = World()
    tree = world.supervisor(
        ChildSpec(world.service("other")), ChildSpec(world.service("s", error=error), restart)
    )
    async with running(tree):
        world.triggers["s"].set()
        await trio.sleep(50)
        assert world.log.count("+s") == lives
        assert world.log.count("+other") == 1
        expected = State.RUNNING if lives == 2 else State.STOPPED
        assert states(tree.tree()) == {"other": State.RUNNING, "s": expected}
        reported = EndedUnexpectedly if error is None else OSError
        silent = error is None and restart is not Restart.PERMANENT
        assert world.crashes == ([] if silent else [f"s: {reported.__name__}"])


async def test_a_crashed_child_comes_back_after_a_growing_pause(autojump_clock: MockClock) -> None:
    world = World()
    tree = world.supervisor(ChildSpec(world.service("s", error=OSError("x"))))
    async with running(tree):
        for pause in (1, 2, 4):
            world.triggers["s"].set()
            await trio.sleep(pause - 0.1)
            assert states(tree.tree()) == {"s": State.RESTARTING}
            await trio.sleep(0.2)
            assert states(tree.tree()) == {"s": State.RUNNING}
        (child,) = tree.tree().children
        assert child.restarts == 3
        assert child.last_error == "OSError: x"


async def test_the_next_child_waits_until_a_failing_start_succeeds(
    autojump_clock: MockClock,
) -> None:
    world = World()
    tree = world.supervisor(
        ChildSpec(world.service("database", fails_to_start=2)), ChildSpec(world.service("user"))
    )
    async with running(tree):
        assert world.log == ["+database", "+user"]
        assert world.crashes == ["database: OSError"] * 2


async def crash(world: World, name: str, times: int) -> None:
    for _ in range(times):
        await trio.sleep(20)
        world.triggers[name].set()
        await wait_all_tasks_blocked()


async def test_too_many_restarts_stop_all_children_and_escalate(autojump_clock: MockClock) -> None:
    world = World()
    tree = world.supervisor(
        ChildSpec(world.service("a")),
        ChildSpec(world.service("s", error=OSError("x"))),
        ChildSpec(world.service("c")),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(crash, world, "s", 4)
        with pytest.raises(TooManyRestarts, match=r"^root gave up on s: OSError: x$") as raised:
            await tree.run()
    assert isinstance(raised.value.__cause__, OSError)
    assert world.log[-3:] == ["-s", "-c", "-a"]
    assert tree.tree().state is State.STOPPED


async def test_crashes_that_are_far_apart_do_not_escalate(autojump_clock: MockClock) -> None:
    world = World()
    tree = world.supervisor(ChildSpec(world.service("s", error=OSError("x"))))
    async with running(tree):
        for _ in range(10):
            await crash(world, "s", 1)
            await trio.sleep(50)
        assert states(tree.tree()) == {"s": State.RUNNING}


async def test_a_supervisor_that_gave_up_is_restarted_by_its_own(autojump_clock: MockClock) -> None:
    world = World()
    parrot = Cell("parrot", Parrot)
    inner = world.supervisor(
        ChildSpec(world.service("s", error=OSError("x"))), ChildSpec(parrot), name="inner"
    )
    tree = world.supervisor(ChildSpec(inner), ChildSpec(world.service("beside")))
    async with running(tree):
        await crash(world, "s", 4)
        await trio.sleep(20)
        assert world.crashes == ["s: OSError"] * 4 + ["inner: TooManyRestarts"]
        assert await parrot.address.ask(Echo("hello")) == "hello"
        assert world.log.count("+beside") == 1
        assert states(tree.tree()) == {"inner": State.RUNNING, "beside": State.RUNNING}


async def test_an_actor_is_served_again_by_a_new_object_after_its_crash(
    autojump_clock: MockClock,
) -> None:
    world = World()
    parrot = Cell("parrot", Parrot)
    async with running(world.supervisor(ChildSpec(parrot))):
        with pytest.raises(ActorCrashed):
            await parrot.address.ask(Explode())
        assert await parrot.address.ask(Echo("hello")) == "hello"
        assert world.crashes == ["parrot: RuntimeError"]


async def test_an_actor_that_will_not_come_back_answers_that_it_is_stopped() -> None:
    world = World()
    parrot = Cell("parrot", Parrot)
    async with running(world.supervisor(ChildSpec(parrot, Restart.TEMPORARY))):
        with pytest.raises(ActorCrashed):
            await parrot.address.ask(Explode())
        await wait_all_tasks_blocked()
        with pytest.raises(ActorStopped):
            await parrot.address.ask(Echo("hello"))


async def test_the_group_of_a_service_s_nursery_is_unwrapped(autojump_clock: MockClock) -> None:
    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()

        async def fail() -> None:
            raise OSError("deep")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(fail)

    reported: list[Exception] = []
    on_crash: OnCrash = lambda _name, error: reported.append(error)  # noqa: E731
    spec = ChildSpec(Service("s", run), Restart.TEMPORARY)
    async with running(Supervisor("root", [spec], random=lambda: 0.5, on_crash=on_crash)):
        await wait_all_tasks_blocked()
    assert [type(error) for error in reported] == [OSError]


async def test_what_is_not_a_crash_travels_as_itself() -> None:
    """A KeyboardInterrupt out of a child ends the tree in order and is not restarted."""
    world = World()

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()
        await wait_all_tasks_blocked()
        raise KeyboardInterrupt

    tree = world.supervisor(ChildSpec(world.service("a")), ChildSpec(Service("s", run)))
    with pytest.raises(KeyboardInterrupt):
        await tree.run()
    assert world.log == ["+a", "-a"]


async def test_the_tree_is_a_snapshot_of_everything_below(autojump_clock: MockClock) -> None:
    world = World()
    parrot = Cell("parrot", Parrot)
    registry = Registry[str, Message[object]](
        "parrots", lambda _key: Parrot(), random=lambda: 0.5, on_crash=world.on_crash
    )
    inner = world.supervisor(ChildSpec(registry), name="inner")
    tree = world.supervisor(ChildSpec(parrot), ChildSpec(inner), ChildSpec(world.service("s")))
    assert tree.tree().state is State.WAITING
    async with running(tree):
        await registry.address("x").ask(Echo("hello"))
        with pytest.raises(ActorCrashed):
            await registry.address("y").ask(Explode())
        with pytest.raises(ActorCrashed):
            await parrot.address.ask(Explode())
        await parrot.address.tell(Echo("waits through the pause"))
        down, up = State.RESTARTING, State.RUNNING
        y = MailboxStatistics(down, capacity=64)
        both = MailboxStatistics(up, capacity=128, handled=1)
        troubled = Node("parrots/y", down, y, 1, "RuntimeError: boom")
        parrots = Node("parrots", up, both, 1, "RuntimeError: boom", 2, (troubled,))
        waiting = MailboxStatistics(down, depth=1, capacity=64)
        assert tree.tree() == Node(
            "root",
            State.RUNNING,
            children=(
                Node("parrot", down, waiting, 1, "RuntimeError: boom"),
                Node("inner", State.RUNNING, children=(parrots,)),
                Node("s", State.RUNNING),
            ),
        )
