"""Horizon's JSON, read into the port's values (docs/spec/stellar-horizon.md §2.4, §4).

Only the fields that we use are declared; a record that misses one of them is unreadable, and says so.
"""

from datetime import UTC, datetime

import msgspec
from stellar_sdk import StrKey, xdr

from offerhub.domain.money import InvalidAmount, Money
from offerhub.providers.stellar.envelope import ForeignTransaction, read_included
from offerhub.providers.stellar.port import (
    AccountPayment,
    AccountState,
    AssetTransfer,
    NetworkState,
    PaymentRecord,
    TransactionRecord,
    TransferOrigin,
    UnreadableRecord,
)
from offerhub.providers.stellar.result import UnreadableResult, result_codes, succeeded


class UnreadableAnswer(Exception):
    """The server's answer is not what its documentation says."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Root(msgspec.Struct):
    network_passphrase: str
    history_latest_ledger: int
    history_elder_ledger: int
    history_latest_ledger_closed_at: datetime


class _Balance(msgspec.Struct):
    balance: str
    asset_type: str
    asset_code: str | None = None
    asset_issuer: str | None = None
    selling_liabilities: str = "0"
    is_authorized: bool = True


class _Account(msgspec.Struct):
    account_id: str
    sequence: str
    subentry_count: int
    num_sponsoring: int
    num_sponsored: int
    balances: list[_Balance]


class _Transaction(msgspec.Struct):
    hash: str
    successful: bool
    ledger: int
    created_at: datetime
    source_account: str
    source_account_sequence: str
    fee_charged: str
    envelope_xdr: str
    result_xdr: str


class _Memo(msgspec.Struct):
    memo: str | None = None


class _BalanceChange(msgspec.Struct):
    type: str
    amount: str
    asset_type: str
    asset_code: str | None = None
    asset_issuer: str | None = None
    source: str | None = msgspec.field(default=None, name="from")
    to: str | None = None


class _Parameter(msgspec.Struct):
    type: str
    value: str


class _Payment(msgspec.Struct):
    id: str
    paging_token: str
    type: str
    transaction_successful: bool
    transaction_hash: str
    created_at: datetime
    source_account: str
    transaction: _Memo | None = None
    source: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    amount: str | None = None
    asset_type: str | None = None
    asset_code: str | None = None
    asset_issuer: str | None = None
    asset_balance_changes: list[_BalanceChange] | None = None
    parameters: list[_Parameter] | None = None
    funder: str | None = None
    account: str | None = None
    starting_balance: str | None = None
    into: str | None = None


class _Token(msgspec.Struct):
    paging_token: str


class _Records(msgspec.Struct):
    records: list[msgspec.Raw]


class _Page(msgspec.Struct):
    embedded: _Records = msgspec.field(name="_embedded")


class _FeesCharged(msgspec.Struct):
    p95: str


class _FeeStats(msgspec.Struct):
    last_ledger_base_fee: str
    fee_charged: _FeesCharged


class _ResultCodes(msgspec.Struct):
    transaction: str
    operations: list[str] | None = None


class _ProblemExtras(msgspec.Struct):
    result_codes: _ResultCodes | None = None


class Problem(msgspec.Struct):
    """Horizon's problem document (§2.3)."""

    type: str = ""
    title: str = ""
    detail: str = ""
    extras: _ProblemExtras | None = None

    @property
    def kind(self) -> str:
        """The last part of the type, e.g. `transaction_failed`."""
        return self.type.rpartition("/")[2]


_root = msgspec.json.Decoder(_Root)
_account = msgspec.json.Decoder(_Account)
_transaction = msgspec.json.Decoder(_Transaction)
_payment = msgspec.json.Decoder(_Payment)
_token = msgspec.json.Decoder(_Token)
_page = msgspec.json.Decoder(_Page)
_fee_stats = msgspec.json.Decoder(_FeeStats)
_problem = msgspec.json.Decoder(Problem)


