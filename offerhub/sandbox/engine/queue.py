"""The transactions that wait for a ledger, at most one of a source account (docs/spec/stellar-horizon.md §5.2)."""

from collections.abc import Callable
from typing import Final

from attrs import evolve, frozen

from offerhub.sandbox.engine.header import LEDGER_OPERATIONS_MAX
from offerhub.sandbox.engine.parsed import ParsedTransaction

PENDING_LEDGERS_MAX: Final = 4
BAN_LEDGERS: Final = 10


@frozen
class _Queued:
    transaction: ParsedTransaction
    age: int = 0


class TransactionQueue:
    """Waiting transactions in the order of their submission, and the hashes banned for a while."""

    def __init__(self, operations_max: int = LEDGER_OPERATIONS_MAX) -> None:
        self.operations_max = operations_max
        self._waiting: dict[str, _Queued] = {}
        self._banned: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def of_source(self, address: str) -> ParsedTransaction | None:
        queued = self._waiting.get(address)
        return None if queued is None else queued.transaction

    def is_banned(self, transaction_hash: str) -> bool:
        return transaction_hash in self._banned

    def add(self, transaction: ParsedTransaction) -> None:
        if transaction.source.address in self._waiting:
            raise ValueError("a source account has one transaction in the queue")
        self._waiting[transaction.source.address] = _Queued(transaction)

    def take(
        self, ledger: int, is_valid: Callable[[ParsedTransaction], bool]
    ) -> tuple[tuple[ParsedTransaction, ...], tuple[str, ...]]:
        """Give what the next ledger includes, and the hashes that are dropped and banned.

        What has become invalid is dropped at once; what finds no room waits, but not for ever.
        """
        self._banned = {key: until for key, until in self._banned.items() if until >= ledger}
        included: list[ParsedTransaction] = []
        dropped: list[str] = []
        waiting: dict[str, _Queued] = {}
        room = self.operations_max
        for source, queued in self._waiting.items():
            transaction = queued.transaction
            if not is_valid(transaction):
                dropped.append(transaction.hash_hex)
            elif len(transaction.operations) <= room:
                room -= len(transaction.operations)
                included.append(transaction)
            elif queued.age + 1 >= PENDING_LEDGERS_MAX:
                dropped.append(transaction.hash_hex)
            else:
                waiting[source] = evolve(queued, age=queued.age + 1)
        self._waiting = waiting
        self._banned |= dict.fromkeys(dropped, ledger + BAN_LEDGERS)
        return tuple(included), tuple(dropped)
