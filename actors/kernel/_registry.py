"""One actor an id: activated on first use, repaired alone, asleep when idle."""

import contextvars
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

import trio

from actors.kernel._actor import Actor, M
from actors.kernel._address import Address
from actors.kernel._cell import Cell
from actors.kernel._failure import (
    DEFAULT_BACKOFF,
    ActorCrashed,
    Backoff,
    OnCrash,
    described,
    note_crash,
    ungrouped,
)
from actors.kernel._views import MailboxStatistics, Node, State

K = TypeVar("K", bound=Hashable)


class Registry(Generic[K, M]):
    """One actor an id, activated on first use, restarted when it crashes, asleep when idle.

    Messages and wake-ups that come before `run` wait for it.

    Args:
        factory: builds the actor of an id; it loads itself from storage in `start`.
        random: numbers in [0, 1), for the jitter of restarts.
        on_crash: called with every crash, with the name `registry/id`.
        idle_s: an actor that had nothing to do for this long (at most twice) is put to sleep.
        crashes_max: crashes within `period_s` that are borne; one more quarantines the actor for
            `cool_down_s`: its askers get `ActorCrashed` at once, its wake-ups are kept.
    """

    def __init__(  # noqa: PLR0913 (each is a choice of who wires the tree)
        self,
        name: str,
        factory: Callable[[K], Actor[M]],
        *,
        random: Callable[[], float],
        on_crash: OnCrash,
        idle_s: float = 60.0,
        capacity: int = 64,
        backoff: Backoff = DEFAULT_BACKOFF,
        crashes_max: int = 5,
        period_s: float = 60.0,
        cool_down_s: float = 30.0,
    ) -> None:
        self.name = name
        self._factory = factory
        self._random = random
        self._on_crash = on_crash
        self._idle_s = idle_s
        self._capacity = capacity
        self._backoff = backoff
        self._crashes_max = crashes_max
        self._period_s = period_s
        self._cool_down_s = cool_down_s
        self._state = State.WAITING
        self._stopping = trio.Event()
        self._cells: dict[K, Cell[M]] = {}
        self._nursery: trio.Nursery | None = None
        self._context = contextvars.copy_context()
        self._restarts = 0
        self._last_error: str | None = None

    def address(self, key: K) -> Address[M]:
        """The address of an id's actor; costs nothing until it is used."""
        return _EntryAddress(self, key)

    def wake(self, id: K, key: Hashable) -> None:
        """Wakes an id's actor, activating it if it sleeps."""
        self.activate(id).wake(key)

    def entry_name(self, key: K) -> str:
        """The name of an id's actor."""
        return f"{self.name}/{key}"

    def statistics_of(self, key: K) -> MailboxStatistics:
        """An id's mailbox now, empty if the actor sleeps."""
        cell = self._cells.get(key)
        if cell is None:
            return MailboxStatistics(State.WAITING, capacity=self._capacity)
        return cell.statistics()

    def statistics(self) -> MailboxStatistics:
        """The mailboxes of all active actors now, added up."""
        each = [cell.statistics() for cell in self._cells.values()]
        return MailboxStatistics(
            self._state,
            depth=sum(one.depth for one in each),
            capacity=sum(one.capacity for one in each),
            wakes=sum(one.wakes for one in each),
            tasks=sum(one.tasks for one in each),
            handled=sum(one.handled for one in each),
        )

    def activate(self, key: K) -> Cell[M]:
        """The cell of an id, with its actor started soon if it sleeps."""
        cell = self._cells.get(key)
        if cell is None:
            cell = Cell(
                self.entry_name(key),
                lambda: self._factory(key),
                capacity=self._capacity,
                kind=self.name,
            )
            if self._state is State.STOPPED:
                cell.close()
                return cell
            self._cells[key] = cell
            self._launch(key, cell)
        return cell

    def _launch(self, key: K, cell: Cell[M]) -> None:
        # In the registry's own context: an actor must not inherit the context variables (the
        # request's id, say) of whoever happened to be the first to use it.
        if self._nursery is not None:
            start = partial(self._nursery.start_soon, name=cell.name)
            self._context.run(start, self._keep, key, cell)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs the actors until a stop is requested and all of them have ended."""
        self._context = contextvars.copy_context()
        self._state = State.RUNNING
        try:
            with ungrouped():
                async with trio.open_nursery() as nursery, trio.open_nursery() as sweeping:
                    self._nursery = nursery
                    for key, cell in self._cells.items():
                        self._launch(key, cell)
                    sweeping.start_soon(self._sweep)
                    task_status.started()
                    try:
                        await self._stopping.wait()
                    finally:
                        # Also when cancelled: a nursery that is about to close takes no actor.
                        self._state = State.STOPPED
                    for cell in self._cells.values():
                        cell.request_stop()
                    sweeping.cancel_scope.cancel()
        finally:
            self._nursery = None
            self.close()

    def request_stop(self) -> None:
        """Asks every actor to stop after the message at hand; does not wait."""
        self._stopping.set()

    def close(self) -> None:
        """Stops for good, until a next `run`: what waits and what comes gets `ActorStopped`."""
        self._state = State.STOPPED
        self._stopping = trio.Event()
        for cell in self._cells.values():
            cell.close()
        self._cells.clear()

    async def _keep(self, key: K, cell: Cell[M]) -> None:
        try:
            while not cell.stopping.is_set():
                try:
                    await cell.run()
                except Exception as error:  # noqa: BLE001 (a crash of any kind is reported and repaired)
                    await self._after_crash(cell, error)
                else:
                    # No await between this look and the removal: a message that came while the
                    # actor fell asleep is served by a new object.
                    if cell.empty():
                        return
        finally:
            cell.close()
            del self._cells[key]

    async def _after_crash(self, cell: Cell[M], error: Exception) -> None:
        self._restarts += 1
        cell.restarts += 1
        self._last_error = cell.last_error = described(error)
        note_crash(cell.crashes, trio.current_time(), self._period_s)
        self._on_crash(cell.name, error)
        delay_s = self._backoff.delay_s(len(cell.crashes), self._random)
        if len(cell.crashes) > self._crashes_max:
            delay_s = self._cool_down_s
            cell.crashes.clear()
            cell.state = State.QUARANTINED
            cell.refuse_waiting(ActorCrashed)
        with trio.move_on_after(delay_s):
            await cell.stopping.wait()

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(self._idle_s)
            oldest = trio.current_time() - self._period_s
            for cell in self._cells.values():
                # An actor that crashed of late stays awake, or its crashes would be forgotten.
                if not cell.crashes or cell.crashes[-1] < oldest:
                    cell.request_sleep_if_idle()

    def tree(self) -> Node:
        """The registry now; its children are only those that are in trouble."""
        troubled = (State.RESTARTING, State.QUARANTINED)
        return Node(
            self.name,
            self._state,
            mailbox=self.statistics(),
            restarts=self._restarts,
            last_error=self._last_error,
            active=len(self._cells),
            children=tuple(cell.tree() for cell in self._cells.values() if cell.state in troubled),
        )


class _EntryAddress(Address[M], Generic[K, M]):
    """An address of a registry's actor: activates it on use."""

    def __init__(self, registry: "Registry[K, M]", key: K) -> None:
        self._registry = registry
        self._key = key

    def _find(self) -> Cell[M]:
        return self._registry.activate(self._key)

    @property
    def name(self) -> str:
        """The actor's name, for logs."""
        return self._registry.entry_name(self._key)

    def statistics(self) -> MailboxStatistics:
        """The mailbox now; asking does not activate the actor."""
        return self._registry.statistics_of(self._key)
