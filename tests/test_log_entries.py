"""An operator finds every warning and every error of the log in docs/operations.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOUD = {"warning", "error", "exception", "critical"}


def loud_entries(module: ast.Module) -> Iterator[str]:
    """What a module logs as a warning or worse: an entry, or the constant that holds it."""
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LOUD
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "_log"}
        ):
            (entry, *_) = node.args
            yield str(entry.value) if isinstance(entry, ast.Constant) else ast.unparse(entry)


def constants(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The texts of a module that have a name."""
    for node in module.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant):
            yield ast.unparse(node.target), str(node.value.value)


def entries_of_the_product() -> set[str]:
    folders = ("actors", "offerhub", "storage", "web")
    modules = [
        ast.parse(path.read_text(encoding="utf-8"))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if "sandbox" not in path.parts  # has no operator
    ]
    named = dict(pair for module in modules for pair in constants(module))
    return {named.get(entry, entry) for module in modules for entry in loud_entries(module)}


def test_every_warning_and_error_is_explained_to_the_operator():
    found = entries_of_the_product()
    explained = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

    assert len(found) >= 15
    assert [] == sorted(entry for entry in found if f"`{entry}`" not in explained)


def test_every_explained_entry_can_be_written():
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    section = text.split("## Logs")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    explained = {entry for row in rows for entry in re.findall(r"`([\w.]+)`", row)}
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("actors", "offerhub", "storage", "web")
        for path in (ROOT / folder).rglob("*.py")
    )

    assert len(explained) >= 15
    assert [] == sorted(entry for entry in explained if f'"{entry}"' not in code)


def test_an_entry_is_named_by_area_and_fact():
    assert [] == sorted(entry for entry in entries_of_the_product() if "." not in entry)
