"""Maintenance over HTTP: reads work, changes are refused, and nobody but `*` switches it."""

import pytest

from actors.kernel import MailboxStatistics, Node, State
from web.routes import ROUTES


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


async def data(answer, status=200):
    assert status == answer.status_code, await answer.get_data()
    return (await answer.get_json())["data"]


async def enable(running, message=None):
    body = {} if message is None else {"message": message}
    return await data(await running.post("/admin/maintenance/enable", body))


@pytest.mark.shows(
    "POST /admin/maintenance/enable",
    "POST /admin/maintenance/disable",
    "GET /admin/maintenance/status",
)
async def test_it_is_switched_on_and_off_and_says_how_it_is(running):
    assert {"enabled": False, "message": None, "since": None} == await data(
        await running.get("/admin/maintenance/status")
    )
    on = await enable(running, "new disk")
    assert (True, "new disk") == (on["enabled"], on["message"])
    assert on == await data(await running.get("/admin/maintenance/status"))
    again = await enable(running)
    assert (True, None) == (again["enabled"], again["message"])
    off = await data(await running.post("/admin/maintenance/disable"))
    assert (False, None) == (off["enabled"], off["message"])
    user = await running.user("ann")
    assert user.external_user_id == "ann"


@pytest.mark.shows("MAINTENANCE")
async def test_while_it_is_on_reads_work_and_changes_are_told_to_come_again(running):
    order = await running.order()
    key = await running.key("read", "write")
    await enable(running, "until noon")
    refused = await running.post("/users", {"externalUserId": "bob"}, key="k", headers=bearer(key))
    assert 503 == refused.status_code
    assert int(refused.headers["Retry-After"]) > 0
    error = (await refused.get_json())["error"]
    assert ("MAINTENANCE", "until noon") == (error["code"], error["message"])
    assert order == (await data(await running.get(f"/orders/{order}", headers=bearer(key))))["id"]
    await data(await running.post("/admin/maintenance/disable"))
    # It was not kept under the key, which now does what it was for.
    await data(
        await running.post("/users", {"externalUserId": "bob"}, key="k", headers=bearer(key)), 201
    )


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.method != "GET"],
    ids=lambda route: route.endpoint,
)
async def test_every_change_is_refused_but_the_switch_and_what_is_signed(running, route):
    await enable(running)
    path = route.path.replace("<", "").replace(">", "")
    answer = await running.request(route.method, path, json={})
    code = (await answer.get_json()).get("error", {}).get("code")
    passes = route.signed or "/admin/maintenance/" in route.path
    assert ("MAINTENANCE" != code) if passes else ("MAINTENANCE" == code)


async def test_a_key_without_the_scope_switches_nothing(running):
    key = await running.key("read", "write", "support")
    for method, path in (
        ("POST", "/admin/maintenance/enable"),
        ("POST", "/admin/maintenance/disable"),
        ("GET", "/admin/maintenance/status"),
        ("GET", "/admin/tree"),
    ):
        answer = await running.request(method, path, headers=bearer(key))
        assert 403 == answer.status_code
    assert not running.system.maintenance_switch.now.enabled


async def test_a_replay_answers_as_the_first_and_switches_nothing_back(running):
    first = await running.post("/admin/maintenance/enable", {"message": "x"}, key="once")
    body = await first.get_data()
    await data(await running.post("/admin/maintenance/disable"))
    again = await running.post("/admin/maintenance/enable", {"message": "x"}, key="once")
    assert "true" == again.headers["Idempotency-Replayed"]
    assert body == await again.get_data()
    assert not running.system.maintenance_switch.now.enabled


async def test_a_message_is_short_text(running):
    for message in ("", "x" * 501, 5):
        answer = await running.post("/admin/maintenance/enable", {"message": message})
        assert 400 == answer.status_code


@pytest.mark.shows("GET /admin/tree")
async def test_the_tree_shows_each_actor_with_its_mailbox_and_its_last_error(running):
    mailbox = MailboxStatistics(State.RUNNING, depth=3, capacity=64, wakes=1, tasks=2, handled=9)
    orders = Node("orders", State.RUNNING, mailbox, restarts=1, last_error="Oops", active=2)
    running.tree = Node("root", State.RUNNING, children=(orders,))
    shown = await data(await running.get("/admin/tree"))
    assert "root" == shown["name"]
    (child,) = shown["children"]
    assert {
        "name": "orders",
        "state": "running",
        "mailbox": {"depth": 3, "capacity": 64, "wakes": 1, "tasks": 2, "handled": 9},
        "active": 2,
        "restarts": 1,
        "lastError": "Oops",
        "children": [],
    } == child
