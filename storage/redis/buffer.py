"""Best-effort copies in Redis: newest events, replayed answers, rate counters.

Nothing here is the only copy, so no method raises when Redis is away: it answers "I do not know"
and the caller goes to PostgreSQL or on without. After a failure Redis is left alone for
`retry_after_s`, so that a dead one costs a deadline a second and not one a request.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, TypeVar

import redis.asyncio
import redis.exceptions
import trio
from attrs import frozen
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from trio_asyncio import aio_as_trio

T = TypeVar("T")

# docs/spec/domain.md: "Redis holds the newest 1 000 for one hour for quick replay".
EVENTS_KEPT = 1000
EVENTS_KEPT_S = 3600

_CLOSE_DEADLINE_S = 2.0


class RedisState(Enum):
    """What the last call found."""

    UNTRIED = "untried"
    UP = "up"
    DOWN = "down"


@frozen
class BufferedEvent:
    """An event as the stream sends it, at its place in the gapless global sequence."""

    sequence: int
    payload: bytes


class RedisBuffer:
    """Best-effort access to one Redis; made by `open_redis`."""

    def __init__(
        self, client: Any, *, deadline_s: float, retry_after_s: float, prefix: str
    ) -> None:
        self._client = client
        self._deadline_s = deadline_s
        self._retry_after_s = retry_after_s
        self._prefix = prefix
        self._leave_alone_until = -math.inf
        self.state = RedisState.UNTRIED

    async def push_events(self, events: Sequence[BufferedEvent]) -> None:
        """Add committed events; the newest 1000 are kept for one hour after the last push."""
        if events:
            await self._attempt(self._aio_push, tuple(events[-EVENTS_KEPT:]))

    async def events_between(self, after: int, until: int) -> tuple[BufferedEvent, ...] | None:
        """The events with sequences `after` + 1 to `until`, all of them, or None.

        `until` is the newest committed sequence that the caller knows of. A push that was lost
        leaves a hole, and the result is None: then PostgreSQL has the answer.
        """
        if until <= after:
            return ()
        if until - after > EVENTS_KEPT:
            return None
        found = await self._attempt(self._aio_events, after, until)
        if found is None:
            return None
        complete = [event.sequence for event in found] == list(range(after + 1, until + 1))
        return found if complete else None

    async def put_answer(self, key: str, answer: bytes, ttl_s: float) -> None:
        """Keep a finished answer for its idempotency key."""
        await self._attempt(self._aio_put, self._prefix + "answer:" + key, answer, ttl_s)

    async def get_answer(self, key: str) -> bytes | None:
        """The answer kept for `key`; None: not here, look into PostgreSQL."""
        return await self._attempt(self._aio_get, self._prefix + "answer:" + key)

    async def exchange_counts(
        self, counted: Mapping[str, int], window: int, ttl_s: int
    ) -> Mapping[str, int] | None:
        """Add to counters that all processes share; returns what they are now, or None: unknown.

        Args:
            counted: whose counter, and how much is added.
            window: which window of time, numbered by the caller from its clock.
            ttl_s: how long a counter is kept after the last addition.
        """
        return await self._attempt(self._aio_exchange, dict(counted), window, ttl_s)

    async def ping(self) -> bool:
        """Whether Redis answers now, asked even if it was down a moment ago."""
        self._leave_alone_until = -math.inf
        return await self._attempt(self._aio_ping) is True

    async def _attempt(self, aio_call: Callable[..., Awaitable[T]], *args: Any) -> T | None:
        """Call within the deadline; None if Redis is away. Cancelling leaves nothing behind."""
        if trio.current_time() < self._leave_alone_until:
            return None
        with trio.move_on_after(self._deadline_s):
            try:
                result: T = await aio_as_trio(aio_call)(*args)
            except (redis.exceptions.RedisError, OSError):
                self._note_down()
                return None
            self.state = RedisState.UP
            return result
        self._note_down()
        return None

    def _note_down(self) -> None:
        self.state = RedisState.DOWN
        self._leave_alone_until = trio.current_time() + self._retry_after_s

    async def _aio_push(self, events: tuple[BufferedEvent, ...]) -> None:
        key = self._prefix + "events"
        async with self._client.pipeline(transaction=True) as pipe:
            # The sequence is the score and a part of the member: equal payloads stay apart.
            pipe.zadd(key, {b"%d:" % e.sequence + e.payload: e.sequence for e in events})
            pipe.zremrangebyrank(key, 0, -EVENTS_KEPT - 1)
            pipe.expire(key, EVENTS_KEPT_S)
            await pipe.execute()

    async def _aio_events(self, after: int, until: int) -> tuple[BufferedEvent, ...]:
        members = await self._client.zrangebyscore(self._prefix + "events", after + 1, until)
        parts = (member.split(b":", 1) for member in members)
        return tuple(BufferedEvent(int(sequence), payload) for sequence, payload in parts)

    async def _aio_put(self, key: str, answer: bytes, ttl_s: float) -> None:
        await self._client.set(key, answer, px=max(1, int(ttl_s * 1000)))

    async def _aio_get(self, key: str) -> bytes | None:
        found: bytes | None = await self._client.get(key)
        return found

    async def _aio_exchange(
        self, counted: dict[str, int], window: int, ttl_s: int
    ) -> dict[str, int]:
        async with self._client.pipeline(transaction=False) as pipe:
            for name, amount in counted.items():
                key = f"{self._prefix}count:{window}:{name}"
                pipe.incrby(key, amount)
                pipe.expire(key, ttl_s)
            answers = await pipe.execute()
        return dict(zip(counted, map(int, answers[::2]), strict=True))

    async def _aio_ping(self) -> bool:
        return bool(await self._client.ping())


@asynccontextmanager
async def open_redis(
    url: str,
    *,
    deadline_s: float = 0.25,
    retry_after_s: float = 1.0,
    prefix: str = "offerhub:",
) -> AsyncIterator[RedisBuffer]:
    """A buffer on the Redis at `url` (a secret), inside trio-asyncio's loop; never fails to open.

    Args:
        url: redis://, rediss:// or unix://.
        deadline_s: for each call, connecting included.
        retry_after_s: how long Redis is left alone after a failure.
        prefix: of every key, so that a Redis can be shared.
    """
    client = redis.asyncio.Redis.from_url(
        url,
        socket_timeout=deadline_s,
        socket_connect_timeout=deadline_s,
        max_connections=16,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        yield RedisBuffer(client, deadline_s=deadline_s, retry_after_s=retry_after_s, prefix=prefix)
    finally:
        with trio.move_on_after(_CLOSE_DEADLINE_S, shield=True):
            await aio_as_trio(client.aclose)()
