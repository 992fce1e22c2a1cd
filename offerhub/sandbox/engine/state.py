"""The ledger's state, with everything undoable since a mark."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Generic, TypeVar

from attrs import evolve

from offerhub.sandbox.engine.entries import AccountEntry, Asset, TrustlineEntry

_V = TypeVar("_V")


class Table(Generic[_V]):
    """Entries of one kind by address; each write leaves its opposite in the shared log."""

    def __init__(self, log: list[Callable[[], None]]) -> None:
        self._entries: dict[str, _V] = {}
        self._before: dict[str, _V | None] = {}
        self._log = log

    def get(self, key: str) -> _V | None:
        return self._entries.get(key)

    def put(self, key: str, value: _V) -> None:
        self._remember(key)
        self._entries[key] = value

    def remove(self, key: str) -> None:
        self._remember(key)
        del self._entries[key]

    def keys(self) -> Iterator[str]:
        return iter(self._entries)

    def load(self, entries: Mapping[str, _V | None]) -> None:
        """Take over entries from the file, as if they had always been here."""
        self._entries = {key: value for key, value in entries.items() if value is not None}

    def take_before(self) -> dict[str, _V | None]:
        """Give the values, before the first write, of all keys written since the last call."""
        before, self._before = self._before, {}
        return before

    def _remember(self, key: str) -> None:
        before = self._entries.get(key)
        self._before.setdefault(key, before)
        self._log.append(partial(self._restore, key, before))

    def _restore(self, key: str, before: _V | None) -> None:
        if before is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = before


class LedgerState:
    """Accounts, trustlines and contracts of the ledger in the making.

    A transaction or operation that fails is undone to the mark that was taken before it.
    """

    def __init__(self) -> None:
        self._log: list[Callable[[], None]] = []
        self.accounts: Table[AccountEntry] = Table(self._log)
        self.trustlines: Table[tuple[TrustlineEntry, ...]] = Table(self._log)
        self.contracts: Table[bytes] = Table(self._log)
        self.contract_balances: Table[int] = Table(self._log)
        self.ledger = 0
        """The ledger that writes belong to: entries are stamped with it."""

    def mark(self) -> int:
        return len(self._log)

    def undo_to(self, mark: int) -> None:
        """Take back every write since `mark`, the latest first."""
        while len(self._log) > mark:
            self._log.pop()()

    def forget_log(self) -> None:
        """Make everything written so far permanent."""
        self._log.clear()

    def put_account(self, entry: AccountEntry) -> None:
        self.accounts.put(entry.address, evolve(entry, last_modified_ledger=self.ledger))

    def trustline(self, address: str, asset: Asset) -> TrustlineEntry | None:
        for line in self.trustlines.get(address) or ():
            if line.asset == asset:
                return line
        return None

    def put_trustline(self, entry: TrustlineEntry) -> None:
        stamped = evolve(entry, last_modified_ledger=self.ledger)
        lines = list(self.trustlines.get(entry.address) or ())
        for index, line in enumerate(lines):
            if line.asset == entry.asset:
                lines[index] = stamped
                break
        else:
            lines.append(stamped)
        self.trustlines.put(entry.address, tuple(lines))

    def remove_trustline(self, address: str, asset: Asset) -> None:
        lines = self.trustlines.get(address) or ()
        rest = tuple(line for line in lines if line.asset != asset)
        if rest:
            self.trustlines.put(address, rest)
        else:
            self.trustlines.remove(address)
