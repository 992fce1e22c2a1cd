"""Bad input, bad keys, trouble inside: the code of docs/spec/api.md, and nothing moved."""

import pytest

from actors.kernel import ActorStopped
from storage.errors import StorageUnavailable
from tests.web.running import MASTER_KEY, PLATFORM_USER, open_instance

USER = "usr_000000000000000000001"
ORDER = "ord_000000000000000000001"


async def refusal_of(answer):
    """Status and code of a refusal."""
    body = await answer.get_json()
    assert {"error", "meta"} == set(body)
    assert answer.headers["X-Request-ID"] == body["meta"]["requestId"]
    return answer.status_code, body["error"]["code"]


@pytest.mark.shows(
    "VALIDATION_ERROR", "INVALID_AMOUNT_FORMAT", "INVALID_CURRENCY", "MISSING_REQUIRED_FIELD"
)
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 80}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": 80.5}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "80"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "80.000"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "0.00"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "-1.00"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "１.00"}, "INVALID_AMOUNT_FORMAT", "amount"),  # noqa: RUF001 - that digit
        ({"amount": "1.00\n"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": None}, "MISSING_REQUIRED_FIELD", "amount"),
        ({"currency": "EUR"}, "INVALID_CURRENCY", "currency"),
        ({"currency": 7}, "INVALID_CURRENCY", "currency"),
        ({"title": ""}, "VALIDATION_ERROR", "title"),
        ({"title": "x" * 201}, "VALIDATION_ERROR", "title"),
        ({"title": "a\x00b"}, "VALIDATION_ERROR", "title"),
        ({"title": 5}, "VALIDATION_ERROR", "title"),
        ({"color": "red"}, "VALIDATION_ERROR", "color"),
        ({"buyer_id": USER}, "VALIDATION_ERROR", "buyerId"),
        ({"metadata": []}, "VALIDATION_ERROR", "metadata"),
        ({"metadata": {"a": "x" * 17_000}}, "VALIDATION_ERROR", "metadata"),
        ({"metadata": {"a": [{"b\x00": 1}]}}, "VALIDATION_ERROR", "metadata"),
        ({"clientOrderRef": "x" * 101}, "VALIDATION_ERROR", "clientOrderRef"),
        (
            {"milestones": [{"ref": "a b", "title": "t", "amount": "80.00"}]},
            "VALIDATION_ERROR",
            "milestones[0].ref",
        ),
        (
            {"milestones": [{"ref": "a", "title": "t", "amount": 80}]},
            "INVALID_AMOUNT_FORMAT",
            "milestones[0].amount",
        ),
    ],
)
async def test_one_fault_gives_its_own_code_and_names_the_field(running, change, code, field):
    body = {"buyerId": USER, "sellerId": USER, "amount": "80.00", "title": "t", **change}

    answer = await running.post("/orders", body)

    assert (400, code) == await refusal_of(answer)
    fields = (await answer.get_json())["error"]["details"]["fields"]
    assert [field] == [each["field"] for each in fields]
    assert [] == running.asked


async def test_several_faults_are_one_validation_error_that_names_all(running):
    answer = await running.post("/orders", {"amount": 1, "title": "", "nonsense": 1})

    assert (400, "VALIDATION_ERROR") == await refusal_of(answer)
    fields = (await answer.get_json())["error"]["details"]["fields"]
    assert {"amount", "title", "nonsense", "buyerId", "sellerId"} == {
        each["field"] for each in fields
    }


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=ten", "limit"),
        ("/orders?cursor=ord_nobody", "cursor"),
        ("/orders?status=DONE", "status"),
        ("/orders?createdAfter=yesterday", "createdAfter"),
        ("/orders?colour=red", "colour"),
        ("/orders?limit=1&limit=2", "limit"),
        ("/orders?buyerId=a&buyer_id=b", "buyerId"),
        ("/users?email=%00", "email"),
        (f"/orders/{ORDER}?expand=1", "expand"),
    ],
)
async def test_a_fault_of_a_query_is_named(running, path, field):
    answer = await running.get(path)

    assert (400, "VALIDATION_ERROR") == await refusal_of(answer)
    fields = (await answer.get_json())["error"]["details"]["fields"]
    assert [field] == [each["field"] for each in fields]


