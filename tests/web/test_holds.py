"""Holds over HTTP: what each call answers and moves, and every refusal of theirs."""

import pytest

from offerhub.domain.money import BALANCE_MAX, Money
from tests.web.running import PLATFORM_USER

NOBODY = "usr_000000000000000000001"
CALLS = ("reserve", "cancel-reservation", "release", "deduct-reserved")
PARTS = CALLS[1:]


def path(user_id, call):
    return f"/users/{user_id}/balance/{call}"


def body_for(call, amount="10.00", recipient=NOBODY, **fields):
    label = {} if {"reference", "orderId"} & set(fields) else {"reference": "case-7"}
    to = {"recipientId": recipient} if call == "release" else {}
    return {"amount": amount, **label, **to, **fields}


async def data_of(answer, status=200):
    assert status == answer.status_code, await answer.get_data()
    return (await answer.get_json())["data"]


async def refusal_of(answer):
    error = (await answer.get_json())["error"]
    return answer.status_code, error["code"], error["details"]


async def figures(running, user):
    data = await data_of(await running.get(f"/users/{user.id}/balance"))
    return data["available"], data["reserved"]


async def holder(running, held="50.00"):
    """A user with 100.00 of which so much is held under `case-7`."""
    user = await running.user("holder")
    await running.deposit(user, "100.00")
    answer = await running.post(path(user.id, "reserve"), body_for("reserve", held))
    await data_of(answer, 201)
    return user


@pytest.mark.shows("POST /users/{id}/balance/reserve")
async def test_a_hold_is_placed_and_shown_with_the_balance(running):
    user = await running.user()
    await running.deposit(user, "100.00")

    answer = await running.post(
        path(user.id, "reserve"),
        {"amount": "30.00", "orderId": "their-order", "description": "a caution"},
    )

    data = await data_of(answer, 201)
    assert {"hold", "balance"} == set(data)
    hold = data["hold"]
    assert ["id", "userId", "amount", "remaining", "reference", "createdAt"] == list(hold)
    assert hold["id"].startswith("hld_")
    assert ("30.00", "30.00", "their-order") == (
        hold["amount"],
        hold["remaining"],
        hold["reference"],
    )
    assert ("70.00", "30.00") == (data["balance"]["available"], data["balance"]["reserved"])
    assert data["balance"] == await data_of(await running.get(f"/users/{user.id}/balance"))


@pytest.mark.shows(
    "POST /users/{id}/balance/cancel-reservation",
    "POST /users/{id}/balance/release",
    "POST /users/{id}/balance/deduct-reserved",
)
async def test_a_hold_goes_back_to_another_and_out_in_parts(running):
    user, other = await holder(running), await running.user("other")

    back = await running.post(path(user.id, "cancel-reservation"), body_for("back", "5.00"))
    given = await running.post(
        path(user.id, "release"),
        {"amount": "15.00", "reference": "case-7", "sellerId": other.id},
    )
    out = await running.post(path(user.id, "deduct-reserved"), body_for("out", "30.00"))

    left = [(await data_of(answer))["hold"]["remaining"] for answer in (back, given, out)]
    assert ["45.00", "30.00", "0.00"] == left
    assert ("55.00", "0.00") == await figures(running, user)
    assert ("15.00", "0.00") == await figures(running, other)
    books = await running.system.storage.books()
    assert 300_000_000 == books.account("treasury").stroops
    assert -450_000_000 == books.account(f"due/{user.id}").stroops
    assert 150_000_000 == books.account(f"due/{other.id}").stroops


async def test_a_label_may_be_used_again_when_its_hold_is_used_up(running):
    user = await holder(running)
    await running.post(path(user.id, "cancel-reservation"), body_for("back", "50.00"))

    again = await running.post(path(user.id, "reserve"), body_for("reserve", "20.00"))

    assert "20.00" == (await data_of(again, 201))["hold"]["remaining"]


async def test_a_reference_counts_before_an_order_where_both_are_given(running):
    user = await running.user()
    await running.deposit(user, "100.00")
    both = body_for("reserve", reference="case-9", orderId="their-order")

    placed = await data_of(await running.post(path(user.id, "reserve"), both), 201)
    by_order = await running.post(
        path(user.id, "cancel-reservation"), body_for("back", orderId="their-order")
    )

    assert "case-9" == placed["hold"]["reference"]
    assert (404, "RESERVE_NOT_FOUND") == (await refusal_of(by_order))[:2]


@pytest.mark.parametrize("call", CALLS)
async def test_a_user_that_does_not_exist_has_no_hold(running, call):
    for user_id in (NOBODY, "usr_short"):
        answer = await running.post(path(user_id, call), body_for(call))
        assert (404, "USER_NOT_FOUND") == (await refusal_of(answer))[:2]


async def test_a_hold_is_released_to_nobody_who_does_not_exist(running):
    user = await holder(running)

    answer = await running.post(path(user.id, "release"), body_for("release"))

    assert (404, "USER_NOT_FOUND", {"userId": NOBODY}) == await refusal_of(answer)
    assert ("50.00", "50.00") == await figures(running, user)


@pytest.mark.parametrize("call", CALLS)
async def test_the_platforms_user_has_no_hold(running, call):
    answer = await running.post(path(PLATFORM_USER, call), body_for(call))

    assert (422, "SAME_USER") == (await refusal_of(answer))[:2]


