"""docs/architecture.md lists every file that a reserve enters, and no other."""

import json
import re
import subprocess
import sys

import pytest

from tests.end_to_end.reserve_trace import ROOT

pytestmark = pytest.mark.timeout(180)

SECTION = "## A reserve, file by file"
OWN_TASKS = ("hypercorn.", "quart_trio.", "orders/", "balances/")
"""Tasks that work for this request alone; others also do what nobody asked for just then."""


def documented() -> set[str]:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = text.split(SECTION)[1].split("\n## ")[0]
    return set(re.findall(r"`((?:actors|offerhub|storage|web)/[\w/]+\.py)`", section))


def test_the_trip_of_a_reserve_is_the_documented_one() -> None:
    traced = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.reserve_trace"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert traced.returncode == 0, traced.stderr
    entered: dict[str, list[str]] = json.loads(traced.stdout)
    own = {file for task, files in entered.items() if task.startswith(OWN_TASKS) for file in files}
    every = {file for files in entered.values() for file in files}

    assert len(own) > 20, entered
    assert [] == sorted(own - documented()), "entered, and not in the document"
    assert [] == sorted(documented() - every), "in the document, and not entered"
