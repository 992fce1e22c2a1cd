"""The network in one object: a queue of envelopes and the ledgers that they end in.

No clock, no randomness, no task: times are arguments, and the same calls give the same chain.
"""

import base64
import hashlib
import math
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import frozen
from stellar_sdk import Asset as SdkAsset
from stellar_sdk import xdr

from offerhub.sandbox.engine import answers
from offerhub.sandbox.engine.answers import (
    Malformed,
    Rejected,
    Submission,
    Submitted,
    TryAgainLater,
)
from offerhub.sandbox.engine.codes import transaction_result
from offerhub.sandbox.engine.context import ApplyContext, Network
from offerhub.sandbox.engine.contracts import ContractRuntime
from offerhub.sandbox.engine.entries import AccountEntry, Asset, TrustlineEntry
from offerhub.sandbox.engine.envelope import MalformedEnvelope, contract_of, parse_envelope
from offerhub.sandbox.engine.genesis import genesis
from offerhub.sandbox.engine.history import History
from offerhub.sandbox.engine.host import EngineHost
from offerhub.sandbox.engine.invoke import run_call
from offerhub.sandbox.engine.ledger import LedgerContent, apply_ledger
from offerhub.sandbox.engine.parsed import InvokeContract, ParsedTransaction
from offerhub.sandbox.engine.queue import TransactionQueue
from offerhub.sandbox.engine.rows import ClosedLedger, LedgerRow, TransactionRow
from offerhub.sandbox.engine.state import LedgerState
from offerhub.sandbox.engine.validity import (
    Invalid,
    Window,
    can_pay,
    check_envelope,
    check_inclusion,
)
from offerhub.sandbox.store import ChainStore, Entries, StoredLedger

PAST_LEDGERS: Final = 64
"""How far back `account_at` can look: more than any ingestion lag worth simulating."""


@frozen
class _Past:
    """What entries were before one ledger changed them."""

    ledger: int
    accounts: Mapping[str, AccountEntry | None]
    trustlines: Mapping[str, tuple[TrustlineEntry, ...] | None]


