"""What the orchestrator needs goes away for a while; it says so, and recovers by itself."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.case import Case, Grounds, open_case
from tests.end_to_end.chain_view import Chain
from tests.end_to_end.conftest import LEDGER_S
from tests.end_to_end.process import Orchestrator, RunningSandbox, own_home, start_sandbox
from tests.end_to_end.purchase import action_named
from tests.end_to_end.servers import postgres_pid, redis_pid, stopped

WAIT_S = 30.0
HEALTH_S = 1.0
"""`GET /health` is always fast: a second is generous on a busy machine."""

_POLL_S = 0.05


@pytest.fixture
def embedded(fast_sandbox: RunningSandbox) -> Iterator[Case]:
    """A case whose orchestrator runs its own PostgreSQL and Redis."""
    with open_case(Grounds(None, None, fast_sandbox, Chain(fast_sandbox))) as case:
        yield case


def test_a_killed_then_silent_postgresql_is_told_and_the_purchase_goes_on(embedded: Case) -> None:
    with embedded.life() as orchestrator:
        embedded.purchase.play(before="escrow")
        with asking(embedded, "escrow") as asked:
            os.kill(postgres_pid(embedded.home), signal.SIGKILL)
            asked.wait()
        # The call may have been answered before the server died: another one runs soon.
        wait(lambda: runs(postgres_pid, embedded), "started again")
        with stopped(postgres_pid(embedded.home)):
            answer = post(orchestrator, "/users", {"externalUserId": "third"})
            assert (answer.status_code, code(answer)) == (503, "SERVICE_UNAVAILABLE")
            wait(lambda: health(orchestrator) == "degraded", "degraded")
        wait(lambda: health(orchestrator) == "healthy", "healthy again")
        embedded.finish(orchestrator)


def test_a_killed_then_silent_redis_only_degrades(embedded: Case) -> None:
    with embedded.life() as orchestrator:
        embedded.purchase.play(before="escrow")
        os.kill(redis_pid(embedded.home), signal.SIGKILL)
        embedded.purchase.play(before="fund")
        wait(lambda: runs(redis_pid, embedded), "started again")
        with stopped(redis_pid(embedded.home)):
            embedded.purchase.play(before="withdrawal")
            wait(lambda: health(orchestrator) == "degraded", "degraded")
        wait(lambda: health(orchestrator) == "healthy", "healthy again")
        embedded.finish(orchestrator)


def test_chain_work_waits_for_an_absent_network_and_goes_on(
    database_dsn: str, redis_url: str
) -> None:
    with own_home() as home, start_sandbox(home, ledger_seconds=LEDGER_S) as sandbox:
        grounds = Grounds(database_dsn, redis_url, sandbox, Chain(sandbox))
        with open_case(grounds) as case, case.life() as orchestrator:
            case.purchase.play(before="fund")
            sandbox.kill()
            with asking(case, "fund") as asked:
                wait(lambda: health(orchestrator) == "degraded", "degraded")
                wait(lambda: dependency(orchestrator, "horizon") == "down", "horizon down")
                assert case.purchase.balance("buyer")["available"] == "20.00"  # the books answer
                port = int(sandbox.url.rsplit(":", 1)[1])
                with start_sandbox(home, ledger_seconds=LEDGER_S, port=port):
                    asked.wait()
                    wait(lambda: health(orchestrator) == "healthy", "healthy again")
                    case.finish(orchestrator)


# What the tests share.


class Asked:
    """An action that is asked for in a thread of its own, repeated until its final answer."""

    def __init__(self, case: Case, name: str) -> None:
        self._thread = threading.Thread(
            target=case.purchase.act, args=(action_named(name),), daemon=True
        )
        self._thread.start()

    def wait(self) -> None:
        """Wait for the final answer."""
        self._thread.join(60)
        assert not self._thread.is_alive(), "no final answer came"


@contextmanager
def asking(case: Case, name: str) -> Iterator[Asked]:
    """Ask for an action in a thread and let the block go on once it is on its way."""
    asked = Asked(case, name)
    time.sleep(0.1)
    yield asked


def health(orchestrator: Orchestrator) -> str:
    """The state that `GET /health` tells, within its time."""
    answer = httpx.get(f"{orchestrator.api}/health", timeout=HEALTH_S, trust_env=False)
    return str(answer.json()["data"]["status"])


def runs(pid_of: Callable[[Path], int], case: Case) -> bool:
    try:
        pid_of(case.home)
    except AssertionError:
        return False
    return True


def dependency(orchestrator: Orchestrator, name: str) -> str:
    with orchestrator.client() as client:
        detailed: Any = client.get("/health/detailed").json()["data"]
    return str(detailed["dependencies"][name]["status"])


def post(orchestrator: Orchestrator, path: str, body: dict[str, str]) -> httpx.Response:
    with orchestrator.client() as client:
        return client.post(path, json=body)


def code(answer: httpx.Response) -> str:
    return str(answer.json()["error"]["code"])


def wait(fulfilled: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not fulfilled():
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(_POLL_S)
