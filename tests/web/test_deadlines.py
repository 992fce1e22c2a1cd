"""Deadlines of orders over HTTP: given at creation, shown, moved, and refused in words."""

from datetime import timedelta

import pytest

from offerhub.domain.ids import iso
from tests.web.running import START

TOMORROW = START + timedelta(days=1)
NEXT_WEEK = START + timedelta(days=7)


async def shown(running, order_id):
    return (await (await running.get(f"/orders/{order_id}")).get_json())["data"]


async def error_of(answer):
    return (await answer.get_json())["error"]


async def test_an_order_has_no_deadlines_by_default_and_shows_those_that_it_was_given(running):
    plain = await running.order()
    given = await running.post(
        "/orders",
        {
            "buyerId": (await shown(running, plain))["buyerId"],
            "sellerId": (await shown(running, plain))["sellerId"],
            "amount": "2.00",
            "title": "x",
            # An offset and microseconds, as a client may write them.
            "expiresAt": "2026-11-23T14:00:00.123456+02:00",
            "auto_release_at": iso(NEXT_WEEK),
        },
    )
    order = await shown(running, plain)
    assert (None, None) == (order["expiresAt"], order["autoReleaseAt"])
    assert 201 == given.status_code
    data = (await given.get_json())["data"]
    assert ("2026-11-23T12:00:00.123Z", iso(NEXT_WEEK)) == (
        data["expiresAt"],
        data["autoReleaseAt"],
    )
    assert data == await shown(running, data["id"])


@pytest.mark.shows("POST /orders/{id}/deadlines")
async def test_deadlines_are_set_later_and_answer_with_the_order(running):
    order_id = await running.order()
    path = f"/orders/{order_id}/deadlines"

    first = await running.post(path, {"expiresAt": iso(TOMORROW)}, key="k-1")
    again = await running.post(path, {"expiresAt": iso(TOMORROW)}, key="k-1")
    moved = await running.post(
        path, {"expires_at": iso(NEXT_WEEK), "autoReleaseAt": iso(NEXT_WEEK)}
    )

    assert 200 == first.status_code
    assert iso(TOMORROW) == (await first.get_json())["data"]["expiresAt"]
    assert "true" == again.headers["Idempotency-Replayed"]
    assert await first.get_json() == await again.get_json()
    data = (await moved.get_json())["data"]
    assert (iso(NEXT_WEEK), iso(NEXT_WEEK)) == (data["expiresAt"], data["autoReleaseAt"])
    reported = (await (await running.get(f"/orders/{order_id}/events")).get_json())["data"]
    assert 2 == [event["eventType"] for event in reported].count("order.deadlines_changed")


@pytest.mark.shows("DEADLINE_NOT_LATER")
async def test_a_deadline_does_not_move_to_an_earlier_time(running):
    order_id = await running.order(expiresAt=iso(NEXT_WEEK))

    answer = await running.post(f"/orders/{order_id}/deadlines", {"expiresAt": iso(TOMORROW)})

    assert 422 == answer.status_code
    error = await error_of(answer)
    assert "DEADLINE_NOT_LATER" == error["code"]
    assert ("expiresAt", iso(NEXT_WEEK), iso(TOMORROW)) == (
        error["details"]["field"],
        error["details"]["deadline"],
        error["details"]["given"],
    )
    assert iso(NEXT_WEEK) == (await shown(running, order_id))["expiresAt"]


@pytest.mark.shows("DEADLINE_PASSED")
async def test_a_deadline_that_is_due_does_not_move(running):
    order_id = await running.order(expiresAt=iso(TOMORROW))
    running.clock_offset = timedelta(days=1)

    answer = await running.post(f"/orders/{order_id}/deadlines", {"expiresAt": iso(NEXT_WEEK)})

    assert 409 == answer.status_code
    assert "DEADLINE_PASSED" == (await error_of(answer))["code"]


@pytest.mark.shows("INVALID_STATE_TRANSITION")
async def test_an_expiry_cannot_be_set_once_the_escrow_has_begun(running):
    order_id = await running.order(reserved=True)
    await running.post(f"/orders/{order_id}/escrow", headers={"Prefer": "respond-async"})

    answer = await running.post(f"/orders/{order_id}/deadlines", {"expiresAt": iso(TOMORROW)})

    assert 409 == answer.status_code
    error = await error_of(answer)
    assert "INVALID_STATE_TRANSITION" == error["code"]
    assert error["message"].startswith("cannot set expiresAt of an order that is ESCROW_CREATING")


@pytest.mark.parametrize("field", ["expiresAt", "autoReleaseAt"])
@pytest.mark.parametrize(
    "moment",
    [
        iso(START - timedelta(seconds=1)),
        iso(START + timedelta(days=3700)),
        "2026-11-23T12:00:00",
        "2026-11-23",
        "tomorrow",
        1_800_000_000,
        "9999-12-31T23:59:59.999Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
async def test_a_moment_that_is_none_is_a_fault_of_its_field(running, field, moment):
    order_id = await running.order()
    data = await shown(running, order_id)
    new = {"buyerId": data["buyerId"], "sellerId": data["sellerId"], "amount": "2.00", "title": "x"}
    for path, body in ((f"/orders/{order_id}/deadlines", {}), ("/orders", new)):
        answer = await running.post(path, {**body, field: moment})
        assert 400 == answer.status_code
        error = await error_of(answer)
        assert "VALIDATION_ERROR" == error["code"]
        assert [field] == [fault["field"] for fault in error["details"]["fields"]]


async def test_a_call_without_a_deadline_is_a_fault(running):
    order_id = await running.order()
    assert 400 == (await running.post(f"/orders/{order_id}/deadlines", {})).status_code


async def test_deadlines_need_the_scope_write(running):
    order_id = await running.order()
    reader = {"Authorization": f"Bearer {await running.key('read')}"}

    answer = await running.post(
        f"/orders/{order_id}/deadlines", {"expiresAt": iso(TOMORROW)}, headers=reader
    )

    assert 403 == answer.status_code


async def test_an_order_that_does_not_exist_has_no_deadlines(running):
    body = {"expiresAt": iso(TOMORROW)}
    answer = await running.post("/orders/ord_xxxxxxxxxxxxxxxxxxxxx/deadlines", body)
    assert 404 == answer.status_code
