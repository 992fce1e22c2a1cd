"""Figures for metrics that are not in memory: read in the background, so that a scrape reads nothing.

What is read is bounded: the operations that are open, one row of running sums, one account of the
network a minute.
"""

from datetime import datetime
from typing import Final

import trio
from attrs import evolve, frozen

from offerhub.domain.ids import Clock
from offerhub.domain.money import Money
from offerhub.domain.treasury import Treasury
from offerhub.providers.stellar.port import StellarNetwork, StellarUnavailable
from storage.port import OpenWork, Storage, StorageUnavailable

EVERY_S: Final = 15.0
_ACCOUNT_EVERY: Final = 4
"""The network is asked every fourth time: its calls are budgeted."""


@frozen
class Figures:
    """As they were when they were read last; `None` before the first answer.

    Args:
        at: when the database answered.
        xlm, usdc: what the platform's wallet holds on the chain; `xlm` as far as it can be spent.
    """

    at: datetime | None = None
    work: OpenWork | None = None
    treasury: Treasury | None = None
    xlm: Money | None = None
    usdc: Money | None = None


class FiguresWatch:
    """A service beside the tree.

    Args:
        platform_address: of the platform's wallet.
    """

    def __init__(
        self,
        storage: Storage,
        network: StellarNetwork,
        platform_address: str,
        now: Clock,
    ) -> None:
        self._storage = storage
        self._network = network
        self._platform_address = platform_address
        self._now = now
        self.last = Figures()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Read until cancelled; what does not answer leaves its figures as they were."""
        task_status.started()
        rounds = 0
        while True:
            await self.read_database()
            if rounds % _ACCOUNT_EVERY == 0:
                await self.read_account()
            rounds += 1
            await trio.sleep(EVERY_S)

    async def read_database(self) -> None:
        """Open work and the treasury, now."""
        try:
            work = await self._storage.open_work(self._platform_address)
            treasury = await self._storage.treasury()
        except StorageUnavailable:
            return  # the age of the figures tells
        self.last = evolve(self.last, at=self._now(), work=work, treasury=treasury)

    async def read_account(self) -> None:
        """What the platform's wallet holds on the chain, now."""
        try:
            account = await self._network.account(self._platform_address)
        except StellarUnavailable:
            return
        if account is not None:
            self.last = evolve(self.last, xlm=account.xlm_spendable, usdc=account.usdc)
