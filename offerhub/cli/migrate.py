"""`offerhub migrate`: the database's schema, brought to this version's."""

import click
import trio
import trio_asyncio

from actors.kernel import ungrouped
from offerhub import app
from offerhub.cli.output import json_option, print_done, working
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import open_database
from storage.postgres.migrate import migrate


@click.command("migrate")
@json_option
def migrate_command(*, as_json: bool) -> None:
    """Apply the migrations that the database lacks; `offerhub run` does so by itself.

    Safe to repeat, and to run from several machines at once.
    """
    settings = load_or_exit(quiet=True)

    async def work() -> tuple[str, ...]:
        with ungrouped():
            async with (
                trio_asyncio.open_loop(),
                open_database(settings.database_url, settings.home, app.real_sources()) as dsn,
            ):
                return await migrate(dsn)

    with working("migrating the database"):
        applied = trio.run(work)
    print_done(
        f"applied {', '.join(applied)}" if applied else "the database is up to date",
        {"applied": list(applied)},
        as_json=as_json,
    )
