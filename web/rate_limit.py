"""How many requests a key, or a client without one, may make a minute (docs/spec/api.md, end).

Counted in the process in fixed windows of a minute; what other processes have counted comes in
through `RateShare` in the background, at most a second late.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import trio
from attrs import frozen

from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock

WINDOW_S: Final = 60
_SHARE_EVERY_S: Final = 1.0
_SHARED_MAX: Final = 1000


class RateShare(Protocol):
    """Counters that several processes share, best effort."""

    def add_count(self, key: str, window: int, amount: int = 1) -> None:
        """Add to a counter soon; never waits."""
        ...

    async def shared_counts(self, places: Sequence[tuple[str, int]]) -> tuple[int, ...] | None:
        """What all processes have counted, or `None` if it is not known."""
        ...


@frozen
class Allowance:
    """What the caller is told: the limit, what is left, and when the window ends."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool
    retry_after_s: int

    def refusal(self) -> DomainError:
        """The error of a caller that is over its limit."""
        return DomainError(
            ErrorCode.RATE_LIMITED,
            "too many requests; try again in the next window",
            {"retryAfter": self.retry_after_s, "limit": self.limit, "window": WINDOW_S},
        )


class RateLimit:
    """Counts of the present window, by key or by client address.

    Args:
        per_minute: 0: no limit.
    """

    def __init__(self, per_minute: int, clock: Clock, share: RateShare | None = None) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._share = share
        self._window = -1
        self._counts: dict[str, int] = {}
        self._elsewhere: dict[str, int] = {}

    def take(self, name: str, *, count: bool = True) -> Allowance | None:
        """Count a request of a key or of an address; `None` if there is no limit.

        Args:
            count: false only looks.
        """
        if not self._per_minute:
            return None
        now = self._clock().timestamp()
        window = int(now) // WINDOW_S
        if window != self._window:
            self._window = window
            self._counts = {}
            self._elsewhere = {}
        used = self._counts.get(name, 0) + count
        if count:
            self._counts[name] = used
            if self._share is not None:
                self._share.add_count(name, window)
        total = used + self._elsewhere.get(name, 0)
        reset = (window + 1) * WINDOW_S
        return Allowance(
            limit=self._per_minute,
            remaining=max(0, self._per_minute - total),
            reset=reset,
            exceeded=total > self._per_minute,
            retry_after_s=max(1, int(reset - now + 0.999)),
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Fetch what other processes have counted, every second: a service of the tree."""
        task_status.started()
        while self._share is not None:
            await trio.sleep(_SHARE_EVERY_S)
            window = self._window
            mine = dict(sorted(self._counts.items(), key=lambda item: -item[1])[:_SHARED_MAX])
            counts = await self._share.shared_counts([(name, window) for name in mine])
            if counts is not None and window == self._window:
                self._elsewhere = {
                    name: max(0, shared - mine[name])
                    for name, shared in zip(mine, counts, strict=True)
                }
        await trio.sleep_forever()
