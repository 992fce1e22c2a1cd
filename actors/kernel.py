"""Actors: an object that owns state, a bounded mailbox before it, and ask, tell and wake.

An actor handles one message at a time. Its mailbox outlives it: when an actor crashes, the
message at hand is answered with `ActorCrashed`, the waiting ones are kept, and a new object,
built from storage, serves them. What a crash was goes to whoever runs the actor: a supervisor
(`actors/supervisor.py`) or the registry that activates one actor an id.
"""

import contextvars
import math
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeAlias, TypeVar, TypeVarTuple, cast

import outcome
import trio
from attrs import frozen

from offerhub.domain.errors import DomainError

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
K = TypeVar("K", bound=Hashable)
Ts = TypeVarTuple("Ts")

OnCrash: TypeAlias = Callable[[str, Exception], None]
"""Told every crash: the actor's name and the error; for logs and metrics, must not raise."""


class Message(Generic[R_co]):
    """The base of messages; its parameter is the type of the answer to `Address.ask`."""

    __slots__ = ()


class ActorError(Exception):
    """The base of what an asker gets when the actor itself could not answer."""

    def __init__(self, actor: str, fact: str) -> None:
        super().__init__(f"{actor} {fact}")
        self.actor = actor


class ActorCrashed(ActorError):
    """The actor crashed on this message, or is quarantined; the outcome is unknown: look it up."""

    def __init__(self, actor: str) -> None:
        super().__init__(actor, "crashed")


class ActorStopped(ActorError):
    """The actor is stopped. A message that had waited in its mailbox has had no effect."""

    def __init__(self, actor: str) -> None:
        super().__init__(actor, "is stopped")


class AskTimeout(ActorError):
    """No answer in time; the message may still be handled: the outcome is unknown."""

    def __init__(self, actor: str, timeout_s: float) -> None:
        super().__init__(actor, f"did not answer within {timeout_s} s")
        self.timeout_s = timeout_s


class State(Enum):
    """Where an actor or a supervisor's child is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    QUARANTINED = "quarantined"
    STOPPED = "stopped"


@frozen
class MailboxStatistics:
    """A mailbox at one instant; `depth` counts waiting messages, those of blocked senders too."""

    state: State
    depth: int
    capacity: int
    handled: int


@frozen
class Node:
    """One line of the tree: a snapshot of an actor, registry, service or supervisor."""

    name: str
    state: State
    mailbox_depth: int = 0
    restarts: int = 0
    last_error: str | None = None
    active: int = 0
    children: tuple["Node", ...] = ()


@frozen
class Backoff:
    """Pauses between restarts: doubling from `first_s` to `limit_s`, with jitter of ±50 %."""

    first_s: float = 0.1
    limit_s: float = 30.0

    def delay_s(self, crashes: int, random: Callable[[], float]) -> float:
        """The pause after the `crashes`-th crash in a row; `random` gives numbers in [0, 1)."""
        doubled = self.first_s * 2.0 ** min(crashes - 1, 32)
        return min(self.limit_s, doubled) * (0.5 + random())


DEFAULT_BACKOFF = Backoff()

_SECRET = re.compile(r"(?<=://)[^/@\s]+(?=@)|[A-Za-z0-9+/_=-]{32,}")


def described(error: BaseException) -> str:
    """Names an error for people: type and message, without anything like a key or password."""
    return _SECRET.sub("[redacted]", f"{type(error).__name__}: {error}"[:400])


def lone(error: BaseException) -> BaseException:
    """The one exception that a nursery's group is about, the others left on it as notes.

    An error goes before `Cancelled`: cancellation is level-triggered, so that Trio raises it
    again at the next checkpoint; an error would be lost. What is not an `Exception`
    (KeyboardInterrupt) goes before a crash, a crash before a refusal.
    """
    leaves = _leaves(error)
    errors = [leaf for leaf in leaves if not isinstance(leaf, trio.Cancelled)]
    if not errors:
        return leaves[0]
    errors.sort(key=lambda e: (isinstance(e, Exception), isinstance(e, DomainError)))
    for other in errors[1:]:
        errors[0].add_note(f"beside it: {described(other)}")
    return errors[0]


@contextmanager
def ungrouped() -> Iterator[None]:
    """The edge of a nursery: a group that reaches it goes on as its `lone` exception."""
    try:
        yield
    except BaseExceptionGroup as group:
        failure = lone(group)
        context = failure.__context__
        try:
            raise failure
        finally:
            failure.__context__ = context  # not the group, which has the failure in it


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


class _Reply:
    """A one-shot answer: settled once by the kernel, waited for by at most one asker."""

    __slots__ = ("_outcome", "_task")

    def __init__(self) -> None:
        self._outcome: outcome.Outcome[object] | None = None
        self._task: trio.lowlevel.Task | None = None

    def settle(self, answer: outcome.Outcome[object]) -> None:
        """Answers; a second answer, or one whose asker has gone, is dropped."""
        if self._outcome is None:
            self._outcome = answer
            if self._task is not None:
                trio.lowlevel.reschedule(self._task, answer)
                self._task = None

    async def wait(self) -> object:
        if self._outcome is not None:
            await trio.lowlevel.checkpoint()
            return self._outcome.unwrap()
        self._task = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


_Letter: TypeAlias = tuple[Message[object], _Reply | None]


class Actor(ABC):
    """State and its one writer. A restarted actor is a new object from the factory.

    `DomainError` out of `handle` goes to the asker and the actor lives. Anything else, out of any
    method or child task, crashes the actor; so does a refusal that has no asker (of a `tell`).
    """

    self_address: "Address"
    _nursery: trio.Nursery | None = None
    _children: int = 0

    async def start(self) -> None:  # noqa: B027 (nothing to load is a valid start)
        """Loads the state from storage, before the first message."""

    @abstractmethod
    async def handle(self, message: Message[object]) -> object:
        """Answers one message; never runs beside itself or `woken`."""

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Runs between messages after wake-ups; the keys of a crashed run are delivered again."""
        raise NotImplementedError(f"{type(self).__name__} does not expect wake-ups")

    async def stop(self) -> None:  # noqa: B027 (nothing to put away is a valid stop)
        """Runs after the last message, child tasks still running; not after a crash or a cancel."""

    def busy(self) -> bool:
        """Whether an idle actor must stay awake; unless overridden, while a child task runs."""
        return self._children > 0

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