@pytest.mark.shows(
    "NOT_FOUND", "ORDER_NOT_FOUND", "USER_NOT_FOUND", "WITHDRAWAL_NOT_FOUND", "API_KEY_NOT_FOUND"
)
@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", f"/orders/{ORDER}", "ORDER_NOT_FOUND"),
        ("GET", "/orders/ord_short", "ORDER_NOT_FOUND"),
        ("GET", "/orders/%00", "ORDER_NOT_FOUND"),
        ("POST", f"/orders/{ORDER}/reserve", "ORDER_NOT_FOUND"),
        ("GET", f"/orders/{ORDER}/events", "ORDER_NOT_FOUND"),
        ("GET", f"/users/{USER}", "USER_NOT_FOUND"),
        ("GET", f"/users/{USER}/balance", "USER_NOT_FOUND"),
        ("GET", f"/users/{USER}/wallet", "USER_NOT_FOUND"),
        ("GET", f"/users/{USER}/ledger", "USER_NOT_FOUND"),
        ("GET", "/withdrawals/wd_000000000000000000001", "WITHDRAWAL_NOT_FOUND"),
        ("POST", "/withdrawals/nonsense/commit", "WITHDRAWAL_NOT_FOUND"),
        ("DELETE", "/auth/api-keys/key_000000000000000000001", "API_KEY_NOT_FOUND"),
        ("GET", "/nowhere", "NOT_FOUND"),
        ("POST", "/orders/x/dispute", "NOT_FOUND"),
    ],
)
async def test_what_is_not_there_is_a_404_with_its_code(running, method, path, code):
    assert (404, code) == await refusal_of(await running.request(method, path))


@pytest.mark.shows("METHOD_NOT_ALLOWED")
async def test_a_method_that_an_endpoint_does_not_know_is_a_405(running):
    answer = await running.request("PUT", "/orders")

    assert (405, "METHOD_NOT_ALLOWED") == await refusal_of(answer)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.shows("INVALID_JSON")
async def test_a_body_that_is_no_json_is_refused(running):
    json = {"Content-Type": "application/json"}
    for raw in (b"{", b"\xff", b"[" * 100_000, b'{"a": 1e999}', b'"\\ud800"'):
        answer = await running.post("/users", data=raw, headers=json)
        assert (400, "INVALID_JSON") == await refusal_of(answer)
    for raw in (b"[]", b"null", b"5"):
        answer = await running.post("/users", data=raw, headers=json)
        assert (400, "VALIDATION_ERROR") == await refusal_of(answer)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"externalUserId": "a", "externalUserId": "a"}', "externalUserId"),
        (b'{"externalUserId": "a", "external\\u0055serId": "b"}', "externalUserId"),
        (b'{"externalUserId": "a", "metadata": {"list": [{"b": 1, "b": 2}]}}', "b"),
    ],
)
async def test_a_name_that_comes_twice_in_one_object_is_a_fault(running, raw, name):
    """A proxy that checks the first value would let the second pass."""
    answer = await running.post("/users", data=raw, headers={"Content-Type": "application/json"})

    assert (400, "VALIDATION_ERROR") == await refusal_of(answer)
    (field,) = (await answer.get_json())["error"]["details"]["fields"]
    assert name == field["field"]
    assert [] == running.asked


async def test_of_very_many_faults_the_first_hundred_are_named(running):
    answer = await running.post("/users", {f"unknown{number}": 1 for number in range(1000)})

    assert (400, "VALIDATION_ERROR") == await refusal_of(answer)
    assert 100 == len((await answer.get_json())["error"]["details"]["fields"])


async def test_a_query_that_is_no_utf8_is_a_fault(running):
    answer = await running.get("/users?email=%ff")

    assert (400, "VALIDATION_ERROR") == await refusal_of(answer)


@pytest.mark.shows("UNSUPPORTED_MEDIA_TYPE")
async def test_a_body_of_another_type_is_a_415(running):
    answer = await running.post("/users", data=b"a=b", headers={"Content-Type": "text/plain"})

    assert (415, "UNSUPPORTED_MEDIA_TYPE") == await refusal_of(answer)


@pytest.mark.shows("BODY_TOO_LARGE")
async def test_a_body_over_one_mebibyte_is_a_413(running):
    headers = {"Content-Type": "application/json"}
    found = await running.post("/users", data=b" " * (2**20 + 1), headers=headers)
    # One that says so itself is refused before its key is looked at.
    said = {"Content-Type": "application/json", "Content-Length": str(2**20 + 1)}
    announced = await running.post("/users", data=b"{}", headers={**said, "Authorization": None})

    assert (413, "BODY_TOO_LARGE") == await refusal_of(found)
    assert (413, "BODY_TOO_LARGE") == await refusal_of(announced)