async def test_a_hold_is_released_neither_to_its_own_user_nor_to_the_platform(running):
    user = await holder(running)
    for recipient in (user.id, PLATFORM_USER):
        answer = await running.post(
            path(user.id, "release"), body_for("release", recipient=recipient)
        )
        assert (422, "SAME_USER", {"userId": recipient}) == await refusal_of(answer)
    assert ("50.00", "50.00") == await figures(running, user)


async def test_no_more_is_held_than_is_available(running):
    user = await holder(running)

    answer = await running.post(
        path(user.id, "reserve"), body_for("reserve", "50.01", reference="b")
    )

    assert (
        422,
        "INSUFFICIENT_FUNDS",
        {"available": "50.00", "requested": "50.01", "currency": "USDC"},
    ) == await refusal_of(answer)


async def test_a_second_hold_under_an_open_label_is_refused(running):
    user = await holder(running)

    answer = await running.post(path(user.id, "reserve"), body_for("reserve", "1.00"))

    status, code, details = await refusal_of(answer)
    assert (409, "FUNDS_ALREADY_RESERVED") == (status, code)
    assert ("case-7", "50.00", "50.00") == (
        details["reference"],
        details["amount"],
        details["remaining"],
    )
    assert ("50.00", "50.00") == await figures(running, user)


@pytest.mark.shows("RESERVE_NOT_FOUND")
@pytest.mark.parametrize("call", PARTS)
async def test_a_hold_that_does_not_exist_is_not_found(running, call):
    user, other = await holder(running), await running.user("other")
    asked = body_for(call, recipient=other.id, reference="another")

    answer = await running.post(path(user.id, call), asked)

    assert (404, "RESERVE_NOT_FOUND", {"reference": "another"}) == await refusal_of(answer)


@pytest.mark.parametrize("call", PARTS)
async def test_more_than_a_hold_has_left_is_refused_and_nothing_moves(running, call):
    user, other = await holder(running), await running.user("other")

    answer = await running.post(path(user.id, call), body_for(call, "50.01", other.id))

    status, code, details = await refusal_of(answer)
    assert (422, "RESERVE_MISMATCH_AMOUNT") == (status, code)
    assert ("50.00", "50.01") == (details["remaining"], details["requested"])
    assert ("50.00", "50.00") == await figures(running, user)


async def test_a_hold_is_not_released_into_a_balance_that_is_full(running):
    user, other = await holder(running), await running.user("other")
    await running.deposit(other, BALANCE_MAX - Money.parse("10.00"))

    full = await running.post(
        path(user.id, "release"), body_for("release", "10.01", recipient=other.id)
    )
    fits = await running.post(
        path(user.id, "release"), body_for("release", "10.00", recipient=other.id)
    )

    assert (422, "AMOUNT_OUT_OF_LIMITS") == (await refusal_of(full))[:2]
    assert 200 == fits.status_code


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 10}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "0.00"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": None}, "MISSING_REQUIRED_FIELD", "amount"),
        ({"reference": None}, "MISSING_REQUIRED_FIELD", "reference"),
        ({"reference": " "}, "VALIDATION_ERROR", "reference"),
        ({"order_id": "x\x00"}, "VALIDATION_ERROR", "orderId"),
    ],
)
async def test_a_fault_of_a_field_is_named(running, call, change, code, field):
    user = await running.user()

    answer = await running.post(path(user.id, call), {**body_for(call), **change})

    status, given, details = await refusal_of(answer)
    assert (400, code, [field]) == (status, given, [each["field"] for each in details["fields"]])


async def test_a_release_names_whom_it_goes_to(running):
    user = await holder(running)

    answer = await running.post(path(user.id, "release"), body_for("back"))

    assert (400, "MISSING_REQUIRED_FIELD") == (await refusal_of(answer))[:2]


@pytest.mark.parametrize("call", CALLS)
async def test_holds_need_the_scope_support(running, call):
    user = await holder(running)
    key = await running.key("read", "write")

    answer = await running.post(
        path(user.id, call), body_for(call), headers={"Authorization": f"Bearer {key}"}
    )

    status, code, details = await refusal_of(answer)
    assert (403, "INSUFFICIENT_SCOPE", "support") == (status, code, details["requiredScope"])


async def test_a_key_with_support_alone_may_hold(running):
    user, key = await running.user(), await running.key("support")
    await running.deposit(user, "100.00")

    answer = await running.post(
        path(user.id, "reserve"),
        body_for("reserve"),
        headers={"Authorization": f"Bearer {key}"},
    )

    assert 201 == answer.status_code


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_repeated_deduction_deducts_once_and_answers_alike(running, restarted):
    user = await holder(running)
    asked = path(user.id, "deduct-reserved"), body_for("out", "30.00")

    first = await running.post(*asked, key="k")
    await running.deposit(user, "7.00")  # the first answer stands, whatever has moved since
    if restarted:
        for rule in running.app.view_functions.values():
            rule.func.__self__._replays._seen.clear()
    second = await running.post(*asked, key="k")

    assert (200, 200) == (first.status_code, second.status_code)
    assert await first.get_data() == await second.get_data()
    assert "true" == second.headers["Idempotency-Replayed"]
    assert ("57.00", "20.00") == await figures(running, user)


async def test_a_refusal_of_a_hold_is_audited_with_its_code(running):
    user = await holder(running)

    await running.post(path(user.id, "deduct-reserved"), body_for("out", "50.01"))

    last = running.database.audit[-1].canonical.decode()
    assert '"hold.deduct"' in last
    assert '"RESERVE_MISMATCH_AMOUNT"' in last
    assert user.id in last
