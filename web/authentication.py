"""Who is calling (docs/spec/api.md, Authentication)."""

import hmac
from collections.abc import Callable
from typing import Final

from actors.key_uses import KeyUses
from actors.keys import TOKEN_PREFIX, KeyRing, digest_of
from offerhub.domain.api_keys import Scope, allows
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock
from web.call import Caller
from web.request_info import RequestInfo

_PREFIX: Final = "ohk_"
_TEXT_MAX: Final = 200
MASTER: Final = Caller("master", (Scope.ALL,), None)


class Authentication:
    """Recognises keys, tokens and the master key; of the master key only a digest is kept."""

    def __init__(self, master_key: str, ring: KeyRing, uses: KeyUses, clock: Clock) -> None:
        self._master_digest = digest_of(master_key)
        self._ring = ring
        self._uses = uses
        self._clock = clock

    async def caller(
        self, info: RequestInfo, before_query: Callable[[RequestInfo], None]
    ) -> Caller:
        """The caller of a request. Raises `UNAUTHORIZED`, `INVALID_API_KEY`.

        A key that was seen lately costs no query.

        Args:
            before_query: called before storage is asked for a key; raises to prevent it.
        """
        text = _presented(info)
        digest = digest_of(text)
        known = self._ring.get(digest)
        if known is None:
            if hmac.compare_digest(digest, self._master_digest):
                return MASTER
            if not text.startswith(_PREFIX) or len(text) > _TEXT_MAX:
                raise _invalid()
            before_query(info)
            known = await self._ring.find(digest, token=text.startswith(TOKEN_PREFIX))
        if known is None or not known.valid_at(self._clock()):
            raise _invalid()
        self._uses.note(known.key.id)
        return Caller(f"key:{known.key.id}", known.scopes, known)


def _presented(info: RequestInfo) -> str:
    authorization = info.headers.get(b"authorization")
    if authorization is not None:
        scheme, _, rest = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or not rest.strip():
            raise _unauthorized()
        return rest.strip().decode("latin-1")
    key = info.headers.get(b"x-api-key")
    if key is None or not key.strip():
        raise _unauthorized()
    return key.strip().decode("latin-1")


def _unauthorized() -> DomainError:
    return DomainError(
        ErrorCode.UNAUTHORIZED, "send an API key: Authorization: Bearer <key>, or x-api-key: <key>"
    )


def _invalid() -> DomainError:
    return DomainError(ErrorCode.INVALID_API_KEY, "the key is unknown, revoked or expired")


def check_scope(caller: Caller, needed: Scope) -> None:
    """Raise `INSUFFICIENT_SCOPE` unless one of the caller's scopes covers the needed one."""
    if not allows(caller.scopes, needed):
        raise insufficient(caller, needed)


def insufficient(caller: Caller, needed: Scope) -> DomainError:
    """The refusal of a caller without the scope."""
    return DomainError(
        ErrorCode.INSUFFICIENT_SCOPE,
        f"the key lacks the scope {needed.value}",
        {
            "requiredScope": needed.value,
            "currentScopes": [scope.value for scope in caller.scopes],
        },
    )
