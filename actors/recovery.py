"""Recovery: whatever is on the way is woken, at the start and again from time to time.

An order, a withdrawal or a wallet continues from its stored step when it is woken; waking one that
is on its way already is harmless. So nothing that a crash left is forgotten.
"""

from collections.abc import Callable
from typing import Final

import structlog
import trio
from attrs import frozen

from actors.kernel import Address, Registry
from actors.patience import when_possible
from storage.port import Storage

log = structlog.get_logger(__name__)

RESUME: Final = "resume"
SWEEP_S: Final = 60.0


@frozen
class RecoveryParts:
    """What recovery works with.

    Args:
        wallets: the wallets' actor, which hands its operations to their lanes again.
    """

    storage: Storage
    orders: Registry[str]
    withdrawals: Registry[str]
    wallets: Address
    random: Callable[[], float]


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
                await trio.sleep(0.5 + self._parts.random())
            self._soon = trio.Event()

    async def _sweep(self) -> None:
        storage, random = self._parts.storage, self._parts.random
        for order_id in await when_possible(storage.orders_on_the_way, random):
            self._parts.orders.wake(order_id, RESUME)
        for withdrawal_id in await when_possible(storage.withdrawals_on_the_way, random):
            self._parts.withdrawals.wake(withdrawal_id, RESUME)
        self._parts.wallets.wake(RESUME)
