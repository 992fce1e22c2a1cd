"""Recovery: whatever a crash has left on the way is woken, oldest first, at a pace.

Lanes read their own work, so they only need to be woken; an owner only if its operation has ended
and nobody has taken the end. Waking one that is at work already is harmless.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Never, TypeVar

import trio
from attrs import frozen

from actors.core import Core
from actors.kernel import Address, Registry, ungrouped
from actors.lane_parts import Wake
from actors.owners import Owner, Owners
from actors.settlements import Due
from storage.port import OnTheWay, OpenLane

RESUME: Final = "resume"
SWEEP_S: Final = 60.0

PAGE: Final = 50
PACE_S: Final = 0.1
"""At most 500 wake-ups a second: each will read its work. A database that is slow slows it down."""

YIELD: Final = 5
"""How much longer than a page's read its pause is at least: callers wait in the same queue."""

P = TypeVar("P", OnTheWay, OpenLane)


@frozen
class RecoveryParts:
    """What recovery works with.

    Args:
        wallets: the wallets' actor, which looks for wallets that are not active yet.
        settlements: the settlements' actor, which looks for what has ended.
    """

    core: Core
    lanes: Registry[str, Never]
    owners: Owners
    wallets: Address[Never]
    settlements: Address[Never]


class Recovery:
    """A service of the tree."""

    def __init__(self, parts: RecoveryParts) -> None:
        self._parts = parts
        self._soon = trio.Event()

    def sweep_soon(self) -> None:
        """Have everything woken soon: something crashed. Never waits."""
        self._soon.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Wake what is on the way now, after each crash and once a minute."""
        task_status.started()
        while True:
            await self._sweep()
            with trio.move_on_after(SWEEP_S):
                await self._soon.wait()
                await trio.sleep(0.5 + self._parts.core.random())
            self._soon = trio.Event()

    async def _sweep(self) -> None:
        parts, storage = self._parts, self._parts.core.storage
        parts.wallets.wake(RESUME)
        parts.settlements.wake(Due.RESUME)

        def wake_lane(row: OpenLane) -> bool:
            parts.lanes.wake(row.source, Wake.WORK)
            return True

        with ungrouped():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._paced, storage.open_lanes, wake_lane)
                for kind, owner in parts.owners.entities():

                    def wake_owner(row: OnTheWay, owner: Owner = owner) -> bool:
                        if not row.working:
                            owner.wake(row.id, RESUME)
                        return not row.working

                    read = partial(storage.in_flight, kind)
                    nursery.start_soon(self._paced, read, wake_owner)

    async def _paced(
        self, read: Callable[[int, int], Awaitable[Sequence[P]]], wake: Callable[[P], bool]
    ) -> None:
        """Wake page by page; the pause grows with what was woken and with how long a page takes.

        Args:
            wake: says whether there was anybody to wake.
        """
        after: int = 0
        while True:
            began_s = trio.current_time()
            page = await self._parts.core.retry_until_available(partial(read, after, PAGE))
            woken = sum(wake(row) for row in page)
            if len(page) < PAGE:
                return
            after = page[-1].place
            read_s = trio.current_time() - began_s
            await trio.sleep(max(PACE_S * woken / PAGE, YIELD * read_s))
