"""The demonstration's own orchestrator: a real `offerhub run` in a home of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import trio
from attrs import field, frozen

from offerhub.cli.demo.failure import DemoFailed
from storage.embedded import discard_home

_START_S: Final = 90.0
_STOP_S: Final = 35.0
_KILL_S: Final = 5.0
_POLL_S: Final = 0.05
_LOG: Final = "orchestrator.log"


@frozen
class Instance:
    """The running orchestrator and its sandbox."""

    home: Path
    url: str
    sandbox: str
    master_key: str = field(repr=False)

    @property
    def log(self) -> Path:
        return self.home / _LOG


@asynccontextmanager
async def open_instance(ledger_seconds: float) -> AsyncIterator[Instance]:
    """Start everything; at the end, whatever ends it, all of it is stopped and removed.

    The log of a failed run is copied next to the home, and its end is shown.
    """
    home = Path(tempfile.mkdtemp(prefix="offerhub-demo-"))
    try:
        port, sandbox_port = _free_ports()
        with (home / _LOG).open("wb") as log:
            process = await trio.lowlevel.open_process(
                [sys.executable, "-m", "offerhub", "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=home,  # no .env of the working directory
                env=_environment(home, port, sandbox_port, ledger_seconds),
                start_new_session=True,  # Ctrl-C reaches us, and we stop it in order
            )
        try:
            url = f"http://127.0.0.1:{port}/api/v1"
            await _wait_answer(f"{url}/health", process)
            key = (home / "secrets" / "master_key").read_text().strip()
            yield Instance(home, url, f"http://127.0.0.1:{sandbox_port}", key)
        finally:
            await _stop(process)
    except DemoFailed as failed:
        raise DemoFailed(f"{failed}\n\n{_end_of_log(home / _LOG)}") from failed
    finally:
        discard_home(home)


def _environment(home: Path, port: int, sandbox_port: int, ledger_seconds: float) -> dict[str, str]:
    """The settings of the demonstration; nothing of the caller's own leaks into it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return kept | {
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "SANDBOX_LEDGER_SECONDS": str(ledger_seconds),
        "OFFERHUB_HOME": str(home),
        "LOG_LEVEL": "info",
        # Dues are settled where a step needs it, and not in the middle of the closing table.
        "SETTLEMENT_SECONDS": "3600",
    }


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


async def _wait_answer(url: str, process: trio.Process) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        with trio.move_on_after(_START_S):
            while process.poll() is None:
                with suppress(httpx.HTTPError):
                    if (await client.get(url)).status_code == httpx.codes.OK:
                        return
                await trio.sleep(_POLL_S)
    if process.poll() is None:
        raise DemoFailed(f"the orchestrator did not respond within {_START_S:g} s")
    raise DemoFailed(f"the orchestrator ended with status {process.returncode} while starting")


async def _stop(process: trio.Process) -> None:
    """SIGTERM, and SIGKILL if it does not end; shielded, with these deadlines."""
    for number, seconds in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _KILL_S)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with trio.move_on_after(seconds, shield=True):
            await process.wait()


def _end_of_log(log: Path) -> str:
    """The last lines of the log, and the path of its copy."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    kept = Path(tempfile.gettempdir()) / f"{log.parent.name}.log"
    with suppress(OSError):
        shutil.copy(log, kept)
    shown = "\n".join(f"  {line}" for line in lines[-15:]) or "  (empty)"
    return f"The end of the orchestrator's log (copied to {kept}):\n{shown}"