class Cell:
    """One actor's place: its mailbox and wake-ups, which outlive the object, and the lives in it.

    A supervisor runs a cell as a child; `run` is one life, from the factory to the stop.

    Args:
        capacity: messages that wait at most; a full mailbox pushes back on the sender.
    """

    def __init__(self, name: str, factory: Callable[[], Actor], *, capacity: int = 64) -> None:
        self.name = name
        self.state = State.WAITING
        self.stopping = trio.Event()
        self.crashes: deque[float] = deque()
        self.last_error: str | None = None
        self.restarts = 0
        self._factory = factory
        self._capacity = capacity
        self._wakes: dict[Hashable, None] = {}
        self._poked = False
        self._handled = 0
        self._handled_at_sweep = -1
        self._at_hand: _Reply | None = None
        self._closed = False
        self._sender, self._receiver = trio.open_memory_channel[_Letter | None](capacity)

    @property
    def address(self) -> "Address":
        """Where the actor is reached, before, between and during its lives."""
        return Address(self)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Lives one life; returns when stopped or asleep, raises what crashed it, never a group."""
        if self._closed:
            self._sender, self._receiver = trio.open_memory_channel(self._capacity)
            self._closed = self._poked = False
            self.stopping = trio.Event()
        self.state = State.STARTING
        unanswered: type[ActorCrashed | ActorStopped] = ActorStopped
        try:
            with ungrouped():
                await self._live(task_status)
        except Exception:
            self.state = State.RESTARTING
            unanswered = ActorCrashed
            raise
        finally:
            self._answer(outcome.Error(unanswered(self.name)))

    async def _live(self, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            actor = self._factory()
            actor.self_address = self.address
            actor._nursery = nursery  # noqa: SLF001 (same module, not for subclasses)
            await actor.start()
            self.state = State.RUNNING
            task_status.started()
            await self._serve(actor)
            await actor.stop()
            nursery.cancel_scope.cancel()

    async def _serve(self, actor: Actor) -> None:
        while not self.stopping.is_set():
            if self._wakes:
                await self._deliver_wakes(actor)
                continue
            letter = await self._receiver.receive()
            if letter is None:
                self._poked = False
                if self._idle_since_sweep() and not actor.busy():
                    return
                continue
            message, self._at_hand = letter
            try:
                answer = await actor.handle(message)
            except (DomainError, BaseExceptionGroup) as error:
                refusal = lone(error)
                if self._at_hand is None or not isinstance(refusal, DomainError):
                    raise
                self._answer(outcome.Error(refusal))
            else:
                self._answer(outcome.Value(answer))
            # Counted at the end: a sweep during a long message is no evidence of idleness.
            self._handled += 1

    def _answer(self, answer: outcome.Outcome[object]) -> None:
        if self._at_hand is not None:
            self._at_hand.settle(answer)
            self._at_hand = None

    async def _deliver_wakes(self, actor: Actor) -> None:
        keys, self._wakes = self._wakes, {}
        delivered = False
        try:
            await actor.woken(frozenset(keys))
            delivered = True
        finally:
            if not delivered:
                self._wakes = keys | self._wakes
        self._handled += 1

    async def put(self, letter: _Letter) -> None:
        """Waits for room and posts a letter; cancelled, nothing was posted."""
        if self.state is State.QUARANTINED:
            raise ActorCrashed(self.name)
        try:
            self._sender.send_nowait(letter)
        except trio.WouldBlock:
            try:
                await self._sender.send(letter)
            except trio.BrokenResourceError:
                raise ActorStopped(self.name) from None
        except trio.BrokenResourceError:
            raise ActorStopped(self.name) from None

    def wake(self, key: Hashable) -> None:
        """Sets a wake-up; it stays set until a life of the actor has taken it."""
        self._wakes[key] = None
        self._poke()

    def request_stop(self) -> None:
        """Asks the actor to stop after the message at hand; does not wait."""
        self.stopping.set()
        self._poke()

    def request_sleep_if_idle(self) -> None:
        """One step of the registry's sweep: idle since the step before means asleep."""
        if self._idle_since_sweep():
            self._poke()
        self._handled_at_sweep = self._handled

    def _poke(self) -> None:
        # An empty letter makes an actor that waits for messages look around. A full mailbox needs
        # none: the actor looks around after each message. One is enough at any time.
        if not self._poked and not self._closed:
            try:
                self._sender.send_nowait(None)
                self._poked = True
            except trio.WouldBlock:
                pass

    def _idle_since_sweep(self) -> bool:
        return (
            self.state is State.RUNNING and self._handled == self._handled_at_sweep and self.empty()
        )

    def empty(self) -> bool:
        """Whether neither a message nor a wake-up waits."""
        return not self._wakes and self.depth() == 0

    def has_wakes(self) -> bool:
        """Whether a wake-up waits."""
        return bool(self._wakes)

    def depth(self) -> int:
        """Messages that wait, those of blocked senders included."""
        if self._closed:
            return 0
        waiting = self._receiver.statistics()
        return waiting.current_buffer_used + waiting.tasks_waiting_send - self._poked

    def statistics(self) -> MailboxStatistics:
        """The mailbox now."""
        return MailboxStatistics(self.state, self.depth(), self._capacity, self._handled)

    def tree(self) -> Node:
        """The actor now, as a line of the tree."""
        return Node(self.name, self.state, self.depth(), self.restarts, self.last_error)

    def refuse_waiting(self, error: type[ActorCrashed] | type[ActorStopped]) -> None:
        """Answers every waiting message, blocked senders' included, with an error."""
        while True:
            try:
                letter = self._receiver.receive_nowait()
            except trio.WouldBlock:
                break
            if letter is not None and letter[1] is not None:
                letter[1].settle(outcome.Error(error(self.name)))
        self._poked = False

    def close(self) -> None:
        """Stops for good, until a next `run`: what waits and what comes gets `ActorStopped`."""
        self.state = State.STOPPED
        if not self._closed:
            self.refuse_waiting(ActorStopped)
            self._receiver.close()
            self._closed = True


