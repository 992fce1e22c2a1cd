"""The publisher: committed events to the subscribers of the stream, in order, without a gap.

The journal puts what it committed into the hub's inbox and goes on. The publisher, a service of the
tree, moves it on: into a ring of the newest events in memory, from where subscribers read at their
own pace, and into the buffer in Redis beside it. What the inbox does not have (another process
commits too, or we crashed between a commit and its delivery) is read from storage. The last delivered
sequence lives in the hub, so that a restarted publisher goes on where the crashed one ended.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
import structlog
import trio
from attrs import frozen

from actors.event_filter import EVERYTHING, EventFilter
from actors.kernel import described, ungrouped
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.unit_of_work import CommittedEvent
from storage.port import Storage, StorageUnavailable
from storage.redis import BufferedEvent

KEPT_MAX: Final = 4096
"""Events in memory: how far a subscriber may fall behind before it is closed; some megabytes."""

SUBSCRIBERS_MAX: Final = 10_000
"""Streams at once: each is a socket and a task, and is woken by every event."""

PAGE: Final = 200
"""Events that a subscription gives, and a replay reads, at once."""

LOOK_S: Final = 1.0
"""How long another process's events may go unnoticed while nothing is committed here."""

_READ_S: Final = 10.0
_AWAY_S: Final = 0.5
_GATHER_S: Final = 0.1
"""How long events gather for one push: the copy is for replays, and a replay can wait."""

_PUSH_S: Final = 5.0
# Redis keeps no more than its newest 1000 (docs/spec/domain.md §6): older ones need not wait for it.
_UNPUSHED_MAX: Final = 1000

_log = structlog.get_logger(__name__)


class EventBuffer(Protocol):
    """A quick copy of the newest events (`storage.redis.RedisBuffer`); best effort."""

    async def push_events(self, events: Sequence[BufferedEvent]) -> None: ...

    async def events_between(self, after: int, until: int) -> Sequence[BufferedEvent] | None:
        """The events `after` + 1 to `until`, all of them, or `None`."""
        ...


@frozen
class StreamEvent:
    """An event as subscribers get it; `body` is its one line of JSON."""

    sequence: int
    type: str
    aggregate_type: str
    body: str


@frozen
class HubStatistics:
    """The hub at one instant; `waiting` counts events that are committed and not delivered yet."""

    delivered: int
    waiting: int
    kept: int
    subscribers: int


class SubscriptionClosed(Exception):
    """The subscription was closed, or its reader fell too far behind (`too_slow`)."""

    def __init__(self, *, too_slow: bool) -> None:
        super().__init__(
            "the subscriber was too slow" if too_slow else "the subscription is closed"
        )
        self.too_slow = too_slow


