"""`offerhub maintenance`: turn the refusal of changes on and off."""

import click

from actors.maintenance import DISABLE, ENABLE
from offerhub.cli.commanding import send
from offerhub.cli.output import json_option, print_done, print_fields
from offerhub.cli.start import load_or_exit
from offerhub.cli.storage import with_storage
from offerhub.domain.maintenance import SETTING, Maintenance
from storage.port import Storage


@click.group("maintenance")
def maintenance_group() -> None:
    """While maintenance is on, reads are answered, changes get 503, and running work goes on."""


@maintenance_group.command("enable")
@click.option("--message", help="What callers are told.")
@json_option
def enable_command(message: str | None, *, as_json: bool) -> None:
    """Refuse changes from now on, also after a restart."""
    done = send(load_or_exit(quiet=True), ENABLE, {"message": message})
    print_done("maintenance is on: changes get 503 MAINTENANCE", done, as_json=as_json)


@maintenance_group.command("disable")
@json_option
def disable_command(*, as_json: bool) -> None:
    """Take changes again."""
    done = send(load_or_exit(quiet=True), DISABLE, {})
    print_done("maintenance is off", done, as_json=as_json)


@maintenance_group.command("status")
@json_option
def status_command(*, as_json: bool) -> None:
    """Show whether it is on."""

    async def read(storage: Storage) -> Maintenance:
        return Maintenance.decoded(await storage.setting(SETTING))

    now = with_storage(load_or_exit(quiet=True), read)
    print_fields(
        {"enabled": now.enabled, "message": now.message, "since": now.since}, as_json=as_json
    )
