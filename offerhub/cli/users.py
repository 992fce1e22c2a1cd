"""`offerhub users`: users, with their wallets and balances."""

from typing import Final

import click
import msgspec

from offerhub.cli.failures import CommandFailed
from offerhub.cli.output import json_option, print_fields, print_rows
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.unit_of_work import Balance
from offerhub.domain.users import User, Wallet
from storage.port import Page, Storage, UnknownCursor, UserFilter
from web.rendering import render_user

_COLUMNS: Final = {
    "id": "user",
    "externalUserId": "external id",
    "email": "email",
    "type": "type",
    "publicKey": "wallet",
    "createdAt": "created",
}


@click.group("users")
def users_group() -> None:
    """Look at users."""


@users_group.command("list")
@click.option("--external-user-id", help="The marketplace's own id.")
@click.option("--email")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--after", "cursor", help="The last user of the page before.")
@json_option
def list_command(
    external_user_id: str | None,
    email: str | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """List users, newest first."""

    async def read(storage: Storage) -> Page[User]:
        return await storage.users(UserFilter(external_user_id, email), cursor, limit)

    try:
        page = with_storage(load_or_exit(quiet=True), read)
    except UnknownCursor:
        msg = "no user of this list has that id"
        raise CommandFailed(msg) from None
    rows = [
        {
            "id": user.id,
            "externalUserId": user.external_user_id,
            "email": user.email,
            "type": user.type.value,
            "publicKey": user.public_key,
            "createdAt": user.created_at,
        }
        for user in page.items
    ]
    print_rows(rows, _COLUMNS, as_json=as_json)
    if page.next_cursor is not None:
        click.echo(f"there are more: --after {page.next_cursor}", err=True)


@users_group.command("show")
@click.argument("user_id")
@json_option
def show_command(user_id: str, *, as_json: bool) -> None:
    """Show a user with wallet and balance; an id of the marketplace is taken too."""

    async def read(storage: Storage) -> tuple[User, Wallet, Balance | None] | None:
        user = await storage.load(User, user_id) or await storage.user_by_external_id(user_id)
        if user is None:
            return None
        wallet = await storage.load(Wallet, user.wallet_id)
        if wallet is None:
            return None
        return user, wallet, await storage.balance(user.id)

    found = with_storage(load_or_exit(quiet=True), read)
    if found is None:
        msg = "no user has this id"
        raise CommandFailed(msg, code="USER_NOT_FOUND")
    user, wallet, balance = found
    fields = msgspec.to_builtins(render_user(user, wallet))
    if balance is not None:
        fields["balance"] = {
            "available": balance.available.two_places(),
            "reserved": balance.reserved.two_places(),
        }
    print_fields(fields, as_json=as_json)
