"""What the orchestrator asks of the Stellar network, whoever answers.

A read either answers or raises `StellarUnavailable`; a submission never raises for trouble on the way, it
answers `Unknown`, because its outcome can always be found by the transaction's hash (docs/spec/domain.md §3).
Times are the network's: the close times of ledgers, aware and in UTC.
"""

from datetime import datetime
from enum import Enum, unique
from typing import Protocol

from attrs import frozen

from offerhub.domain.money import Money


class StellarUnavailable(Exception):
    """A read of the network did not answer in time or not understandably (`STELLAR_NETWORK_ERROR`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@frozen
class NetworkState:
    """The state of the network and its server, from one answer (docs/spec/stellar-horizon.md §2.4)."""

    passphrase: str
    latest_ledger: int
    elder_ledger: int
    """The oldest ledger that the server keeps; older ones cannot be seen (docs/spec/stellar-horizon.md §2.6)."""
    latest_closed_at: datetime


@frozen
class AccountState:
    """An account as the server has ingested it."""

    address: str
    sequence: int
    """The last used sequence number; the next transaction carries this plus one."""
    xlm: Money
    xlm_spendable: Money
    """Balance less minimum balance and selling liabilities, never below zero (docs/spec/stellar-horizon.md §1.2)."""
    usdc: Money | None
    """`None`: no authorised trustline for the configured asset, so USDC cannot be received."""
    ledger: int | None = None
    """The ledger that the answer speaks of; `None` if it did not say, so that its age is unknown."""


@frozen
class AccountPage:
    """A stretch of accounts in the order of their addresses."""

    accounts: tuple[AccountState, ...]
    cursor: str
    """The last account's address, or the cursor that was asked with if there is none."""
    full: bool
    """The page was full: more may follow."""


@frozen
class TransactionRecord:
    """A transaction that a ledger includes; final, whether it succeeded or failed."""

    hash: str
    ledger: int
    successful: bool
    closed_at: datetime
    source: str
    source_sequence: int
    fee_charged_stroops: int
    transaction_code: str
    """Horizon's spelling (docs/spec/stellar-horizon.md §5.6): `tx_success`, `tx_failed`, …"""
    operation_codes: tuple[str, ...]
    """One per operation of a failed transaction, empty for a successful one."""
    inner_hash: str | None = None
    """Of the transaction inside a fee bump that somebody wrapped around it; `None`: it is plain."""


@frozen
class Applied:
    """The transaction is in a ledger and did what it says."""

    record: TransactionRecord


@frozen
class Rejected:
    """The server answered with a result that is not success.

    The answer alone does not prove that the envelope is dead: look the hash up
    (docs/spec/stellar-horizon.md §0, traps 7 and 8).
    """

    transaction_code: str
    operation_codes: tuple[str, ...]
    included: bool | None
    """`True`: it is in a ledger as failed, and is dead. `False`: this submission was refused before any
    ledger. `None`: either, or an earlier submission of the same envelope succeeded."""


@frozen
class Unknown:
    """Nobody knows whether the envelope reached the network: look it up by its hash."""

    reason: str


SubmitResult = Applied | Rejected | Unknown


@unique
class TransferOrigin(Enum):
    """What kind of operation moved the asset."""

    PAYMENT = "payment"
    """A classic payment or path payment."""
    CONTRACT = "contract"
    """An asset transfer inside a contract call (docs/spec/stellar-horizon.md §4.2)."""


@frozen
class AssetTransfer:
    """One movement of an asset, the unit of a deposit (docs/spec/domain.md §5).

    (`operation_id`, `index`) names it for good on one network.
    """

    operation_id: str
    index: int
    """Position in a contract call's balance changes; 0 for a payment."""
    source: str | None
    """`None`: minted."""
    destination: str | None
    """`None`: burned or clawed back."""
    amount: Money
    asset_code: str
    asset_issuer: str | None
    """`None`: the native asset."""
    origin: TransferOrigin
    contract: str | None
    """The contract that the operation called, for `TransferOrigin.CONTRACT`."""
    transaction_hash: str


@frozen
class PaymentRecord:
    """One record of the network's payments with the transfers that it carries, maybe none."""

    paging_token: str
    transaction_hash: str
    successful: bool
    created_at: datetime
    memo: str | None
    transfers: tuple[AssetTransfer, ...]


@frozen
class UnreadableRecord:
    """A record that could not be understood: to be parked for an operator, never skipped silently."""

    paging_token: str
    reason: str
    raw: str
    """The record as JSON, shortened; public data."""


@frozen
class PaymentPage:
    """A stretch of the network's payments in ascending order."""

    records: tuple[PaymentRecord | UnreadableRecord, ...]
    cursor: str
    """The last record's paging token, or the cursor that was asked with if there is none."""
    full: bool
    """The page was full: more may follow, ask at once."""


@frozen
class AccountPayment:
    """One line of `GET /users/{id}/wallet/transactions`."""

    id: str
    type: str
    """Horizon's name of the operation, e.g. `payment`."""
    source: str | None
    destination: str | None
    amount: Money | None
    """`None` where Horizon does not say it (`account_merge`)."""
    asset: str
    created_at: datetime
    transaction_hash: str
    successful: bool


class StellarNetwork(Protocol):
    """The Stellar network as the orchestrator needs it.

    Cancelling a read leaves nothing behind; cancelling `submit` leaves an unknown outcome.
    """

    async def state(self) -> NetworkState:
        """The state of the network now."""
        ...

    async def account(self, address: str) -> AccountState | None:
        """The account, or `None` if the server does not know it (yet: docs/spec/stellar-horizon.md §2.3)."""
        ...

    async def accounts_sponsored_by(self, sponsor: str, cursor: str, limit: int) -> AccountPage:
        """Accounts whose reserves another one pays, after `cursor` (an address, or ""), 1 to 200."""
        ...

    async def submit(self, envelope_xdr: str, tx_hash: str) -> SubmitResult:
        """Hand in a signed envelope and wait for its ledger; repeating the same envelope is safe."""
        ...

    async def transaction(self, tx_hash: str) -> TransactionRecord | None:
        """The transaction if a ledger includes it, `None` if the server knows of none."""
        ...

    async def account_transactions(self, address: str, limit: int) -> tuple[TransactionRecord, ...]:
        """The newest transactions that an account took part in, failed ones too, newest first."""
        ...

    async def transfers(self, tx_hash: str) -> tuple[AssetTransfer, ...]:
        """Every asset transfer of one included transaction, in order; none if it failed."""
        ...

    async def payments_after(self, cursor: str, limit: int) -> PaymentPage:
        """The network's payments after `cursor` (a paging token), at most `limit` (1 to 200) records."""
        ...

    async def account_payments_after(self, address: str, cursor: str, limit: int) -> PaymentPage:
        """As `payments_after`, of the payments that touch one account."""
        ...

    async def account_payments(self, address: str, limit: int) -> tuple[AccountPayment, ...]:
        """The newest payments of one account, newest first; none if the account is unknown."""
        ...

    async def fee_per_operation(self) -> int:
        """What to bid for one classic operation now, in stroops."""
        ...

    async def fund_from_friendbot(self, address: str) -> None:
        """Let the network's friendbot give XLM; a network without one raises `StellarUnavailable`."""
        ...
