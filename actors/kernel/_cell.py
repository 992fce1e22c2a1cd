"""A cell: an actor's mailbox and wake-ups, and one life of the actor after the other."""

from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeAlias, TypeVar

import outcome
import trio

from actors.kernel._actor import Actor, Later
from actors.kernel._address import Address, Reply
from actors.kernel._asks import as_asker
from actors.kernel._failure import ActorCrashed, ActorStopped, Refusal, lone, ungrouped
from actors.kernel._views import MailboxStatistics, Node, State

M = TypeVar("M")

Letter: TypeAlias = tuple[M, Reply | None]


class Cell(Generic[M]):
    """One actor's place: its mailbox and wake-ups, which outlive the object, and the lives in it.

    A supervisor runs a cell as a child; `run` is one life, from the factory to the stop.

    Args:
        capacity: messages that wait at most; a full mailbox pushes back on the sender.
        kind: what stands for it where asks are watched; the registry's name, for one of many.
    """

    def __init__(
        self,
        name: str,
        factory: Callable[[], Actor[M]],
        *,
        capacity: int = 64,
        kind: str | None = None,
    ) -> None:
        self.name = name
        self.kind = kind or name
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
        self._living: Actor[M] | None = None
        self._at_hand: Reply | None = None
        self._closed = False
        self._sender, self._receiver = trio.open_memory_channel[Letter[M] | None](capacity)

    @property
    def address(self) -> Address[M]:
        """Where the actor is reached, before, between and during its lives."""
        return Address(self)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Lives one life; returns when stopped or asleep, raises what crashed it, never a group."""
        if self._closed:
            self._sender, self._receiver = trio.open_memory_channel(self._capacity)
            self._closed = self._poked = False
            self.stopping = trio.Event()
        self.state = State.STARTING
        as_asker(self.kind)
        unanswered: type[ActorCrashed | ActorStopped] = ActorStopped
        try:
            with ungrouped():
                await self._live(task_status)
        except Exception:
            self.state = State.RESTARTING
            unanswered = ActorCrashed
            raise
        finally:
            self._living = None
            self._answer(outcome.Error(unanswered(self.name)))

    async def _live(self, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            actor = self._living = self._factory()
            actor.self_address = self.address
            actor._nursery = nursery  # noqa: SLF001 (the kernel's own, not for subclasses)
            await actor.start()
            self.state = State.RUNNING
            task_status.started()
            await self._serve(actor)
            await actor.stop()
            nursery.cancel_scope.cancel()

    async def _serve(self, actor: Actor[M]) -> None:
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
            except (Exception, BaseExceptionGroup) as error:
                refusal = lone(error)
                if self._at_hand is None or not isinstance(refusal, Refusal):
                    raise
                self._answer(outcome.Error(refusal))
            else:
                if isinstance(answer, Later):
                    reply, self._at_hand = self._at_hand, None
                    actor.spawn(self._answer_later, answer, reply)
                else:
                    self._answer(outcome.Value(answer))
            # Counted at the end: a sweep during a long message is no evidence of idleness.
            self._handled += 1

    def _answer(self, answer: outcome.Outcome[object]) -> None:
        if self._at_hand is not None:
            self._at_hand.settle(answer)
            self._at_hand = None

    async def _answer_later(self, later: Later, reply: Reply | None) -> None:
        answer: outcome.Outcome[object] = outcome.Error(ActorCrashed(self.name))
        try:
            answer = outcome.Value(await later.bring())
        except trio.Cancelled:
            if self.stopping.is_set():
                answer = outcome.Error(ActorStopped(self.name))
            raise
        except (Exception, BaseExceptionGroup) as error:
            refusal = lone(error)
            if reply is None or not isinstance(refusal, Refusal):
                raise
            answer = outcome.Error(refusal)
        finally:
            if reply is not None:
                reply.settle(answer)

    async def _deliver_wakes(self, actor: Actor[M]) -> None:
        keys, self._wakes = self._wakes, {}
        delivered = False
        try:
            await actor.woken(frozenset(keys))
            delivered = True
        finally:
            if not delivered:
                self._wakes = keys | self._wakes
        self._handled += 1

    async def put(self, letter: Letter[M]) -> None:
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
        tasks = 0 if self._living is None else self._living.child_tasks
        return MailboxStatistics(
            self.state, self.depth(), self._capacity, len(self._wakes), tasks, self._handled
        )

    def tree(self) -> Node:
        """The actor now, as a line of the tree."""
        return Node(
            self.name,
            self.state,
            mailbox=self.statistics(),
            restarts=self.restarts,
            last_error=self.last_error,
        )

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
