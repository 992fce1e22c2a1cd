"""A server process: a child of ours, or one that outlived a killed orchestrator."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import trio

from storage.embedded.account import Account

_LOG_BYTES_MAX = 10_000_000
_POLL_S = 0.05

# Children get nothing of our environment: it may have held secrets, and the locale is ours to say.
CLEAN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class EmbeddedServerDied(Exception):
    """An embedded server ended by itself, or could not start; the supervisor starts it anew."""

    def __init__(self, name: str, detail: str) -> None:
        """Args: name: postgres or redis; detail: how it ended, without secrets."""
        self.name = name
        self.detail = detail
        super().__init__(f"the embedded {name} server {detail}")


class ServerProcess:
    """A running server, whoever started it."""

    def __init__(self, pid: int, child: trio.Process | None = None) -> None:
        self.pid = pid
        self._child = child

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return self._child.poll() is None if self._child is not None else is_alive(self.pid)

    def describe_end(self) -> str:
        """How it ended, for an error message."""
        if self._child is None or self._child.returncode is None:
            return "ended"
        code = self._child.returncode
        return f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"

    async def wait_ended(self) -> None:
        """Return when the process has ended; cancelling changes nothing."""
        if self._child is not None:
            await self._child.wait()
            return
        # Another process's child: nothing notifies us, so we look.
        while is_alive(self.pid):  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(_POLL_S)

    async def stop(self, signals: Sequence[tuple[signal.Signals, float]]) -> None:
        """Send each signal and give it its seconds, until the process has ended.

        Shielded: a server is never left behind because its owner was cancelled; the sum of the
        seconds is the deadline.
        """
        for number, seconds in signals:
            if not self.alive():
                break
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            with trio.move_on_after(seconds, shield=True):
                await self.wait_ended()


async def launch(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    account: Account | None,
    stdin: bytes = b"",
) -> ServerProcess:
    """Start a server in a session of its own, so that Ctrl-C reaches us and not it."""
    with _open_log(log) as output:
        child = await trio.lowlevel.open_process(
            list(command),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=CLEAN_ENVIRONMENT,
            start_new_session=True,
            umask=0o077,
            **(account.popen_options() if account is not None else {}),
        )
    if child.stdin is None:
        raise RuntimeError("standard input was not opened as a pipe")
    # A few hundred bytes always fit into the pipe; closing marks the end of the input.
    with trio.CancelScope(shield=True), suppress(trio.BrokenResourceError):
        await child.stdin.send_all(stdin)
    with trio.CancelScope(shield=True):
        await child.stdin.aclose()
    return ServerProcess(child.pid, child)


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie that nobody has collected yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not hasattr(os, "pidfd_open"):
        return True
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return is_alive_by_state(pid)
    try:
        return not select.select([descriptor], [], [], 0)[0]
    finally:
        os.close(descriptor)


def is_alive_by_state(pid: int) -> bool:
    """The same without pidfd (old kernels): by the state letter that /proc shows."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, IndexError):
        return False


def runs_in(pid: int, directory: Path) -> bool:
    """Whether process `pid` has `directory` as its working directory: a number can be reused."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory
    except FileNotFoundError:
        # No such process, or no /proc at all: then only the process's life speaks.
        return not Path("/proc/self").exists() and is_alive(pid)
    except PermissionError:
        # Root without CAP_SYS_PTRACE, as in most containers; command lines are open to all. The
        # servers of this package show their directory there.
        return _shows(pid, directory)


def _shows(pid: int, directory: Path) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        same_owner = process.stat().st_uid == directory.stat().st_uid
        return same_owner and os.fsencode(directory) in (process / "cmdline").read_bytes()
    except OSError:
        return False


def any_runs_in(directory: Path) -> bool:
    """Whether any process that lives has `directory` as its working directory (needs /proc)."""
    numbers = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return any(runs_in(pid, directory) for pid in numbers)


def read_pid(pid_file: Path) -> int | None:
    """The process id on the first line of `pid_file`, or None."""
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def stop_leftover(pid_file: Path, timeout_s: float = 10) -> None:
    """Stop the server that `pid_file` (in its working directory) names, if it is that one."""
    pid = read_pid(pid_file)
    if pid is None or not runs_in(pid, pid_file.parent):
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + timeout_s
        while is_alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGQUIT)
                deadline += timeout_s
            time.sleep(_POLL_S)


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a server's log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return "(no log)"


def _open_log(log: Path) -> BinaryIO:
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_name(f"{log.name}.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
