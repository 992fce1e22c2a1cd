"""`offerhub parked`: records and money that no rule explains, and what an operator does with them."""

import click

from actors.parked_commands import DISMISS, GIVE
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_done, print_rows
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.parked import Parked
from storage.port import Storage

_COLUMNS = {
    "id": "id",
    "source": "from",
    "reference": "reference",
    "amount": "amount",
    "userId": "user",
    "status": "status",
    "reason": "reason",
    "createdAt": "since",
}
_LISTED_MAX = 1000
_PAGE = 100

note_option = click.option("--note", metavar="TEXT", help="Why; kept with the record.")


@click.group("parked")
def parked_group() -> None:
    """List what was parked, give its money to its user, or dismiss a record."""


@parked_group.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were settled too.")
@json_option
def list_command(*, every: bool, as_json: bool) -> None:
    """List what waits for an operator, newest first."""

    async def read(storage: Storage) -> list[Parked]:
        found: list[Parked] = []
        cursor = None
        while len(found) < _LISTED_MAX:
            page = await storage.parked(cursor, _PAGE, open_only=not every)
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
        return found

    rows = [_row(parked) for parked in with_storage(load_or_exit(quiet=True), read)]
    print_rows(rows, _COLUMNS, as_json=as_json)


@parked_group.command("give")
@click.argument("parked_id")
@note_option
@json_option
def give_command(parked_id: str, note: str | None, *, as_json: bool) -> None:
    """Credit parked money to the user whose wallet holds it."""
    done = send(load_or_exit(quiet=True), GIVE, {"parkedId": parked_id, "note": note})
    print_done(f"{parked_id}: {done['amount']} given to {done['userId']}", done, as_json=as_json)


@parked_group.command("dismiss")
@click.argument("parked_id")
@note_option
@json_option
def dismiss_command(parked_id: str, note: str | None, *, as_json: bool) -> None:
    """Close a record without money, after looking at it.

    Parked money lies in its user's wallet, so it is given, not dismissed; a user who is not to have
    it is debited afterwards.
    """
    done = send(load_or_exit(quiet=True), DISMISS, {"parkedId": parked_id, "note": note})
    print_done(f"{parked_id}: dismissed", done, as_json=as_json)


def _row(parked: Parked) -> dict[str, object]:
    return {
        "id": parked.id,
        "source": parked.source,
        "reference": parked.reference,
        "amount": None if parked.amount is None else parked.amount.seven_places(),
        "userId": parked.user_id,
        "status": parked.status.value,
        "reason": parked.reason,
        "createdAt": parked.created_at,
        "body": dict(parked.body),
        "settledBy": parked.settled_by,
        "note": parked.note,
    }
