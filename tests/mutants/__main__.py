"""Plant every kept fault, or those whose names hold a given word: `python -m tests.mutants`."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutants.faults import FAULTS
from tests.mutants.planting import Fault, Verdict, copy, judge, run_suite

ROOT = Path(__file__).resolve().parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    """Plant them; 1 when one survives, is stale or cannot be judged, or the tests fail without."""
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="plant only faults whose names hold one of these")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="only show the faults")
    asked = parser.parse_args(argv)
    chosen = [
        fault
        for fault in FAULTS
        if not asked.words or any(word in fault.name for word in asked.words)
    ]
    if asked.list:
        for fault in chosen:
            print(f"{fault.file}: {fault.name}")
        return 0
    return plant(chosen, ROOT, tracked(ROOT), asked.workers)


def plant(faults: Sequence[Fault], root: Path, files: tuple[str, ...], workers: int) -> int:
    """Judge faults side by side and report each as it is known, and the bad ones again at the end.

    First every suite runs without a fault: one that fails anyway would catch everything.
    """
    suites = sorted({suite for fault in faults for suite in fault.suites})
    with ThreadPoolExecutor(workers) as pool:
        failing = [each for each in pool.map(partial(_unplanted, root, files), suites) if each]
        if failing or not faults:
            print("\n".join(failing) or "no fault has such a name")
            return 1
        judgements = []
        for judgement in pool.map(partial(judge, root=root, files=files), faults):
            print(judgement, flush=True)
            judgements.append(judgement)
    bad = [each for each in judgements if each.verdict is not Verdict.CAUGHT]
    print(f"\n{len(judgements) - len(bad)} of {len(judgements)} planted faults were caught.")
    for each in bad:
        print(f"{each.fault.file}: {each.fault.name}: {each.verdict.value} {each.by}")
    return 1 if bad else 0


def _unplanted(root: Path, files: tuple[str, ...], suite: str) -> str:
    with TemporaryDirectory(prefix="unplanted-") as folder:
        copy(root, files, Path(folder))
        verdict, by = run_suite(suite, Path(folder))
    return "" if verdict is Verdict.SURVIVED else f"without any fault, {suite} fails: {by}"


def tracked(root: Path) -> tuple[str, ...]:
    """The files of the repository, as they stand in the working tree."""
    listed = subprocess.run(
        ("git", "ls-files", "-z"), cwd=root, capture_output=True, text=True, check=True
    )
    return tuple(name for name in listed.stdout.split("\0") if name and (root / name).is_file())


if __name__ == "__main__":
    sys.exit(main())
