"""When ledgers close: on schedule, on demand, or not at all."""

import trio

from offerhub.domain.ids import Clock
from offerhub.sandbox.engine import ClosedLedger, EngineShell


class LedgerClock:
    """Closes the ledgers of one engine; pausing stops the schedule, not the closing by hand."""

    def __init__(self, shell: EngineShell, clock: Clock) -> None:
        self._shell = shell
        self._clock = clock
        self._paused = False

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self) -> None:
        """Close no ledger on schedule until `resume`."""
        self._paused = True

    def resume(self) -> None:
        """Go on with the schedule at its next beat."""
        self._paused = False

    def close_now(self) -> ClosedLedger:
        """Close one ledger at once."""
        return self._shell.close_ledger(self._clock())

    async def run(self, ledger_seconds: float) -> None:
        """Close a ledger at every beat until cancelled; a beat that was slept over is left out."""
        start = trio.current_time()
        beat = 0
        while True:
            beat = max(beat + 1, int((trio.current_time() - start) / ledger_seconds))
            await trio.sleep_until(start + beat * ledger_seconds)
            if not self._paused:
                self.close_now()
