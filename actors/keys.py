"""API keys: one actor that creates and revokes them, and the ring from which requests are let in.

The ring is plain memory: a known key is recognised without a query and without an await, and a key
that the actor has revoked is gone from it before the revocation is answered.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, assert_never

import trio
from attrs import field, frozen

from actors.along import Along, check_not_gone
from actors.journal import Journal
from actors.messages import (
    CreateApiKey,
    CreateApiToken,
    KeyCreated,
    KeyMessage,
    KeySecret,
    RevokeApiKey,
    TokenCreated,
)
from actors.outages import WokenActor, is_unavailable
from offerhub.domain import user_decisions
from offerhub.domain.api_keys import ApiKey, ApiToken, Scope
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock, Ids, RandomBytes, iso
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import RefusalKind, Refused, UnitOfWork
from storage.port import Storage, StorageUnavailable

TOKEN_PREFIX: Final = "ohk_tok_"  # noqa: S105 - what is public of a token
_SECRET_CHARACTERS: Final = 43
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_KNOWN_MAX: Final = 10_000
_FRESH_S: Final = 30.0
"""After so long a key is read again: another process may have revoked it."""
_TRIES_MAX: Final = 5
_LOOK_AGAIN_S: Final = 1.0


def new_key(random_bytes: RandomBytes, *, live: bool) -> str:
    """The text of a new key: 43 characters of 6 bits each, 258 bits."""
    return _prefix(live=live) + _secret(random_bytes)


def new_token(random_bytes: RandomBytes) -> str:
    """The text of a new token, as long as a key's."""
    return TOKEN_PREFIX + _secret(random_bytes)


def secret_of(text: str) -> KeySecret:
    """What is kept of the text of a key or a token."""
    prefix = text[: len(text) - _SECRET_CHARACTERS]
    return KeySecret(digest_of(text), f"{prefix}…{text[-4:]}")


def _prefix(*, live: bool) -> str:
    return "ohk_live_" if live else "ohk_test_"


def _secret(random_bytes: RandomBytes) -> str:
    return "".join(_ALPHABET[byte & 63] for byte in random_bytes(_SECRET_CHARACTERS))


def digest_of(text: str) -> bytes:
    """SHA-256 of a key's text: all that is ever kept of it."""
    return hashlib.sha256(text.encode()).digest()


