"""What the kernel is as a package: alone, typed by message, and without circles of asks."""

import ast
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Never, assert_never

import pytest
import trio
from attrs import frozen

import actors.kernel
from actors.kernel import (
    Actor,
    Address,
    AskCycle,
    AskGraph,
    Cell,
    ChildSpec,
    Message,
    Registry,
    Supervisor,
)


def test_the_kernel_imports_nothing_of_ours_but_itself() -> None:
    foreign = set()
    for path in Path(actors.kernel.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                foreign.add(node.module or "")
            elif isinstance(node, ast.Import):
                foreign |= {alias.name for alias in node.names}
    ours = {each for each in foreign if each.partition(".")[0] in ("actors", "offerhub", "storage")}
    assert {each for each in ours if not each.startswith("actors.kernel")} == set()


@frozen
class Greet(Message[str]):
    name: str


@frozen
class Count(Message[int]):
    upto: int


@frozen
class Foreign(Message[str]):
    pass


class Greeter(Actor[Greet | Count]):
    async def handle(self, message: Greet | Count) -> object:
        match message:
            case Greet(name):
                return f"hello {name}"
            case Count(upto):
                return upto
            case _:
                assert_never(message)


async def _refused_by_mypy(address: Address[Greet | Count], silent: Address[Never]) -> None:
    """Never called: `warn_unused_ignores` makes each line an error that mypy no longer refuses."""
    await address.ask(Foreign())  # type: ignore[arg-type]  # not this actor's message
    await address.tell(Foreign())  # type: ignore[arg-type]  # nor may it be told
    await silent.ask(Greet("x"))  # type: ignore[arg-type]  # it is only woken
    greeting: str = await address.ask(Count(1))  # type: ignore[arg-type]  # answered by an int
    registry: Registry[str, Foreign] = Registry(
        "greeters",
        lambda _: Greeter(),  # type: ignore[return-value,arg-type,unused-ignore]  # another actor's
        random=lambda: 0.5,
        on_crash=lambda name, error: None,
    )
    await registry.address(greeting).ask(Greet("x"))  # type: ignore[arg-type]  # of another


class Asker(Actor[Greet]):
    """Passes its message on to whoever is asked next, and answers what it is answered."""

    def __init__(self, asked: dict[str, Address[Greet]], beside: bool) -> None:
        self._asked = asked
        self._beside = beside

    async def handle(self, message: Greet) -> object:
        following, _, rest = message.name.partition(" ")
        if not following:
            return "the end"
        if self._beside:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._asked[following].ask, Greet(rest))
            return "asked"
        return await self._asked[following].ask(Greet(rest))


@asynccontextmanager
async def askers(
    *, watched: bool, beside: bool = False
) -> AsyncIterator[dict[str, Address[Greet]]]:
    found: dict[str, Address[Greet]] = {}
    one = Cell("one", lambda: Asker(found, beside))
    many: Registry[str, Greet] = Registry(
        "many", lambda _: Asker(found, beside), random=lambda: 0.5, on_crash=lambda *_: None
    )
    found |= {"one": one.address, "a": many.address("a"), "b": many.address("b")}
    tree = Supervisor(
        "root",
        (ChildSpec(one), ChildSpec(many)),
        random=lambda: 0.5,
        on_crash=lambda *_: None,
        asks=AskGraph() if watched else None,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(tree.run)
        yield found
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("beside", [False, True])
async def test_an_ask_that_closes_a_circle_crashes_whoever_asks(
    beside: bool, autojump_clock: object
) -> None:
    """One asks a of many; what b of many asks of one later would close it, by kind."""
    async with askers(watched=True, beside=beside) as found:
        assert await found["one"].ask(Greet("a"), timeout_s=5) in {"the end", "asked"}
        with pytest.raises(actors.kernel.ActorCrashed):
            await found["b"].ask(Greet("one"), timeout_s=5)


async def test_without_a_watch_nothing_is_refused(autojump_clock: object) -> None:
    async with askers(watched=False) as found:
        assert await found["one"].ask(Greet("a")) == "the end"
        assert await found["b"].ask(Greet("one")) == "the end"


def test_a_circle_is_named_along_its_way() -> None:
    graph = AskGraph()
    graph.note("route", "order")
    graph.note("order", "balance")
    graph.note("order", "vault")
    graph.note("balance", "journal")
    graph.note("order", "journal")
    with pytest.raises(AskCycle) as refused:
        graph.note("journal", "order")
    assert ("journal", "order", "journal") == refused.value.circle
    with pytest.raises(AskCycle):
        graph.note("vault", "vault")
    assert {"balance", "vault", "journal"} == graph.edges["order"]


class Busy(Actor[Greet]):
    async def handle(self, message: Greet) -> object:
        self.spawn(trio.sleep_forever)
        await trio.sleep_forever()

    async def woken(self, keys: object) -> None:
        """Looks at nothing."""


async def test_the_tree_says_what_waits_and_what_runs(autojump_clock: object) -> None:
    many: Registry[str, Greet] = Registry(
        "many", lambda _: Busy(), random=lambda: 0.5, on_crash=lambda *_: None, capacity=2
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(many.run)
        for _ in range(2):
            for key in ("a", "b"):
                await many.address(key).tell(Greet(""))
                many.wake(key, "key")
                await trio.testing.wait_all_tasks_blocked()
        mailbox = many.tree().mailbox
        assert mailbox is not None
        assert (2, 4, 2, 2) == (mailbox.depth, mailbox.capacity, mailbox.wakes, mailbox.tasks)
        assert 2 == many.tree().active
        assert 1 == many.address("a").statistics().tasks
        nursery.cancel_scope.cancel()
