"""`python -m tests.simulation --seeds N`: run seeds, say what was reached and what failed."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from attrs import define, evolve, field

from tests.simulation.plans import ROUND, Plan, plan_of, plans_of_round
from tests.simulation.simulation import Report, simulate
from tests.simulation.sometimes import SOMETIMES, missed

ALL_MARKS_FROM: Final = 200
"""From so many seeds on a run that misses a mark has failed."""


def main() -> int:
    """Run the seeds that are asked for; the exit status says whether every claim held."""
    asked = _asked()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Orders of sets of strings are part of a run: the same in every process.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(
            sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], environment
        )
    if asked.seed is not None:
        plan = plan_of(asked.seed)
        if asked.aims is not None:
            plan = evolve(plan, aims=_names(asked.aims))
        if asked.withheld is not None:
            plan = evolve(plan, withheld=_names(asked.withheld))
        report = simulate(asked.seed, plan)
        _print_report(report, 0.0)
        print("\n".join(report.lines[-asked.lines :]))
        return 1 if report.violations else 0
    run = _Run(range(asked.first, asked.first + asked.seeds), asked.workers)
    run.all_seeds()
    return run.conclude(every_mark=asked.marks)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes beside each other")
    parser.add_argument("--marks", action="store_true", help="every mark with its count")
    parser.add_argument("--seed", type=int, help="one seed, with the end of its history")
    parser.add_argument("--aims", help="of that seed: failpoints at which its lives die")
    parser.add_argument("--withheld", help="of that seed: steps that lose their envelopes")
    parser.add_argument("--lines", type=int, default=60, help="how much of its history")
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


@define
class _Run:
    """A run of many seeds, round by round."""

    seeds: range
    workers: int
    failed: list[Report] = field(factory=list)
    marks: Counter[str] = field(factory=Counter)
    totals: Counter[str] = field(factory=Counter)
    peaks: Counter[str] = field(factory=Counter)
    took_s: float = 0.0

    def all_seeds(self) -> None:
        """Run them, each round with plans from the marks of those before it."""
        began = time.perf_counter()
        with ProcessPoolExecutor(self.workers, get_context("fork")) as pool:
            for first in range(0, len(self.seeds), ROUND):
                plans = plans_of_round(self.seeds[first : first + ROUND], Counter(self.marks))
                runs: Iterator[tuple[Report, float]] = (
                    map(_timed, plans.items())
                    if self.workers == 1
                    else pool.map(_timed, plans.items())
                )
                for report, took_s in runs:
                    self._take(report, took_s)
        self.took_s = time.perf_counter() - began

    def _take(self, report: Report, took_s: float) -> None:
        self.marks.update(report.marks)
        self.totals.update(
            {
                "orders": report.orders,
                "closed": report.closed,
                "withdrawals": report.withdrawals,
                "commits": report.commits,
                "lives": report.lives,
                "simulated seconds": int(report.simulated_s),
            }
        )
        for name, used in report.peaks.items():
            self.peaks[name] = max(self.peaks[name], used)
        _print_report(report, took_s)
        if report.violations:
            self.failed.append(report)

    def conclude(self, *, every_mark: bool) -> int:
        """Print what was reached; the exit status."""
        unreached = missed(self.marks)
        for name in sorted(self.marks) if every_mark else ():
            print(f"{self.marks[name]:8d}  {name}")
        for name in unreached:
            print(f"   never  {name}")
        print(f"dangerous places reached: {len(SOMETIMES) - len(unreached)} of {len(SOMETIMES)}")
        count = len(self.seeds)
        figures = ", ".join(f"{number} {name}" for name, number in self.totals.items())
        print(
            f"{count} seeds in {self.took_s:.0f} s, {self.took_s / count:.2f} s a seed: {figures};"
            f" {self.totals['simulated seconds'] / self.took_s:.0f} simulated seconds a second"
        )
        used = ", ".join(
            f"{number} {name}" for name, number in sorted(self.peaks.items()) if number
        )
        print(f"at most: {used}")
        if unreached and count >= ALL_MARKS_FROM:
            print(f"FAILED: {count} seeds must reach every place")
            return 1
        if self.failed:
            print(f"FAILED seeds: {[report.seed for report in self.failed]}")
        return 1 if self.failed else 0


def _timed(planned: tuple[int, Plan]) -> tuple[Report, float]:
    began = time.perf_counter()
    report = simulate(*planned)
    return evolve(report, lines=()), time.perf_counter() - began


def _print_report(report: Report, took_s: float) -> None:
    state = "FAILED" if report.violations else "ok"
    print(
        f"seed {report.seed}: {state}  {report.orders} orders, {report.closed} closed,"
        f" {report.lives} lives, {report.commits} commits, {report.simulated_s:.0f} s"
        f" simulated in {took_s:.1f} s, {report.digest[:12]}",
        flush=True,
    )
    for violation in report.violations[:12]:
        print(f"    {violation}", flush=True)
    if report.violations:
        print(
            f"    repeat: python -m tests.simulation --seed {report.seed} {report.plan}", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
