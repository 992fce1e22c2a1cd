"""Friendbot: 10 000 XLM for an address, by a real transaction (docs/spec/stellar-horizon.md §8.1)."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import trio
from stellar_sdk import Account, Keypair, StrKey, TransactionBuilder

from offerhub.sandbox.engine import answers
from offerhub.sandbox.engine.parsed import INT64_MAX
from offerhub.sandbox.engine.rows import TransactionRow
from offerhub.sandbox.engine.shell import EngineShell
from offerhub.sandbox.horizon.answers import hal
from offerhub.sandbox.horizon.problems import Problem, invalid
from offerhub.sandbox.horizon.resources import Resources
from offerhub.sandbox.http import Response

STARTING_BALANCE: Final = "10000"
_BATCH_MAX: Final = 100
_LIFE_S: Final = 60


class Friendbot:
    """Creates accounts; those asked for while a ledger is in the making share one transaction."""

    def __init__(
        self,
        shell: EngineShell,
        keypair: Keypair,
        clock: Callable[[], datetime],
        timeout_s: float = 30,
    ) -> None:
        self._shell = shell
        self._keypair = keypair
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = trio.Lock()
        self._asked: dict[str, None] = {}

    async def fund(self, address: str | None, resources: Resources) -> Response:
        """Create the account and answer with its transaction; 400 if it exists.

        Cancelled, it leaves an unknown outcome: the account may exist or come to exist.
        """
        if address is None or not StrKey.is_valid_ed25519_public_key(address):
            raise invalid("addr", "addr: not an account id")
        if self._shell.engine.account(address) is not None:
            raise _already_funded()
        with trio.move_on_after(self._timeout_s):
            return hal(resources.transaction(await self._create(address)))
        raise Problem("timeout", "no ledger closed in time: look whether the account exists")

    async def _create(self, address: str) -> TransactionRow:
        while True:
            self._asked[address] = None
            # Friendbot is one account, so it has one transaction in the queue: the first who gets here
            # creates the accounts of all who wait, and they find them created.
            async with self._lock:
                row = self._creation(address)
                if row is not None:
                    self._asked.pop(address, None)
                    return row
                await self._create_all()

    def _creation(self, address: str) -> TransactionRow | None:
        """Give the transaction that created an account, None if it does not exist."""
        history = self._shell.engine.history
        if self._shell.engine.account(address) is None:
            return None
        index = history.account_transactions(address)
        # Somebody may have tried, and failed, to pay to it before it existed.
        rows = () if index is None else index.ascending(0, INT64_MAX)
        created = next((row for row in rows if row.successful), None)
        if created is None:
            raise _already_funded()
        return created

    async def _create_all(self) -> None:
        engine = self._shell.engine
        batch = [each for each in self._asked if engine.account(each) is None][:_BATCH_MAX]
        entry = engine.account(self._keypair.public_key)
        if entry is None:
            raise LookupError("friendbot has no account")
        builder = TransactionBuilder(
            Account(entry.address, entry.sequence), engine.passphrase, base_fee=100
        )
        for address in batch:
            builder.append_create_account_op(address, STARTING_BALANCE)
        now = self._clock()
        builder.add_time_bounds(0, int(now.timestamp() + _LIFE_S + 2 * engine.ledger_seconds))
        transaction = builder.build()
        transaction.sign(self._keypair)
        submitted = engine.submit(transaction.to_xdr(), now)
        if isinstance(submitted, answers.Submitted):
            # Should somebody else create one of them first, the batch fails and the next one lacks it.
            await self._shell.wait_transaction(submitted.hash, self._timeout_s)
        else:
            await self._shell.wait_ledger_closed()
        for address in batch:
            if engine.account(address) is not None:
                self._asked.pop(address, None)


def _already_funded() -> Problem:
    return Problem("bad_request", "account already funded to starting balance")
