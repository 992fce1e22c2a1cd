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
        output, _ = process.communicate(timeout=150)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert "80.00 available" in output
    assert "0.24" in output
    assert "CLOSED, SPLIT" in output
    assert "Bob             50.00 available, 0.00 reserved" in output
    assert "Alice           50.00 available, 0.00 reserved" in output
    assert "amounts agree to the stroop" in output
    assert "each once, in order, without gaps" in output
    assert "\x1b[" not in output  # a log gets no colours
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    process = demo(tmp_path)
    try:
        deadline = time.monotonic() + 90
        assert process.stdout is not None
        while "Deposit" not in process.stdout.readline():
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "interrupted" in output
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == []
