"""Real processes for tests: the orchestrator and the sandbox, started, killed and cleaned up.

    with own_home() as home, start_sandbox(home) as sandbox:
        with start_orchestrator(home, sandbox=sandbox, env={"OFFERHUB_FAILPOINT": "…"}) as first:
            ...
            first.wait_ended(30)          # it killed itself
        with start_orchestrator(home, sandbox=sandbox) as second:
            ...

Every wait is bounded and whatever still lives at the end is killed by its id; on Linux also when
the test run itself is killed. The embedded PostgreSQL outlives a killed orchestrator on purpose;
`own_home` ends it, and what an earlier run could not end.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from attrs import define

from storage.embedded import HomeInUse, discard_home, hold_home

START_S = 60.0
STOP_S = 40.0
_POLL_S = 0.02
_HELD = "test"
_LEFT_BEHIND_S = 1800.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class DidNotStart(Exception):
    """The process ended, or did not answer in time; carries the end of its log."""


@define(eq=False)
class Program:
    """A running process of ours and where it answers."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)

    def stop(self, timeout_s: float = STOP_S) -> int:
        """SIGTERM; returns the exit status. Killed if it does not end in time."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def wait_ended(self, timeout_s: float) -> int:
        """Wait until it ends by itself; the negative signal number if a signal ended it."""
        return self.process.wait(timeout_s)

    def log_text(self) -> str:
        return self.log.read_text(errors="replace")


@define(eq=False)
class Orchestrator(Program):
    """The orchestrator; `api` is its base URL, `master_key` has scope `*`."""

    master_key: str = ""

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def client(self, timeout_s: float = 90) -> httpx.Client:
        """A client of the API with the master key."""
        return httpx.Client(
            base_url=self.api,
            headers={"Authorization": f"Bearer {self.master_key}"},
            timeout=timeout_s,
            trust_env=False,
        )

    def wait_ready(self, timeout_s: float = START_S) -> bool:
        """Whether it answers; false if it ended before it did (at a failpoint, say)."""
        return _wait_answer(self, f"{self.api}/health", timeout_s)


@define(eq=False)
class RunningSandbox(Program):
    """The sandbox; `home` keeps its chain."""

    home: Path = Path()

    def faucet(self, address: str, amount: str) -> None:
        """Pay USDC; returns when a ledger has it."""
        answer = httpx.post(
            f"{self.url}/faucet",
            json={"address": address, "amount": amount},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()


@contextmanager
def own_home(prefix: str = "offerhub-e2e-") -> Iterator[Path]:
    """A temporary OFFERHUB_HOME; at the end its servers are stopped and it is removed."""
    for lock in Path(tempfile.gettempdir()).glob(f"{prefix}*/{_HELD}.lock"):
        # Old, and nobody holds it: of a run that was killed, not of one that is just ending.
        with suppress(HomeInUse, OSError):
            if time.time() - lock.stat().st_mtime > _LEFT_BEHIND_S:
                with hold_home(lock.parent, _HELD):
                    discard_home(lock.parent)
    home = Path(tempfile.mkdtemp(prefix=prefix))
    with hold_home(home, _HELD):
        try:
            yield home
        finally:
            discard_home(home)


@contextmanager
def start_sandbox(
    home: Path, *, ledger_seconds: float = 0.05, port: int | None = None
) -> Iterator[RunningSandbox]:
    """Run `offerhub sandbox`; returns when it answers."""
    chosen = free_port() if port is None else port
    log = home / "sandbox.log"
    process = _spawn(
        [
            *("sandbox", "--port", str(chosen), "--home", str(home)),
            *("--ledger-seconds", str(ledger_seconds)),
        ],
        {},
        log,
        home,
    )
    sandbox = RunningSandbox(process, f"http://127.0.0.1:{chosen}", log, home)
    try:
        if not _wait_answer(sandbox, sandbox.url + "/", START_S):
            raise DidNotStart(sandbox.log_text()[-3000:])
        yield sandbox
    finally:
        sandbox.kill()


@contextmanager
def start_orchestrator(
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    sandbox: RunningSandbox | None = None,
    port: int | None = None,
    wait: bool = True,
) -> Iterator[Orchestrator]:
    """Run `offerhub run`; returns when it answers, or at once with `wait=False`.

    Args:
        env: settings beside those that this sets; they win.
        sandbox: where the network is; `None`: the orchestrator starts its own.
        port: keep it over restarts, so that clients find it again; `None` takes a free one.
    """
    chosen = free_port() if port is None else port
    variables = {"PORT": str(chosen), "OFFERHUB_HOME": str(home), "LOG_FORMAT": "json"}
    # Dues are settled when a payment needs them, at the same place of each run.
    variables["SETTLEMENT_SECONDS"] = "86400"
    if sandbox is not None:
        variables["STELLAR_HORIZON_URL"] = sandbox.url
        variables["SANDBOX_PORT"] = str(urlsplit(sandbox.url).port)
    else:
        variables["SANDBOX_PORT"] = str(free_port())
    log = home / "orchestrator.log"
    process = _spawn(["run"], {**variables, **(env or {})}, log, home)
    orchestrator = Orchestrator(process, f"http://127.0.0.1:{chosen}", log)
    try:
        if wait and not orchestrator.wait_ready():
            raise DidNotStart(orchestrator.log_text()[-3000:])
        key = home / "secrets" / "master_key"
        deadline = time.monotonic() + START_S
        while not key.is_file() and orchestrator.alive() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        orchestrator.master_key = key.read_text().strip() if key.is_file() else ""
        yield orchestrator
    finally:
        orchestrator.kill()


def free_port() -> int:
    """A port that nobody listens on at this instant."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _spawn(
    arguments: list[str], variables: Mapping[str, str], log: Path, directory: Path
) -> subprocess.Popen[bytes]:
    # Nothing of the tests' own environment: a DATABASE_URL of the machine is none of ours.
    environment = {
        name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TZ"}
    }
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "offerhub", *arguments],
            env={**environment, **variables},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # One system call and no lock of Python's, so other threads do not matter.
            preexec_fn=_die_with_us if threading.current_thread() is _MAIN else None,  # noqa: PLW1509
        )


_MAIN = threading.main_thread()


def _die_with_us() -> None:
    """Have the kernel kill the child when the thread that made it ends: the run was killed."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_answer(program: Program, url: str, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    with httpx.Client(timeout=5, trust_env=False) as client:
        while program.alive():
            with suppress(httpx.HTTPError):
                if client.get(url).status_code == 200:
                    return True
            if time.monotonic() > deadline:
                raise DidNotStart(f"no answer in {timeout_s} s:\n{program.log_text()[-3000:]}")
            time.sleep(_POLL_S)
    return False
