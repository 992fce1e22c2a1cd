"""What is shown: steps, facts, events and the closing table; in colour or plain."""

import sys
from collections.abc import Sequence
from typing import Final

import trio
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from offerhub.client import StreamEvent

_PLAIN_WIDTH: Final = 120
_LABEL_WIDTH: Final = 16
_EVENT_WIDTH: Final = 40
# The fields of a payload that add to the event's name; hashes are shown with the facts.
_SHOWN_FIELDS: Final = (
    "externalUserId",
    "amount",
    "newBalance",
    "milestoneRef",
    "source",
    "destination",
    "assignedTo",
    "decision",
    "outcome",
)


class Narrator:
    """Writes to standard output; without colours if it is no terminal or NO_COLOR is set."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else _PLAIN_WIDTH
        self.console = Console(highlight=False, soft_wrap=True, width=width)
        self._began = trio.current_time()
        self._step = 0
        self._names: dict[str, str] = {}

    def know(self, user_id: str, name: str) -> None:
        """Call a user by name from now on."""
        self._names[user_id] = name

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return trio.current_time() - self._began

    def title(self, text: str, *lines: str) -> None:
        """The head of it all."""
        self.console.print(f"\n[bold]{text}[/bold]")
        for line in lines:
            self.console.print(f"[dim]{line}[/dim]")

    def step(self, name: str, text: str) -> None:
        """A step begins: who does what."""
        self._step += 1
        self.console.print(
            f"\n[bold cyan]{self._step:2}  {name}[/bold cyan]  {text}  "
            f"[dim]({self.seconds:.1f} s)[/dim]"
        )

    def fact(self, label: str, value: str, note: str = "") -> None:
        """Something that is so now."""
        suffix = f"  [dim]{note}[/dim]" if note else ""
        self.console.print(f"      [dim]{label:{_LABEL_WIDTH}}[/dim]{escape(value)}{suffix}")

    def money(self, label: str, value: str, note: str = "") -> None:
        """An amount that is so now."""
        suffix = f"  [dim]{note}[/dim]" if note else ""
        self.console.print(
            f"      [dim]{label:{_LABEL_WIDTH}}[/dim][bold green]{escape(value)}[/bold green]{suffix}"
        )

    def event(self, event: StreamEvent) -> None:
        """An event as it arrives, in the middle of whatever is going on."""
        facts = [
            f"{name} {event.payload[name]}" for name in _SHOWN_FIELDS if event.payload.get(name)
        ]
        who = self._names.get(str(event.payload.get("userId")))
        if who is not None:
            facts.insert(0, who)
        line = f"event {event.sequence:>3}  {event.event_type}"
        if facts:
            line = f"{line:<{_EVENT_WIDTH}}"
        self.console.print(f"      [magenta]{line}[/magenta][dim]{escape('  '.join(facts))}[/dim]")

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table: the first column left-aligned, figures right-aligned."""
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        for index, name in enumerate(head):
            table.add_column(name, justify="right" if index else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def good(self, text: str) -> None:
        """All is well."""
        self.console.print(f"[bold green]✓[/bold green] {escape(text)}")

    def bad(self, text: str) -> None:
        """It is not."""
        self.console.print(f"[bold red]✗ {escape(text)}[/bold red]")
