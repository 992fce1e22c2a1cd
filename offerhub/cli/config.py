"""`offerhub config`: the settings as they are read, with secrets masked."""

import click

from offerhub.cli.output import json_option, print_rows
from offerhub.cli.start import load_or_exit
from offerhub.settings import Seen

_COLUMNS = {"name": "setting", "value": "value", "from": "from"}


@click.group("config")
def config_group() -> None:
    """Look at the settings."""


@config_group.command("show")
@json_option
def show_command(*, as_json: bool) -> None:
    """Show every setting, where its value comes from, and whether secrets are set."""
    seen: dict[str, Seen] = {}
    load_or_exit(quiet=True, seen=seen)
    rows = [
        {"name": name, "value": each.value, "from": each.origin}
        for name, each in sorted(seen.items())
    ]
    print_rows(rows, _COLUMNS, as_json=as_json)
