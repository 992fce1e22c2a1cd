"""An actor: state, its one writer, and the child tasks beside it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar, TypeVarTuple

import trio

from actors.kernel._address import Address

M = TypeVar("M")
Ts = TypeVarTuple("Ts")


class Later:
    """An answer that a child task brings, while the actor goes on to its next message.

    Returned by `handle`. A refusal out of the task goes to the asker, anything else is a crash.
    """

    def __init__(self, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        self.bring: Callable[[], Awaitable[object]] = partial(async_fn, *args)


class Actor(ABC, Generic[M]):
    """State and its one writer. A restarted actor is a new object from the factory.

    Its parameter is the union of the messages that it takes; `Never` for one that is only woken.

    A `Refusal` out of `handle` goes to the asker and the actor lives. Anything else, out of any
    method or child task, crashes the actor; so does a refusal that has no asker (of a `tell`).
    """

    self_address: Address[M]
    _nursery: trio.Nursery | None = None
    _children: int = 0

    async def start(self) -> None:
        """Loads the state from storage, before the first message."""

    @abstractmethod
    async def handle(self, message: M) -> object:
        """Answers one message, or says that a child task will (`Later`).

        Never runs beside itself or `woken`.
        """

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Runs between messages after wake-ups; the keys of a crashed run are delivered again."""
        raise NotImplementedError(f"{type(self).__name__} does not expect wake-ups")

    async def stop(self) -> None:
        """Runs after the last message, child tasks still running; not after a crash or a cancel."""

    def busy(self) -> bool:
        """Whether an idle actor must stay awake; unless overridden, while a child task runs."""
        return self._children > 0

    @property
    def child_tasks(self) -> int:
        """How many child tasks run beside `handle`."""
        return self._children

    def spawn(self, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Starts a child task beside `handle`: its crash is the actor's, it is cancelled at stop."""
        if self._nursery is None:
            raise RuntimeError("an actor spawns child tasks from start() on, not before")
        self._children += 1
        self._nursery.start_soon(self._child, async_fn, args)

    async def _child(self, async_fn: Callable[[*Ts], Awaitable[object]], args: tuple[*Ts]) -> None:
        try:
            await async_fn(*args)
        finally:
            self._children -= 1
