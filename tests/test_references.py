"""A reference to a document, a section or a file leads somewhere, or the check names it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("references", ROOT / "docs" / "references.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


references = _load()

PAGE = """# Rules

## 1. Money

### Fees

Text.

## 3. On chain

1. The first trap.
2. The second trap.
"""


@pytest.fixture
def repository(tmp_path):
    """A small repository with two pages of rules and a module."""
    for folder in ("actors", "docs/spec", "storage", "web"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/spec/rules.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "docs/spec/other.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "actors/lane.py").write_text("", encoding="utf-8")
    return tmp_path


def broken(repository, text, name="actors/order.py"):
    """What the check says when one file has this text."""
    (repository / name).write_text(text, encoding="utf-8")
    return [f"{fault.line}: {fault.why}" for fault in references.Checker(repository).broken()]


@pytest.mark.parametrize(
    "text",
    [
        "A rule (docs/spec/rules.md §1).",
        "A rule (`docs/spec/rules.md` §1, §3).",
        "A rule (docs/spec/rules.md §1 to §3).",
        "A rule (docs/spec/rules.md\n# §3).",
        "A rule (docs/spec/rules.md, On chain).",
        "A rule (docs/spec/rules.md §1, Fees): it holds.",
        "A trap (docs/spec/rules.md §3.2).",
        "Rules (docs/spec/rules.md).\n\nMore of them (§3).",
        "docs/spec/rules.md and docs/spec/other.md\n\nTwo pages: docs/spec/rules.md §1, then §3.",
        "See actors/lane.py.",
    ],
)
def test_a_reference_that_leads_somewhere_is_passed(repository, text):
    assert [] == broken(repository, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A rule (docs/spec/gone.md §1).", "1: no document docs/spec/gone.md"),
        ("A rule (rules.md §1).", "1: no document rules.md"),
        ("A rule (docs/spec/rules.md §2).", "1: no §2 in rules.md"),
        ("A rule\n(docs/spec/rules.md §1, §30).", "2: no §30 in rules.md"),
        ("A rule (docs/spec/rules.md §1 to §2).", "1: no §2 in rules.md"),
        ("A trap (docs/spec/rules.md §3.5).", "1: no §3.5 in rules.md"),
        ("A rule (docs/spec/rules.md, Gone).", "1: no heading 'Gone).' in rules.md"),
        ("A rule (docs/spec/rules.md §1, Gone).", "1: no heading 'Gone).' in rules.md"),
        ("A rule (§1).", "1: §1 of which document?"),
        (
            'docs/spec/rules.md and docs/spec/other.md """ but which: §1',
            "1: §1 of which document?",
        ),
        ("See actors/gone.py.", "1: no file actors/gone.py"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(repository, text, why):
    assert [why] == broken(repository, text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[it](spec/rules.md#3-on-chain), [it](#title)\n\n## Title\n", None),
        ("`lane.py` does it.", None),
        ("[it](spec/gone.md)", "1: no file spec/gone.md"),
        ("[it](spec/rules.md#gone)", "1: no heading #gone in spec/rules.md"),
        ("[it](#gone)", "1: no heading #gone"),
        ("`gone.py` does it.", "1: no file is called gone.py"),
    ],
)
def test_links_and_names_of_files_in_documents_are_checked(repository, text, why):
    found = broken(repository, text, "docs/page.md")
    assert ([] if why is None else [why]) == [
        fault for fault in found if "no document" not in fault
    ]


def test_every_reference_in_the_repository_leads_somewhere():
    assert 0 == references.main()
