"""A newcomer's first hour works as the documents say: their examples are run, as they are written."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from attrs import define, evolve

from tests.end_to_end.documents import Block, blocks, claims, run
from tests.end_to_end.process import STOP_S, free_port, own_home

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = ROOT / "README.md"
GUIDES: Final = ("docs/flows.md", "docs/integration-guide.md")

pytestmark = pytest.mark.timeout(300)


@define(eq=False)
class Checkout:
    """A folder that looks like a fresh clone after `make setup`, and the instance that runs there."""

    directory: Path
    environment: dict[str, str]
    replaced: dict[str, str]
    api: str
    process: subprocess.Popen[bytes]

    def run(self, shown: list[Block]) -> list[str]:
        return run(shown, self.directory, self.replaced, self.environment)

    def background(self, block: Block, output: Path) -> subprocess.Popen[bytes]:
        """Run what a reader runs in a terminal of its own."""
        preamble = next(each.text for each in blocks(README) if each.text.startswith("API="))
        text = f"{preamble}\n{block.text}"
        for written, meant in self.replaced.items():
            text = text.replace(written, meant)
        with output.open("wb") as log:
            return subprocess.Popen(
                ["bash", "-c", text],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """The instance of the README, started and stopped as it says: one for all documents."""
    port, sandbox = free_port(), free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {"PORT": str(port), "SANDBOX_PORT": str(sandbox)}
    with own_home() as home, tempfile.TemporaryDirectory(prefix="offerhub-checkout-") as folder:
        directory = Path(folder)
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            (directory / name).symlink_to(ROOT / name)
        (directory / ".venv").symlink_to(sys.prefix)
        (directory / ".offerhub").symlink_to(home)
        log = directory / "run.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", _started_with()],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        api = f"http://127.0.0.1:{port}"
        replaced = {"http://127.0.0.1:4000": api, "http://127.0.0.1:4010": _url(sandbox)}
        try:
            _wait_answer(f"{api}/api/v1/health", process, log)
            yield Checkout(directory, environment, replaced, api, process)
            os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
            process.wait(STOP_S)
            stopped = log.read_text(errors="replace")
            assert "Traceback" not in stopped, stopped[-3000:]
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{api}/api/v1/health", trust_env=False)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def _started_with() -> str:
    (found,) = [each.text for each in blocks(README) if each.text.strip() == "make run"]
    return f"exec {found.strip()}"


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _wait_answer(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    with httpx.Client(timeout=5, trust_env=False) as client:
        while True:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)


def _of_a_terminal_of_its_own(block: Block) -> bool:
    return "curl -sSN" in block.text or block.text.strip() == "make run"


def test_the_flows_name_events_that_there_are() -> None:
    named = {
        name
        for block in blocks(ROOT / "docs/flows.md")
        if block.language == "mermaid"
        for name in re.findall(
            r"\b(?:user|wallet|balance|order|escrow|dispute|withdrawal)\.[a-z_]+", block.text
        )
    }
    kinds = set(
        re.findall(r"^#+ `?([a-z]+\.[a-z_]+)", (ROOT / "docs/events.md").read_text(), re.MULTILINE)
    )

    assert len(named) > 20
    assert named <= kinds


def test_the_first_hour_of_the_readme(checkout: Checkout, tmp_path: Path) -> None:
    found = [each for each in blocks(README) if each.language == "sh"]
    (stream,) = [each for each in found if "curl -sSN" in each.text]
    shown = [each for each in found if not _of_a_terminal_of_its_own(each)]
    heard = tmp_path / "stream.log"
    listening = checkout.background(stream, heard)
    try:
        outputs = checkout.run(shown)
    finally:
        os.killpg(listening.pid, signal.SIGTERM)
        listening.wait(10)

    _holds(README, shown, outputs)
    events = heard.read_text(errors="replace")
    for expected in (
        "retry: 3000",
        '"order.closed"',
        '"balance.credited"',
        '"withdrawal.completed"',
    ):
        assert expected in events, expected


@pytest.mark.parametrize("name", GUIDES)
def test_the_examples_of_a_guide(checkout: Checkout, name: str) -> None:
    document = ROOT / name
    preamble = [each for each in blocks(README) if each.text.startswith("API=")]
    shown = [each for each in blocks(document) if each.language == "sh"]
    assert shown

    outputs = checkout.run(preamble + shown)

    _holds(document, shown, outputs[len(preamble) :])


def test_the_examples_of_the_python_client(checkout: Checkout, tmp_path: Path) -> None:
    """They assert what they say, so running them is enough."""
    examples = [
        each.text for each in blocks(ROOT / "docs/python-client.md") if each.language == "python"
    ]
    script = tmp_path / "examples.py"
    script.write_text("\n".join(examples), encoding="utf-8")
    preamble = [each for each in blocks(README) if each.text.startswith("API=")]
    ran = evolve(preamble[0], text=f"export API KEY; python -W error {script}\n")

    assert len(examples) > 4
    checkout.run([*preamble, ran])


def _holds(document: Path, shown: list[Block], outputs: list[str]) -> None:
    """Every block has done what the document says of it."""
    assert len(shown) == len(outputs)
    for block, output in zip(shown, outputs, strict=True):
        where = f"{document.name}:{block.line}"
        for claim in claims(block):
            assert claim in output, f"{where}: {claim} is not in\n{output}"
        if "# 4" not in block.text:
            assert '"error":' not in output, (
                f"{where}: a refusal that it does not speak of\n{output}"
            )
        assert "Traceback" not in output, f"{where}\n{output}"
