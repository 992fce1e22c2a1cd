"""What a client of the API sees when all goes well, and where its money is."""

from datetime import timedelta
from typing import Any

import pytest
import trio

from actors.watcher import WatcherState, WatcherView
from offerhub.domain.order import Order
from tests.web.running import open_instance
from web.health import Health
from web.openapi import schemas
from web.routes import ROUTES


def shaped(name, resource):
    """The resource has exactly the documented fields."""
    properties: Any = schemas(ROUTES)[name]["properties"]
    return set(properties) == set(resource)


@pytest.mark.shows("POST /orders", "POST /orders/{id}/reserve", "POST /orders/{id}/cancel")
async def test_an_order_is_created_reserved_and_canceled(running):
    order_id = await running.order(clientOrderRef="r-1", metadata={"a": [1, None]})

    reserved = await running.post(f"/orders/{order_id}/reserve", {"amount": "80.00"})
    canceled = await running.post(f"/orders/{order_id}/cancel", {"reason": "changed mind"})

    assert 200 == reserved.status_code
    body = await reserved.get_json()
    assert "FUNDS_RESERVED" == body["data"]["status"]
    assert shaped("Order", body["data"])
    assert 200 == canceled.status_code
    assert "CANCELED" == (await canceled.get_json())["data"]["outcome"]


async def test_the_timestamp_of_an_action_is_that_of_its_commit(running):
    order_id = await running.order()

    body = await (await running.post(f"/orders/{order_id}/reserve")).get_json()

    assert body["data"]["updatedAt"] == body["meta"]["timestamp"]


@pytest.mark.shows("GET /orders/{id}")
async def test_an_active_order_is_answered_without_a_query(running):
    order_id = await running.order()
    running.database.available = False

    answer = await running.get(f"/orders/{order_id}")

    assert 200 == answer.status_code


async def test_an_order_that_is_not_on_the_board_is_read_from_storage(running):
    order_id = await running.order()
    running.system.order_board.drop(order_id)

    body = await (await running.get(f"/orders/{order_id}")).get_json()

    assert order_id == body["data"]["id"]


async def test_both_spellings_of_a_field_are_understood(running):
    buyer, seller = await running.user("b"), await running.user("s")

    answer = await running.post(
        "/orders",
        {
            "buyer_id": buyer.id,
            "seller_id": seller.id,
            "amount": "2.00",
            "title": "x",
            "milestones": [{"milestone_ref": "m1", "description": "first", "amount": "2.00"}],
        },
    )

    assert 201 == answer.status_code
    (milestone,) = (await answer.get_json())["data"]["milestones"]
    assert ("m1", "first") == (milestone["ref"], milestone["title"])


@pytest.mark.shows("GET /orders/{id}/milestones")
async def test_a_milestone_names_its_order_wherever_it_is_shown(running):
    order_id = await running.order(
        reserved=True, milestones=[{"ref": "m1", "title": "first", "amount": "80.00"}]
    )
    for action in ("escrow", "escrow/fund"):
        await running.post(f"/orders/{order_id}/{action}", headers={"Prefer": "respond-async"})
        await running.end_operation(order_id)

    listed = await (await running.get(f"/orders/{order_id}/milestones")).get_json()
    done = await (
        await running.post(f"/orders/{order_id}/milestones/m1/complete", key="k")
    ).get_json()
    order = await (await running.get(f"/orders/{order_id}")).get_json()

    for shown in (*listed["data"], done["data"], *order["data"]["milestones"]):
        assert (order_id, "first", "first") == (
            shown["orderId"],
            shown["title"],
            shown["description"],
        )
    assert "USDC" == order["data"]["escrow"]["currency"]
    assert order["data"]["escrow"]["fundedAt"] == order["data"]["escrow"]["updatedAt"]


