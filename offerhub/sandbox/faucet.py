"""USDC out of nothing: payments by the issuer, many waiting ones in one transaction.

The issuer has one transaction in flight at a time. Who asks meanwhile waits in a queue, and the next
transaction pays the whole queue; whoever holds the turn lands what flies before anything takes off,
so that a payer that gave up leaves neither a lost nor a doubled payment.
"""

from collections import deque
from datetime import timedelta
from itertools import islice

import trio
from attrs import define, frozen
from stellar_sdk import Account, StrKey, TransactionBuilder

from offerhub.domain.ids import Clock
from offerhub.domain.money import Money
from offerhub.sandbox.constants import ISSUER_KEYPAIR, SANDBOX_PASSPHRASE, USDC_ASSET
from offerhub.sandbox.engine import EngineShell, Final, Rejected, TransactionRow

BATCH_MAX = 100
LIFETIME = timedelta(minutes=5)
FEE_STROOPS_PER_OPERATION = 100


class FaucetRefused(Exception):
    """The payment cannot be made; nothing moved."""


class FaucetUnknown(Exception):
    """The payment is on its way and was not seen in a ledger in time."""


@define(eq=False)
class _Payment:
    address: str
    amount: Money
    row: TransactionRow | None = None
    refusal: str | None = None

    @property
    def settled(self) -> bool:
        return self.row is not None or self.refusal is not None


@frozen
class _Flight:
    hash: str
    envelope: str
    payments: tuple[_Payment, ...]


class Faucet:
    """Pays USDC from the issuer's account."""

    def __init__(self, shell: EngineShell, clock: Clock, wait_s: float = 60.0) -> None:
        self._shell = shell
        self._clock = clock
        self._wait_s = wait_s
        self._queue: deque[_Payment] = deque()
        self._flight: _Flight | None = None
        self._turn = trio.Lock()

    async def pay(self, address: str, amount: Money) -> TransactionRow:
        """Pay and wait for the ledger; raises `FaucetRefused`, `FaucetUnknown`.

        Cancelled: either nothing happened, or the payment is in flight and will be applied.
        """
        self._check(address, amount)
        payment = _Payment(address, amount)
        self._queue.append(payment)
        try:
            with trio.move_on_after(self._wait_s):
                async with self._turn:
                    while not payment.settled:
                        if self._flight is None:
                            self._take_off()
                        else:
                            await self._land(self._flight)
        finally:
            if payment in self._queue:
                self._queue.remove(payment)
        if payment.row is not None:
            return payment.row
        if payment.refusal is not None:
            raise FaucetRefused(payment.refusal)
        raise FaucetUnknown

    def _check(self, address: str, amount: Money) -> None:
        if not amount > Money.zero():
            raise FaucetRefused("the amount must be positive")
        if not StrKey.is_valid_ed25519_public_key(address):
            raise FaucetRefused("the address is not an account's")
        if self._shell.engine.account(address) is None:
            raise FaucetRefused("the account does not exist; friendbot creates it")
        if self._shell.engine.usdc_balance(address) is None:
            raise FaucetRefused("the account does not trust USDC")

    def _take_off(self) -> None:
        """Send the next transaction, with all who wait in it. No await: nothing runs in between."""
        payments = tuple(islice(self._queue, BATCH_MAX))
        engine = self._shell.engine
        issuer = engine.account(ISSUER_KEYPAIR.public_key)
        if issuer is None:
            raise FaucetRefused("the issuer's account does not exist")
        builder = TransactionBuilder(
            Account(issuer.address, issuer.sequence),
            SANDBOX_PASSPHRASE,
            base_fee=FEE_STROOPS_PER_OPERATION,
        )
        for payment in payments:
            builder.append_payment_op(payment.address, USDC_ASSET, payment.amount.seven_places())
        builder.add_time_bounds(0, int((self._clock() + LIFETIME).timestamp()))
        envelope = builder.build()
        envelope.sign(ISSUER_KEYPAIR)
        for _ in payments:
            self._queue.popleft()
        self._flight = _Flight(envelope.hash_hex(), envelope.to_xdr(), payments)
        self._settle(self._flight)

    async def _land(self, flight: _Flight) -> None:
        await self._shell.wait_ledger_closed()
        self._settle(flight)

    def _settle(self, flight: _Flight) -> None:
        """Hand the envelope in (again: it never executes twice) and read off what became of it."""
        answer = self._shell.engine.submit(flight.envelope, self._clock())
        if isinstance(answer, Final):
            row, self._flight = answer.transaction, None
            for place, payment in enumerate(flight.payments):
                if row.successful:
                    payment.row = row
                elif row.operation_codes is None or row.operation_codes[place] != "op_success":
                    payment.refusal = f"the network refused the payment: {row.operation_codes}"
                else:
                    self._queue.append(payment)  # undone with the others: it goes once more
        elif isinstance(answer, Rejected):
            self._flight = None
            for payment in flight.payments:
                payment.refusal = f"the network refused the payment: {answer.transaction_code}"
