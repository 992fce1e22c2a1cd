"""A budget of requests that the other side allows, spent by the most urgent caller first."""

import heapq
from collections import deque
from enum import IntEnum
from itertools import count

import trio
from attrs import define, field, frozen


class Priority(IntEnum):
    """Who goes first when the budget is short: the smaller number (settings.md, the two RATE settings)."""

    SUBMIT = 0
    """A submission to Horizon or a money step at the provider."""
    CONFIRM = 1
    WATCH = 2
    READ = 3


@define(eq=False)
class _Waiter:
    changed: trio.Event = field(factory=trio.Event)


@frozen
class RateStatistics:
    """A glance at a budget, for metrics."""

    waiting: int
    spent_in_period: int
    paused_s: float


class RateBudget:
    """At most `limit` requests in any `period_s` seconds; a limit of 0 sets no bound.

    Counting over a sliding period never exceeds a server that counts in fixed windows of the same length,
    nor one that refills smoothly with a burst of `limit`.
    """

    def __init__(self, limit: int, period_s: float) -> None:
        self._limit = limit
        self._period_s = period_s
        self._spent: deque[float] = deque()
        self._paused_until = -float("inf")
        self._arrivals = count()
        self._waiting: list[tuple[int, int, _Waiter]] = []

    @classmethod
    def per_minute(cls, limit: int) -> "RateBudget":
        """`limit` requests in any minute, as Trustless Work counts (trustless-work.md §1)."""
        return cls(limit, 60)

    @classmethod
    def per_hour(cls, limit: int) -> "RateBudget":
        """`limit` an hour with a burst of at most 100, as Horizon counts (stellar-horizon.md §2.3)."""
        burst = min(limit, _HORIZON_BURST)
        return cls(burst, 3600 * burst / limit if limit else 1)

    async def acquire(self, priority: Priority) -> None:
        """Wait for the right to send one request; cancelled, nothing was spent."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self._waiting and self._delay_s() <= 0:
            self._spend()
            return
        waiter = _Waiter()
        heapq.heappush(self._waiting, (int(priority), next(self._arrivals), waiter))
        try:
            await self._wait_turn(waiter)
            self._spend()
        finally:
            self._leave(waiter)

    def pause(self, seconds: float) -> None:
        """Send nothing for a while: the server said so with a 429."""
        self._paused_until = max(self._paused_until, trio.current_time() + seconds)

    def statistics(self) -> RateStatistics:
        """Return the present figures."""
        now = trio.current_time()
        self._forget(now)
        return RateStatistics(
            waiting=len(self._waiting),
            spent_in_period=len(self._spent),
            paused_s=max(0.0, self._paused_until - now),
        )

    async def _wait_turn(self, waiter: _Waiter) -> None:
        while True:
            waiter.changed = trio.Event()
            if self._waiting[0][2] is not waiter:
                await waiter.changed.wait()
                continue
            delay_s = self._delay_s()
            if delay_s <= 0:
                return
            await trio.sleep(delay_s)

    def _leave(self, waiter: _Waiter) -> None:
        was_first = self._waiting[0][2] is waiter
        self._waiting = [entry for entry in self._waiting if entry[2] is not waiter]
        heapq.heapify(self._waiting)
        if was_first and self._waiting:
            self._waiting[0][2].changed.set()

    def _delay_s(self) -> float:
        now = trio.current_time()
        delay_s = self._paused_until - now
        if self._limit:
            self._forget(now)
            if len(self._spent) >= self._limit:
                delay_s = max(delay_s, self._spent[0] + self._period_s - now)
        return delay_s

    def _spend(self) -> None:
        if self._limit:
            self._spent.append(trio.current_time())

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0] + self._period_s <= now:
            self._spent.popleft()


_HORIZON_BURST = 100