@pytest.mark.shows("GET /orders")
async def test_orders_are_listed_newest_first_a_page_at_a_time(running):
    buyer, seller = await running.user("b"), await running.user("s")
    made = []
    for number in range(3):
        answer = await running.post(
            "/orders",
            {
                "buyerId": buyer.id,
                "sellerId": seller.id,
                "amount": "2.00",
                "title": str(number),
            },
        )
        made.append((await answer.get_json())["data"]["id"])

    first = await (await running.get(f"/orders?limit=2&buyer_id={buyer.id}")).get_json()
    second = await (await running.get(f"/orders?limit=2&cursor={first['nextCursor']}")).get_json()

    assert made[:0:-1] == [order["id"] for order in first["data"]]
    assert first["hasMore"]
    assert made[:1] == [order["id"] for order in second["data"]]
    assert (False, None) == (second["hasMore"], second["nextCursor"])


@pytest.mark.shows("POST /users")
async def test_the_same_external_id_gives_the_user_that_exists(running):
    first = await running.post("/users", {"externalUserId": "u-1", "email": "a@b.example"})
    second = await running.post("/users", {"external_user_id": "u-1"})

    assert (201, 200) == (first.status_code, second.status_code)
    one, two = await first.get_json(), await second.get_json()
    assert one["data"] == two["data"]
    assert shaped("User", one["data"])


@pytest.mark.shows("GET /users", "GET /users/{id}")
async def test_users_are_found_by_their_external_id(running):
    ann = await running.user("ann")
    await running.user("bob")

    body = await (await running.get("/users?externalUserId=ann")).get_json()
    shown = await (await running.get(f"/users/{ann.id}")).get_json()

    assert [ann.id] == [user["id"] for user in body["data"]]
    assert ann.id == shown["data"]["id"]


@pytest.mark.shows("GET /users/{id}/balance", "GET /users/{id}/ledger")
async def test_a_balance_follows_the_orders(running):
    order_id = await running.order(reserved=True)
    buyer = (await running.system.storage.load_many(Order, [order_id]))[order_id].buyer_id

    body = await (await running.get(f"/users/{buyer}/balance")).get_json()
    transfers = await (await running.get(f"/users/{buyer}/ledger")).get_json()

    data = body["data"]
    assert ("20.00", "80.00", "100.00") == (data["available"], data["reserved"], data["total"])
    assert shaped("Balance", data)
    assert ["reserve", "deposit"] == [transfer["kind"] for transfer in transfers["data"]]
    assert shaped("Transfer", transfers["data"][0])
    assert "-80.0000000" in {each["amount"] for each in transfers["data"][0]["postings"]}


@pytest.mark.shows("GET /users/{id}/wallet/deposit", "WALLET_NOT_READY")
async def test_the_deposit_address_is_given_out_only_when_the_wallet_is_active(running):
    early, ready = await running.user("early", active=False), await running.user("ready")

    refused = await running.get(f"/users/{early.id}/wallet/deposit")
    given = await running.get(f"/users/{ready.id}/wallet/deposit")

    assert 422 == refused.status_code
    assert "WALLET_NOT_READY" == (await refused.get_json())["error"]["code"]
    data = (await given.get_json())["data"]
    assert (ready.public_key, None) == (data["address"], data["memo"])
    assert shaped("Deposit", data)


@pytest.mark.shows("GET /users/{id}/wallet")
async def test_a_wallet_shows_what_the_chain_says(running):
    user = await running.user()

    body = await (await running.get(f"/users/{user.id}/wallet")).get_json()

    assert {"usdc": "12.3400000", "xlm": "3.0000000"} == body["data"]["balance"]
    assert shaped("Wallet", body["data"])


@pytest.mark.shows("GET /orders/{id}/events")
async def test_an_orders_history_is_its_events(running):
    order_id = await running.order(reserved=True)

    body = await (await running.get(f"/orders/{order_id}/events")).get_json()

    types = [event["eventType"] for event in body["data"]]
    assert ["order.funds_reserved", "balance.reserved", "order.created"] == types
    assert shaped("Event", body["data"][0])


