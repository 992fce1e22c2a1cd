"""The engine among tasks: who waits for a ledger wakes when it is closed."""

from datetime import datetime

import trio

from offerhub.sandbox.engine.engine import Engine
from offerhub.sandbox.engine.rows import ClosedLedger, TransactionRow


class EngineShell:
    """Closes ledgers of one engine and notifies the tasks that wait; only Trio primitives inside."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._closed = trio.Event()

    def close_ledger(self, now: datetime) -> ClosedLedger:
        """Close one ledger and wake all who wait for it."""
        closed = self.engine.close_ledger(now)
        event, self._closed = self._closed, trio.Event()
        event.set()
        return closed

    async def wait_ledger_closed(self) -> None:
        """Wait until the next ledger is closed; cancellation leaves nothing behind."""
        await self._closed.wait()

    async def wait_transaction(
        self, transaction_hash: str, timeout_s: float
    ) -> TransactionRow | None:
        """Wait until a closed ledger holds this transaction; None if it does not within `timeout_s`.

        None is not a refusal: the transaction may be applied later.
        """
        with trio.move_on_after(timeout_s):
            while (row := self.engine.transaction(transaction_hash)) is None:
                await self.wait_ledger_closed()
            return row
        return None
