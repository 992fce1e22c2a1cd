"""Idempotency keys: one effect and one answer for one key (docs/spec/api.md, Idempotency).

What guards a key is the record that is committed with the effect. So a fresh key costs no query:
its request runs, and a commit that finds the key taken is refused whole. Then the record is read
and answers. A key that this process has seen before is read first.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from actors.answers import Awaited
from actors.system import System
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.order import Order
from offerhub.domain.trace import IdempotencyClaim
from offerhub.domain.unit_of_work import IDEMPOTENCY_LIFETIME, IdempotencyState
from offerhub.domain.withdrawal import Withdrawal
from storage.port import Storage, StoredClaim
from web.answers import body_of, read_text
from web.call import Answer
from web.field_errors import field_error
from web.rendering import render_dispute, render_order, render_withdrawal
from web.resources import Resource
from web.statuses import STATUS

REPLAYED: Final = ("Idempotency-Replayed", "true")
_KEY_MAX: Final = 255
_SEEN_MAX: Final = 50_000
_HEADER: Final = "Idempotency-Key"

_NOT_KEPT: Final = frozenset(
    {
        ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
        ErrorCode.WALLET_NOT_READY,
        ErrorCode.ESCROW_INSUFFICIENT_FUNDS,
    }
)
_KEPT_STATUSES: Final = frozenset({400, 404, 409, 422})


def read_key(header: bytes) -> str:
    """The key as sent, unquoted: 1 to 255 printable characters. Raises `VALIDATION_ERROR`."""
    text = header.decode("latin-1").strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if not 1 <= len(text) <= _KEY_MAX or not text.isascii() or not text.isprintable():
        raise field_error(_HEADER, f"must be 1 to {_KEY_MAX} printable characters")
    return text


def fingerprint(method: str, path: str, body: object) -> str:
    """A hash of what a key stands for.

    Args:
        body: parsed JSON, so that spaces and the order of fields make no difference; the raw
            bytes of what is no JSON.
    """
    canonical = (
        b"\x00" + body if isinstance(body, bytes) else msgspec.json.encode(body, order="sorted")
    )
    digest = hashlib.sha256(f"{method} {path}\n".encode())
    digest.update(canonical)
    return digest.hexdigest()


def is_final(error: DomainError) -> bool:
    """Whether a refusal is definitive, and so the final answer of its key."""
    status = STATUS[error.code]
    return (
        status in _KEPT_STATUSES
        and error.code not in _NOT_KEPT
        and not (status == 409 and error.details.get("progress") is not None)
    )


def in_progress() -> DomainError:
    """The first request with the key has not been answered yet."""
    return DomainError(
        ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
        "the first request with this idempotency key is still running",
    )


def reused() -> DomainError:
    """The key stands for something else."""
    return DomainError(
        ErrorCode.IDEMPOTENCY_KEY_REUSED, "this idempotency key was used for a different request"
    )


class ReplayCache(Protocol):
    """Final answers kept beside storage, best effort; never raises for its own trouble."""

    async def get_answer(self, key: str) -> bytes | None: ...

    async def put_answer(self, key: str, answer: bytes, ttl_s: float) -> None: ...


class _Kept(msgspec.Struct, frozen=True):
    fingerprint: str
    text: bytes


class Replays:
    """The keys whose requests run in this process, and the answers of those that have run."""

    def __init__(self, system: System, cache: ReplayCache | None = None) -> None:
        self._system = system
        self._cache = cache
        self._seen: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def running(self, claim: IdempotencyClaim) -> Iterator[tuple[Awaited, bool]]:
        """Hold the key while its request runs.

        Gives where its commit leaves the answer, and whether this process has seen the key before.
        Raises `IDEMPOTENCY_KEY_IN_PROGRESS` or `IDEMPOTENCY_KEY_REUSED` if another one holds it.
        """
        held = self._system.answers.waiting(claim.key)
        if held is not None:
            raise in_progress() if held.claim.fingerprint == claim.fingerprint else reused()
        with self._system.answers.awaiting(claim) as awaited:
            seen = claim.key in self._seen
            self._seen[claim.key] = None
            self._seen.move_to_end(claim.key)
            if len(self._seen) > _SEEN_MAX:
                self._seen.popitem(last=False)
            yield awaited, seen

    async def answer(self, claim: IdempotencyClaim, request_id: str) -> Answer | None:
        """What stands under the key: the final answer, or 202 and the resource as it stands.

        `None` if nothing does. Raises `IDEMPOTENCY_KEY_REUSED`, `StorageUnavailable`.
        """
        kept = await self._cached(claim.key)
        if kept is not None:
            if kept.fingerprint != claim.fingerprint:
                raise reused()
            return read_text(kept.text, (REPLAYED,))
        record = await self._system.storage.idempotency(claim.key)
        if record is None or record.state is IdempotencyState.RELEASED:
            return None
        if record.fingerprint != claim.fingerprint:
            raise reused()
        if record.state is IdempotencyState.DONE:
            if record.answer is None:
                return None
            await self._cache_answer(record, record.answer)
            return read_text(record.answer, (REPLAYED,))
        return await self._standing(record, request_id)

    async def _cached(self, key: str) -> _Kept | None:
        if self._cache is None:
            return None
        found = await self._cache.get_answer(key)
        if found is None:
            return None
        try:
            return msgspec.json.decode(found, type=_Kept)
        except msgspec.MsgspecError:
            return None  # Another version of the program wrote it; storage has the answer, too.

    async def _cache_answer(self, record: StoredClaim, text: bytes) -> None:
        """Keep what storage has as final: it will not change any more until it is forgotten."""
        if self._cache is None:
            return
        left = record.created_at + IDEMPOTENCY_LIFETIME - self._system.clock()
        if left > timedelta():
            kept = _Kept(record.fingerprint, text)
            await self._cache.put_answer(
                record.key, msgspec.json.encode(kept), left.total_seconds()
            )

    async def _standing(self, record: StoredClaim, request_id: str) -> Answer | None:
        """202 and the resource as it stands, of a request whose work runs on."""
        if record.resource_type is None or record.resource_id is None:
            return None
        found = await _STANDING[record.resource_type](self._system.storage, record.resource_id)
        if found is None:
            return None
        resource, at = found
        return Answer(202, body_of(resource, request_id, at), (REPLAYED,))


async def _order(storage: Storage, order_id: str) -> tuple[Resource, datetime] | None:
    order = await storage.load(Order, order_id)
    if order is None:
        return None
    operation = None
    if order.process is not None:
        operation = await storage.load(ChainOperation, order.process.chain_operation_id)
    return render_order(order, operation), order.updated_at


async def _dispute(storage: Storage, dispute_id: str) -> tuple[Resource, datetime] | None:
    dispute = await storage.load(Dispute, dispute_id)
    return None if dispute is None else (render_dispute(dispute), dispute.updated_at)


async def _withdrawal(storage: Storage, withdrawal_id: str) -> tuple[Resource, datetime] | None:
    withdrawal = await storage.load(Withdrawal, withdrawal_id)
    if withdrawal is None:
        return None
    return render_withdrawal(withdrawal), withdrawal.updated_at


_STANDING: Final = {"Order": _order, "Dispute": _dispute, "Withdrawal": _withdrawal}
"""How each type of resource is shown while the operation of its key runs on."""