class Address:
    """Where an actor is reached; valid across its restarts and its sleep."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def _find(self) -> Cell:
        return self._cell

    @property
    def name(self) -> str:
        """The actor's name, for logs."""
        return self._cell.name

    async def ask(self, message: Message[R], timeout_s: float = 30.0) -> R:
        """Posts a message and returns the answer.

        Cancelled or timed out, the outcome is unknown: a posted message is handled to its end.

        Args:
            timeout_s: seconds; `math.inf` for an ask that runs under a deadline of its caller's
                (a scope of its own is a third of what an ask costs).

        Raises:
            DomainError: the actor refused.
            ActorCrashed: it crashed on this message (outcome unknown), or is quarantined.
            ActorStopped: it is stopped.
            AskTimeout: no answer within `timeout_s` seconds (outcome unknown).
        """
        if timeout_s == math.inf:
            return await self._ask(message)
        with trio.move_on_after(timeout_s):
            return await self._ask(message)
        raise AskTimeout(self.name, timeout_s)

    async def _ask(self, message: Message[R]) -> R:
        await trio.lowlevel.checkpoint_if_cancelled()
        reply = _Reply()
        await self._find().put((message, reply))
        return cast("R", await reply.wait())

    async def tell(self, message: Message[object]) -> None:
        """Posts a message, waiting for room in the mailbox; cancelled, nothing was posted.

        Raises:
            ActorCrashed: the actor is quarantined.
            ActorStopped: it is stopped.
        """
        await trio.lowlevel.checkpoint()
        await self._find().put((message, None))

    def wake(self, key: Hashable) -> None:
        """Sets a wake-up: never waits, never fails, coalesces with waiting ones of the same key."""
        self._find().wake(key)

    def statistics(self) -> MailboxStatistics:
        """The mailbox now."""
        return self._cell.statistics()