async def test_who_asks_for_a_problem_gets_rfc_9457(running):
    answer = await running.get("/nowhere", headers={"Accept": "application/problem+json"})

    body = await answer.get_json()
    assert "application/problem+json" == answer.content_type
    assert (404, "NOT_FOUND", "/api/v1/nowhere") == (
        body["status"],
        body["code"],
        body["instance"],
    )


async def test_the_callers_request_id_comes_back_if_it_is_sane(running):
    sane = await running.get("/health", headers={"X-Request-ID": "trace-1.2:3"})
    foul = await running.get("/health", headers={"X-Request-ID": "a b<c>"})

    assert "trace-1.2:3" == sane.headers["X-Request-ID"]
    assert foul.headers["X-Request-ID"].startswith("req_")


@pytest.mark.shows("UNAUTHORIZED", "INVALID_API_KEY")
async def test_no_key_and_a_wrong_key_are_told_apart(running):
    for headers, code in (
        ({"Authorization": None}, "UNAUTHORIZED"),
        ({"Authorization": "Basic abc"}, "UNAUTHORIZED"),
        ({"Authorization": "Bearer ohk_test_" + "x" * 43}, "INVALID_API_KEY"),
        ({"Authorization": "Bearer nonsense"}, "INVALID_API_KEY"),
        ({"Authorization": "Bearer " + MASTER_KEY[:-1]}, "INVALID_API_KEY"),
        ({"Authorization": None, "x-api-key": "ohk_tok_" + "x" * 43}, "INVALID_API_KEY"),
    ):
        assert (401, code) == await refusal_of(await running.get("/users", headers=headers))
    assert [] == running.database.audit


@pytest.mark.shows("INSUFFICIENT_SCOPE")
async def test_a_missing_scope_is_a_403_and_stands_in_the_audit(running):
    key = await running.key("read")
    before = len(running.database.audit)

    answer = await running.post("/users", {}, headers={"Authorization": f"Bearer {key}"})

    assert (403, "INSUFFICIENT_SCOPE") == await refusal_of(answer)
    assert {"requiredScope": "write", "currentScopes": ["read"]} == (await answer.get_json())[
        "error"
    ]["details"]
    (entry,) = running.database.audit[before:]
    assert b"INSUFFICIENT_SCOPE" in entry.canonical
    assert b"key:key_" in entry.canonical


@pytest.mark.shows("FUNDS_ALREADY_RESERVED")
async def test_a_refused_change_of_a_known_key_stands_in_the_audit(running):
    order_id = await running.order(reserved=True)
    before = len(running.database.audit)

    answer = await running.post(f"/orders/{order_id}/reserve")

    assert (409, "FUNDS_ALREADY_RESERVED") == await refusal_of(answer)
    (entry,) = running.database.audit[before:]
    assert b"order.reserve" in entry.canonical
    assert b"refused" in entry.canonical


@pytest.mark.parametrize("failure", [StorageUnavailable("dsn"), ActorStopped("orders/secret")])
async def test_what_is_away_is_a_503_without_an_inner_text(running, failure):
    running.system.orders.address = _raising(failure)

    answer = await running.post(f"/orders/{ORDER}/reserve")

    assert (503, "SERVICE_UNAVAILABLE") == await refusal_of(answer)
    assert "secret" not in await answer.get_data(as_text=True)
    assert "Retry-After" in answer.headers


@pytest.mark.shows("SERVICE_UNAVAILABLE")
async def test_an_actor_that_crashes_is_a_503_to_repeat_with_the_same_key(running):
    """The outcome is unknown: its text says so, and nothing of what crashed."""
    running.fail_next = RuntimeError("a secret inner text")

    answer = await running.post(f"/orders/{ORDER}/reserve", key="k")

    assert (503, "SERVICE_UNAVAILABLE") == await refusal_of(answer)
    assert "Retry-After" in answer.headers
    text = await answer.get_data(as_text=True)
    assert "secret" not in text
    assert "outcome is not known" in text
    again = await running.post(f"/orders/{ORDER}/reserve", key="k")
    assert (404, "ORDER_NOT_FOUND") == await refusal_of(again)


async def test_a_database_that_is_away_refuses_reads_and_changes(running):
    user = await running.user()
    running.database.available = False

    assert (503, "SERVICE_UNAVAILABLE") == await refusal_of(await running.get(f"/users/{user.id}"))
    answer = await running.post("/users", {"externalUserId": "new"}, key="k")
    assert (503, "SERVICE_UNAVAILABLE") == await refusal_of(answer)

    running.database.available = True
    assert 201 == (await running.post("/users", {"externalUserId": "new"}, key="k")).status_code


