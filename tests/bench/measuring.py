"""Counting requests: how many a second, and how long the slow ones took."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from attrs import define, field, frozen

T = TypeVar("T")


@frozen
class BalanceAfter:
    """What a scenario measured; times in milliseconds."""

    name: str
    count: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


@define
class Watch:
    """Collects the durations of single requests."""

    durations: list[float] = field(factory=list)

    async def timed(self, request: Awaitable[T]) -> T:
        """Await a request and note how long it took."""
        began = time.perf_counter()
        answer = await request
        self.durations.append(time.perf_counter() - began)
        return answer

    def figure(self, name: str, seconds: float) -> BalanceAfter:
        """Summarise."""
        ordered = sorted(self.durations)
        last = len(ordered) - 1
        return BalanceAfter(
            name,
            len(ordered),
            seconds,
            ordered[last // 2] * 1000,
            ordered[min(last, int(last * 0.99))] * 1000,
        )


async def in_parallel(workers: int, work: Callable[[int], Awaitable[None]]) -> float:
    """Run `work(0)` … `work(workers - 1)` side by side; return the seconds that it took."""
    began = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for index in range(workers):
            nursery.start_soon(work, index)
    return time.perf_counter() - began
