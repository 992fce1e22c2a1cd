"""One key, one effect, one answer (docs/spec/api.md, Idempotency)."""

from datetime import timedelta

import pytest
import trio
import trio.testing

from actors.messages import CreateOrder, ReserveFunds, StartEscrow
from tests.web.running import open_instance

USER = "usr_000000000000000000001"


async def bytes_of(answer):
    return await answer.get_data(as_text=False)


async def code_of(answer):
    return (await answer.get_json())["error"]["code"]


def forget_everything(running):
    """As after a restart: only storage knows the keys."""
    for rule in running.app.view_functions.values():
        gate = rule.func.__self__
        gate._replays._seen.clear()


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_repeated_action_replays_the_first_answer(running, restarted):
    order_id = await running.order()
    path = f"/orders/{order_id}/reserve"

    first = await running.post(path, {"amount": "80.00"}, key="k-1")
    if restarted:
        forget_everything(running)
    second = await running.post(path, {"amount": "80.00"}, key='"k-1"')

    assert (200, 200) == (first.status_code, second.status_code)
    assert await bytes_of(first) == await bytes_of(second)
    assert "Idempotency-Replayed" not in first.headers
    assert "true" == second.headers["Idempotency-Replayed"]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_repeated_creation_creates_once(running, restarted):
    buyer, seller = await running.user("b"), await running.user("s")
    body = {"buyerId": buyer.id, "sellerId": seller.id, "amount": "5.00", "title": "t"}

    first = await running.post("/orders", body, key="k")
    if restarted:
        forget_everything(running)
    second = await running.post("/orders", dict(reversed(body.items())), key="k")

    assert await bytes_of(first) == await bytes_of(second)
    listed = await (await running.get("/orders")).get_json()
    assert 1 == len(listed["data"])


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_key_for_something_else_is_refused_and_nothing_moves(running, restarted):
    order_id = await running.order()
    await running.post("/users", {"externalUserId": "u"}, key="k")
    if restarted:
        forget_everything(running)

    other_path = await running.post(f"/orders/{order_id}/reserve", key="k")
    other_body = await running.post("/users", {"externalUserId": "v"}, key="k")

    for answer in (other_path, other_body):
        assert 409 == answer.status_code
        assert "IDEMPOTENCY_KEY_REUSED" == await code_of(answer)
    order = await (await running.get(f"/orders/{order_id}")).get_json()
    assert "ORDER_CREATED" == order["data"]["status"]
    assert [] == (await (await running.get("/users?externalUserId=v")).get_json())["data"]


@pytest.mark.shows("IDEMPOTENCY_KEY_IN_PROGRESS", "IDEMPOTENCY_KEY_REUSED")
async def test_while_the_first_runs_the_second_waits_outside(running):
    order_id = await running.order()
    running.hold = trio.Event()
    answers = []

    async def first():
        answers.append(await running.post(f"/orders/{order_id}/reserve", key="k"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(first)
        await trio.testing.wait_all_tasks_blocked()
        second = await running.post(f"/orders/{order_id}/reserve", key="k")
        foreign = await running.post(f"/orders/{order_id}/cancel", key="k")
        running.hold.set()

    assert 409 == second.status_code
    assert "IDEMPOTENCY_KEY_IN_PROGRESS" == await code_of(second)
    assert "1" == second.headers["Retry-After"]
    assert "IDEMPOTENCY_KEY_REUSED" == await code_of(foreign)
    assert 200 == answers[0].status_code
    again = await running.post(f"/orders/{order_id}/reserve", key="k")
    assert await bytes_of(answers[0]) == await bytes_of(again)


async def test_ten_identical_requests_at_once_give_one_effect(running):
    order_id = await running.order()
    answers = []

    async def ask():
        answers.append(await running.post(f"/orders/{order_id}/reserve", key="k"))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)

    assert {200, 409} == {answer.status_code for answer in answers}
    assert 1 == sum(isinstance(message, ReserveFunds) for message in running.asked)


async def test_a_client_that_went_away_finds_its_answer_under_the_key(running, autojump_clock):
    """The handler was cancelled, the actor was not: the repeat replays what was done."""
    order_id = await running.order()
    running.hold = trio.Event()
    with trio.move_on_after(1):
        await running.post(f"/orders/{order_id}/reserve", key="k")
    running.hold.set()

    repeated = await running.post(f"/orders/{order_id}/reserve", key="k")

    assert 200 == repeated.status_code
    assert "FUNDS_RESERVED" == (await repeated.get_json())["data"]["status"]


@pytest.mark.shows("INSUFFICIENT_FUNDS")
async def test_a_definitive_refusal_is_kept(running):
    order_id = await running.order(deposit="10.00")

    first = await running.post(f"/orders/{order_id}/reserve", key="k")
    user = (await (await running.get(f"/orders/{order_id}")).get_json())["data"]["buyerId"]
    await running.deposit(await _user(running, user), "90.00")
    replayed = await running.post(f"/orders/{order_id}/reserve", key="k")
    anew = await running.post(f"/orders/{order_id}/reserve", key="k-2")

    assert (422, 422, 200) == (first.status_code, replayed.status_code, anew.status_code)
    assert await bytes_of(first) == await bytes_of(replayed)


async def test_a_malformed_request_is_kept_and_another_body_is_refused(running):
    first = await running.post("/users", {"externalUserId": ""}, key="k")
    again = await running.post("/users", {"externalUserId": ""}, key="k")
    other = await running.post("/users", {"externalUserId": "u"}, key="k")

    assert (400, 400, 409) == (first.status_code, again.status_code, other.status_code)
    assert await bytes_of(first) == await bytes_of(again)


async def test_a_refusal_that_may_pass_is_not_kept(running):
    running.database.available = False
    refused = await running.post("/users", {"externalUserId": "u"}, key="k")
    running.database.available = True

    created = await running.post("/users", {"externalUserId": "u"}, key="k")

    assert (503, 201) == (refused.status_code, created.status_code)


async def test_a_user_that_was_there_is_the_answer_of_a_new_key(running):
    await running.post("/users", {"externalUserId": "u"}, key="k-1")

    first = await running.post("/users", {"externalUserId": "u"}, key="k-2")
    second = await running.post("/users", {"externalUserId": "u"}, key="k-2")
    original = await running.post("/users", {"externalUserId": "u"}, key="k-1")

    assert (200, 200, 201) == (first.status_code, second.status_code, original.status_code)
    assert await bytes_of(first) == await bytes_of(second)


async def test_a_key_is_forgotten_after_a_day(running):
    order_id = await running.order()
    first = await running.post(f"/orders/{order_id}/reserve", key="k")
    running.clock_offset = timedelta(hours=25)

    second = await running.post(f"/orders/{order_id}/cancel", key="k")

    assert (200, 200) == (first.status_code, second.status_code)
    assert "CANCELED" == (await second.get_json())["data"]["outcome"]


async def test_a_replayed_key_creation_has_no_secret(running):
    body = {"name": "n", "scopes": ["read"]}
    first = await running.post("/auth/api-keys", body, key="k")
    second = await running.post("/auth/api-keys", body, key="k")

    one, two = (await first.get_json())["data"], (await second.get_json())["data"]
    assert one["key"].startswith("ohk_test_")
    assert two["key"] is None
    assert one["id"] == two["id"]
    token = f"/auth/api-keys/{one['id']}/token"
    given = await (await running.post(token, {"ttl": 60}, key="t")).get_json()
    replayed = await (await running.post(token, {"ttl": 60}, key="t")).get_json()
    assert given["data"]["token"].startswith("ohk_tok_")
    assert replayed["data"] == {**given["data"], "token": None}


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "é"])
async def test_a_key_that_is_none_is_a_validation_error(running, key):
    answer = await running.post("/users", {"externalUserId": "u"}, key=key)

    assert 400 == answer.status_code
    assert "VALIDATION_ERROR" == await code_of(answer)
    assert [] == running.asked