class EventHub:
    """Where the journal puts committed events, and where subscribers take them.

    Args:
        buffer: asked for a replay before storage is; `None` in the simulation.
        kept_max: how many events the ring holds.
    """

    def __init__(
        self,
        storage: Storage,
        buffer: EventBuffer | None = None,
        *,
        kept_max: int = KEPT_MAX,
        subscribers_max: int = SUBSCRIBERS_MAX,
    ) -> None:
        self._storage = storage
        self._buffer = buffer
        # A full inbox forgets its oldest: that is a gap, and a gap is read from storage.
        self._inbox: deque[CommittedEvent] = deque(maxlen=kept_max)
        self._filled = trio.Event()
        self._ring: deque[StreamEvent] = deque(maxlen=kept_max)
        self._delivered: int | None = None
        self._news = trio.Event()
        self._subscriptions: set[Subscription] = set()
        self._subscribers_max = subscribers_max
        self._closed = False

    def publish(self, events: Sequence[CommittedEvent]) -> None:
        """Take events that were just committed; never waits."""
        if events:
            self._inbox.extend(events)
            self._filled.set()

    @property
    def last_told(self) -> int:
        """Sequence of the newest event that subscribers can have.

        Raises `DomainError` `SERVICE_UNAVAILABLE` until the publisher has started, and while
        subscriptions are closed.
        """
        if self._delivered is None or self._closed:
            raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, "the event stream has not started yet")
        return self._delivered

    def check_room(self) -> None:
        """Raise `SERVICE_UNAVAILABLE` where too many streams are open."""
        if len(self._subscriptions) >= self._subscribers_max:
            raise DomainError(
                ErrorCode.SERVICE_UNAVAILABLE, "too many event streams are open; close some of them"
            )

    def subscribe(
        self, after: int | None = None, filter: EventFilter = EVERYTHING
    ) -> "Subscription":
        """Everything after a sequence (`None`: after now) that fits, without a gap or a repeat.

        The caller closes it. Raises as `last_told` does, and `SERVICE_UNAVAILABLE` where too many
        are open.
        """
        last_told = self.last_told
        self.check_room()
        subscription = Subscription(self, last_told if after is None else after, filter)
        self._subscriptions.add(subscription)
        return subscription

    def open_subscriptions(self) -> None:
        """Take subscribers (again), as a hub does from the beginning."""
        self._closed = False

    def close_subscriptions(self) -> None:
        """End all subscriptions and refuse new ones; later events reach nobody."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()

    def statistics(self) -> HubStatistics:
        """The hub now."""
        return HubStatistics(
            self._delivered or 0, len(self._inbox), len(self._ring), len(self._subscriptions)
        )

    # What the publisher does with it.

    @property
    def delivered(self) -> int:
        """Sequence of the last delivered event, once it is known."""
        if self._delivered is None:
            msg = "the event hub has not started"
            raise InvariantViolated(msg)
        return self._delivered

    def begin(self, sequence: int) -> None:
        """Say once what was delivered before this process began."""
        if self._delivered is None:
            self._delivered = sequence

    async def wait_filled(self) -> None:
        """Return when the inbox has something."""
        await self._filled.wait()

    def deliver_inbox(self) -> tuple[list[CommittedEvent], bool]:
        """Deliver what the inbox has up to its first gap; what was delivered, and whether a gap is there."""
        ready: list[CommittedEvent] = []
        delivered = self.delivered
        while self._inbox and self._inbox[0].sequence <= delivered + 1:
            event = self._inbox.popleft()
            if event.sequence == delivered + 1:
                ready.append(event)
                delivered += 1
        if not self._inbox:
            self._filled = trio.Event()
        self.deliver(ready)
        return ready, bool(self._inbox)

    def deliver(self, events: Sequence[CommittedEvent]) -> None:
        """Show events to the subscribers: the next ones, none left out."""
        if not events:
            return
        delivered = self.delivered
        for event in events:
            if event.sequence != delivered + 1:
                msg = f"event {event.sequence} was to be delivered after {delivered}"
                raise InvariantViolated(msg)
            delivered += 1
        self._ring.extend(
            StreamEvent(event.sequence, event.type, event.aggregate_type, event.body)
            for event in events
        )
        self._delivered = delivered
        self._news.set()
        self._news = trio.Event()

    # What subscriptions do with it.

    def kept_after(self, sequence: int) -> list[StreamEvent] | None:
        """A page of the ring, empty if nothing is newer; `None` if the ring begins too late."""
        first = self._ring[0].sequence if self._ring else self.delivered + 1
        if sequence + 1 < first:
            return None
        start = sequence + 1 - first
        return [self._ring[i] for i in range(start, min(start + PAGE, len(self._ring)))]

    def keeps(self, sequence: int) -> bool:
        """Whether the ring still has an event, or will have it."""
        return not self._ring or sequence >= self._ring[0].sequence

    async def older_after(self, sequence: int) -> list[StreamEvent]:
        """A page of events that are not in the ring any more, from Redis or from storage.

        Raises `StorageUnavailable`.
        """
        if self._buffer is not None:
            until = min(sequence + PAGE, self.delivered)
            found = await self._buffer.events_between(sequence, until)
            if found:
                return [_stream_event(event) for event in found]
        return [
            StreamEvent(event.sequence, event.type, event.aggregate_type, event.body)
            for event in await _read(self._storage, sequence)
        ]

    async def wait_news(self) -> None:
        """Return when something was delivered, or a subscription closed."""
        await self._news.wait()

    def forget(self, subscription: "Subscription") -> None:
        """A closed subscription: let its reader see that it is."""
        self._subscriptions.discard(subscription)
        self._news.set()
        self._news = trio.Event()


class Subscription:
    """One subscriber's place in the sequence. It holds no events, only how far it has come.

    Made by `EventHub.subscribe`; one task reads it.
    """

    def __init__(self, hub: EventHub, after: int, filter: EventFilter) -> None:
        self._hub = hub
        self._at = after
        self._filter = filter
        self._live = False
        self._closed = False

    async def receive(self) -> list[StreamEvent]:
        """Wait for the next events that fit: one or more, ascending.

        Cancelled, nothing is lost: the next call gives them.

        Raises:
            SubscriptionClosed: it was closed, or fell out of the ring after it had reached it.
            StorageUnavailable: an older event could not be read; the next call tries again.
        """
        await trio.lowlevel.checkpoint()
        while True:
            if self._closed:
                raise SubscriptionClosed(too_slow=False)
            page = self._hub.kept_after(self._at)
            if page is None:
                if self._live:
                    self.close()
                    raise SubscriptionClosed(too_slow=True)
                page = await self._hub.older_after(self._at)
                if not page:
                    msg = f"no event after {self._at}, although a later one was delivered"
                    raise InvariantViolated(msg)
            else:
                self._live = True
                if not page:
                    await self._hub.wait_news()
                    continue
            self._at = page[-1].sequence
            fitting = [
                delivered
                for delivered in page
                if self._filter.fits(delivered.type, delivered.aggregate_type)
            ]
            if fitting:
                return fitting

    def has_lost(self, event: StreamEvent) -> bool:
        """Whether this subscription is closed, or too slow for an event that it has received."""
        return self._closed or (self._live and not self._hub.keeps(event.sequence))

    def close(self) -> None:
        """End it; a waiting `receive` raises. Twice is as good as once."""
        if not self._closed:
            self._closed = True
            self._hub.forget(self)


class Publisher:
    """Moves events from the inbox to the subscribers and to Redis; its `run` is a service."""

    def __init__(
        self,
        hub: EventHub,
        storage: Storage,
        buffer: EventBuffer | None = None,
        *,
        look_s: float = LOOK_S,
    ) -> None:
        self._hub = hub
        self._storage = storage
        self._buffer = buffer
        self._look_s = look_s
        self._unpushed: deque[BufferedEvent] = deque(maxlen=_UNPUSHED_MAX)
        self._to_push = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell events until cancelled. The database being away is waited for."""
        await self._begin()
        with ungrouped():
            async with trio.open_nursery() as nursery:
                if self._buffer is not None:
                    nursery.start_soon(self._push, self._buffer)
                task_status.started()
                await self._deliver()

    async def _begin(self) -> None:
        while True:
            try:
                with trio.fail_after(_READ_S):
                    self._hub.begin(await self._storage.last_sequence())
                return
            except (StorageUnavailable, trio.TooSlowError):
                await trio.sleep(_AWAY_S)

    async def _deliver(self) -> None:
        while True:
            with trio.move_on_after(self._look_s) as look:
                await self._hub.wait_filled()
            delivered, gap = self._hub.deliver_inbox()
            self._note(delivered)
            if (gap or look.cancelled_caught) and not await self._catch_up() and gap:
                # Away, or a commit that cannot be read yet: the inbox keeps what it has.
                await trio.sleep(_AWAY_S)

    async def _catch_up(self) -> bool:
        """Deliver what storage has and we do not; whether that was anything."""
        progress = False
        while True:
            try:
                page = await _read(self._storage, self._hub.delivered)
            except StorageUnavailable:
                return progress
            self._hub.deliver(page)
            self._note(page)
            progress = progress or bool(page)
            if len(page) < PAGE:
                return progress

    def _note(self, delivered: Sequence[CommittedEvent]) -> None:
        if self._buffer is not None and delivered:
            self._unpushed.extend(
                BufferedEvent(event.sequence, event.body.encode()) for event in delivered
            )
            self._to_push.set()

    async def _push(self, buffer: EventBuffer) -> None:
        """Off the path: subscribers never wait for Redis, and its failure is none of theirs."""
        while True:
            await self._to_push.wait()
            await trio.sleep(_GATHER_S)
            self._to_push = trio.Event()
            events = tuple(self._unpushed)
            self._unpushed.clear()
            try:
                with trio.move_on_after(_PUSH_S):
                    await buffer.push_events(events)
            except Exception as error:  # noqa: BLE001 - a copy that is not made loses nothing
                _log.warning("publisher.buffer_failed", error=described(error))


async def _read(storage: Storage, after: int) -> Sequence[CommittedEvent]:
    try:
        with trio.fail_after(_READ_S):
            return await storage.events_after(after, PAGE)
    except trio.TooSlowError as error:
        raise StorageUnavailable("the events could not be read in time") from error


class _Head(msgspec.Struct, rename="camel"):
    event_type: str
    aggregate_type: str


_head = msgspec.json.Decoder(_Head)


def _stream_event(event: BufferedEvent) -> StreamEvent:
    head = _head.decode(event.payload)
    return StreamEvent(event.sequence, head.event_type, head.aggregate_type, event.payload.decode())
