"""Supervision: children started in order, restarted when they crash, stopped in reverse.

A child that crashes is started again after a pause that grows; more than `restarts_max` restarts
within `period_s`, counted over all children, and the supervisor gives up: it stops its children
and raises `TooManyRestarts`, which its own supervisor treats as a crash. Burst and rate multiply
up the tree.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, Protocol

import trio
from attrs import evolve, frozen

from actors.kernel._asks import AskGraph, watching
from actors.kernel._failure import (
    DEFAULT_BACKOFF,
    Backoff,
    OnCrash,
    described,
    note_crash,
    ungrouped,
)
from actors.kernel._views import Node, State


class Restart(Enum):
    """When a child that ended is started again."""

    PERMANENT = "always: a permanent child that returns has crashed"
    TRANSIENT = "after a crash"
    TEMPORARY = "never"


class Supervised(Protocol):
    """What a child must have; `Cell`, `Registry`, `Service` and `Supervisor` do."""

    @property
    def name(self) -> str:
        """The name in the tree."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Lives one life; calls `task_status.started()` when initialised."""

    def request_stop(self) -> None:
        """Asks the running life to end; does not wait."""

    def close(self) -> None:
        """Called when no further life will come."""

    def tree(self) -> Node:
        """The child as it sees itself; the supervisor adds state, restarts and the last error."""


class ServiceFn(Protocol):
    """A plain service: `async def run(*, task_status)`."""

    def __call__(self, *, task_status: Any) -> Awaitable[object]:  # a status of any value
        """Runs until done, stopped or cancelled."""


class Service:
    """A plain service as a child.

    Args:
        request_stop: asks it to end; without one, a stop cancels it.
    """

    def __init__(
        self, name: str, run: ServiceFn, *, request_stop: Callable[[], None] | None = None
    ) -> None:
        self.name = name
        self._run = run
        self._request_stop = request_stop
        self._scope = trio.CancelScope()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Lives one life."""
        with trio.CancelScope() as self._scope:
            await self._run(task_status=task_status)

    def request_stop(self) -> None:
        """Asks it to end, or cancels it."""
        if self._request_stop is None:
            self._scope.cancel()
        else:
            self._request_stop()

    def close(self) -> None:
        """Nothing waits at a service."""

    def tree(self) -> Node:
        """A line of the tree."""
        return Node(self.name, State.RUNNING)


@frozen
class ChildSpec:
    """How a child is kept.

    Args:
        stop_s: seconds that it has to stop by itself before it is cancelled; a nested supervisor
            needs those of its children together.
    """

    child: Supervised
    restart: Restart = Restart.PERMANENT
    stop_s: float = 5.0


class TooManyRestarts(Exception):
    """A supervisor gave up: its child crashed once more than it bears. The crash is the cause."""

    def __init__(self, supervisor: str, child: str, crash: str) -> None:
        super().__init__(f"{supervisor} gave up on {child}: {crash}")
        self.supervisor = supervisor
        self.child = child


class EndedUnexpectedly(Exception):
    """A permanent child returned although nobody asked it to stop."""

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} returned without being asked to stop")


class _Kept:
    """A child under its supervisor; also the task status that its lives report to."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.state = State.WAITING
        self.restarts = 0
        self.last_error: str | None = None
        self.ready = trio.Event()
        self.stopping = trio.Event()
        self.done = trio.Event()
        self.scope = trio.CancelScope()

    def started(self, _value: object = None) -> None:
        """The life is initialised: the next child may start."""
        self.state = State.RUNNING
        self.ready.set()

    def node(self) -> Node:
        own = self.spec.child.tree()
        return evolve(
            own,
            state=self.state,
            restarts=self.restarts + own.restarts,
            last_error=self.last_error or own.last_error,
        )


