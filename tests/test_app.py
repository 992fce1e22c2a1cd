"""The process as its operator meets it: starts, refuses to start, is hurt, recovers, stops."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from attrs import evolve

from actors import failpoints
from offerhub.composition.choices import poll_s
from offerhub.composition.failpoints import BadFailpoint, watch_failpoints
from offerhub.composition.failures import for_people
from offerhub.settings import Settings, load_settings
from storage.embedded.process import read_pid
from storage.errors import StorageUnavailable
from tests.end_to_end.process import (
    Orchestrator,
    free_port,
    own_home,
    start_orchestrator,
    start_sandbox,
)

RECOVERY_S = 30.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, tmp_path, bytes)


@pytest.fixture(scope="module")
def running() -> Iterator[Orchestrator]:
    """One orchestrator with everything embedded, for the tests that leave it as it was."""
    env = {"SANDBOX_LEDGER_SECONDS": "0.2"}
    with own_home() as home, start_orchestrator(home, env=env) as orchestrator:
        yield orchestrator


def run_in(home: Path, command: str = "run", **env: str) -> subprocess.CompletedProcess[str]:
    """`offerhub run`, or another command, where it is expected to end by itself."""
    variables = {
        "OFFERHUB_HOME": str(home),
        "PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
        **env,
    }
    return subprocess.run(
        [sys.executable, "-m", "offerhub", command],
        env={"PATH": os.environ["PATH"], **variables},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def soon(agrees: Callable[[], bool]) -> None:
    """Wait until it agrees; a request that fails is a no."""
    deadline = time.monotonic() + RECOVERY_S
    while True:
        try:
            if agrees():
                return
        except (httpx.HTTPError, KeyError):
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ------------------------------------------------------------------ refusing to start


def test_a_fault_of_the_settings_stops_the_start_with_all_of_them_named(tmp_path: Path) -> None:
    ended = run_in(tmp_path, PORT="x", FEE_POLICY="buyer", PAYMENT_PROVIDER="airtm")
    assert ended.returncode == 2
    for name in ("PORT", "FEE_POLICY", "PAYMENT_PROVIDER=airtm"):
        assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_orchestrator_on_the_same_home_is_refused(running: Orchestrator) -> None:
    ended = run_in(running.log.parent)
    assert ended.returncode == 2
    assert f"in use by process {running.pid}" in ended.stderr
    assert "Traceback" not in ended.stderr
    with running.client() as client:
        assert client.get("/health").status_code == 200


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_in(tmp_path, SANDBOX_PORT=str(port))
    assert ended.returncode == 2
    last = ended.stderr.strip().splitlines()[-1]
    assert f"127.0.0.1:{port} (SANDBOX_PORT): Address already in use" in last


def test_an_unreachable_database_is_told_without_its_password(settings: Settings) -> None:
    given = evolve(settings, database_url="postgresql://me:hunter2hunter2@example.org/db")
    reported = for_people(
        given, "work", StorageUnavailable("the database is unavailable (OSError)")
    )
    assert "DATABASE_URL" in reported
    assert "hunter2" not in reported


# ------------------------------------------------------------------ running


def test_the_first_lines_say_where_everything_is_and_no_secret() -> None:
    with own_home() as home:
        env = {"LOG_FORMAT": "console"}
        with start_orchestrator(home, env=env) as orchestrator:
            soon(lambda: "is ready" in orchestrator.log_text())
            assert orchestrator.stop() == 0
            text = orchestrator.log_text()
            assert orchestrator.api in text
            assert str(home / "secrets" / "master_key") in text
            assert orchestrator.master_key not in text
            assert "\x1b[" not in text


def test_a_killed_database_answers_503_and_comes_back_by_itself(running: Orchestrator) -> None:
    home = running.log.parent
    with running.client() as client:
        user = client.post("/users", json={"externalUserId": "before"}).json()["data"]
        postmaster = read_pid(home / "postgres" / "data" / "postmaster.pid")
        assert postmaster is not None
        os.kill(postmaster, signal.SIGKILL)
        soon(lambda: client.get(f"/users/{user['id']}").status_code == 503)
        assert client.get("/health").status_code == 200
        soon(lambda: client.get(f"/users/{user['id']}").status_code == 200)
        soon(
            lambda: (
                client.post("/users", json={"externalUserId": "after"}).status_code in {200, 201}
            )
        )
        assert running.alive()


def test_a_killed_redis_is_missed_by_nobody_and_comes_back(running: Orchestrator) -> None:
    server = read_pid(running.log.parent / "redis" / "redis.pid")
    assert server is not None
    with running.client() as client:
        os.kill(server, signal.SIGKILL)
        assert client.get("/users").status_code == 200

        def redis_is_up() -> bool:
            detailed = client.get("/health/detailed").json()["data"]["dependencies"]
            return bool(detailed["redis"]["status"] == "up")

        soon(redis_is_up)


def test_sigterm_stops_in_order_though_a_stream_is_open_and_a_start_goes_on_there() -> None:
    with own_home() as home, start_sandbox(home) as sandbox:
        with start_orchestrator(home, sandbox=sandbox) as first, first.client() as client:
            user = client.post("/users", json={"externalUserId": "alice"}).json()["data"]
            with client.stream("GET", "/events") as stream:
                assert stream.status_code == 200
                began = time.monotonic()
                assert first.stop() == 0
                assert time.monotonic() - began < 30
            assert read_pid(home / "postgres" / "data" / "postmaster.pid") is None
        with start_orchestrator(home, sandbox=sandbox) as second, second.client() as client:
            assert first.master_key == second.master_key
            assert client.get(f"/users/{user['id']}").json()["data"]["externalUserId"] == "alice"
            soon(
                lambda: (
                    client.get(f"/users/{user['id']}/wallet").json()["data"]["status"] == "ACTIVE"
                )
            )


# ------------------------------------------------------------------ bootstrap


def test_bootstrap_puts_the_platforms_accounts_on_the_chain_and_repeats_harmlessly() -> None:
    with own_home() as home:
        env = {"SANDBOX_LEDGER_SECONDS": "0.1", "CHANNEL_ACCOUNTS": "2"}
        first = run_in(home, "bootstrap", **env)
        second = run_in(home, "bootstrap", **env)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.count("  active  ") == 3
    assert "all 3 accounts are active on sandbox" in first.stdout
    # Nothing is paid or made a second time.
    assert first.stdout == second.stdout


def test_bootstrap_beside_a_running_orchestrator_shows_how_far_it_is(
    running: Orchestrator,
) -> None:
    home = running.log.parent
    sandbox = running.log_text().split('"sandbox": "')[1].split('"')[0]

    def stands() -> bool:
        looked = run_in(home, "bootstrap", STELLAR_HORIZON_URL=sandbox)
        return looked.returncode == 0 and "all 5 accounts are active" in looked.stdout

    soon(stands)
    with running.client() as client:
        assert client.get("/health").status_code == 200


# ------------------------------------------------------------------ values


@pytest.mark.parametrize(("ledger_s", "expected"), [(0.01, 0.25), (0.5, 0.5), (30.0, 2.0)])
def test_the_watcher_looks_about_once_a_ledger_in_the_sandbox(
    settings: Settings, ledger_s: float, expected: float
) -> None:
    sandbox = evolve(settings.sandbox, ledger_s=ledger_s)
    assert expected == poll_s(evolve(settings, sandbox=sandbox))


def test_the_watcher_looks_every_two_seconds_on_a_real_network(settings: Settings) -> None:
    stellar = evolve(settings.stellar, network="testnet")
    assert poll_s(evolve(settings, stellar=stellar)) == 2.0


@pytest.fixture
def no_failpoints() -> Iterator[None]:
    yield
    failpoints.watch(None)


@pytest.mark.parametrize("setting", ["name", "name#0", "name#x", "#1", "na me#1"])
def test_a_failpoint_in_no_known_form_stops_the_start(setting: str) -> None:
    with pytest.raises(BadFailpoint, match="name#n or record:path"):
        watch_failpoints(setting)


def test_a_record_has_every_failpoint_that_was_reached_in_order(
    tmp_path: Path, no_failpoints: None
) -> None:
    record = tmp_path / "reached"
    watch_failpoints(f"record:{record}")
    for name in ("one", "two", "one"):
        failpoints.reach(name)
    assert record.read_text().splitlines() == ["one", "two", "one"]


def test_a_failpoint_kills_the_process_at_its_nth_reach_and_nothing_runs_after() -> None:
    code = (
        "from actors import failpoints\n"
        "from offerhub.composition.failpoints import watch_failpoints\n"
        "watch_failpoints('here#2')\n"
        "for n in range(3):\n"
        "    print(n, flush=True)\n"
        "    failpoints.reach('there')\n"
        "    failpoints.reach('here')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout.split() == ["0", "1"]
