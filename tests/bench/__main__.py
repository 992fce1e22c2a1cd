"""`make bench`: the same client against the bare route and against us, in turn, in one run."""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import trio
from rich.console import Console
from rich.table import Table

from tests.bench import recovery, scenarios
from tests.bench.measuring import BalanceAfter
from tests.bench.scenarios import Target
from tests.end_to_end.process import own_home, start_orchestrator, start_sandbox

ROUNDS = 3
LIFECYCLES_AT_ONCE = 48


def main() -> None:
    """Measure and print; the figures of a round are side by side, the table shows the medians."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    arguments.add_argument("--lifecycles", type=int, default=150, help="orders on the chain")
    arguments.add_argument("what", nargs="?", choices=["requests", "recovery"], default="requests")
    arguments.add_argument("--orders", type=int, default=10_000, help="on the way, of `recovery`")
    chosen = arguments.parse_args()
    console = Console(soft_wrap=True)
    console.print(machine())
    if chosen.what == "recovery":
        recovery.run(chosen.orders, console)
        return
    with (
        own_home() as home,
        bare_server() as bare,
        start_sandbox(home, ledger_seconds=0.1) as chain,
    ):
        environment = {
            "SANDBOX_LEDGER_SECONDS": "0.1",
            "CHANNEL_ACCOUNTS": "16",
            "RATE_LIMIT_PER_MINUTE": "0",
            "LOG_LEVEL": "warning",
        }
        with start_orchestrator(home, env=environment, sandbox=chain) as orchestrator:
            ours = target_of(orchestrator.url, orchestrator.master_key)
            sandbox = target_of(chain.url, "none")
            market = trio.run(scenarios.open_market, ours, "bench", scenarios.BUYERS)
            trio.run(scenarios.deposit, ours, sandbox, market, "10000.00")
            orders = trio.run(scenarios.create_orders, ours, market, 200)
            rounds = []
            for turn in range(ROUNDS):
                console.print(f"round {turn + 1} of {ROUNDS} …")
                rounds.append(
                    [
                        trio.run(scenarios.bare, bare, chosen.seconds),
                        trio.run(scenarios.get_order, ours, orders, chosen.seconds),
                        *trio.run(scenarios.create_reserve_cancel, ours, market, chosen.seconds),
                    ]
                )
            console.print(table(rounds))
            console.print(f"{chosen.lifecycles} chain lifecycles, {LIFECYCLES_AT_ONCE} at once …")
            lives = trio.run(
                scenarios.lifecycles, ours, market, chosen.lifecycles, LIFECYCLES_AT_ONCE
            )
            console.print(
                f"chain lifecycles: {lives.per_second:.1f} a second, "
                f"p50 {lives.p50_ms / 1000:.2f} s, p99 {lives.p99_ms / 1000:.2f} s"
            )


def table(rounds: list[list[BalanceAfter]]) -> Table:
    """Medians over the rounds; the ratio is taken within each round, against its bare route."""
    shown = Table(title="requests")
    for heading in ("", "a second", "of bare", "p50 ms", "p99 ms"):
        shown.add_column(heading, justify="right" if heading else "left")
    for column in zip(*rounds, strict=True):
        ratios = [
            figure.per_second / one_round[0].per_second
            for figure, one_round in zip(column, rounds, strict=True)
        ]
        shown.add_row(
            column[0].name,
            f"{median([figure.per_second for figure in column]):.0f}",
            f"{median(ratios):.0%}",
            f"{median([figure.p50_ms for figure in column]):.1f}",
            f"{median([figure.p99_ms for figure in column]):.1f}",
        )
    return shown


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def machine() -> str:
    """What this machine is, for whoever reads the figures."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}, {time.strftime('%F')}"


def target_of(url: str, key: str) -> Target:
    parts = urlsplit(url)
    return Target(parts.hostname or "127.0.0.1", parts.port or 80, key)


@contextmanager
def bare_server() -> Iterator[Target]:
    """The bare route in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare"], stdout=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None:
            msg = "the bare server has no output"
            raise RuntimeError(msg)
        yield Target("127.0.0.1", int(process.stdout.readline()), "none")
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()
