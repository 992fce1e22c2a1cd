"""How every command begins: settings read, the log configured."""

import logging
import os
from pathlib import Path
from typing import NoReturn

import click

from offerhub.cli import exits
from offerhub.logs import configure_logging
from offerhub.settings import Seen, Settings, SettingsError, load_settings

EXIT_CANNOT_START = exits.CANNOT_START


def load_or_exit(*, quiet: bool = False, seen: dict[str, Seen] | None = None) -> Settings:
    """The settings, with the log configured; a fault ends the program with all of them named.

    Args:
        seen: filled with the variables as they were found, secrets masked.
        quiet: of what a command does by the way, only warnings are shown; `LOG_LEVEL` shows more.
    """
    try:
        settings = load_settings(os.environ, Path.cwd(), os.urandom, seen)
    except SettingsError as error:
        cannot_start(str(error))
    configure_logging(
        level="warning" if quiet and settings.logs.level == "info" else settings.logs.level,
        log_format=settings.logs.format,
        secrets=settings.secret_values(),
    )
    # The migration runner warns about what it does; we log that ourselves.
    logging.getLogger("pogo_core").setLevel(logging.ERROR)
    return settings


def cannot_start(message: str) -> NoReturn:
    """End the program with one message and status 2."""
    click.echo(f"offerhub cannot start: {message}", err=True)
    raise SystemExit(EXIT_CANNOT_START)
