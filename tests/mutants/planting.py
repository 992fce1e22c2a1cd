"""Plants one fault in a copy of the tree, and has the tests that must catch it judge it."""

import re
import shutil
import subprocess
import sys
import time
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

PATIENCE_S: Final = 240.0
"""What one suite may take with a fault in the code: a hang is no proof, and is reported."""

_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_TESTS_PASSED, _TESTS_FAILED = 0, 1


@frozen
class Fault:
    """A fault to plant.

    Args:
        name: what would go wrong, in a few words.
        file: from the root of the repository.
        old: exact text that occurs once in the file.
        new: what stands there instead.
        suites: arguments of pytest, the narrowest first; the first suite that fails has caught it.
    """

    name: str
    file: str
    old: str
    new: str
    suites: tuple[str, ...]


class Verdict(Enum):
    """What became of a planted fault; only the first is good."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE: its text does not occur exactly once"
    BROKEN = "BROKEN: the tests could not be run, or not to their end"


@frozen
class Judgement:
    """A fault's verdict, who gave it, and the seconds that it took."""

    fault: Fault
    verdict: Verdict
    by: str = ""
    took_s: float = 0.0

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        return f"{self.took_s:6.1f} s  {self.fault.name}: {self.verdict.value}{by}"


def judge(fault: Fault, root: Path, files: tuple[str, ...]) -> Judgement:
    """Plant a fault in a copy of `files` below `root` and run its suites until one fails."""
    began = time.monotonic()
    text = (root / fault.file).read_text("utf-8") if (root / fault.file).is_file() else ""
    if text.count(fault.old) != 1 or fault.old == fault.new:
        return Judgement(fault, Verdict.STALE)
    with TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder)
        copy(root, files, tree)
        (tree / fault.file).write_text(text.replace(fault.old, fault.new), "utf-8")
        for suite in fault.suites:
            verdict, by = run_suite(suite, tree)
            if verdict is not Verdict.SURVIVED:
                return Judgement(fault, verdict, by, time.monotonic() - began)
    return Judgement(fault, Verdict.SURVIVED, took_s=time.monotonic() - began)


def copy(root: Path, files: tuple[str, ...], tree: Path) -> None:
    """Copy files, by their paths below `root`, into another tree."""
    for name in files:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, tree / name)


def run_suite(suite: str, tree: Path) -> tuple[Verdict, str]:
    """Run one suite in a tree: what it says, and the test or the trouble that says it."""
    command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=no")
    try:
        done = subprocess.run(
            (*command, *suite.split()),
            cwd=tree,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict.BROKEN, f"{suite}, not ended after {PATIENCE_S:.0f} s"
    if done.returncode == _TESTS_PASSED:
        return Verdict.SURVIVED, ""
    if done.returncode != _TESTS_FAILED:
        return Verdict.BROKEN, f"{suite}, {done.stdout.strip().splitlines()[-1:]}"
    failed = _FAILED.search(done.stdout)
    return Verdict.CAUGHT, failed[1] if failed else suite
