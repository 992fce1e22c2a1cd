"""`offerhub history`: old events, audit entries and transfers put away, and what was kept apart."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from actors.failpoints import reach
from offerhub.cli import exits
from offerhub.cli.commanding import operator
from offerhub.cli.failures import refuse
from offerhub.cli.output import json_option, print_rows
from offerhub.cli.start import cannot_start, load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.composition.failpoints import BadFailpoint, watch_failpoints
from storage.postgres.export import HistoryBroken
from storage.postgres.history import HistoryBusy
from storage.postgres.proven import Proven
from storage.postgres.storage import PostgresStorage

T = TypeVar("T")


@click.group("history")
def history_group() -> None:
    """Put old history away, and look up what was moved out of the way."""


@history_group.command("export")
@click.option(
    "--before",
    required=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S"]),
    help="In UTC, as the API writes it; at least a day ago. Only whole partitions that are older are taken.",
)
@click.option(
    "--out",
    "directory",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go: private, and to be kept as long as the books are.",
)
def export_command(before: datetime, directory: Path) -> None:
    """Export old partitions to files and detach them, beside the running orchestrator.

    Killed or failed at any point, it is run again. See docs/operations.md, "History".
    """

    def step(name: str) -> None:
        click.echo(name, err=True)
        reach(f"history.before_{name.partition(' ')[0]}")

    async def work(storage: PostgresStorage) -> None:
        exported = await storage.history.export(before.replace(tzinfo=UTC), directory, step)
        if exported.manifest is None:
            click.echo("no further partition is complete and older")
        else:
            click.echo(f"{exported.manifest}: {len(exported.detached)} partitions detached")

    _run(work)


@history_group.command("drop")
@click.option(
    "--out",
    "directory",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where `history export` has put the files.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop_command(directory: Path, *, yes: bool, as_json: bool) -> None:
    """Drop detached tables that are proven to be in the files, to free their space.

    Each file is compared with its manifest, and that with the checkpoint in the database. What is
    not proven stays, and the command exits 1. The files are then all that is left of the rows.
    """
    if not yes:
        click.confirm(
            "the files will be all that is left of these rows; go on?", abort=True, err=True
        )

    def step(name: str) -> None:
        click.echo(name, err=True)

    async def work(storage: PostgresStorage) -> Proven:
        return await storage.history.drop(directory, operator(), step)

    proven = _run(work)
    found: dict[str, str | None] = {**dict.fromkeys(proven.safe), **proven.unproven}
    rows = [
        {"table": table, "dropped": reason is None, "reason": reason}
        for table, reason in found.items()
    ]
    print_rows(rows, {"table": "table", "dropped": "dropped", "reason": "why not"}, as_json=as_json)
    if proven.unproven:
        raise SystemExit(exits.REFUSED)


@history_group.command("envelope")
@click.argument("tx_hash")
def envelope_command(tx_hash: str) -> None:
    """Print the signed envelope of one of our transactions, by its hash."""

    async def work(storage: PostgresStorage) -> str | None:
        return await storage.envelope(tx_hash.lower())

    found = _run(work)
    if found is None:
        refuse("no operation of ours has this hash")
    click.echo(found)


def _run(work: Callable[[PostgresStorage], Awaitable[T]]) -> T:
    settings = load_or_exit(quiet=True)
    try:
        watch_failpoints(settings.failpoint)
    except BadFailpoint as error:
        cannot_start(str(error))
    try:
        return with_storage(settings, work)
    except (HistoryBroken, HistoryBusy, ValueError) as error:
        refuse(str(error))
