"""Write the documents that are generated from code; with --check, fail and name those that differ."""

import sys
from collections.abc import Callable
from pathlib import Path

from contract import render_contract
from errors_page import render_errors
from events_page import render_events

from offerhub.domain import order_states
from web.openapi import rendered
from web.routes import ROUTES

DOCS = Path(__file__).resolve().parent


def render_order_states() -> str:
    """The order's state machine, drawn from its table."""
    return f"""# The order's states

Generated from the table in `offerhub/domain/order_states.py` by `make docs`.
`CLOSED` is the only terminal state; the order's `outcome` says how it got there.

```mermaid
{order_states.diagram().strip()}
```
"""


DOCUMENTS: dict[str, Callable[[], str]] = {
    "contract.md": render_contract,
    "errors.md": lambda: render_errors(ROUTES),
    "events.md": render_events,
    "openapi.json": lambda: rendered(ROUTES).decode(),
    "order-states.md": render_order_states,
}
"""File below docs/ → the function that gives its whole text."""


def main(arguments: list[str]) -> int:
    """Write every document, or with --check compare them; the exit code is 1 if one differs."""
    stale = []
    for name, render in DOCUMENTS.items():
        path = DOCS / name
        text = render()
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(f"docs/{name}")
    for name in stale:
        print(f"{name} is out of date: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
