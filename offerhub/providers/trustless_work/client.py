"""Trustless Work's client: `EscrowProvider` over HTTP (docs/spec/trustless-work.md)."""

from collections.abc import Sequence

import httpx
import msgspec

from offerhub.domain.intents import EscrowIntent
from offerhub.domain.money import Money
from offerhub.providers.http import (
    HttpAnswer,
    HttpClient,
    HttpTrouble,
    Params,
    RandomFraction,
    Repeat,
)
from offerhub.providers.rate import Priority, RateBudget
from offerhub.providers.trustless_work import wire
from offerhub.providers.trustless_work.port import (
    EscrowRecord,
    EscrowRefused,
    ProviderRateLimited,
    ProviderUnavailable,
    Refused,
    SendResult,
    SendUnknown,
    Sent,
)
from offerhub.providers.trustless_work.refusals import RefusalKind, refusal_kind


class TrustlessWorkClient:
    """Talks to the V1 API."""

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str,
        budget: RateBudget,
        random: RandomFraction,
        deadline_s: float = 60,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._deadline_s = deadline_s
        self._http = HttpClient(
            base_url,
            budget=budget,
            random=random,
            headers={"x-api-key": api_key},
            transport=transport,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def build(self, intent: EscrowIntent) -> str:
        path, body = wire.request_of(intent)
        # A build only simulates, so it may be repeated; but each costs a call of the scarce budget, and the
        # order's own retries follow anyway.
        answer = await self._call("POST", path, Priority.SUBMIT, Repeat.WHEN_LIMITED, content=body)
        if not answer.ok:
            raise _build_failure(answer)
        try:
            built = wire.read_built(answer.body)
        except wire.UnreadableAnswer as error:
            raise ProviderUnavailable(error.reason) from None
        if built.status != _SUCCESS or not built.unsigned_transaction:
            raise _refusal(built.message) or ProviderUnavailable(_NO_ENVELOPE)
        return built.unsigned_transaction

    async def send(self, signed_xdr: str) -> SendResult:
        """Hand in a signed envelope by send-transaction (§2.3).

        Only a plain refusal in the contract's words is one; everything else is unknown.
        """
        try:
            answer = await self._call(
                "POST",
                "/helper/send-transaction",
                Priority.SUBMIT,
                Repeat.WHEN_LIMITED,
                content=msgspec.json.encode({"signedXdr": signed_xdr}),
            )
        except ProviderUnavailable as error:
            return SendUnknown(error.reason)
        if not answer.ok:
            return _send_failure(answer.status, wire.read_fault(answer.body))
        try:
            sent = wire.read_sent(answer.body)
        except wire.UnreadableAnswer as error:
            return SendUnknown(error.reason)
        if sent.status != _SUCCESS:
            return _send_failure(answer.status, sent.message)
        return Sent(sent.contract_id)

    async def refresh(self, tx_hash: str) -> None:
        try:
            await self._call(
                "POST",
                "/indexer/update-from-txHash",
                Priority.READ,
                Repeat.WHEN_LIMITED,
                content=msgspec.json.encode({"txHash": tx_hash}),
            )
        except ProviderUnavailable:
            # Best effort: the read model catches up by itself (§4).
            return

    async def escrow(self, contract_id: str) -> EscrowRecord | None:
        answer = await self._read(
            "/helper/get-escrow-by-contract-ids",
            {"contractIds[]": contract_id, "validateOnChain": "true"},
        )
        if _not_found(answer):
            return None
        _require_ok(answer)
        try:
            return wire.read_escrow(answer.body, contract_id)
        except wire.UnreadableAnswer as error:
            raise ProviderUnavailable(error.reason) from None

    async def balance(self, contract_id: str, *, for_step: bool = False) -> Money:
        priority = Priority.SUBMIT if for_step else Priority.READ
        return (await self._balances([contract_id], priority))[contract_id]

    async def balances(self, contract_ids: Sequence[str]) -> dict[str, Money]:
        return await self._balances(contract_ids, Priority.READ)

    async def _balances(self, contract_ids: Sequence[str], priority: Priority) -> dict[str, Money]:
        answer = await self._read(
            "/helper/get-multiple-escrow-balance",
            tuple(("addresses[]", each) for each in contract_ids),
            priority,
        )
        _require_ok(answer)
        try:
            return wire.read_balances(answer.body, contract_ids)
        except wire.UnreadableAnswer as error:
            raise ProviderUnavailable(error.reason) from None

    async def _read(
        self, path: str, params: Params, priority: Priority = Priority.READ
    ) -> HttpAnswer:
        return await self._call("GET", path, priority, Repeat.ALWAYS, params=params)

    async def _call(
        self,
        method: str,
        path: str,
        priority: Priority,
        repeat: Repeat,
        *,
        params: Params | None = None,
        content: bytes | None = None,
    ) -> HttpAnswer:
        try:
            answer = await self._http.request(
                method,
                path,
                priority=priority,
                deadline_s=self._deadline_s,
                repeat=repeat,
                params=params,
                content=content,
                content_type=None if content is None else "application/json",
            )
        except HttpTrouble as trouble:
            raise ProviderUnavailable(trouble.reason, timed_out=trouble.timed_out) from None
        if answer.status == _TOO_MANY:
            raise ProviderRateLimited(answer.retry_after_s)
        return answer


def _build_failure(answer: HttpAnswer) -> Exception:
    """Branch on the words, not on 400 against 500 (§2.3)."""
    if answer.status in _KEY_REFUSED:
        return ProviderUnavailable("the provider rejects our API key")
    message = wire.read_fault(answer.body)
    refusal = _refusal(message)
    if refusal is not None:
        return refusal
    if answer.status < _SERVER_FAULT and isinstance(message, str):
        return EscrowRefused(message[:_MESSAGE_MAX], RefusalKind.OTHER)
    return ProviderUnavailable(f"the provider answered {answer.status}")


def _refusal(message: str | list[str] | None) -> EscrowRefused | None:
    if isinstance(message, list):
        return EscrowRefused("; ".join(message)[:_MESSAGE_MAX], RefusalKind.INVALID_REQUEST)
    kind = refusal_kind(message) if message is not None else None
    if message is None or kind is None:
        return None
    return EscrowRefused(message[:_MESSAGE_MAX], kind)


def _send_failure(status: int, message: str | list[str] | None) -> SendResult:
    """What a failed submission proves: nothing but the contract's own refusal (§2.3, §12.1)."""
    kind = refusal_kind(message) if isinstance(message, str) else None
    if isinstance(message, str) and kind is not None:
        return Refused(message[:_MESSAGE_MAX], kind)
    if isinstance(message, str):
        return SendUnknown(f"the provider answered {status}: {message[:_MESSAGE_MAX]}")
    return SendUnknown(f"the provider answered {status}")


def _not_found(answer: HttpAnswer) -> bool:
    if answer.ok:
        return False
    message = wire.read_fault(answer.body)
    return answer.status == _NOT_FOUND or (
        isinstance(message, str) and refusal_kind(message) is RefusalKind.NOT_FOUND
    )


def _require_ok(answer: HttpAnswer) -> None:
    if not answer.ok:
        msg = f"the provider answered {answer.status}"
        raise ProviderUnavailable(msg)


_SUCCESS = "SUCCESS"
_NO_ENVELOPE = "the provider answered without an envelope"
_KEY_REFUSED = frozenset({401, 403})
_TOO_MANY = 429
_NOT_FOUND = 404
_SERVER_FAULT = 500
_MESSAGE_MAX = 300
