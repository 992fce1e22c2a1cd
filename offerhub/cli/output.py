"""What commands print: tables for people, JSON for scripts, and signs of life while it takes long.

Results go to standard output, everything else to standard error; so `--json` can be piped.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from offerhub.domain.ids import iso
from offerhub.domain.money import Money

F = TypeVar("F", bound=Callable[..., Any])

Row = Mapping[str, object]

_SILENT_S: Final = 1.0
"""What takes no longer needs no sign of life."""


def json_option(command: F) -> F:
    """The option `--json`, passed as `as_json`."""
    decorated: F = click.option(
        "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
    )(command)
    return decorated


def print_rows(rows: Sequence[Row], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Print a list: a table with these columns (field → heading), or all fields as a JSON array."""
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("none", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(escape(as_text(row.get(name))) for name in columns))
    _console().print(table)


def print_fields(fields: Row, *, as_json: bool) -> None:
    """Print one thing: a line a field, or a JSON object."""
    if as_json:
        print_json(fields)
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        table.add_row(escape(name), escape(as_text(value)))
    _console().print(table)


def print_done(message: str, fields: Row, *, as_json: bool) -> None:
    """Print that something was done: a sentence, or the fields as a JSON object."""
    if as_json:
        print_json(fields)
    else:
        click.echo(message)


def print_json(value: object) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def as_text(value: object) -> str:
    """A field as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return str(_plain(value))


def _plain(value: object) -> object:
    match value:
        case datetime():
            return iso(value)
        case Money():
            return value.two_places()
        case Mapping():
            return dict(value)
        case _:
            return str(value)


def _console() -> Console:
    console = Console(highlight=False)
    # A file or a pipe has no width: nothing is folded there.
    return console if console.is_terminal else Console(highlight=False, width=10_000)


class Working:
    """A sign of life on standard error, from the second second on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._console = Console(stderr=True, highlight=False)
        self._status: Status | None = None
        self._shown = False
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """What is being done now."""
        with self._lock:
            changed, self._text = text != self._text, text
            if self._shown and changed:
                self._show()

    def begin(self) -> None:
        """A second has passed: from now on it shows."""
        with self._lock:
            self._shown = True
            self._show()

    def end(self) -> None:
        """Take it away."""
        with self._lock:
            if self._status is not None:
                self._status.stop()

    def _show(self) -> None:
        if not self._console.is_terminal:
            click.echo(f"{self._text} …", err=True)
        elif self._status is None:
            self._status = self._console.status(escape(self._text))
            self._status.start()
        else:
            self._status.update(escape(self._text))


@contextmanager
def working(text: str) -> Iterator[Working]:
    """Show on standard error what is being done, if it takes longer than a second."""
    shown = Working(text)
    timer = threading.Timer(_SILENT_S, shown.begin)
    timer.daemon = True
    timer.start()
    try:
        yield shown
    finally:
        timer.cancel()
        shown.end()
