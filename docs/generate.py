"""Write the documents that are generated from code; with --check, fail and name those that differ."""

import sys
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parent

#: file below docs/ → the function that gives its whole text
DOCUMENTS: dict[str, Callable[[], str]] = {}


def main(arguments: list[str]) -> int:
    """Write every document, or with --check compare them; the exit code tells."""
    stale = []
    for name, render in DOCUMENTS.items():
        path = DOCS / name
        text = render()
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(f"docs/{name}")
    for name in stale:
        print(f"{name} is not in step with the code: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
