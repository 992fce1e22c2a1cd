"""Two processes on one database: the second takes it over, and the first ends."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.case import Grounds
from tests.end_to_end.process import Orchestrator, own_home, start_orchestrator

_KEY = "ab" * 32
_ENDS_S = 30.0
_EXIT_DISPLACED = 3


def variables(grounds: Grounds) -> dict[str, str]:
    assert grounds.database_url is not None
    assert grounds.redis_url is not None
    return {
        "DATABASE_URL": grounds.database_url,
        "REDIS_URL": grounds.redis_url,
        "WALLET_ENCRYPTION_KEY": _KEY,
        "STELLAR_HORIZON_URL": grounds.sandbox.url,
    }


def create_user(orchestrator: Orchestrator, name: str) -> httpx.Response:
    with orchestrator.client(timeout_s=20) as client:
        return client.post("/users", json={"externalUserId": name, "type": "BOTH"})


@pytest.mark.timeout(180)
@pytest.mark.parametrize("asked", [True, False])
def test_a_displaced_process_refuses_what_may_be_repeated_and_ends(
    grounds: Grounds, asked: bool
) -> None:
    """Asked or not: it used to live on, every POST 500, its GETs an hour old, "healthy"."""
    env = variables(grounds)
    with (
        own_home() as home,
        own_home() as other_home,
        start_orchestrator(home, sandbox=grounds.sandbox, env=env) as first,
    ):
        assert create_user(first, "one").status_code == 201
        with start_orchestrator(other_home, sandbox=grounds.sandbox, env=env) as second:
            deadline = time.monotonic() + _ENDS_S
            while asked and first.alive() and time.monotonic() < deadline:
                try:
                    answer = create_user(first, f"late {time.monotonic()}")
                except httpx.HTTPError:
                    break  # it does not listen any more
                assert answer.status_code == 503, answer.text
                assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
            assert first.wait_ended(_ENDS_S) == _EXIT_DISPLACED, first.log_text()[-3000:]
            assert "process.displaced" in first.log_text()
            assert "another process has taken over" in first.log_text()
            assert create_user(second, "two").status_code == 201
            assert second.alive()


@pytest.mark.timeout(180)
def test_a_command_beside_a_running_process_displaces_nobody(grounds: Grounds) -> None:
    env = variables(grounds)
    with (
        own_home() as home,
        own_home() as other_home,
        start_orchestrator(home, sandbox=grounds.sandbox, env=env) as running,
    ):
        for expected, arguments in COMMANDS:
            ended = command(other_home, env, *arguments)
            assert ended.returncode == expected, ended.stderr
        assert create_user(running, "one").status_code == 201
        assert "process.displaced" not in running.log_text()
        assert running.alive()


COMMANDS = (
    (0, ("bootstrap",)),
    (0, ("operations", "list")),
    (1, ("operations", "resolve", "cop_unknown", "--not-included")),
    (2, ("operations", "resolve", "cop_unknown")),
)


def command(home: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "offerhub", *arguments],
        env={"OFFERHUB_HOME": str(home), "PATH": "", **env},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
