"""API keys: created, shown without their text, revoked, and exchanged for tokens."""

from typing import Final

import msgspec

from actors.messages import CreateApiKey, CreateApiToken, RevokeApiKey
from offerhub.domain.api_keys import Scope, allows
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from offerhub.domain.ids import iso
from storage.port import UnknownCursor
from web import bodies
from web.answers import now, one, page
from web.authentication import insufficient
from web.call import Answer, Call, Route
from web.field_errors import field_error
from web.rendering import render_api_key
from web.resources import ApiKey, Token
from web.routes.orders import unknown_cursor
from web.schema import Schema


async def create(call: Call) -> Answer:
    """Create a key; its text is told here and nowhere else."""
    _refuse_token(call)
    body = call.body_as(bodies.NewApiKey)
    if body.expires_at is not None and body.expires_at <= call.system.clock():
        raise field_error("expiresAt", "must be in the future")
    created = await call.system.keys.ask(
        CreateApiKey(
            name=body.name,
            scopes=body.scopes,
            user_id=body.user_id,
            expires_at=body.expires_at,
            trace=call.trace,
        )
    )
    return one(call, render_api_key(created.key, created.text), created.key.updated_at)


async def listed(call: Call) -> Answer:
    """A page of keys, without their texts."""
    query = call.query_as(bodies.Page)
    try:
        found = await call.system.storage.api_keys(query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    uses = await call.system.key_uses.last([key.id for key in found.items])
    return page(
        call,
        [render_api_key(key, last_used_at=uses.get(key.id)) for key in found.items],
        found.next_cursor,
    )


async def revoke(call: Call) -> Answer:
    """Revoke a key at once, its tokens too."""
    key = await call.system.keys.ask(RevokeApiKey(_id(call), call.trace))
    uses = await call.system.key_uses.last([key.id])
    return one(call, render_api_key(key, last_used_at=uses.get(key.id)), key.updated_at)


async def token(call: Call) -> Answer:
    """Exchange a key for a short-lived token; the key itself may, a token of it may not."""
    key_id = _id(call)
    _refuse_token(call)
    caller = call.caller
    if caller is not None and not allows(caller.scopes, Scope.ALL):
        known = caller.known
        if known is None or known.key.id != key_id:
            raise insufficient(caller, Scope.ALL)
    created = await call.system.keys.ask(
        CreateApiToken(key_id, call.body_as(bodies.NewToken).ttl, call.trace)
    )
    return one(
        call,
        Token(token=created.text, expires_at=iso(created.expires_at)),
        call.system.clock(),
    )


async def me(call: Call) -> Answer:
    """The key in use."""
    caller = call.caller
    if caller is None or caller.known is None:
        return now(
            call,
            ApiKey(
                id="master",
                key=None,
                masked_key=None,
                name="master",
                scopes=(Scope.ALL,),
                user_id=None,
                expires_at=None,
                revoked_at=None,
                last_used_at=None,
                created_at=None,
            ),
        )
    known = caller.known
    uses = await call.system.key_uses.last([known.key.id])
    return now(
        call,
        msgspec.structs.replace(
            render_api_key(known.key, last_used_at=uses.get(known.key.id)),
            scopes=caller.scopes,
            expires_at=None if known.expires_at is None else iso(known.expires_at),
        ),
    )


def _refuse_token(call: Call) -> None:
    """A token ends soon, whatever it may do until then: it makes nothing that would outlive it."""
    caller = call.caller
    if caller is not None and caller.known is not None and caller.known.token:
        raise DomainError(
            E.INSUFFICIENT_SCOPE,
            "a token makes no keys and no tokens: use the key itself",
            {
                "requiredScope": Scope.ALL.value,
                "currentScopes": [scope.value for scope in caller.scopes],
            },
        )


def _id(call: Call) -> str:
    return call.id("id", "key", E.API_KEY_NOT_FOUND)


ROUTES: Final = (
    Route(
        "POST",
        "/auth/api-keys",
        "createApiKey",
        create,
        "Create an API key",
        ApiKey,
        "Keys",
        Scope.ALL,
        status=201,
        body=Schema(bodies.NewApiKey),
        action="api_key.create",
    ),
    Route(
        "GET",
        "/auth/api-keys",
        "listApiKeys",
        listed,
        "List API keys",
        ApiKey,
        "Keys",
        Scope.ALL,
        listed=True,
        query=bodies.PAGE,
    ),
    Route(
        "DELETE",
        "/auth/api-keys/<id>",
        "revokeApiKey",
        revoke,
        "Revoke an API key and its tokens",
        ApiKey,
        "Keys",
        Scope.ALL,
        action="api_key.revoke",
        codes=(E.API_KEY_NOT_FOUND,),
    ),
    Route(
        "POST",
        "/auth/api-keys/<id>/token",
        "createToken",
        token,
        "Exchange a key for a short-lived token",
        Token,
        "Keys",
        status=201,
        body=Schema(bodies.NewToken),
        action="api_key.token",
        codes=(E.INSUFFICIENT_SCOPE, E.API_KEY_NOT_FOUND),
    ),
    Route("GET", "/auth/me", "getCurrentKey", me, "Show the key in use", ApiKey, "Keys"),
)
