"""The embedded servers of a home, seen from outside."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.embedded.home import find_place
from storage.embedded.process import is_alive, read_pid


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process with its children for the time of the block: it neither answers nor ends."""
    every = [pid, *_children(pid)]
    for each in every:
        _signal(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in every:
            _signal(each, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    """Signal a server's process; a session of its may have ended by itself meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in found]


def postgres_pid(home: Path) -> int:
    """The id of the PostgreSQL of a home, which must run."""
    return _running(home, "postgres", "data/postmaster.pid")


def redis_pid(home: Path) -> int:
    """The id of the Redis of a home, which must run."""
    return _running(home, "redis", "redis.pid")


def _running(home: Path, name: str, pid_file: str) -> int:
    place = find_place(home, name)
    assert place is not None
    pid = read_pid(place.data / pid_file)
    assert pid is not None
    assert is_alive(pid)
    return pid
