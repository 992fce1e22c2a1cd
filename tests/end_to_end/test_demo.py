"""`offerhub demo`, as a person runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)


def demo(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "offerhub", "demo", "--ledger-seconds", "0.1"],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(directory)},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_the_demo_plays_a_purchase_and_every_figure_agrees(tmp_path: Path) -> None:
    process = demo(tmp_path)
    try:
        told, _ = process.communicate(timeout=150)
    finally:
        process.kill()
    assert process.returncode == 0, told
    assert "79.76 available" in told
    assert "0.24" in told
    assert "figures agree to the stroop" in told
    assert "each once, in order, no gap" in told
    assert "\x1b[" not in told  # a log gets no colours
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    process = demo(tmp_path)
    try:
        deadline = time.monotonic() + 90
        assert process.stdout is not None
        while "Deposit" not in process.stdout.readline():
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, told
    assert "interrupted" in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
