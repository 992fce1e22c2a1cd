"""Commands reach the running process, and are done without one: by the statuses that scripts see."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from offerhub.cli import exits
from tests.cli.calling import Instance, own_instance
from tests.end_to_end.process import free_port

METRICS = f"127.0.0.1:{free_port()}"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with own_instance() as made:
        yield made


@pytest.fixture(scope="module")
def stopped(instance: Instance) -> Instance:
    """No process runs; the first command finds an empty home."""
    return instance


@pytest.fixture(scope="module")
def running(instance: Instance) -> Iterator[Instance]:
    with instance.running(METRICS_BIND=METRICS):
        yield instance


def check_refused(instance: Instance) -> None:
    missing = instance.call("orders", "retry", "ord_missing")
    assert exits.REFUSED == missing.status
    assert missing.err.endswith("offerhub orders retry: no order has this id\n")
    assert "" == missing.out
    as_json = instance.call("orders", "retry", "ord_missing", "--json")
    assert exits.REFUSED == as_json.status
    assert "ORDER_NOT_FOUND" == as_json.error["code"]
    assert {"orderId": "ord_missing"} == as_json.error["details"]
    asked = ("orders", "dispute", "ord_missing", "--opened-by", "seller", "--json")
    disputed = instance.call(*asked)
    assert (exits.REFUSED, "ORDER_NOT_FOUND") == (disputed.status, disputed.error["code"])


def test_without_a_process_a_command_is_done_here(stopped: Instance) -> None:
    check_refused(stopped)


def test_maintenance_of_a_stopped_process_holds_when_it_runs(instance: Instance) -> None:
    on = instance.call("maintenance", "enable", "--message", "new disk", "--json")
    assert (exits.DONE, True) == (on.status, on.json["enabled"])
    token = {"Authorization": "Bearer of-the-scrapes"}
    with instance.running(METRICS_TOKEN="of-the-scrapes") as process, process.client() as client:
        assert 401 == httpx.get(f"{process.url}/metrics", trust_env=False).status_code
        scraped = httpx.get(f"{process.url}/metrics", headers=token, trust_env=False)
        assert "offerhub_maintenance 1.0" in scraped.text
        refused = client.post("/users", json={"externalUserId": "ann"})
        assert 503 == refused.status_code
        assert "new disk" == refused.json()["error"]["message"]
        assert 200 == client.get("/users").status_code
        status = instance.call("maintenance", "status", "--json")
        assert ("new disk", True) == (status.json["message"], status.json["enabled"])
        assert exits.DONE == instance.call("maintenance", "disable").status
        assert 201 == client.post("/users", json={"externalUserId": "ann"}).status_code
        tree = client.get("/admin/tree").json()["data"]
        assert "root" == tree["name"]
        names = {child["name"] for child in tree["children"]}
        assert {"postgres", "redis", "sandbox", "work"} <= names
        (work,) = [child for child in tree["children"] if child["name"] == "work"]
        assert {"orders", "commands", "web"} <= {child["name"] for child in work["children"]}


def test_beside_the_running_process_a_command_is_done_there(running: Instance) -> None:
    check_refused(running)


def test_metrics_are_served_where_they_are_bound_and_nowhere_else(running: Instance) -> None:
    text = httpx.get(f"http://{METRICS}/metrics", trust_env=False).text
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {
        "offerhub_operations_open",
        "offerhub_platform_xlm",
        "offerhub_treasury_usdc",
        "offerhub_journal_group_size",
        "offerhub_mailbox_depth",
        "process_resident_memory_bytes",
    } <= names


def test_lists_are_json_for_scripts_and_say_none_to_people(running: Instance) -> None:
    listed = running.call("operations", "list", "--json")
    assert (exits.DONE, []) == (listed.status, listed.json)
    assert "none\n" == running.call("operations", "list").err


def test_a_wrong_call_and_wrong_settings_have_the_same_status(running: Instance) -> None:
    assert exits.CANNOT_START == running.call("orders", "retry").status
    wrong = running.call("operations", "list", PORT="x")
    assert exits.CANNOT_START == wrong.status
    assert "PORT" in wrong.err


def test_a_database_that_does_not_answer_has_a_status_of_its_own(running: Instance) -> None:
    away = running.call("operations", "list", DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert exits.UNAVAILABLE == away.status