@pytest.mark.shows("STELLAR_NETWORK_ERROR")
async def test_a_network_that_is_away_is_a_502(running):
    user = await running.user()
    running.network.away = True

    answer = await running.get(f"/users/{user.id}/wallet")

    assert (502, "STELLAR_NETWORK_ERROR") == await refusal_of(answer)
    assert "secret" not in await answer.get_data(as_text=True)


@pytest.mark.shows("PROVIDER_NOT_ENABLED", "WITHDRAWAL_DESTINATION_INVALID")
async def test_a_withdrawal_of_another_provider_is_refused_before_anyone_is_asked(running):
    body = {"userId": USER, "amount": "5.00", "destinationRef": "x"}

    airtm = await running.post("/withdrawals", {**body, "destinationType": "airtm_balance"})
    bank = await running.post("/withdrawals", {**body, "destinationType": "bank"})

    assert (422, "PROVIDER_NOT_ENABLED") == await refusal_of(airtm)
    assert (422, "WITHDRAWAL_DESTINATION_INVALID") == await refusal_of(bank)
    assert [] == running.asked


async def test_the_platforms_withdrawal_needs_every_scope(running):
    key = await running.key("write")
    body = {
        "userId": PLATFORM_USER,
        "amount": "5.00",
        "destinationType": "crypto",
        "destinationRef": "GX",
    }

    answer = await running.post("/withdrawals", body, headers={"Authorization": f"Bearer {key}"})

    assert (403, "INSUFFICIENT_SCOPE") == await refusal_of(answer)
    assert [] == running.asked


@pytest.mark.shows("RATE_LIMITED")
async def test_a_key_over_its_limit_waits_for_the_next_window(autojump_clock):
    async with open_instance(rate_limit_per_minute=3) as running:
        left = [(await running.get("/orders")).headers["X-RateLimit-Remaining"] for _ in range(3)]
        refused = await running.get("/orders")

        assert ["2", "1", "0"] == left
        assert (429, "RATE_LIMITED") == await refusal_of(refused)
        assert {"limit": 3, "window": 60, "retryAfter": 60} == (await refused.get_json())["error"][
            "details"
        ]
        assert "60" == refused.headers["Retry-After"]
        # Another caller has a window of its own: here one without a key, by its address.
        running.headers = {}
        assert 401 == (await running.get("/orders")).status_code


async def test_who_tries_keys_is_stopped_by_the_limit_of_the_address(autojump_clock):
    async with open_instance(rate_limit_per_minute=2) as running:
        running.headers = {"Authorization": "Bearer ohk_test_wrong"}

        codes = [(await running.get("/orders")).status_code for _ in range(3)]
        running.database.available = False  # from here on nobody asks it
        codes.append((await running.get("/orders")).status_code)

        assert [401, 401, 429, 429] == codes


def _raising(failure):
    def address(key):
        raise failure

    return address


async def test_slashes_are_not_made_up_for(running):
    assert (404, "NOT_FOUND") == await refusal_of(await running.get("//orders"))
    assert 200 == (await running.get("/orders/")).status_code


async def test_who_watches_the_health_is_never_over_a_limit(autojump_clock):
    async with open_instance(rate_limit_per_minute=1) as running:
        codes = {(await running.get("/health")).status_code for _ in range(5)}

        assert {200} == codes


@pytest.mark.shows("INTERNAL_ERROR")
@pytest.mark.expect_errors
async def test_a_fault_of_the_gate_itself_is_a_500_too(running):
    gate = next(iter(running.app.view_functions.values())).func.__self__
    original = gate._response
    faults = [RuntimeError("inner text")]

    def once(answer, info, path):
        if faults:
            raise faults.pop()
        return original(answer, info, path)

    gate._response = once

    answer = await running.get("/users")

    assert (500, "INTERNAL_ERROR") == await refusal_of(answer)
    assert "inner" not in await answer.get_data(as_text=True)


async def test_a_whole_number_may_be_written_with_a_point(running):
    """JSON has one kind of number, and its schemas call 60.0 an integer."""
    created = await running.post("/auth/api-keys", {"name": "k", "scopes": ["read"]})
    key_id = (await created.get_json())["data"]["id"]

    whole = await running.post(f"/auth/api-keys/{key_id}/token", {"ttl": 60.0})
    half = await running.post(f"/auth/api-keys/{key_id}/token", {"ttl": 60.5})

    assert (201, 400) == (whole.status_code, half.status_code)
