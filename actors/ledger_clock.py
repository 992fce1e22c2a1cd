"""The network's time, shared by all lanes: one request a second at most, however many ask."""

from typing import Final

import structlog
import trio

from offerhub.domain.envelope_death import clocks_agree
from offerhub.domain.ids import Clock
from offerhub.providers.stellar.port import NetworkState, StellarNetwork, StellarUnavailable

log = structlog.get_logger(__name__)

_FRESH_S: Final = 1.0


class LedgerClock:
    """A recent state of the network, and whether its time counts.

    Args:
        now: our own clock.
    """

    def __init__(self, network: StellarNetwork, now: Clock) -> None:
        self._network = network
        self._now = now
        self._state: NetworkState | None = None
        self._read_at = -float("inf")
        self._reading = trio.Lock()
        self.distrust: str | None = None
        """Why the last answer is not to be signed by; `None` while it is."""

    @property
    def latest_ledger(self) -> int | None:
        """The newest ledger that any answer has named; `None` before the first."""
        return None if self._state is None else self._state.latest_ledger

    async def state(self, max_age_s: float = _FRESH_S) -> NetworkState:
        """The network's state, at most `max_age_s` seconds old. Raises `StellarUnavailable`."""
        asked_at = trio.current_time()
        async with self._reading:
            if self._state is None or self._read_at < asked_at - max_age_s:
                read_at = trio.current_time()
                self._state = await self._network.state()
                self._read_at = read_at
                self._judge(self._state)
            return self._state

    async def trusted(self, max_age_s: float = _FRESH_S) -> NetworkState:
        """The state, if time bounds may be set and judged by it.

        Raises: `StellarUnavailable`, also when its time lies minutes from ours: nothing is signed by
        such a clock, and nothing expires.
        """
        state = await self.state(max_age_s)
        if self.distrust is not None:
            raise StellarUnavailable(self.distrust)
        return state

    def _judge(self, state: NetworkState) -> None:
        ahead_s = round((state.latest_closed_at - self._now()).total_seconds())
        distrust = None
        if not clocks_agree(state.latest_closed_at, self._now()):
            side = "ahead of" if ahead_s > 0 else "behind"
            distrust = f"the network's newest ledger is minutes {side} our clock"
        if distrust == self.distrust:
            return
        self.distrust = distrust
        if distrust is None:
            log.info("ledger_clock.trusted")
        elif ahead_s < 0:
            # A network that stands still looks like this, too.
            log.warning("ledger_clock.not_trusted", reason=distrust, ahead_s=ahead_s)
        else:
            log.error("ledger_clock.not_trusted", reason=distrust, ahead_s=ahead_s)
