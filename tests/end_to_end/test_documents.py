"""A newcomer's first hour works as the documents say: their examples are run, as they are written."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from attrs import define, evolve, frozen

from tests.end_to_end.documents import Block, blocks, claims, run
from tests.end_to_end.process import STOP_S, free_port, own_home

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = ROOT / "README.md"

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

    def history(self) -> list[dict[str, Any]]:
        """Every event so far, as a subscriber gets them who begins at the first."""
        key = (self.directory / ".offerhub/secrets/master_key").read_text().strip()
        asked = {"Authorization": f"Bearer {key}"}
        events: list[dict[str, Any]] = []
        with httpx.Client(
            base_url=f"{self.api}/api/v1", headers=asked, timeout=30, trust_env=False
        ) as client:
            last = client.post("/users", json={"externalUserId": "the-last"}).json()["data"]["id"]
            with client.stream("GET", "/events?lastEventId=0") as response:
                for line in response.iter_lines():
                    if line.startswith("data:"):
                        events.append(json.loads(line.removeprefix("data:")))
                        if events[-1]["aggregateId"] == last:
                            return events
        raise AssertionError("the stream ended")

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
        (directory / "Makefile").symlink_to(ROOT / "Makefile")
        for name in ("pyproject.toml", "constraints.txt"):
            # Older than any environment, so that make does not install this folder into ours.
            (directory / name).touch()
            os.utime(directory / name, (0, 0))
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


@frozen
class Ran:
    """A document whose blocks were run."""

    document: Path
    shown: list[Block]
    outputs: list[str]
    heard: str = ""


@pytest.fixture(scope="module")
def first_hour(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The README, with its stream in a terminal of its own."""
    found = [each for each in blocks(README) if each.language == "sh"]
    (stream,) = [each for each in found if "curl -sSN" in each.text]
    shown = [each for each in found if not _of_a_terminal_of_its_own(each)]
    heard = tmp_path_factory.mktemp("stream") / "stream.log"
    listening = checkout.background(stream, heard)
    try:
        outputs = checkout.run(shown)
    finally:
        os.killpg(listening.pid, signal.SIGTERM)
        listening.wait(10)
    return Ran(README, shown, outputs, heard.read_text(errors="replace"))


@pytest.fixture(scope="module")
def flows(checkout: Checkout) -> Ran:
    return _ran(checkout, ROOT / "docs/flows.md")


def _ran(checkout: Checkout, document: Path) -> Ran:
    preamble = [each for each in blocks(README) if each.text.startswith("API=")]
    shown = [each for each in blocks(document) if each.language == "sh"]
    outputs = checkout.run(preamble + shown)
    return Ran(document, shown, outputs[len(preamble) :])


def test_the_first_hour_of_the_readme(first_hour: Ran) -> None:
    _holds(first_hour)
    for expected in (
        "retry: 3000",
        '"order.closed"',
        '"balance.credited"',
        '"withdrawal.completed"',
        '"dispute.resolved"',
    ):
        assert expected in first_hour.heard, expected


def test_the_examples_of_the_flows(flows: Ran) -> None:
    _holds(flows)


def test_the_examples_of_the_integration_guide(checkout: Checkout) -> None:
    _holds(_ran(checkout, ROOT / "docs/integration-guide.md"))


def test_the_flows_list_their_events_as_they_come(
    checkout: Checkout, first_hour: Ran, flows: Ran
) -> None:
    """Each list is what some action of these runs emitted, all of it and in this order."""
    listed = {
        tuple(match[1].split(", "))
        for block in blocks(flows.document)
        if block.language == "mermaid"
        for match in re.finditer(r"\bevents? ([a-z]+\.[a-z_]+(?:, [a-z]+\.[a-z_]+)*)", block.text)
    } - {("escrow.attempt_failed",)}
    emitted: dict[str, list[str]] = {}
    for event in checkout.history():
        emitted.setdefault(event["metadata"]["correlationId"], []).append(event["eventType"])

    assert len(listed) > 12
    assert listed <= {tuple(each) for each in emitted.values()}


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


def _holds(ran: Ran) -> None:
    """Every block has done what the document says of it."""
    assert ran.shown
    for block, output in zip(ran.shown, ran.outputs, strict=True):
        where = f"{ran.document.name}:{block.line}"
        for claim in claims(block):
            assert claim in output, f"{where}: {claim} is not in\n{output}"
        if "# 4" not in block.text:
            assert '"error":' not in output, (
                f"{where}: a refusal that it does not speak of\n{output}"
            )
        assert "Traceback" not in output, f"{where}\n{output}"