def read_state(body: bytes) -> NetworkState:
    """Read `GET /`. Raises `UnreadableAnswer`."""
    try:
        root = _root.decode(body)
        if root.history_elder_ledger > root.history_latest_ledger:
            msg = "Horizon's oldest ledger is newer than its newest"
            raise UnreadableAnswer(msg)
        return NetworkState(
            passphrase=root.network_passphrase,
            latest_ledger=root.history_latest_ledger,
            elder_ledger=root.history_elder_ledger,
            latest_closed_at=_utc(root.history_latest_ledger_closed_at),
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_accounts(
    body: bytes, usdc_code: str, usdc_issuer: str, ledger: int | None
) -> tuple[AccountState, ...]:
    """Read a page of accounts. Raises `UnreadableAnswer`, as `read_account` does."""
    return tuple(read_account(bytes(raw), usdc_code, usdc_issuer, ledger) for raw in _records(body))


def read_account(body: bytes, usdc_code: str, usdc_issuer: str, ledger: int | None) -> AccountState:
    """Read `GET /accounts/{G}`, the answer's `Latest-Ledger` beside it. Raises `UnreadableAnswer`."""
    try:
        account = _account.decode(body)
        xlm = liabilities = Money.zero()
        usdc = None
        for balance in account.balances:
            if balance.asset_type == "native":
                xlm = Money.from_decimal_string(balance.balance)
                liabilities = Money.from_decimal_string(balance.selling_liabilities)
            elif (balance.asset_code, balance.asset_issuer) == (usdc_code, usdc_issuer):
                usdc = Money.from_decimal_string(balance.balance) if balance.is_authorized else None
        reserves = 2 + account.subentry_count + account.num_sponsoring - account.num_sponsored
        spendable = xlm - liabilities - Money(reserves * BASE_RESERVE_STROOPS)
        return AccountState(
            address=account.account_id,
            sequence=int(account.sequence),
            xlm=xlm,
            xlm_spendable=max(spendable, Money.zero()),
            usdc=usdc,
            ledger=ledger,
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_transaction(body: bytes, network_id: bytes) -> TransactionRecord:
    """Read a transaction resource.

    Raises: `UnreadableAnswer`, also for a record that contradicts itself: one whose envelope is another
    transaction than its hash, or whose result is another than its `successful`. Such a record proves
    neither that the transaction was included nor how it ended.
    """
    try:
        return _transaction_record(_transaction.decode(body), network_id)
    except (msgspec.MsgspecError, ValueError, UnreadableResult, ForeignTransaction) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_transactions(body: bytes, network_id: bytes) -> tuple[TransactionRecord, ...]:
    """Read a page of transactions. Raises `UnreadableAnswer`, as `read_transaction` does."""
    return tuple(read_transaction(bytes(raw), network_id) for raw in _records(body))


def _transaction_record(transaction: _Transaction, network_id: bytes) -> TransactionRecord:
    included = read_included(transaction.envelope_xdr, transaction.hash, network_id)
    if (transaction.source_account, transaction.source_account_sequence) != (
        included.source,
        str(included.sequence),
    ):
        msg = "Horizon's record contradicts itself: its envelope has another source or number"
        raise UnreadableAnswer(msg)
    if succeeded(transaction.result_xdr) is not transaction.successful:
        msg = "Horizon's record contradicts itself: its result is not what it says of success"
        raise UnreadableAnswer(msg)
    # Thousands of successes for one failure: only the failure's result is worth decoding.
    codes = None if transaction.successful else result_codes(transaction.result_xdr)
    return TransactionRecord(
        hash=transaction.hash,
        ledger=transaction.ledger,
        successful=transaction.successful,
        closed_at=_utc(transaction.created_at),
        source=transaction.source_account,
        source_sequence=int(transaction.source_account_sequence),
        fee_charged_stroops=int(transaction.fee_charged),
        transaction_code="tx_success" if codes is None else codes.transaction,
        operation_codes=() if codes is None else codes.operations,
        inner_hash=included.inner_hash,
    )


def read_payments(body: bytes) -> tuple[PaymentRecord | UnreadableRecord, ...]:
    """Read a page of payments, each record for itself.

    Raises: `UnreadableAnswer` if it is no page, or a record does not even say where it is.
    """
    return tuple(_read_payment(raw) for raw in _records(body))


def read_account_payments(body: bytes, address: str) -> tuple[AccountPayment, ...]:
    """Read a page of one account's payments: of a contract call, a line for each change that touches it.

    Raises: `UnreadableAnswer`.
    """
    try:
        return tuple(
            line for raw in _records(body) for line in _account_lines(_payment.decode(raw), address)
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_transfers(body: bytes) -> tuple[AssetTransfer, ...]:
    """Read the payments of one transaction. Raises `UnreadableAnswer`."""
    transfers: list[AssetTransfer] = []
    for record in read_payments(body):
        if isinstance(record, UnreadableRecord):
            raise UnreadableAnswer(record.reason)
        if record.successful:
            transfers.extend(record.transfers)
    return tuple(transfers)


def read_fee(body: bytes) -> int:
    """Read from `GET /fee_stats` what outbids nearly everyone who was included lately, in stroops.

    Raises: `UnreadableAnswer`.
    """
    try:
        stats = _fee_stats.decode(body)
        return max(int(stats.last_ledger_base_fee), int(stats.fee_charged.p95))
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def read_problem(body: bytes) -> Problem:
    """Read an error's body; an unreadable one gives an empty problem."""
    try:
        return _problem.decode(body)
    except (msgspec.MsgspecError, ValueError):
        return Problem()


def _records(body: bytes) -> list[msgspec.Raw]:
    try:
        return _page.decode(body).embedded.records
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None


def _read_payment(raw: msgspec.Raw) -> PaymentRecord | UnreadableRecord:
    try:
        token = _token.decode(raw).paging_token
        if not token.isascii() or not token.isdecimal():
            msg = "a paging token that is not a number"
            raise UnreadableAnswer(msg)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableAnswer(_why(error)) from None
    try:
        payment = _payment.decode(raw)
        return PaymentRecord(
            paging_token=token,
            transaction_hash=payment.transaction_hash,
            successful=payment.transaction_successful,
            created_at=_utc(payment.created_at),
            memo=payment.transaction.memo if payment.transaction is not None else None,
            transfers=_transfers(payment) if payment.transaction_successful else (),
        )
    except (msgspec.MsgspecError, ValueError) as error:
        text = bytes(raw).decode(errors="replace")
        return UnreadableRecord(token, _why(error), text[:_RAW_MAX])


def _transfers(payment: _Payment) -> tuple[AssetTransfer, ...]:
    """What a record moves (§4.3): the delivered amount of a payment, each change of a contract call."""
    if payment.type in _PAYMENTS:
        if payment.amount is None or payment.to is None or payment.asset_type is None:
            msg = "a payment without amount, recipient or asset"
            raise ValueError(msg)
        code, issuer = _asset(payment.asset_type, payment.asset_code, payment.asset_issuer)
        return (
            AssetTransfer(
                operation_id=payment.id,
                index=0,
                source=payment.source,
                destination=payment.to,
                amount=Money.from_decimal_string(payment.amount),
                asset_code=code,
                asset_issuer=issuer,
                origin=TransferOrigin.PAYMENT,
                contract=None,
                transaction_hash=payment.transaction_hash,
            ),
        )
    if payment.type != "invoke_host_function":
        return ()
    contract = _called_contract(payment)
    return tuple(
        _contract_transfer(payment, index, change, contract)
        for index, change in enumerate(payment.asset_balance_changes or ())
    )


def _contract_transfer(
    payment: _Payment, index: int, change: _BalanceChange, contract: str | None
) -> AssetTransfer:
    code, issuer = _asset(change.asset_type, change.asset_code, change.asset_issuer)
    if change.type in {"transfer", "mint"} and change.to is None:
        msg = f"a {change.type} without a recipient"
        raise ValueError(msg)
    return AssetTransfer(
        operation_id=payment.id,
        index=index,
        source=change.source,
        destination=change.to,
        amount=Money.from_decimal_string(change.amount),
        asset_code=code,
        asset_issuer=issuer,
        origin=TransferOrigin.CONTRACT,
        contract=contract,
        transaction_hash=payment.transaction_hash,
    )


def _called_contract(payment: _Payment) -> str | None:
    """The first parameter of a call is the contract's address (§4.1); `None` for other host functions."""
    for parameter in payment.parameters or ():
        if parameter.type != "Address":
            return None
        try:
            address = xdr.SCVal.from_xdr(parameter.value).address
        except Exception as error:  # noqa: BLE001 - stellar-sdk lets whatever its decoder trips over through
            msg = f"an invalid contract address ({type(error).__name__})"
            raise ValueError(msg) from None
        if address is None or address.contract_id is None:
            return None
        return StrKey.encode_contract(address.contract_id.contract_id.hash)
    return None


def _account_lines(payment: _Payment, address: str) -> list[AccountPayment]:
    match payment.type:
        case "create_account":
            return [_line(payment, payment.funder, payment.account, payment.starting_balance)]
        case "account_merge":
            return [_line(payment, payment.account, payment.into, None)]
        case "invoke_host_function":
            return [
                _line(payment, change.source, change.to, change.amount, change.asset_code, index)
                for index, change in enumerate(payment.asset_balance_changes or ())
                if address in (change.source, change.to)
            ]
        case _:
            return [_line(payment, payment.source, payment.to, payment.amount, payment.asset_code)]


def _line(
    payment: _Payment,
    source: str | None,
    destination: str | None,
    amount: str | None,
    asset_code: str | None = None,
    index: int = 0,
) -> AccountPayment:
    return AccountPayment(
        id=f"{payment.id}-{index}" if index else payment.id,
        type=payment.type,
        source=source,
        destination=destination,
        amount=None if amount is None else Money.from_decimal_string(amount),
        asset=asset_code or "XLM",
        created_at=_utc(payment.created_at),
        transaction_hash=payment.transaction_hash,
        successful=payment.transaction_successful,
    )


def _asset(asset_type: str, code: str | None, issuer: str | None) -> tuple[str, str | None]:
    if asset_type == "native":
        return "XLM", None
    if code is None or issuer is None:
        msg = "an asset without code or issuer"
        raise ValueError(msg)
    return code, issuer


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        msg = "a time without a time zone"
        raise ValueError(msg)
    return moment.astimezone(UTC)


def _why(error: Exception) -> str:
    if isinstance(error, UnreadableAnswer | ForeignTransaction):
        return error.reason
    if isinstance(error, InvalidAmount):
        return str(error)
    return f"unreadable: {error}"[:200]


BASE_RESERVE_STROOPS = 5_000_000
"""0.5 XLM (docs/spec/stellar-horizon.md §1.2); voted, and stable since 2015."""

_PAYMENTS = frozenset({"payment", "path_payment_strict_receive", "path_payment_strict_send"})
_RAW_MAX = 4_000
