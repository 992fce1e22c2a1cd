"""Operators' commands on API keys: `offerhub keys create`, `revoke` and `token`.

The command line makes the text of a key and keeps it: only its digest comes here, so no row of a
command ever holds a secret.
"""

from datetime import datetime
from typing import Final

from actors.along import Along
from actors.commands import CommandKind, Job
from actors.core import Core
from actors.kernel import Address
from actors.messages import CreateApiKey, CreateApiToken, KeyMessage, KeySecret, RevokeApiKey
from offerhub.domain.api_keys import ApiKey, ApiToken, Scope
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import iso

CREATE: Final = "keys.create"
REVOKE: Final = "keys.revoke"
TOKEN: Final = "keys.token"  # noqa: S105 - a command's name

TTL_MAX_S: Final = 86_400


def key_commands(core: Core, keys: Address[KeyMessage | Along]) -> tuple[CommandKind, ...]:
    """The kinds of this part."""

    async def create(job: Job) -> None:
        expires_at = _moment(job.arguments.get("expiresAt"))
        if expires_at is not None and expires_at <= core.now():
            raise _invalid("a key ends in the future")
        user_id = job.arguments.get("userId")
        message = CreateApiKey(
            name=job.text("name"),
            scopes=_scopes(job.arguments.get("scopes")),
            user_id=None if user_id is None else str(user_id),
            expires_at=expires_at,
            trace=job.trace,
            secret=_secret(job),
        )
        await keys.ask(job.along(message, _key))

    async def revoke(job: Job) -> None:
        await keys.ask(job.along(RevokeApiKey(job.text("keyId"), job.trace), _key))

    async def token(job: Job) -> None:
        ttl_s = job.arguments.get("ttl")
        if not isinstance(ttl_s, int) or not 1 <= ttl_s <= TTL_MAX_S:
            raise _invalid(f"a token lives 1 to {TTL_MAX_S} seconds")
        message = CreateApiToken(job.text("keyId"), ttl_s, job.trace, secret=_secret(job))
        await keys.ask(job.along(message, _token))

    return (
        CommandKind(CREATE, create),
        CommandKind(REVOKE, revoke),
        CommandKind(TOKEN, token),
    )


def _key(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "maskedKey": key.masked_key,
        "name": key.name,
        "scopes": [scope.value for scope in key.scopes],
        "userId": key.user_id,
        "expiresAt": None if key.expires_at is None else iso(key.expires_at),
        "revokedAt": None if key.revoked_at is None else iso(key.revoked_at),
        "createdAt": iso(key.created_at),
    }


def _token(token: ApiToken) -> dict[str, object]:
    return {"keyId": token.api_key_id, "expiresAt": iso(token.expires_at)}


def _secret(job: Job) -> KeySecret:
    return KeySecret(bytes.fromhex(job.text("digest")), job.text("masked"))


def _scopes(value: object) -> tuple[Scope, ...]:
    try:
        found = tuple(Scope(each) for each in value) if isinstance(value, list) else ()
    except ValueError as error:
        raise _invalid(f"a scope is one of {', '.join(Scope)}") from error
    if not found:
        raise _invalid("a key has at least one scope")
    return found


def _moment(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(str(value))


def _invalid(message: str) -> DomainError:
    return DomainError(ErrorCode.VALIDATION_ERROR, message)
