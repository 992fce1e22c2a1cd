"""Every command that a document tells an operator to type exists, with the options that it names."""

import re
from pathlib import Path

import click
import pytest

from offerhub.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_TYPED = re.compile(r"(?:^|`|\(|/)offerhub ([a-z][^`\n|#]*)", re.MULTILINE)


def typed() -> list[tuple[str, str]]:
    """Document and command line, of all code in all documents."""
    return [
        (document.name, match[1].strip())
        for document in DOCUMENTS
        for match in _TYPED.finditer(document.read_text(encoding="utf-8"))
    ]


def unknown_in(line: str) -> str | None:
    """What of a command line does not exist; `None` if all does."""
    command: click.Command = main
    context = click.Context(main)
    for word in re.split(r"[\s,;]+", line):
        if isinstance(command, click.Group) and re.fullmatch(r"[a-z-]+", word):
            found = command.get_command(context, word)
            if found is None:
                return word
            command = found
        elif word.startswith("--"):
            options = {each for parameter in command.params for each in parameter.opts}
            option = re.match(r"--[a-z-]+", word)
            if option is None or (option[0] not in options and option[0] != "--help"):
                return word
    return None


def test_documents_name_commands() -> None:
    assert len(typed()) > 30


@pytest.mark.parametrize(("document", "line"), typed())
def test_a_command_that_a_document_names_exists(document: str, line: str) -> None:
    assert unknown_in(line) is None, f"{document}: offerhub {line}"


def test_what_does_not_exist_is_found() -> None:
    assert "orders stuck" in {line for _, line in typed()}
    assert unknown_in("orders vanish") == "vanish"
    assert unknown_in("keys create --colour red") == "--colour"
