"""The books from the command line: against the chain, against themselves, and what was parked."""

import time
from collections.abc import Iterator

import pytest

from offerhub.cli import exits
from tests.cli.calling import Instance, own_instance

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def running() -> Iterator[Instance]:
    with own_instance() as instance, instance.running() as process:
        with process.client() as client:
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
        yield instance


def test_everything_agrees_with_the_chain(running: Instance) -> None:
    done = running.call("reconcile", "--json")
    assert exits.DONE == done.status, done
    assert done.json["clean"]
    assert (1, 1) == (done.json["compared"]["wallet"], done.json["compared"]["treasury"])
    assert float(done.json["platformXlm"]) > 0
    table = running.call("reconcile")
    assert exits.DONE == table.status
    assert "platform's XLM" in table.out


def test_the_ledger_agrees_with_its_rows(running: Instance) -> None:
    done = running.call("ledger", "verify", "--json")
    assert (exits.DONE, []) == (done.status, done.json["faults"])
    assert 2 == done.json["balances"]
    assert "none" in running.call("ledger", "verify").out


def test_nothing_is_parked_and_what_is_not_there_is_not_given(running: Instance) -> None:
    listed = running.call("parked", "list", "--json")
    assert (exits.DONE, []) == (listed.status, listed.json)
    for verb in ("give", "dismiss"):
        refused = running.call("parked", verb, "prk_nowhere", "--json")
        assert (exits.REFUSED, "NOT_FOUND") == (refused.status, refused.error["code"])
