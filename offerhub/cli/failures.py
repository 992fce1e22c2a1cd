"""What went wrong, for people and for scripts: one message and an exit status, never a traceback."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import IO, Any, Final, NoReturn

import asyncpg
import click
import structlog

from actors.kernel import TooManyRestarts, described
from offerhub import app
from offerhub.cli import exits
from offerhub.domain.errors import DomainError
from storage.embedded import EmbeddedServerDied, HomeInUse
from storage.errors import Displaced, OutcomeUnknown, StorageUnavailable
from storage.postgres.migrate import MigrationFailed, SchemaOutdated, SchemaTooNew

log = structlog.get_logger(__name__)

_STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (StorageUnavailable, exits.UNAVAILABLE),
    (HomeInUse, exits.UNAVAILABLE),
    (OutcomeUnknown, exits.UNKNOWN),
    (Displaced, exits.DISPLACED),
    (app.Displaced, exits.DISPLACED),
    (app.StartFailed, exits.CANNOT_START),
    (EmbeddedServerDied, exits.CANNOT_START),
    (MigrationFailed, exits.CANNOT_START),
    (SchemaOutdated, exits.CANNOT_START),
    (SchemaTooNew, exits.CANNOT_START),
    (TooManyRestarts, exits.REFUSED),
    (app.Killed, exits.UNKNOWN),
)


class CommandFailed(click.ClickException):
    """A command that ends without its effect.

    Args:
        code: for programs; what a domain error has.
        details: JSON values.
    """

    def __init__(
        self,
        message: str,
        status: int = exits.REFUSED,
        *,
        code: str | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]  # click reads the instance's
        self._code = code
        self._details = dict(details or {})
        # Of the command that fails: click has left it when it shows the failure.
        context = click.get_current_context(silent=True)
        self._path = "offerhub" if context is None else context.command_path
        self._as_json = context is not None and bool(context.params.get("as_json"))

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it on standard error: as JSON where the command was asked for that."""
        if self._as_json:
            error = {"code": self._code, "message": self.message, "details": self._details}
            click.echo(json.dumps({"error": error}), err=True)
            return
        click.echo(f"{self._path}: {self.message}", err=True, file=file)


def refuse(message: str, status: int = exits.REFUSED) -> NoReturn:
    """End the command with a message."""
    raise CommandFailed(message, status)


def as_failure(error: Exception) -> CommandFailed:
    """What any error is to the person who called the command."""
    if isinstance(error, DomainError):
        return CommandFailed(error.message, code=error.code.value)
    if isinstance(error, (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)):
        return CommandFailed(
            "the database is not set up for this version: run `offerhub migrate`",
            exits.CANNOT_START,
        )
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return CommandFailed(str(error) or kind.__name__, status)
    log.debug("command.failed", exc_info=error)
    return CommandFailed(f"{described(error)} (LOG_LEVEL=debug shows more)")


class Failing(click.Group):
    """A group whose commands, at any depth, fail with a message instead of a traceback."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command, or a group with all that it has by now."""
        _make_failing(cmd)
        super().add_command(cmd, name)


def _make_failing(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _make_failing(each)
    elif command.callback is not None:
        command.callback = _failing(command.callback)


def _failing(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return callback(*args, **options)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise SystemExit(exits.INTERRUPTED) from None
        except Exception as error:
            raise as_failure(error) from error

    return call
