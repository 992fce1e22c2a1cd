"""Commands that look: beside a running process, in the forms that people and scripts read."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from offerhub.cli import exits, main
from tests.cli.calling import Instance, own_instance

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with own_instance() as made:
        yield made


@pytest.fixture(scope="module")
def ids(instance: Instance) -> Iterator[dict[str, str]]:
    """A running process with two users and an order between them."""
    with instance.running() as process, process.client() as client:
        found = {}
        for name in ("ann", "bob"):
            answer = client.post("/users", json={"externalUserId": name})
            found[name] = answer.json()["data"]["id"]
        body = {
            "buyerId": found["ann"],
            "sellerId": found["bob"],
            "amount": "80.00",
            "title": "A logo",
        }
        found["order"] = client.post("/orders", json=body).json()["data"]["id"]
        yield found


def test_orders_are_listed_and_shown_as_the_api_shows_them(
    instance: Instance, ids: dict[str, str]
) -> None:
    (row,) = instance.call("orders", "list", "--buyer", ids["ann"], "--json").json
    assert (ids["order"], "ORDER_CREATED", "80.00") == (row["id"], row["status"], row["amount"])
    assert [] == instance.call("orders", "list", "--status", "CLOSED", "--json").json
    table = instance.call("orders", "list").out
    assert ids["order"] in table
    assert "\x1b[" not in table
    shown = instance.call("orders", "show", ids["order"], "--json").json
    assert ("A logo", []) == (shown["title"], shown["operations"])
    missing = instance.call("orders", "show", "ord_x", "--json")
    assert (exits.REFUSED, "ORDER_NOT_FOUND") == (missing.status, missing.error["code"])
    nothing = instance.call("orders", "stuck", "--json")
    assert (exits.DONE, []) == (nothing.status, nothing.json)


def test_users_are_found_by_either_id(instance: Instance, ids: dict[str, str]) -> None:
    listed = instance.call("users", "list", "--json").json
    assert {"ann", "bob"} <= {row["externalUserId"] for row in listed}
    page = instance.call("users", "list", "--limit", "1", "--json")
    assert "--after" in page.err
    by_name = instance.call("users", "show", "ann", "--json").json
    assert ids["ann"] == by_name["id"]
    assert {"available": "0.00", "reserved": "0.00"} == by_name["balance"]
    missing = instance.call("users", "show", "usr_x")
    assert (exits.REFUSED, "") == (missing.status, missing.out)


def test_events_are_lines_that_a_script_can_read(instance: Instance, ids: dict[str, str]) -> None:
    tail = instance.call("events", "tail", "--no-follow", "--types", "order.*", "--json")
    (event,) = [json.loads(line) for line in tail.out.splitlines()]
    assert ("order.created", ids["order"]) == (event["eventType"], event["aggregateId"])
    people = instance.call("events", "tail", "--no-follow", "--last", "100").out
    assert "user.created" in people


def test_the_settings_are_shown_with_their_origin_and_without_secrets(
    instance: Instance, ids: dict[str, str]
) -> None:
    key = "ab" * 32
    shown = instance.call("config", "show", "--json", WALLET_ENCRYPTION_KEY=key)
    rows = {row["name"]: row for row in shown.json}
    assert {"name": "PORT", "value": "4000", "from": "default"} == rows["PORT"]
    assert ("(set)", "environment") == (
        rows["WALLET_ENCRYPTION_KEY"]["value"],
        rows["WALLET_ENCRYPTION_KEY"]["from"],
    )
    assert "environment" == rows["OFFERHUB_HOME"]["from"]
    assert "2" == rows["WALLET_XLM_FLOAT"]["value"]
    assert key not in shown.out


def test_migrations_are_applied_once(instance: Instance, ids: dict[str, str]) -> None:
    again = instance.call("migrate", "--json")
    assert (exits.DONE, {"applied": []}) == (again.status, again.json)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: str, tmp_path: Path) -> None:
    script = CliRunner().invoke(main, ["completion", shell]).output
    assert "_OFFERHUB_COMPLETE" in script
    program = shutil.which(shell)
    if program is not None:
        file = tmp_path / "completion"
        file.write_text(script)
        subprocess.run([program, "-n", str(file)], check=True, timeout=30)


def test_completion_knows_the_commands() -> None:
    environment = {
        "_OFFERHUB_COMPLETE": "bash_complete",
        "COMP_WORDS": "offerhub orders ",
        "COMP_CWORD": "2",
    }
    completed = CliRunner().invoke(main, [], env=environment, prog_name="offerhub").output
    assert {"plain,list", "plain,retry", "plain,show", "plain,stuck"} <= set(completed.split())


def test_every_command_explains_itself() -> None:
    page = (Path(__file__).parents[2] / "docs/command-line.md").read_text()
    for name, command in main.commands.items():
        assert command.help, name
        assert f"`{name}" in page, name
        for sub in getattr(command, "commands", {}).values():
            assert sub.help, f"{name} {sub.name}"
            assert any(param.name == "as_json" for param in sub.params) or name == "history"