@frozen
class KnownKey:
    """A key, or a token of it, that may come in.

    Args:
        scopes: the token's, or the key's.
        expires_at: the earlier of the token's and the key's end, or `None`.
        token: whether it is a token.
        read_at_s: when it was read from storage, on the ring's own clock.
    """

    digest: bytes = field(repr=False)
    key: ApiKey
    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    token: bool
    read_at_s: float

    def valid_at(self, now: datetime) -> bool:
        return self.key.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KeyRing:
    """The keys that were seen, by digest. The actor revokes, requests look up."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: OrderedDict[bytes, KnownKey] = OrderedDict()
        self._revocations = 0
        self._ends: dict[str, set[Callable[[], None]]] = {}

    def get(self, digest: bytes) -> KnownKey | None:
        """A key that was read a moment ago; never waits."""
        known = self._known.get(digest)
        if known is None or not hmac.compare_digest(known.digest, digest):
            return None
        return known if trio.current_time() - known.read_at_s <= _FRESH_S else None

    async def find(self, digest: bytes, *, token: bool) -> KnownKey | None:
        """A key from storage, remembered. With storage away, one that was known stays known.

        Raises `StorageUnavailable`. Cancelling it is harmless.
        """
        for _ in range(_TRIES_MAX):
            revocations = self._revocations
            try:
                known = await self._read(digest, token=token)
            except StorageUnavailable:
                stale = self._known.get(digest)
                if stale is not None:
                    return stale
                raise
            if revocations == self._revocations:
                self._remember(digest, known)
                return known
            # A key was revoked while this one was read: what was read may be from before.
        return None

    async def _read(self, digest: bytes, *, token: bool) -> KnownKey | None:
        now_s = trio.current_time()
        if not token:
            key = await self._storage.api_key_by_digest(digest)
            if key is None:
                return None
            return KnownKey(digest, key, key.scopes, key.expires_at, token, now_s)
        found = await self._storage.api_token_by_digest(digest)
        if found is None:
            return None
        key = await self._storage.load(ApiKey, found.api_key_id)
        if key is None:
            return None
        ends = min(found.expires_at, key.expires_at or found.expires_at)
        return KnownKey(digest, key, found.scopes, ends, token, now_s)

    def _remember(self, digest: bytes, known: KnownKey | None) -> None:
        if known is None:
            self._known.pop(digest, None)
            return
        self._known[digest] = known
        self._known.move_to_end(digest)
        if len(self._known) > _KNOWN_MAX:
            self._known.popitem(last=False)

    def forget(self, key_id: str) -> None:
        """A key has ended: forget it and its tokens, end what it has open, distrust every read."""
        self._revocations += 1
        for digest in [each for each, known in self._known.items() if known.key.id == key_id]:
            del self._known[digest]
        for end in tuple(self._ends.get(key_id, ())):
            end()

    @property
    def has_open(self) -> bool:
        """Whether something is open that ends with its key."""
        return bool(self._ends)

    @contextmanager
    def ending(self, key_id: str, end: Callable[[], None]) -> Iterator[None]:
        """Have `end` called, at once, when the key ends in this process while the context is open."""
        self._ends.setdefault(key_id, set()).add(end)
        try:
            yield
        finally:
            left = self._ends[key_id]
            left.discard(end)
            if not left:
                del self._ends[key_id]


class Keys(WokenActor[KeyMessage | Along]):
    """Creates keys and tokens, revokes keys; records their expiry when the timer wakes it.

    Args:
        random_bytes: cryptographically strong in production.
        live: whether this instance is on mainnet: its keys say so.
    """

    def __init__(
        self,
        storage: Storage,
        journal: Journal,
        ring: KeyRing,
        *,
        clock: Clock,
        ids: Ids,
        random_bytes: RandomBytes,
        live: bool,
    ) -> None:
        self._storage = storage
        self._journal = journal
        self._ring = ring
        self._clock = clock
        self._ids = ids
        self._random_bytes = random_bytes
        self._live = live

    async def handle(self, message: KeyMessage | Along) -> object:
        if isinstance(message, Along):
            return await self._do(message.message, message)
        return await self._do(message, None)

    async def _do(self, message: KeyMessage, along: Along | None) -> object:
        match message:
            case CreateApiKey():
                return await self._create(message, along)
            case RevokeApiKey():
                return await self._revoke(message, along)
            case CreateApiToken():
                return await self._create_token(message, along)
            case _:
                assert_never(message)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Record the expiry of the keys with these ids, and let their streams end."""
        for key_id in sorted(str(key) for key in keys):
            try:
                await self._expire(key_id)
            except (StorageUnavailable, DomainError) as error:
                if not is_unavailable(error):
                    raise
                self.wake_later(key_id, _LOOK_AGAIN_S)

    async def _expire(self, key_id: str) -> None:
        for _ in range(_TRIES_MAX):
            key = await self._storage.load(ApiKey, key_id)
            trace = Trace.system("timer", self._ids.new("req"))
            expired = (
                None if key is None else user_decisions.expire_api_key(key, self._context(trace))
            )
            if expired is None:
                return
            self._ring.forget(key_id)
            if not isinstance(await self._journal.commit(expired[1]), Refused):
                return
        raise _unavailable()

    def _context(self, trace: Trace) -> DecisionContext:
        return DecisionContext(self._clock(), self._ids, trace)

    async def _create(self, asked: CreateApiKey, along: Along | None) -> KeyCreated:
        context = self._context(asked.trace)
        text = "" if asked.secret else new_key(self._random_bytes, live=self._live)
        secret = asked.secret or secret_of(text)
        key = ApiKey(
            id=self._ids.new("key"),
            version=1,
            digest=secret.digest,
            masked_key=secret.masked,
            name=asked.name,
            scopes=tuple(dict.fromkeys(asked.scopes)),
            created_at=context.now,
            updated_at=context.now,
            user_id=asked.user_id,
            expires_at=asked.expires_at,
        )
        await self._commit(user_decisions.create_api_key(key, context), key, along)
        return KeyCreated(key, text)

    async def _revoke(self, asked: RevokeApiKey, along: Along | None) -> ApiKey:
        for _ in range(_TRIES_MAX):
            key = await self._existing(asked.key_id)
            if key.revoked_at is not None:
                if along is not None:
                    raise DomainError(
                        ErrorCode.INVALID_STATE_TRANSITION, "the key was revoked before"
                    )
                return key
            revoked, unit = user_decisions.revoke_api_key(key, self._context(asked.trace))
            if along is not None:
                unit = along.joined(unit, revoked)
            try:
                outcome = await self._journal.commit(unit)
            finally:
                # Also when the outcome is unknown: what was revoked must not stay known.
                self._ring.forget(key.id)
            if along is not None:
                check_not_gone(outcome, along.command)
            if not isinstance(outcome, Refused):
                return revoked
            if outcome.kind is not RefusalKind.CONFLICT:
                raise _unavailable()
        raise _unavailable()

    async def _create_token(self, asked: CreateApiToken, along: Along | None) -> TokenCreated:
        key = await self._existing(asked.key_id)
        context = self._context(asked.trace)
        if not key.valid_at(context.now):
            raise DomainError(ErrorCode.API_KEY_NOT_FOUND, "the key is revoked or has expired")
        text = "" if asked.secret else new_token(self._random_bytes)
        secret = asked.secret or secret_of(text)
        ends = context.now + timedelta(seconds=asked.ttl_s)
        if key.expires_at is not None:
            ends = min(ends, key.expires_at)
        token = ApiToken(
            id=self._ids.new("tok"),
            version=1,
            digest=secret.digest,
            api_key_id=key.id,
            scopes=key.scopes,
            created_at=context.now,
            updated_at=context.now,
            expires_at=ends,
        )
        await self._commit(
            UnitOfWork(
                at=context.now,
                trace=context.trace,
                writes=(token,),
                audit=(
                    context.audit(
                        "api_key.token", "ApiKey", key.id, after={"expiresAt": iso(ends)}
                    ),
                ),
                # Kept without its text: a replay answers `token: null` (docs/spec/api.md, Idempotency).
                idempotency=context.final_answer(token),
            ),
            token,
            along,
        )
        return TokenCreated(text, ends)

    async def _existing(self, key_id: str) -> ApiKey:
        key = await self._storage.load(ApiKey, key_id)
        if key is None:
            raise DomainError(ErrorCode.API_KEY_NOT_FOUND, "no API key has this id")
        return key

    async def _commit(self, unit: UnitOfWork, entity: object, along: Along | None) -> None:
        if along is not None:
            unit = along.joined(unit, entity)
        outcome = await self._journal.commit(unit)
        if along is not None:
            check_not_gone(outcome, along.command)
        if not isinstance(outcome, Refused):
            return
        if outcome.kind is RefusalKind.TAKEN and outcome.subject == "idempotency_key":
            raise DomainError(
                ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
                "another request is using this idempotency key",
            )
        raise _unavailable()


def _unavailable() -> DomainError:
    return DomainError(ErrorCode.SERVICE_UNAVAILABLE, "the change could not be committed")
