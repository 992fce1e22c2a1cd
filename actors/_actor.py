"""An actor and its mailbox: ask, tell, wake, and one life after the other."""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeAlias, TypeVar, TypeVarTuple, cast

import outcome
import trio

from actors._failure import ActorCrashed, ActorStopped, AskTimeout, lone, ungrouped
from actors._views import MailboxStatistics, Node, State
from offerhub.domain.errors import DomainError

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Ts = TypeVarTuple("Ts")


class Message(Generic[R_co]):
    """The base of messages; its parameter is the type of the answer to `Address.ask`."""

    __slots__ = ()


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


class Address:
    """Where an actor is reached; valid across its restarts and its sleep."""

    def __init__(self, cell: "Cell") -> None:
        self._cell = cell

    def _find(self) -> "Cell":
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
                # Then a message, if one waits: an actor that wakes itself starves nobody.
                await self._deliver_wakes(actor)
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