class _EntryAddress(Address, Generic[K]):
    """An address of a registry's actor: activates it on use."""

    def __init__(self, registry: "Registry[K]", key: K) -> None:
        self._registry = registry
        self._key = key

    def _find(self) -> Cell:
        return self._registry.activate(self._key)

    @property
    def name(self) -> str:
        """The actor's name, for logs."""
        return self._registry.entry_name(self._key)

    def statistics(self) -> MailboxStatistics:
        """The mailbox now; asking does not activate the actor."""
        return self._registry.statistics_of(self._key)


class Registry(Generic[K]):
    """One actor an id, activated on first use, restarted when it crashes, asleep when idle.

    Messages and wake-ups that come before `run` wait for it.

    Args:
        factory: builds the actor of an id; it loads itself from storage in `start`.
        random: numbers in [0, 1), for the jitter of restarts.
        on_crash: told every crash, with the name `registry/id`.
        idle_s: an actor that had nothing to do for this long (at most twice) is put to sleep.
        crashes_max: crashes within `period_s` that are borne; one more quarantines the actor for
            `cool_down_s`: its askers get `ActorCrashed` at once, its wake-ups are kept.
    """

    def __init__(  # noqa: PLR0913 (each is a choice of who wires the tree)
        self,
        name: str,
        factory: Callable[[K], Actor],
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
        self._cells: dict[K, Cell] = {}
        self._nursery: trio.Nursery | None = None
        self._context = contextvars.copy_context()
        self._restarts = 0
        self._last_error: str | None = None

    def address(self, key: K) -> Address:
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
            return MailboxStatistics(State.WAITING, 0, self._capacity, 0)
        return cell.statistics()

    def activate(self, key: K) -> Cell:
        """The cell of an id, with its actor started soon if it sleeps."""
        cell = self._cells.get(key)
        if cell is None:
            cell = Cell(self.entry_name(key), lambda: self._factory(key), capacity=self._capacity)
            if self._state is State.STOPPED:
                cell.close()
                return cell
            self._cells[key] = cell
            self._launch(key, cell)
        return cell

    def _launch(self, key: K, cell: Cell) -> None:
        # In the registry's own context: an actor must not inherit the context variables (the
        # request's id, say) of whoever happened to be the first to use it.
        if self._nursery is not None:
            self._context.run(self._nursery.start_soon, self._keep, key, cell)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Runs the actors until a stop is requested and all of them have ended."""
        self._stopping = trio.Event()
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
                    await self._stopping.wait()
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
        for cell in self._cells.values():
            cell.close()
        self._cells.clear()

    async def _keep(self, key: K, cell: Cell) -> None:
        try:
            while not cell.stopping.is_set():
                try:
                    await cell.run()
                except Exception as error:  # noqa: BLE001 (a crash of any kind is told and repaired)
                    await self._after_crash(cell, error)
                else:
                    # No await between this look and the removal: a message that came while the
                    # actor fell asleep is served by a new object.
                    if cell.empty():
                        return
        finally:
            cell.close()
            del self._cells[key]

    async def _after_crash(self, cell: Cell, error: Exception) -> None:
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
        cells = self._cells.values()
        return Node(
            self.name,
            self._state,
            sum(cell.depth() for cell in cells),
            self._restarts,
            self._last_error,
            len(cells),
            tuple(cell.tree() for cell in cells if cell.state in troubled),
        )


def note_crash(crashes: deque[float], now: float, period_s: float) -> None:
    """Adds a crash to those of the last `period_s` seconds and forgets older ones."""
    crashes.append(now)
    while crashes[0] < now - period_s:
        crashes.popleft()
