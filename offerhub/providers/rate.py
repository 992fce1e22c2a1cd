"""A budget of requests that the other side allows: the most urgent first, and nobody never.

Whoever waits has a rank, and a share: of so many requests one is its own, however much waits above it.
Ranks alone let accounts that re-read themselves starve the watcher, and deposits with it.
"""

import math
from collections import deque
from enum import IntEnum
from typing import Final

import trio
from attrs import define, field, frozen


class Priority(IntEnum):
    """Who goes first when the budget is short: the smaller number (docs/spec/settings.md, the two RATE settings)."""

    SUBMIT = 0
    """A submission to Horizon or a money step at the provider."""
    CONFIRM = 1
    WATCH = 2
    READ = 3


ONE_OF: Final = {Priority.CONFIRM: 3, Priority.WATCH: 5, Priority.READ: 10}
"""Of so many requests one is for whoever waits at this rank; a third and more stays for submissions.

Under Horizon's default of 3 600 an hour that is a page of payments every five seconds: deposits are credited
within seconds even while everything else queues.
"""


@define(eq=False)
class _Waiter:
    priority: Priority
    changed: trio.Event = field(factory=trio.Event)


@frozen
class RateStatistics:
    """A glance at a budget, for metrics."""

    waiting: int
    spent: int
    """Requests that count against the limit now."""
    paused_s: float


class _Window:
    """At most `limit` requests in any `period_s` seconds: never more than fixed windows of that length allow."""

    def __init__(self, limit: int, period_s: float) -> None:
        self._limit = limit
        self._period_s = period_s
        self._spent: deque[float] = deque()

    def delay_s(self, now: float) -> float:
        self._forget(now)
        if len(self._spent) < self._limit:
            return 0
        return self._spent[0] + self._period_s - now

    def spend(self, now: float) -> None:
        self._spent.append(now)

    def spent(self, now: float) -> int:
        self._forget(now)
        return len(self._spent)

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0] + self._period_s <= now:
            self._spent.popleft()


class _Refill:
    """A burst, refilled one by one every `interval_s` seconds: as the server itself refills it.

    Smooth, so that a queue moves all the time, and does not wait for a whole burst to come back at once.
    """

    def __init__(self, burst: int, interval_s: float) -> None:
        self._burst = burst
        self._interval_s = interval_s
        self._full_at = -float("inf")

    def delay_s(self, now: float) -> float:
        return self._full_at - (self._burst - 1) * self._interval_s - now

    def spend(self, now: float) -> None:
        self._full_at = max(self._full_at, now) + self._interval_s

    def spent(self, now: float) -> int:
        return max(0, math.ceil((self._full_at - now) / self._interval_s))


class RateBudget:
    """At most `limit` requests in any `period_s` seconds; a limit of 0 sets no bound."""

    def __init__(self, limit: int, period_s: float) -> None:
        self._meter: _Window | _Refill | None = _Window(limit, period_s) if limit else None
        self._paused_until = -float("inf")
        self._queues: dict[Priority, deque[_Waiter]] = {rank: deque() for rank in Priority}
        self._passed_over = dict.fromkeys(Priority, 0)

    @classmethod
    def per_minute(cls, limit: int) -> "RateBudget":
        """`limit` requests in any minute, as Trustless Work counts (docs/spec/trustless-work.md §1)."""
        return cls(limit, 60)

    @classmethod
    def per_hour(cls, limit: int) -> "RateBudget":
        """`limit` an hour with a burst, as Horizon counts (docs/spec/stellar-horizon.md §2.3): it refills smoothly."""
        budget = cls(0, 1)
        if limit:
            budget._meter = _Refill(min(limit, _BURST_MAX), 3600 / limit)
        return budget

    async def acquire(self, priority: Priority) -> None:
        """Wait for the right to send one request; cancelled, nothing was spent."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._first() is None and self._delay_s() <= 0:
            self._spend(priority)
            return
        waiter = _Waiter(priority)
        self._queues[priority].append(waiter)
        try:
            await self._wait_turn(waiter)
            self._spend(priority)
        finally:
            self._leave(waiter)

    def pause(self, seconds: float) -> None:
        """Send nothing for a while: the server said so with a 429."""
        self._paused_until = max(self._paused_until, trio.current_time() + seconds)

    def statistics(self) -> RateStatistics:
        """Return the present figures."""
        now = trio.current_time()
        return RateStatistics(
            waiting=sum(len(queue) for queue in self._queues.values()),
            spent=0 if self._meter is None else self._meter.spent(now),
            paused_s=max(0.0, self._paused_until - now),
        )

    def _first(self) -> _Waiter | None:
        """Whose turn it is: who was passed over too often, else the most urgent; `None`: nobody waits."""
        waiting = [rank for rank in Priority if self._queues[rank]]
        if not waiting:
            return None
        turn = max(waiting, key=self._overdue)  # of equals the most urgent
        return self._queues[turn][0]

    def _overdue(self, rank: Priority) -> float:
        """How far a rank is beyond its share, from 1 on; 0 while it may be passed over."""
        one_of = ONE_OF.get(rank)
        if one_of is None or self._passed_over[rank] < one_of - 1:
            return 0
        return (self._passed_over[rank] + 1) / one_of

    async def _wait_turn(self, waiter: _Waiter) -> None:
        while True:
            waiter.changed = trio.Event()
            first = self._first()
            if first is not None and first is not waiter:
                first.changed.set()
                await waiter.changed.wait()
                continue
            delay_s = self._delay_s()
            if delay_s <= 0:
                return
            await trio.sleep(delay_s)

    def _leave(self, waiter: _Waiter) -> None:
        queue = self._queues[waiter.priority]
        queue.remove(waiter)
        first = self._first()
        if first is not None:
            first.changed.set()

    def _delay_s(self) -> float:
        now = trio.current_time()
        allowed_in_s = 0 if self._meter is None else self._meter.delay_s(now)
        return max(allowed_in_s, self._paused_until - now)

    def _spend(self, priority: Priority) -> None:
        # What was too late is made up for; counted is only while somebody waits, so nobody saves up.
        self._passed_over[priority] = max(
            0, self._passed_over[priority] - ONE_OF.get(priority, 1) + 1
        )
        for rank, queue in self._queues.items():
            if queue and rank is not priority:
                self._passed_over[rank] += 1
        if self._meter is not None:
            self._meter.spend(trio.current_time())


_BURST_MAX: Final = 90
"""Horizon's is 100. Requests arrive a little closer together than they were sent."""
