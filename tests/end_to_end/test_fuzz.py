"""schemathesis against a running orchestrator and the OpenAPI document that it serves.

All of its checks, over examples, fuzzed calls and chains of calls: no server error, no answer that
is not documented, nothing accepted that the document forbids, nothing refused that it allows.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from offerhub.client import Client
from tests.end_to_end.target import Target

HERE = Path(__file__).parent
LEFT_OUT = (
    "streamEvents",  # its answer has no end
    "enableMaintenance",  # everything after it would be a 503
)


def fuzzed(target: Target, directory: Path, *options: str, timeout_s: float) -> str:
    """Run it; fails with its report unless every check held."""
    left_out = [word for name in LEFT_OUT for word in ("--exclude-operation-id", name)]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "PYTHONPATH": str(HERE.parents[1]),
        "SCHEMATHESIS_HOOKS": "tests.end_to_end.fuzz_hooks",
        "OFFERHUB_FUZZ_BUYER": target.buyer,
        "OFFERHUB_FUZZ_SELLER": target.seller,
        "NO_PROXY": "*",
    }
    program = Path(sys.executable).with_name("st")
    done = subprocess.run(
        [
            *(str(program), "--no-color", "--config-file", str(HERE / "schemathesis.toml"), "run"),
            *(f"{target.url}/api/v1/openapi.json", "--checks", "all", "--seed", "1"),
            *("-H", f"Authorization: Bearer {target.key}", "--warnings", "off"),
            *left_out,
            *options,
        ],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-20_000:] + done.stderr[-5000:]
    return done.stdout


def test_the_running_instance_does_as_its_document_says(target: Target, tmp_path: Path) -> None:
    fuzzed(target, tmp_path, "--phases", "examples,fuzzing", "-n", "2", timeout_s=100)
    report = fuzzed(target, tmp_path, "--phases", "stateful", "--max-time", "8", timeout_s=60)

    assert "API Links:" in report
    with Client(target.url, target.key) as client:
        orders = list(client.list_orders(limit=100))
    assert orders, "no chain of calls began with an order"


@pytest.mark.fuzz
def test_it_still_does_after_a_long_time_of_chance(target: Target, tmp_path: Path) -> None:
    seconds = int(os.environ.get("FUZZ_SECONDS", "600"))
    report = fuzzed(
        target,
        tmp_path,
        *("--phases", "examples,coverage,fuzzing", "-n", "30", "--continue-on-failure"),
        *("--max-time", str(max(60, seconds // 2))),
        timeout_s=seconds * 2 + 300,
    )
    assert "Coverage" in report
    fuzzed(
        target,
        tmp_path,
        *("--phases", "stateful", "-n", "1000", "--max-time", str(seconds // 2)),
        "--continue-on-failure",
        timeout_s=seconds * 2 + 300,
    )
    with Client(target.url, target.key) as client:
        outcomes = {order.outcome for order in client.list_orders(limit=100)}
        assert "healthy" == client.get_health().status or client.get_detailed_health().concerns
    assert len(outcomes) > 1, "no order was ended"