class Supervisor:
    """Keeps children alive, one for one; itself a child of another supervisor, or the root.

    Args:
        random: numbers in [0, 1), for the jitter of restarts.
        on_crash: called with every crash of a direct child.
        restarts_max: restarts within `period_s` that are borne, over all children.
        asks: notes who asks whom among all actors below, and refuses a circle; for development
            and tests.
    """

    def __init__(
        self,
        name: str,
        specs: Sequence[ChildSpec],
        *,
        random: Callable[[], float],
        on_crash: OnCrash,
        restarts_max: int = 5,
        period_s: float = 60.0,
        backoff: Backoff = DEFAULT_BACKOFF,
        asks: AskGraph | None = None,
    ) -> None:
        self.name = name
        self._asks = asks
        self._specs = tuple(specs)
        self._random = random
        self._on_crash = on_crash
        self._restarts_max = restarts_max
        self._period_s = period_s
        self._backoff = backoff
        self._state = State.WAITING
        self._stopping = trio.Event()
        self._children = [_Kept(spec) for spec in self._specs]
        self._crashes: deque[float] = deque()
        self._given_up: TooManyRestarts | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Starts the children, keeps them until a stop is requested, and stops them.

        Cancelled, it cancels the children one after the other, the last started first: what a
        child uses outlives it. `task_status` is called when every child is up; a stop that comes
        before makes it return without.

        Raises:
            TooManyRestarts: a child crashed too often; all children are stopped.
        """
        self._children = [_Kept(spec) for spec in self._specs]
        self._crashes.clear()
        self._given_up = None
        self._state = State.STARTING
        try:
            with ungrouped(), watching(self._asks):
                async with trio.open_nursery() as nursery:
                    await self._run_children(nursery, task_status)
        finally:
            self._state = State.STOPPED
            self.close()
        if self._given_up is not None:
            raise self._given_up

    async def _run_children(
        self, nursery: trio.Nursery, task_status: trio.TaskStatus[None]
    ) -> None:
        launched: list[_Kept] = []
        patient = False
        try:
            for child in self._children:
                if not self._stopping.is_set():
                    launched.append(child)
                    nursery.start_soon(self._keep, child)
                    await child.ready.wait()
            if not self._stopping.is_set():
                self._state = State.RUNNING
                task_status.started()
                await self._stopping.wait()
            patient = True
        finally:
            # Shielded so that children end in order even when we are cancelled. The deadline of
            # this shield is each child's own: `stop_s`, then a cancel.
            with trio.CancelScope(shield=True):
                for child in reversed(launched):
                    await self._stop(child, child.spec.stop_s if patient else 0.0)

    async def _stop(self, child: _Kept, patience_s: float) -> None:
        child.stopping.set()
        if patience_s > 0:
            child.spec.child.request_stop()
            with trio.move_on_after(patience_s):
                await child.done.wait()
                return
        child.scope.cancel()
        await child.done.wait()

    async def _keep(self, child: _Kept) -> None:
        try:
            while not child.stopping.is_set():
                error = await self._live(child)
                if child.stopping.is_set():
                    return
                permanent = child.spec.restart is Restart.PERMANENT
                if error is None and permanent:
                    error = EndedUnexpectedly(child.spec.child.name)
                    self._told(child, error)
                if error is None or child.spec.restart is Restart.TEMPORARY:
                    return
                note_crash(self._crashes, trio.current_time(), self._period_s)
                if len(self._crashes) > self._restarts_max:
                    self._give_up(child, error)
                    return
                child.restarts += 1
                child.state = State.RESTARTING
                with trio.move_on_after(self._backoff.delay_s(len(self._crashes), self._random)):
                    await child.stopping.wait()
        finally:
            child.state = State.STOPPED
            child.spec.child.close()
            child.ready.set()
            child.done.set()

    async def _live(self, child: _Kept) -> Exception | None:
        child.state = State.STARTING
        try:
            with trio.CancelScope(shield=True) as child.scope, ungrouped():
                await child.spec.child.run(task_status=child)
        except Exception as error:  # noqa: BLE001 (a crash of any kind is reported and repaired)
            self._told(child, error)
            return error
        return None

    def _told(self, child: _Kept, error: Exception) -> None:
        child.last_error = described(error)
        self._on_crash(child.spec.child.name, error)

    def _give_up(self, child: _Kept, error: Exception) -> None:
        if self._given_up is None:
            self._given_up = TooManyRestarts(self.name, child.spec.child.name, described(error))
            self._given_up.__cause__ = error
        self.request_stop()

    def request_stop(self) -> None:
        """Asks for an ordered stop, also in the middle of the start; does not wait."""
        self._stopping.set()
        for child in self._children:
            child.ready.set()

    def close(self) -> None:
        """Tells the children that no further life will come."""
        self._stopping = trio.Event()
        for spec in self._specs:
            spec.child.close()

    def tree(self) -> Node:
        """The tree from here down, as a snapshot."""
        return Node(
            self.name, self._state, children=tuple(child.node() for child in self._children)
        )
