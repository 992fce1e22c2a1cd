"""How many requests a key, or a client without one, may make a minute (docs/spec/api.md, end).

Counted in the process in fixed windows of a minute. What other processes have counted comes in
through `RateShare` in the background, at most a second late; without it the process goes on alone.
"""

from collections.abc import Mapping
from heapq import nlargest
from ipaddress import ip_address
from typing import Final, Protocol
from zlib import crc32

import trio
from attrs import frozen

from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock

WINDOW_S: Final = 60
EXCHANGE_S: Final = 0.4
"""Told by one process and read by another within two exchanges, which is less than a second."""

NAMES_MAX: Final = 50_000
"""Callers that are counted by name in a window; some megabytes."""

_BUCKETS: Final = 4_096
"""Beyond, addresses share this many counters: no flood of addresses makes the process grow."""

_EXCHANGED_MAX: Final = 1_000
_IPV6_BITS: Final = 64


class RateShare(Protocol):
    """Counters that several processes share, best effort."""

    async def exchange_counts(
        self, counted: Mapping[str, int], window: int, ttl_s: int
    ) -> Mapping[str, int] | None:
        """Add to the counters of a window; what all processes have counted in those, or `None`."""
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

    def __init__(
        self,
        per_minute: int,
        clock: Clock,
        share: RateShare | None = None,
        *,
        names_max: int = NAMES_MAX,
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._share = share
        self._names_max = names_max
        self._window = -1
        self._begin(-1)

    def _begin(self, window: int) -> None:
        self._window = window
        self._counts: dict[str, int] = {}
        self._untold: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._elsewhere: dict[str, int] = {}

    @property
    def names(self) -> int:
        """How many callers are counted now."""
        return len(self._counts)

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
            self._begin(window)
        if name not in self._counts and len(self._counts) >= self._names_max:
            name = f"bucket:{crc32(name.encode()) % _BUCKETS}"
        used = self._counts.get(name, 0) + count
        if count:
            self._counts[name] = used
            if self._share is not None:
                self._untold[name] = self._untold.get(name, 0) + 1
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
        """Exchange counts with the other processes until cancelled: a service of the tree."""
        task_status.started()
        while self._share is not None:
            await trio.sleep(EXCHANGE_S)
            if self._untold:
                await self._exchange(self._share)
        await trio.sleep_forever()

    async def _exchange(self, share: RateShare) -> None:
        window, told = self._window, self._told
        names = nlargest(_EXCHANGED_MAX, self._untold, key=self._untold.__getitem__)
        counted = {name: self._untold.pop(name) for name in names}
        for name, amount in counted.items():
            # Also where the answer is lost: what may have been told is not told twice.
            told[name] = told.get(name, 0) + amount
        everywhere = await share.exchange_counts(counted, window, 2 * WINDOW_S)
        if everywhere is not None and window == self._window:
            for name, total in everywhere.items():
                self._elsewhere[name] = max(0, total - told[name])


def client_name(ip: str | None) -> str:
    """What a client without a key is counted by: its address, of IPv6 the network that it is given.

    Whoever has one IPv6 address has 2^64 of them.
    """
    if ip is None or ":" not in ip:
        return f"ip:{ip}"
    try:
        address = ip_address(ip)
    except ValueError:
        return f"ip:{ip}"
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return f"ip:{mapped}"
    return f"ip:{int(address) >> _IPV6_BITS:016x}/{_IPV6_BITS}"
