"""The network's time, shared by all lanes: one request a second at most, however many ask."""

from typing import Final

import trio

from offerhub.providers.stellar.port import NetworkState, StellarNetwork

_FRESH_S: Final = 1.0


class LedgerClock:
    """A recent state of the network."""

    def __init__(self, network: StellarNetwork) -> None:
        self._network = network
        self._state: NetworkState | None = None
        self._read_at = -float("inf")
        self._reading = trio.Lock()

    async def state(self, max_age_s: float = _FRESH_S) -> NetworkState:
        """The network's state, at most `max_age_s` seconds old. Raises `StellarUnavailable`."""
        asked_at = trio.current_time()
        async with self._reading:
            if self._state is None or self._read_at < asked_at - max_age_s:
                read_at = trio.current_time()
                self._state = await self._network.state()
                self._read_at = read_at
            return self._state
