"""An operator finds every warning and every error of the log in docs/operations.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOUD = {"warning", "error", "exception", "critical"}


def loud_entries(source: str) -> Iterator[str]:
    """The names of the entries that a module logs as a warning or worse."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LOUD
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "_log"}
        ):
            (entry, *_) = node.args
            assert isinstance(entry, ast.Constant), ast.unparse(node)
            yield str(entry.value)


def entries_of_the_product() -> set[str]:
    folders = ("actors", "offerhub", "storage", "web")
    return {
        entry
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "sandbox" not in path.parts  # has no operator
        for entry in loud_entries(path.read_text(encoding="utf-8"))
    }


def test_every_warning_and_error_is_explained_to_the_operator():
    found = entries_of_the_product()
    explained = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

    assert len(found) >= 15
    assert [] == sorted(entry for entry in found if f"`{entry}`" not in explained)


def test_an_entry_is_named_by_area_and_fact():
    assert [] == sorted(entry for entry in entries_of_the_product() if "." not in entry)