@pytest.mark.shows("GET /health", "GET /config", "GET /openapi.json", "GET /docs")
async def test_anyone_may_ask_for_health_config_and_documents(running):
    running.headers = {}

    for path in ("/health", "/config", "/openapi.json", "/docs"):
        answer = await running.get(path)
        assert 200 == answer.status_code, path
        assert answer.headers["X-Request-ID"]

    assert "healthy" == (await (await running.get("/health")).get_json())["data"]["status"]
    config = (await (await running.get("/config")).get_json())["data"]
    assert {"min": "1.00", "max": "10000.00"} == config["limits"]["order"]
    assert shaped("Config", config)
    page = await (await running.get("/docs")).get_data(as_text=True)
    assert "/api/v1/orders" in page
    assert "http://" not in page
    assert "https://" not in page


async def test_an_order_shown_again_is_the_order_as_it_is_now(running):
    order_id = await running.order()
    path = f"/orders/{order_id}"

    first = await (await running.get(path)).get_json()
    again = await (await running.get(path)).get_json()
    await running.post(f"{path}/reserve")
    after = await (await running.get(path, headers={"X-Request-ID": "r:1.x-y_z"})).get_json()

    assert first["data"] == again["data"]
    assert "FUNDS_RESERVED" == after["data"]["status"]
    assert {"success", "data", "meta"} == set(after)
    assert "r:1.x-y_z" == after["meta"]["requestId"]


@pytest.mark.shows("GET /health/detailed")
async def test_each_dependency_is_asked_for_the_detailed_health(autojump_clock):
    async def up():
        return True

    async def down():
        raise OSError("secret")

    async def silent():
        await trio.sleep_forever()

    health = Health({"postgres": up, "redis": down, "stellar": silent})
    async with open_instance(health=health) as running:
        body = await (await running.get("/health/detailed")).get_json()
        short = await (await running.get("/health")).get_json()

    states = {name: each["status"] for name, each in body["data"]["dependencies"].items()}
    assert {"postgres": "up", "redis": "down", "stellar": "down"} == states
    assert shaped("HealthDetailed", body["data"])
    assert "degraded" == short["data"]["status"]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("watcher", "121 ledgers behind"),
        ("watcher", "hole"),
        ("clock", "minutes ahead"),
        ("cop_1", "its number was used"),
    ],
)
@pytest.mark.expect_errors
async def test_what_is_not_well_although_all_answer_degrades_health(running, subject, reason):
    system = running.system
    running.network.latest_ledger = 221
    match reason:
        case "121 ledgers behind":
            system.watcher.view = WatcherView(WatcherState.FOLLOWING, cursor_ledger=100)
        case "hole":
            system.watcher.view = WatcherView(WatcherState.HOLE, cursor_ledger=221)
        case "minutes ahead":
            running.network.ahead = timedelta(minutes=6)
        case _:
            system.alarms.sound("cop_1", reason)
    await system.ledger_clock.state()

    short = await (await running.get("/health")).get_json()
    body = (await (await running.get("/health/detailed")).get_json())["data"]

    assert "degraded" == short["data"]["status"] == body["status"]
    assert [subject] == list(body["concerns"])
    assert reason in body["concerns"][subject]
    assert shaped("HealthDetailed", body)


async def test_a_watcher_that_is_a_few_ledgers_behind_is_well(running):
    running.network.latest_ledger = 220
    running.system.watcher.view = WatcherView(WatcherState.FOLLOWING, cursor_ledger=100)
    await running.system.ledger_clock.state()

    body = (await (await running.get("/health/detailed")).get_json())["data"]

    assert ("healthy", {}) == (body["status"], body["concerns"])
    assert {"state": "following", "lagLedgers": 120} == body["watcher"]


async def test_every_answer_is_told_to_the_observer(running):
    await running.get("/users/usr_x")

    assert [("GET /users/<id>", 404, "USER_NOT_FOUND")] == running.observed
