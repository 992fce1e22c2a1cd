"""Horizon's client: `StellarNetwork` over HTTP (docs/spec/stellar-horizon.md §2)."""

import hashlib
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx
import trio

from offerhub.providers.http import HttpAnswer, HttpClient, HttpTrouble, RandomFraction, Repeat
from offerhub.providers.rate import Priority, RateBudget
from offerhub.providers.stellar import wire
from offerhub.providers.stellar.port import (
    AccountPage,
    AccountPayment,
    AccountState,
    Applied,
    AssetTransfer,
    NetworkState,
    PaymentPage,
    Rejected,
    StellarUnavailable,
    SubmitResult,
    TransactionRecord,
    Unknown,
)

T = TypeVar("T")


class HorizonClient:
    """Talks to one Horizon server."""

    def __init__(
        self,
        base_url: str,
        *,
        usdc_code: str,
        usdc_issuer: str,
        passphrase: str,
        budget: RateBudget,
        random: RandomFraction,
        friendbot_url: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = HttpClient(base_url, budget=budget, random=random, transport=transport)
        self._usdc_code = usdc_code
        self._usdc_issuer = usdc_issuer
        self._network_id = hashlib.sha256(passphrase.encode()).digest()
        self._friendbot_url = friendbot_url
        self._fee_stroops = _FEE_MIN_STROOPS
        self._fee_read_at = -float("inf")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def state(self) -> NetworkState:
        return _read(await self._get("/", Priority.CONFIRM), wire.read_state)

    async def account(self, address: str) -> AccountState | None:
        answer = await self._get(f"/accounts/{quote(address)}", Priority.CONFIRM)
        if answer.status == _NOT_FOUND:
            return None
        account = _read(
            answer,
            lambda body: wire.read_account(
                body, self._usdc_code, self._usdc_issuer, answer.latest_ledger
            ),
        )
        if account.address != address:
            msg = "Horizon returned a different account"
            raise StellarUnavailable(msg)
        return account

    async def accounts_sponsored_by(self, sponsor: str, cursor: str, limit: int) -> AccountPage:
        answer = await self._get(
            "/accounts",
            Priority.READ,
            {"sponsor": sponsor, "cursor": cursor, "order": "asc", "limit": limit},
        )
        accounts = _read(
            answer,
            lambda body: wire.read_accounts(
                body, self._usdc_code, self._usdc_issuer, answer.latest_ledger
            ),
        )
        addresses = [cursor, *(account.address for account in accounts)]
        if any(after <= before for before, after in pairwise(addresses)):
            msg = "Horizon returned accounts that are not in order after the cursor"
            raise StellarUnavailable(msg)
        return AccountPage(accounts, addresses[-1], full=len(accounts) >= limit)

    async def submit(self, envelope_xdr: str, tx_hash: str) -> SubmitResult:
        """Hand in an envelope by `POST /transactions`, which answers when a ledger has it.

        Horizon looks the hash up before it sends, so repeating the same envelope is safe (§2.5).
        """
        try:
            answer = await self._http.request(
                "POST",
                "/transactions",
                priority=Priority.SUBMIT,
                deadline_s=_SUBMIT_DEADLINE_S,
                repeat=Repeat.WHEN_LIMITED,
                content=urlencode({"tx": envelope_xdr}).encode(),
                content_type="application/x-www-form-urlencoded",
            )
        except HttpTrouble as trouble:
            return Unknown(trouble.reason)
        return _submit_result(answer, tx_hash, self._network_id)

    async def transaction(self, tx_hash: str) -> TransactionRecord | None:
        answer = await self._get(f"/transactions/{quote(tx_hash)}", Priority.CONFIRM)
        if answer.status == _NOT_FOUND:
            return None
        record = _read(answer, lambda body: wire.read_transaction(body, self._network_id))
        if record.hash != tx_hash:
            raise StellarUnavailable(_WRONG_HASH)
        return record

    async def account_transactions(self, address: str, limit: int) -> tuple[TransactionRecord, ...]:
        answer = await self._get(
            f"/accounts/{quote(address)}/transactions",
            Priority.CONFIRM,
            {"order": "desc", "limit": limit, "include_failed": "true"},
        )
        if answer.status == _NOT_FOUND:
            return ()
        return _read(answer, lambda body: wire.read_transactions(body, self._network_id))

    async def transfers(self, tx_hash: str) -> tuple[AssetTransfer, ...]:
        answer = await self._get(
            f"/transactions/{quote(tx_hash)}/payments", Priority.CONFIRM, {"limit": _PAGE_MAX}
        )
        transfers = _read(answer, wire.read_transfers)
        if any(transfer.transaction_hash != tx_hash for transfer in transfers):
            raise StellarUnavailable(_WRONG_HASH)
        return transfers

    async def payments_after(self, cursor: str, limit: int) -> PaymentPage:
        return await self._payments("/payments", Priority.WATCH, cursor, limit)

    async def account_payments_after(self, address: str, cursor: str, limit: int) -> PaymentPage:
        path = f"/accounts/{quote(address)}/payments"
        return await self._payments(path, Priority.READ, cursor, limit)

    async def _payments(
        self, path: str, priority: Priority, cursor: str, limit: int
    ) -> PaymentPage:
        answer = await self._get(
            path,
            priority,
            {"cursor": cursor, "order": "asc", "limit": limit, "join": "transactions"},
        )
        if answer.status == _NOT_FOUND:
            return PaymentPage(records=(), cursor=cursor, full=False)
        records = _read(answer, wire.read_payments)
        tokens = [int(cursor), *(int(record.paging_token) for record in records)]
        if any(after <= before for before, after in pairwise(tokens)):
            msg = "Horizon returned records that are not in order after the cursor"
            raise StellarUnavailable(msg)
        return PaymentPage(
            records=records,
            cursor=records[-1].paging_token if records else cursor,
            full=len(records) >= limit,
        )

    async def account_payments(self, address: str, limit: int) -> tuple[AccountPayment, ...]:
        answer = await self._get(
            f"/accounts/{quote(address)}/payments", Priority.READ, {"order": "desc", "limit": limit}
        )
        if answer.status == _NOT_FOUND:
            return ()
        return _read(answer, lambda body: wire.read_account_payments(body, address))

    async def fee_per_operation(self) -> int:
        """What to bid, read at most every few seconds, at least the network's minimum, at most the cap.

        Raises: `StellarUnavailable` if it was never read; later the last value serves.
        """
        now = trio.current_time()
        if now - self._fee_read_at > _FEE_FRESH_S:
            try:
                fee = _read(await self._get("/fee_stats", Priority.READ), wire.read_fee)
            except StellarUnavailable:
                if self._fee_read_at == -float("inf"):
                    raise
            else:
                self._fee_stroops = min(max(fee, _FEE_MIN_STROOPS), _FEE_CAP_STROOPS)
                self._fee_read_at = now
        return self._fee_stroops

    async def fund_from_friendbot(self, address: str) -> None:
        if self._friendbot_url is None:
            msg = "this network has no friendbot"
            raise StellarUnavailable(msg)
        answer = await self._get(self._friendbot_url, Priority.READ, {"addr": address})
        if answer.ok or "already funded" in wire.read_problem(answer.body).detail:
            return
        msg = f"friendbot answered {answer.status}"
        raise StellarUnavailable(msg)

    async def _get(
        self, path: str, priority: Priority, params: Mapping[str, str | int] | None = None
    ) -> HttpAnswer:
        try:
            return await self._http.request(
                "GET",
                path,
                priority=priority,
                deadline_s=_READ_DEADLINE_S,
                repeat=Repeat.ALWAYS,
                params=params,
            )
        except HttpTrouble as trouble:
            raise StellarUnavailable(trouble.reason) from None


def _read(answer: HttpAnswer, reader: Callable[[bytes], T]) -> T:
    if not answer.ok:
        problem = wire.read_problem(answer.body)
        msg = f"Horizon answered {answer.status} {problem.kind}".rstrip()
        raise StellarUnavailable(msg)
    try:
        return reader(answer.body)
    except wire.UnreadableAnswer as error:
        raise StellarUnavailable(error.reason) from None


def _submit_result(answer: HttpAnswer, tx_hash: str, network_id: bytes) -> SubmitResult:
    """What an answer to a submission proves (§2.5, §5.7)."""
    if answer.ok:
        return _submit_success(answer.body, tx_hash, network_id)
    problem = wire.read_problem(answer.body)
    if answer.status == _BAD_REQUEST and problem.kind == "transaction_malformed":
        return Rejected("transaction_malformed", (), included=False)
    codes = problem.extras.result_codes if problem.extras is not None else None
    if answer.status == _BAD_REQUEST and codes is not None:
        return Rejected(
            codes.transaction,
            tuple(codes.operations or ()),
            included=None if codes.transaction in _MAY_BE_INCLUDED else False,
        )
    return Unknown(f"Horizon answered {answer.status} {problem.kind}".rstrip())


def _submit_success(body: bytes, tx_hash: str, network_id: bytes) -> SubmitResult:
    try:
        record = wire.read_transaction(body, network_id)
    except wire.UnreadableAnswer as error:
        return Unknown(error.reason)
    if record.hash != tx_hash:
        return Unknown(_WRONG_HASH)
    if record.successful:
        return Applied(record)
    return Rejected(record.transaction_code, record.operation_codes, included=True)


_MAY_BE_INCLUDED = frozenset({"tx_failed", "tx_bad_seq", "tx_internal_error", "tx_bad_sponsorship"})
"""Codes after which the envelope may be in a ledger: by failing there, or by having been there before
(§0 traps 7 and 8)."""

_BAD_REQUEST = 400
_NOT_FOUND = 404
_PAGE_MAX = 200
_READ_DEADLINE_S = 20.0
_SUBMIT_DEADLINE_S = 45.0
"""Horizon itself gives up after 30 s (§2.5)."""
_FEE_MIN_STROOPS = 100
_FEE_CAP_STROOPS = 100_000
_FEE_FRESH_S = 10.0
_WRONG_HASH = "Horizon answered with another transaction"
