"""What a process uses stays bounded by what there is to do, however long nothing moves.

Looked at after every commit: mailboxes, tasks, snapshots and calls to the outside.
"""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any, Final

import httpx
import trio
from attrs import define, field

from actors.board import Board
from actors.kernel import Node
from offerhub.domain.chain import ChainOperation
from offerhub.domain.order import Order
from offerhub.domain.users import User, Wallet
from offerhub.domain.withdrawal import Withdrawal
from storage.memory import MemoryDatabase
from tests.simulation.history import History
from tests.simulation.world import Machine

_MAILBOX: Final = 256
"""The largest capacity of a mailbox in the tree."""
_TASKS_OF_A_PROCESS: Final = 80
"""Services, the web's own and what is under way at most when nothing is asked of it."""
_TASKS_OF_AN_ENTITY: Final = 5
"""An active actor, its child tasks, and a request with its own."""
_CALLS_OF_A_PROCESS: Final = 400
"""A minute: the watcher, the network's state, the bootstrap."""
_CALLS_OF_AN_ACCOUNT: Final = 120
"""A minute, of an account with an open operation: submissions and looks with growing pauses."""

_BUILDS_OF_AN_ORDER: Final = 10
"""A minute, from the provider: its steps, or one step with pauses that double from half a second."""


@define
class Resources:
    """Watches one life of the process."""

    machine: Machine
    database: MemoryDatabase
    history: History
    task: trio.lowlevel.Task
    peaks: Counter[str] = field(factory=Counter)
    _calls: deque[float] = field(factory=deque)
    _builds: deque[float] = field(factory=deque)

    def called(self, request: httpx.Request) -> None:
        """A request has left the process."""
        self._calls.append(trio.current_time())
        if request.url.path.startswith(("/escrow/", "/deployer/")):
            self._builds.append(trio.current_time())

    @property
    def calls_of_the_last_minute(self) -> int:
        """How many requests have left the process in the last minute."""
        return _of_the_last_minute(self._calls)

    def check(self) -> None:
        """Demand that everything is within its bounds now."""
        tables = self.database.tables
        entities = sum(
            len(tables.of(kind).rows) for kind in (Order, Withdrawal, User, Wallet, ChainOperation)
        )
        for name, depth, capacity in _mailboxes(self.machine.supervisor.tree()):
            self._bounded(f"mailboxes of {name.partition('/')[0]}", depth, capacity)
        living = len(tables.of(Order).rows) + len(tables.of(Withdrawal).rows)
        living += 2 * len(tables.of(User).rows)
        tasks = sum(1 for _ in _tasks(self.task))
        # An actor whose creation was refused lives on until it falls asleep: one task, no children.
        active = sum(node.active for node in _nodes(self.machine.supervisor.tree()))
        self._bounded("tasks", tasks, active + _TASKS_OF_A_PROCESS + _TASKS_OF_AN_ENTITY * living)
        for name, board in _boards(self.machine):
            self._bounded(f"entries of {name}", board.entries, entities)
        accounts = len({each.source for each in tables.of(ChainOperation).rows.values()})
        allowed = _CALLS_OF_A_PROCESS + _CALLS_OF_AN_ACCOUNT * accounts
        self._bounded("calls a minute", self.calls_of_the_last_minute, allowed)
        self._bounded(
            "builds a minute",
            _of_the_last_minute(self._builds),
            _BUILDS_OF_AN_ORDER * max(1, len(tables.of(Order).rows)),
        )

    def _bounded(self, name: str, used: int, allowed: int) -> None:
        self.peaks[name] = max(self.peaks[name], used)
        if used > allowed:
            most = Counter(each.name.partition("/")[0] for each in _tasks(self.task))
            self.history.violated(
                f"{name}: {used}, where {allowed} are allowed; tasks: {most.most_common(8)}"
            )


def _of_the_last_minute(moments: deque[float]) -> int:
    since = trio.current_time() - 60.0
    while moments and moments[0] < since:
        moments.popleft()
    return len(moments)


def _mailboxes(node: Node) -> Iterator[tuple[str, int, int]]:
    """Every line of the tree: its name, the depth of its mailboxes, what they may hold."""
    if node.mailbox is not None:
        yield node.name, node.mailbox.depth, node.mailbox.capacity
    for child in node.children:
        yield from _mailboxes(child)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _boards(machine: Machine) -> Iterator[tuple[str, Board[Any]]]:
    system = machine.system
    yield "order_board", system.order_board
    yield "withdrawal_board", system.withdrawal_board
    yield "balance_board", system.balance_board


def _tasks(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _tasks(child)
