"""The books from the command line: against the chain, against themselves, and what was parked."""

import asyncio
import time
from collections.abc import Iterator

import asyncpg
import httpx
import pytest

from offerhub.cli import exits
from storage.embedded import EmbeddedPostgres
from tests.cli.calling import Instance, own_instance
from tests.end_to_end.process import Orchestrator

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def process() -> Iterator[tuple[Instance, Orchestrator]]:
    with own_instance() as instance, instance.running() as process:
        yield instance, process


@pytest.fixture(scope="module")
def client(process: tuple[Instance, Orchestrator]) -> Iterator[httpx.Client]:
    with process[1].client() as client:
        yield client


@pytest.fixture(scope="module")
def running(process: tuple[Instance, Orchestrator], client: httpx.Client) -> Instance:
    instance, _ = process
    created = client.post("/users", json={"externalUserId": "ann"})
    assert 201 == created.status_code
    user_id = created.json()["data"]["id"]
    deadline = time.monotonic() + 60
    while client.get(f"/users/{user_id}/wallet").json()["data"]["status"] != "ACTIVE":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    credit = {"amount": "5.00", "description": "to begin with", "reference": "t-1"}
    credited = client.post(f"/users/{user_id}/balance/credit", json=credit)
    assert 200 == credited.status_code, credited.text
    held = client.post(
        f"/users/{user_id}/balance/reserve", json={"amount": "2.00", "reference": "h"}
    )
    assert 201 == held.status_code
    verified = client.get(f"/users/{user_id}/balance/verify")
    assert 200 == verified.status_code, verified.text
    assert "0.0000000" == verified.json()["data"]["difference"]
    synced = client.post(f"/users/{user_id}/balance/sync")
    assert 200 == synced.status_code, synced.text
    data = synced.json()["data"]
    assert ("5.0000000", "0.0000000") == (data["ledger"], data["difference"])
    return instance


def test_everything_agrees_with_the_chain(running: Instance) -> None:
    done = running.call("reconcile", "--json")
    assert exits.DONE == done.status, done
    assert done.json["clean"]
    assert (1, 1) == (done.json["compared"]["wallet"], done.json["compared"]["treasury"])
    assert float(done.json["platformXlm"]) > 0


def test_the_ledger_agrees_with_its_rows(running: Instance) -> None:
    done = running.call("ledger", "verify", "--json")
    assert (exits.DONE, []) == (done.status, done.json["faults"])
    assert 2 == done.json["balances"]


def test_the_platforms_own_wallet_agrees(running: Instance, client: httpx.Client) -> None:
    platform = client.get("/admin/treasury").json()["data"]["userId"]
    verified = client.get(f"/users/{platform}/balance/verify")
    assert 200 == verified.status_code, verified.text
    data = verified.json()["data"]
    assert ("0.0000000", "0.0000000") == (data["difference"], data["due"])
    assert data["onChain"] == data["ledger"]


def test_a_stroop_that_is_planted_is_found_by_both_and_degrades_health(
    running: Instance, client: httpx.Client
) -> None:
    changed = "UPDATE balances SET available = available {} 1 WHERE available > 0"
    execute(running, changed.format("+"))
    try:
        ledger = running.call("ledger", "verify", "--json")
        assert exits.REFUSED == ledger.status
        (fault,) = ledger.json["faults"]
        assert "is kept at 3.0000001 and its transfers sum to 3.0000000" in fault
        found = running.call("reconcile", "--json")
        assert exits.REFUSED == found.status
        (difference,) = found.json["differences"]
        assert "-0.0000001" == difference["difference"]
        health = client.get("/health/detailed").json()["data"]
        assert f"reconcile:{difference['subject']}" in health["concerns"]
        assert "degraded" == health["status"]
    finally:
        execute(running, changed.format("-"))
    table = running.call("reconcile")
    assert exits.DONE == table.status
    assert "platform's XLM" in table.out
    assert {} == client.get("/health/detailed").json()["data"]["concerns"]


def execute(instance: Instance, statement: str) -> None:
    """Change the database behind the process's back."""
    dsn = EmbeddedPostgres(instance.home, random_bytes=bytes).running_dsn()
    assert dsn is not None

    async def main() -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(main())


def test_nothing_is_parked_and_what_is_not_there_is_not_given(running: Instance) -> None:
    listed = running.call("parked", "list", "--json")
    assert (exits.DONE, []) == (listed.status, listed.json)
    for verb in ("give", "dismiss"):
        refused = running.call("parked", verb, "prk_nowhere", "--json")
        assert (exits.REFUSED, "NOT_FOUND") == (refused.status, refused.error["code"])
