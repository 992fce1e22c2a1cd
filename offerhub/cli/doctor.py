"""`offerhub doctor`: everything that an instance needs, looked at once."""

import os
from pathlib import Path
from typing import Final

import click
import trio
import trio_asyncio

from actors.kernel import described, ungrouped
from offerhub import app
from offerhub.cli import exits
from offerhub.cli.checks import Check, Doctor, Finding
from offerhub.cli.output import json_option, print_rows, working
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import open_database
from offerhub.composition.outside import open_outside
from offerhub.settings import Settings, SettingsError, load_settings
from storage.embedded import EmbeddedRedis, EmbeddedServerDied, HomeInUse
from storage.errors import StorageUnavailable
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage

_COLUMNS: Final = {"name": "check", "finding": "finding", "saw": "saw", "mend": "what mends it"}


@click.command("doctor")
@json_option
def doctor_command(*, as_json: bool) -> None:
    """Check settings, secrets, database, Redis, network and accounts, beside a running process or not.

    Each check says what it saw and which command mends it. Exits 1 if one failed; a warning is none.
    """
    checks = _settings_faults()
    if not checks:
        settings = load_or_exit(quiet=True)
        with working("looking") as shown:
            doctor = Doctor(settings, app.real_sources(), shown.say)
            doctor.note(
                "settings", Finding.OK, f"valid: {settings.environment}, {settings.stellar.network}"
            )
            doctor.look_at_machine()
            trio.run(_look, doctor)
        checks = doctor.checks
    rows = [
        {"name": each.name, "finding": each.finding.value, "saw": each.saw, "mend": each.mend}
        for each in checks
    ]
    print_rows(rows, _COLUMNS, as_json=as_json)
    if any(each.finding is Finding.FAILED for each in checks):
        raise SystemExit(exits.REFUSED)


def _settings_faults() -> list[Check]:
    """A check for each fault of the settings."""
    try:
        load_settings(dict(os.environ), Path.cwd(), os.urandom)
    except SettingsError as error:
        return [
            Check("settings", Finding.FAILED, fault, "correct it: see docs/settings.md")
            for fault in error.faults
        ]
    return []


async def _look(doctor: Doctor) -> None:
    settings, sources = doctor.settings, doctor.sources
    with ungrouped():
        async with (
            trio_asyncio.open_loop(),
            open_outside(settings, sources.random) as outside,
        ):
            await doctor.look_at_network(outside)
            await doctor.look_at_provider()
            await doctor.look_at_redis(_redis_url(doctor))
            try:
                async with (
                    open_database(settings.database_url, settings.home, sources) as dsn,
                    open_pool(dsn, size_max=1, application_name="offerhub-cli") as pool,
                ):
                    if await doctor.look_at_database(pool) is None:
                        return
                    storage = await open_postgres_storage(
                        pool,
                        random_bytes=sources.random_bytes,
                        clock=sources.now,
                        take_over=False,
                    )
                    await doctor.look_at_storage(storage)
                    await doctor.look_at_accounts(storage, outside)
            except (StorageUnavailable, EmbeddedServerDied, HomeInUse) as away:
                doctor.note("database", Finding.FAILED, described(away), _mend(settings))


def _mend(settings: Settings) -> str:
    return "offerhub run" if settings.database_url is None else "start it, or correct DATABASE_URL"


def _redis_url(doctor: Doctor) -> str | None:
    """Where Redis is; `None` if it is an embedded one that does not run."""
    settings = doctor.settings
    if settings.redis_url is not None:
        return settings.redis_url
    server = EmbeddedRedis(settings.home, random_bytes=doctor.sources.random_bytes)
    return server.running_url()
