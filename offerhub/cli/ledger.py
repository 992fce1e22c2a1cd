"""`offerhub ledger`: the books, checked against themselves."""

import click
from attrs import frozen

from actors.users import PLATFORM_EXTERNAL_ID
from offerhub.cli import exits
from offerhub.cli.failures import CommandFailed
from offerhub.cli.output import json_option, print_fields, working
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.ledger_check import faults
from storage.port import Storage

_TRIES = 5


@click.group("ledger")
def ledger_group() -> None:
    """Check the double-entry ledger."""


@frozen
class _Checked:
    balances: int
    accounts: int
    faults: list[str]


@ledger_group.command("verify")
@json_option
def verify_command(*, as_json: bool) -> None:
    """Replay the ledger, and compare it with the balances and sums that requests are answered from.

    Reads everything, next to the running process; exports of detached history count by their sums.
    """
    settings = load_or_exit(quiet=True)
    with working("adding the ledger up"):
        checked = with_storage(settings, _check)
    print_fields(
        {
            "balances": checked.balances,
            "accounts": checked.accounts,
            "faults": checked.faults if as_json else "; ".join(checked.faults) or "none",
        },
        as_json=as_json,
    )
    if checked.faults:
        raise SystemExit(exits.REFUSED)


async def _check(storage: Storage) -> _Checked:
    platform = await storage.user_by_external_id(PLATFORM_EXTERNAL_ID)
    if platform is None:
        raise CommandFailed("nothing has run on this database yet: there is no ledger")
    for _ in range(_TRIES):
        balances, treasury = await storage.balances(), await storage.treasury()
        books = await storage.books()
        # Rows and sums that are the same before and after are those of the moment in between.
        if (balances, treasury.sums) != (
            await storage.balances(),
            (await storage.treasury()).sums,
        ):
            continue
        found = faults(books, balances, treasury, platform.id)
        return _Checked(len(balances), len(books.accounts), found)
    raise CommandFailed(
        "the ledger moves too fast to be compared: repeat this in maintenance mode",
        exits.UNAVAILABLE,
    )
