"""The command line, called as a person or a script calls it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tests.end_to_end.process import Orchestrator, free_port, own_home, start_orchestrator

DEADLINE_S = 90


@frozen
class Called:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err.splitlines()[-1])["error"]


@frozen
class Instance:
    """A home on which commands are called, with a process or without."""

    home: Path
    settings: Mapping[str, str] = field(factory=dict)

    def call(self, *arguments: str, **settings: str) -> Called:
        """Call `offerhub` with arguments; it never gets a terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "offerhub", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "OFFERHUB_HOME": str(self.home),
                **self.settings,
                **settings,
            },
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Called(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(self, **settings: str) -> Iterator[Orchestrator]:
        """The process, running on this home."""
        with start_orchestrator(self.home, env={**self.settings, **settings}) as orchestrator:
            yield orchestrator
            orchestrator.stop()


@contextmanager
def own_instance() -> Iterator[Instance]:
    """A home that nothing has run on, with a sandbox of its own port."""
    with own_home() as home:
        yield Instance(home, {"SANDBOX_PORT": str(free_port()), "SANDBOX_LEDGER_SECONDS": "0.1"})
