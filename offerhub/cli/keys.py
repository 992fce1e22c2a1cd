"""`offerhub keys`: API keys and their tokens, without the master key."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime

import click

from actors.key_commands import CREATE, REVOKE, TOKEN, TTL_MAX_S
from actors.keys import new_key, new_token, secret_of
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_done, print_fields, print_rows
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.api_keys import ApiKey, Scope
from offerhub.domain.ids import iso
from storage.port import Storage

_COLUMNS = {
    "id": "key",
    "name": "name",
    "maskedKey": "looks like",
    "scopes": "scopes",
    "userId": "label",
    "createdAt": "created",
    "lastUsedAt": "last used",
    "expiresAt": "ends",
    "revokedAt": "revoked",
}
_PAGE = 100


def _scopes(context: click.Context, option: click.Parameter, value: str) -> list[str]:
    """Scopes, comma-separated."""
    given = [each.strip() for each in value.split(",")]
    known = [scope.value for scope in Scope]
    if not set(given) <= set(known):
        msg = f"one or more of {', '.join(known)}, comma-separated"
        raise click.BadParameter(msg, context, option)
    return given


@click.group("keys")
def keys_group() -> None:
    """Create, list and revoke API keys, and make short-lived tokens of them."""


@keys_group.command("create")
@click.option("--name", required=True, help="What it is for, 1 to 100 characters.")
@click.option("--scopes", required=True, callback=_scopes, help="read, write, support, *")
@click.option("--user-id", help="A free label, as the user who is to have it.")
@click.option(
    "--expires-at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"]),
    help="In UTC; from then on it lets nobody in.",
)
@json_option
def create_command(
    name: str, scopes: list[str], user_id: str | None, expires_at: datetime | None, *, as_json: bool
) -> None:
    """Create a key. Its text is shown this once, and stored nowhere."""
    if not 1 <= len(name) <= 100:
        raise click.BadParameter("1 to 100 characters", param_hint="--name")
    settings = load_or_exit(quiet=True)
    text = new_key(os.urandom, live=settings.stellar.network == "mainnet")
    asked = {
        "name": name,
        "scopes": scopes,
        "userId": user_id,
        "expiresAt": None if expires_at is None else iso(expires_at.replace(tzinfo=UTC)),
        **_kept_of(text),
    }
    print_fields({"key": text, **send(settings, CREATE, asked)}, as_json=as_json)


@keys_group.command("token")
@click.argument("key_id")
@click.option(
    "--ttl", type=click.IntRange(1, TTL_MAX_S), default=3600, show_default=True, help="Seconds."
)
@json_option
def token_command(key_id: str, ttl: int, *, as_json: bool) -> None:
    """Make a short-lived token of a key. Its text is shown this once, and stored nowhere."""
    text = new_token(os.urandom)
    asked = {"keyId": key_id, "ttl": ttl, **_kept_of(text)}
    print_fields({"token": text, **send(load_or_exit(quiet=True), TOKEN, asked)}, as_json=as_json)


@keys_group.command("revoke")
@click.argument("key_id")
@json_option
def revoke_command(key_id: str, *, as_json: bool) -> None:
    """Revoke a key at once, its tokens too."""
    done = send(load_or_exit(quiet=True), REVOKE, {"keyId": key_id})
    print_done(f"{key_id}: revoked, its tokens too", done, as_json=as_json)


@keys_group.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List all keys, newest first, without their texts."""

    async def read(storage: Storage) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        cursor: str | None = None
        while True:
            page = await storage.api_keys(cursor, _PAGE)
            uses = await storage.key_uses([key.id for key in page.items])
            found += [_row(key, uses.get(key.id)) for key in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    keys = with_storage(load_or_exit(quiet=True), read)
    print_rows(keys, _COLUMNS, as_json=as_json)


def _kept_of(text: str) -> Mapping[str, object]:
    """What the orchestrator is told of a text."""
    secret = secret_of(text)
    return {"digest": secret.digest.hex(), "masked": secret.masked}


def _row(key: ApiKey, last_used_at: datetime | None) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "maskedKey": key.masked_key,
        "scopes": ",".join(key.scopes),
        "userId": key.user_id,
        "createdAt": key.created_at,
        "lastUsedAt": last_used_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
    }
