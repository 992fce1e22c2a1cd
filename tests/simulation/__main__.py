"""`python -m tests.simulation --seeds N`: run seeds, tell what was reached and what failed."""

import argparse
import os
import sys
import time
from collections import Counter

from tests.simulation.simulation import Report, simulate
from tests.simulation.sometimes import SOMETIMES, missed


def main() -> int:
    """Run the seeds that are asked for; the exit status says whether every claim held."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seed", type=int, help="one seed, with the end of its history")
    parser.add_argument("--marks", action="store_true", help="every mark with its count")
    parser.add_argument("--lines", type=int, default=60, help="how much of it")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Orders of sets of strings are part of a run: the same in every process.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(
            sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], environment
        )
    seeds = (
        [asked.seed] if asked.seed is not None else range(asked.first, asked.first + asked.seeds)
    )
    began = time.perf_counter()
    failed: list[int] = []
    marks: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for seed in seeds:
        started = time.perf_counter()
        report = simulate(seed)
        marks.update(report.marks)
        totals.update(
            {
                "orders": report.orders,
                "closed": report.closed,
                "withdrawals": report.withdrawals,
                "commits": report.commits,
                "lives": report.lives,
                "simulated seconds": int(report.simulated_s),
            }
        )
        _tell(report, time.perf_counter() - started)
        if report.violations:
            failed.append(seed)
        if asked.seed is not None:
            print("\n".join(report.lines[-asked.lines :]))
    took_s = time.perf_counter() - began
    _summary(marks, totals, len(list(seeds)), took_s, every=asked.marks)
    if failed:
        print(f"FAILED seeds: {failed}; repeat one with: python -m tests.simulation --seed N")
    return 1 if failed else 0


def _tell(report: Report, took_s: float) -> None:
    state = "FAILED" if report.violations else "ok"
    print(
        f"seed {report.seed}: {state}  {report.orders} orders, {report.closed} closed,"
        f" {report.lives} lives, {report.commits} commits, {report.simulated_s:.0f} s"
        f" simulated in {took_s:.1f} s, {report.digest[:12]}",
        flush=True,
    )
    for violation in report.violations[:12]:
        print(f"    {violation}", flush=True)


def _summary(
    marks: Counter[str], totals: Counter[str], seeds: int, took_s: float, *, every: bool
) -> None:
    unreached = missed(marks)
    for name in sorted(marks) if every else ():
        print(f"{marks[name]:8d}  {name}")
    for name in unreached:
        print(f"   never  {name}")
    print(f"dangerous places reached: {len(SOMETIMES) - len(unreached)} of {len(SOMETIMES)}")
    figures = ", ".join(f"{count} {name}" for name, count in totals.items())
    print(
        f"{seeds} seeds in {took_s:.0f} s: {figures};"
        f" {totals['orders'] / took_s:.1f} purchases a second,"
        f" {totals['simulated seconds'] / took_s:.0f} simulated seconds a second"
    )


if __name__ == "__main__":
    sys.exit(main())