async def test_scope_comes_before_the_key(running):
    await running.post("/users", {"externalUserId": "u"}, key="k")
    reader = await running.key("read")

    answer = await running.post(
        "/users", {"externalUserId": "u"}, key="k", headers={"Authorization": f"Bearer {reader}"}
    )

    assert 403 == answer.status_code


async def test_a_fresh_key_costs_no_query(autojump_clock):
    async with open_instance() as running:
        order_id = await running.order()
        asked = []
        read = running.system.storage.idempotency

        async def counted(key):
            asked.append(key)
            return await read(key)

        running.system.storage.idempotency = counted

        await running.post(f"/orders/{order_id}/reserve", key="fresh")
        assert [] == asked
        await running.post(f"/orders/{order_id}/reserve", key="fresh")
        assert ["fresh"] == asked


async def test_a_running_operation_answers_its_key_with_202_and_then_with_its_end(running):
    order_id = await running.order(reserved=True)
    path = f"/orders/{order_id}/escrow"

    begun = await running.post(path, key="k", headers={"Prefer": "respond-async"})
    meanwhile = await running.post(path, key="k")
    forget_everything(running)
    after_restart = await running.post(path, key="k")
    await running.end_operation(order_id)
    ended = await running.post(path, key="k")
    again = await running.post(path, key="k")

    assert (202, 202, 202) == (begun.status_code, meanwhile.status_code, after_restart.status_code)
    assert "respond-async" == begun.headers["Preference-Applied"]
    assert "escrow" == (await meanwhile.get_json())["data"]["progress"]["operation"]
    assert (200, 200) == (ended.status_code, again.status_code)
    assert await bytes_of(ended) == await bytes_of(again)
    assert "CREATED" == (await ended.get_json())["data"]["escrow"]["status"]
    assert 1 <= sum(isinstance(message, StartEscrow) for message in running.asked)
    assert not [message for message in running.asked[1:] if isinstance(message, CreateOrder)][1:]


async def _user(running, user_id):
    from offerhub.domain.users import User  # noqa: PLC0415

    return await running.system.storage.load(User, user_id)


class Cache:
    """What Redis would keep."""

    def __init__(self):
        self.kept = {}

    async def get_answer(self, key):
        await trio.lowlevel.checkpoint()
        return self.kept.get(key)

    async def put_answer(self, key, answer, ttl_s):
        await trio.lowlevel.checkpoint()
        assert 0 < ttl_s <= 86_400
        self.kept[key] = answer


async def test_a_cached_answer_replays_without_the_database(autojump_clock):
    cache = Cache()
    async with open_instance(replay_cache=cache) as running:
        order_id = await running.order()
        path = f"/orders/{order_id}/reserve"
        first = await running.post(path, key="k")
        await running.post(path, key="k")
        running.database.available = False

        replayed = await running.post(path, key="k")
        other = await running.post(path, {"amount": "80.00"}, key="k")

        assert await bytes_of(first) == await bytes_of(replayed)
        assert "true" == replayed.headers["Idempotency-Replayed"]
        # Refused under the right code, though nothing can be written into the audit now.
        assert other.status_code in {409, 503}


async def test_what_another_version_has_cached_is_passed_over():
    cache = Cache()
    async with open_instance(replay_cache=cache) as running:
        path = f"/orders/{await running.order()}/reserve"
        first = await running.post(path, key="k")
        cache.kept["k"] = b'{"fingerprint": "f", "status": 200, "body": "e30="}'

        replayed = await running.post(path, key="k")

        assert await bytes_of(first) == await bytes_of(replayed)
