"""A run that repeats itself: Trio's scheduler and clock under a seed."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import trio
from trio._core import _run
from trio.testing import MockClock

T = TypeVar("T")


def run_seeded(seed: int, main: Callable[[], Awaitable[T]]) -> T:
    """Run `main` under a mock clock that jumps, with a schedule that follows from the seed.

    The hook is the one that Hypothesis and pytest-trio use. Orders of sets of strings differ from
    one interpreter to the next: across processes a run repeats itself under one PYTHONHASHSEED.
    """
    with _seeded_scheduler(seed):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


@contextmanager
def _seeded_scheduler(seed: int) -> Iterator[None]:
    was_allowed, was_random = _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r
    _run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    _run._r = random.Random(f"schedule {seed}")
    try:
        yield
    finally:
        _run._ALLOW_DETERMINISTIC_SCHEDULING = was_allowed  # type: ignore[misc]
        _run._r = was_random