class Engine:
    """Accounts, trustlines, contracts, a transaction queue and closed ledgers."""

    def __init__(
        self,
        *,
        passphrase: str,
        friendbot: str,
        issuer: str,
        runtime: ContractRuntime,
        genesis_time: datetime,
        ledger_seconds: float = 5.0,
        path: Path | None = None,
    ) -> None:
        """Load the chain from `path`, or begin it with genesis (`path` None: in memory only).

        Genesis funds the addresses `friendbot` and `issuer`; `genesis_time` is used only when there is
        nothing to load. `ledger_seconds` is the expected time
        between ledgers, from which a node estimates whether a transaction can still be in time.
        Raises OtherNetwork if the file holds another network's chain.
        """
        self.passphrase = passphrase
        self.network_id = hashlib.sha256(passphrase.encode()).digest()
        self.usdc = Asset("USDC", issuer)
        self.usdc_contract = SdkAsset("USDC", issuer).contract_id(passphrase)
        self.ledger_seconds = ledger_seconds
        self.history = History()
        self.queue = TransactionQueue()
        self._network = Network(self.network_id, self.usdc, self.usdc_contract, runtime)
        self._state = LedgerState()
        self._past: deque[_Past] = deque(maxlen=PAST_LEDGERS)
        identity = {"passphrase": passphrase, "issuer": issuer, "friendbot": friendbot}
        self._store = None if path is None else ChainStore(path, identity)
        if not self._load():
            ledger = genesis(
                self._state,
                closed_at=genesis_time,
                friendbot=friendbot,
                issuer=issuer,
            )
            self._keep(LedgerContent(ledger, (), ()))

    def close(self) -> None:
        """Close the file; closed ledgers are in it already."""
        if self._store is not None:
            self._store.close()

    # ------------------------------------------------------------------------- state

    def account(self, address: str) -> AccountEntry | None:
        """Give an account of the latest closed ledger, None if it is not funded."""
        return self._state.accounts.get(address)

    def trustlines(self, address: str) -> tuple[TrustlineEntry, ...]:
        """Give an account's trustlines, oldest first."""
        return self._state.trustlines.get(address) or ()

    def addresses(self) -> tuple[str, ...]:
        """Give the addresses of all accounts of the latest closed ledger, in their order."""
        return tuple(sorted(self._state.accounts.keys()))

    def account_at(self, address: str, ledger: int) -> AccountEntry | None:
        """Give an account as it was after `ledger`, at most `PAST_LEDGERS` back."""
        for past in self._past:
            if past.ledger > ledger and address in past.accounts:
                return past.accounts[address]
        return self.account(address)

    def trustlines_at(self, address: str, ledger: int) -> tuple[TrustlineEntry, ...]:
        """Give an account's trustlines as they were after `ledger`, at most `PAST_LEDGERS` back."""
        for past in self._past:
            if past.ledger > ledger and address in past.trustlines:
                return past.trustlines[address] or ()
        return self.trustlines(address)

    def usdc_balance(self, address: str) -> int | None:
        """Give a USDC balance in stroops: of a trustline (None: there is none), or of a contract (0)."""
        if address.startswith("C"):
            return self._state.contract_balances.get(address) or 0
        line = self._state.trustline(address, self.usdc)
        return None if line is None else line.balance

    def contract_data(self, contract_id: str) -> bytes | None:
        """Give what a contract stored in the latest closed ledger, None if it does not exist."""
        return self._state.contracts.get(contract_id)

    def contract_ids(self) -> tuple[str, ...]:
        """Give the ids of all contracts, oldest first."""
        return tuple(self._state.contracts.keys())

    def transaction(self, transaction_hash: str) -> TransactionRow | None:
        """Give a transaction of a closed ledger by its hash (64 lower-case hex digits)."""
        return self.history.transaction(transaction_hash)

    def latest_ledger(self) -> LedgerRow:
        """Give the last closed ledger."""
        return self.history.latest

    # ------------------------------------------------------------------------- transactions

    def submit(self, envelope_xdr: str, now: datetime) -> Submission:
        """Check an envelope as a node does and queue it for the next ledger (docs/spec/stellar-horizon.md §5.2).

        An envelope that a closed ledger holds already is answered with that outcome.
        """
        try:
            transaction = parse_envelope(envelope_xdr, self.network_id)
        except MalformedEnvelope as error:
            return Malformed(str(error))
        final = self.history.transaction(transaction.hash_hex)
        if final is not None:
            return answers.Final(final)
        answer = self._queued_already(transaction)
        if answer is not None:
            return answer
        seconds = now.timestamp()
        window = Window(
            ledger=self.latest_ledger().sequence + 1,
            earliest=int(seconds),
            latest=seconds + 2 * self.ledger_seconds,
        )
        checked = check_envelope(self._state, transaction, window)
        if isinstance(checked, Invalid):
            return _rejected(transaction, checked)
        self.queue.add(transaction)
        return Submitted(transaction.hash_hex)

    def _queued_already(self, transaction: ParsedTransaction) -> Submission | None:
        waiting = self.queue.of_source(transaction.source.address)
        if waiting is not None and waiting.hash == transaction.hash:
            return Submitted(transaction.hash_hex, duplicate=True)
        if self.queue.is_banned(transaction.hash_hex):
            return TryAgainLater(transaction.hash_hex)
        if waiting is None:
            return None
        if transaction.sequence < waiting.sequence:
            result = transaction_result(0, "tx_bad_seq")
            return _rejected(transaction, Invalid("tx_bad_seq", result))
        return TryAgainLater(transaction.hash_hex)

    def close_ledger(self, now: datetime) -> ClosedLedger:
        """Apply the queue, at most one transaction per source account, and write one SQLite transaction.

        Close times increase strictly, by microseconds if need be. The network has whole seconds: there,
        and in Horizon's records, they are cut off, so that several of our ledgers may show the same
        second. The proof of death (§5.3) holds all the same: the time bounds, too, are compared with the
        second that is shown, and it never decreases.
        """
        previous = self.latest_ledger()
        closed_at = max(now, previous.closed_at + timedelta(microseconds=1))
        second = math.floor(closed_at.timestamp())
        window = Window(ledger=previous.sequence + 1, earliest=second, latest=second)
        state = self._state
        included, dropped = self.queue.take(
            window.ledger,
            lambda each: check_inclusion(state, each, window) is None and can_pay(state, each),
        )
        try:
            content = apply_ledger(self._network, state, previous, closed_at, included)
            self._keep(content)
        except BaseException:
            # The ledger never was: its transactions are lost, as with a node that died.
            state.undo_to(0)
            raise
        return ClosedLedger(content.ledger, content.transactions, dropped)

    def dry_run(self, call: xdr.InvokeContractArgs, source: str) -> xdr.SCVal:
        """Execute a contract call against the latest ledger, change nothing, give what it returned.

        Raises ContractTrap. Authorisation is recorded, not checked, as in a real simulation.
        """
        latest = self.latest_ledger()
        context = ApplyContext(
            self._network, self._state, latest.sequence + 1, int(latest.closed_at.timestamp())
        )
        operation = InvokeContract(contract_of(call.contract_address), call, ())
        host = EngineHost(context, operation, source, recording=True)
        mark = self._state.mark()
        try:
            return run_call(context, host, operation, source)
        finally:
            self._state.undo_to(mark)

    # ------------------------------------------------------------------------- keeping

    def _load(self) -> bool:
        if self._store is None:
            return False
        for stored in self._store.ledgers():
            self.history.append(stored.ledger, stored.transactions, stored.operations)
        if not self.history.has_ledgers:
            return False
        entries = self._store.entries()
        self._state.accounts.load(entries.accounts)
        self._state.trustlines.load(entries.trustlines)
        self._state.contracts.load(entries.contracts)
        self._state.contract_balances.load(entries.contract_balances)
        return True

    def _keep(self, content: LedgerContent) -> None:
        """Make a ledger permanent: first in the file, then for whoever looks."""
        state = self._state
        accounts, trustlines = state.accounts.take_before(), state.trustlines.take_before()
        contracts, balances = state.contracts.take_before(), state.contract_balances.take_before()
        if self._store is not None:
            entries = Entries(
                accounts={key: state.accounts.get(key) for key in accounts},
                trustlines={key: state.trustlines.get(key) for key in trustlines},
                contracts={key: data for key in contracts if (data := state.contracts.get(key))},
                contract_balances={key: state.contract_balances.get(key) or 0 for key in balances},
            )
            stored = StoredLedger(content.ledger, content.transactions, content.operations)
            self._store.write(stored, entries)
        state.forget_log()
        self._past.append(_Past(content.ledger.sequence, accounts, trustlines))
        self.history.append(content.ledger, content.transactions, content.operations)


def _rejected(transaction: ParsedTransaction, invalid: Invalid) -> Rejected:
    return Rejected(
        hash=transaction.hash_hex,
        result_xdr=base64.b64encode(invalid.result).decode(),
        transaction_code=invalid.code,
        operation_codes=invalid.operation_codes,
    )
