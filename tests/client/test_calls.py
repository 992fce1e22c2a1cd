"""When a call is repeated, with what, and how it fails."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import httpx
import pytest

from offerhub.client import (
    ApiError,
    NoAnswer,
    OutcomeUnknown,
    Retries,
    StillRunning,
    UnexpectedAnswer,
    UnknownCode,
    errors,
    models,
)
from offerhub.client.calls import Call, Exchange, amount_text, retry_after
from tests.client.answering import BALANCE, QUICK, Answering, ok, refused
from web.examples import of_resource
from web.resources import Milestone, Order

ORDER = of_resource(Order)
MILESTONE = of_resource(Milestone)
LOST = httpx.ReadError("gone")


def test_every_change_has_a_key_of_its_own_and_a_caller_may_give_it() -> None:
    server = Answering(ok(ORDER))
    with server.client() as client:
        client.reserve_order("ord_1")
        client.reserve_order("ord_1")
        client.reserve_order("ord_1", idempotency_key="mine")
        client.get_order("ord_1")

    first, second, third, read = server.keys
    assert first != second
    assert ("mine", None) == (third, read)
    assert "Bearer k" == server.asked[0].headers["Authorization"]


@pytest.mark.parametrize(
    "trouble",
    [
        LOST,
        httpx.ConnectError("away"),
        httpx.ReadTimeout("slow"),
        refused(503, "SERVICE_UNAVAILABLE"),
        refused(503, "MAINTENANCE"),
        refused(409, "IDEMPOTENCY_KEY_IN_PROGRESS"),
        refused(429, "RATE_LIMITED", retryAfter=0),
        refused(500, "INTERNAL_ERROR"),
        refused(502, "STELLAR_NETWORK_ERROR"),
        httpx.Response(502, text="<html>a proxy</html>"),
    ],
    ids=repr,
)
def test_an_unknown_outcome_is_asked_for_with_the_same_key(trouble: httpx.Response) -> None:
    server = Answering(trouble, LOST, ok(ORDER))
    with server.client() as client:
        client.create_order(buyer_id="b", seller_id="s", amount="1.00", title="x")

    assert 3 == len(server.asked)
    assert 1 == len(set(server.keys))
    assert None not in server.keys
    assert server.bodies[0] == server.bodies[2]


@pytest.mark.parametrize(
    "code",
    [
        (409, "INVALID_STATE_TRANSITION"),
        (422, "INSUFFICIENT_FUNDS"),
        (422, "WALLET_NOT_READY"),
        (502, "PROVIDER_ERROR"),
        (401, "INVALID_API_KEY"),
        (409, "IDEMPOTENCY_KEY_REUSED"),
    ],
)
def test_what_will_stand_is_raised_at_once_as_the_class_of_its_code(code: tuple[int, str]) -> None:
    server = Answering(refused(*code, available="20.00"))
    with server.client() as client, pytest.raises(ApiError) as raised:
        client.reserve_order("ord_1")

    assert 1 == len(server.asked)
    error = raised.value
    named = "".join(word.capitalize() for word in code[1].split("_"))
    assert getattr(errors, named) is type(error)
    assert (code[0], {"available": "20.00"}, "req_1") == (
        error.status,
        error.details,
        error.request_id,
    )


def test_a_service_that_says_that_trying_is_in_vain_is_believed() -> None:
    server = Answering(refused(503, "SERVICE_UNAVAILABLE", retryable=False))
    with server.client() as client, pytest.raises(errors.ServiceUnavailable):
        client.reserve_order("ord_1")
    assert 1 == len(server.asked)


def test_a_fault_that_repeats_itself_is_raised() -> None:
    server = Answering(refused(500, "INTERNAL_ERROR"))
    with server.client() as client, pytest.raises(errors.InternalError):
        client.reserve_order("ord_1")
    assert 3 == len(server.asked)


def test_a_code_of_a_newer_version_and_a_stranger_are_told_apart() -> None:
    with Answering(refused(418, "TEAPOT")).client() as client, pytest.raises(UnknownCode) as new:
        client.get_config()
    with (
        Answering(httpx.Response(200, text="hi")).client() as client,
        pytest.raises(UnexpectedAnswer),
    ):
        client.get_config()
    assert "TEAPOT" == new.value.given


def exchange(call: Call[models.Order] | None = None, **more: float) -> Exchange[models.Order]:
    return Exchange(
        call or Call(method="POST", path="/x", of=object, key="k-1"), Retries(**more), 100.0
    )


def test_retry_after_is_honoured_whatever_it_is_written_as() -> None:
    body = refused(429, "RATE_LIMITED").content
    asked = exchange().answered(429, {"retry-after": "7"}, body, 101.0, 0.0)
    assert asked is not None
    assert 7.0 <= asked < 8.0
    date, later = "Sun, 22 Nov 2026 12:00:00 GMT", "Sun, 22 Nov 2026 12:00:09 GMT"
    assert 9.0 == retry_after(later, date)
    assert None is retry_after("soon", date)


def test_pauses_grow_and_are_not_all_alike() -> None:
    one, other = exchange(pause_s=1.0, pause_max_s=4.0), exchange(pause_s=1.0)
    assert [1.0, 2.0, 4.0, 4.0] == [one.failed(LOST, 101.0, 1.0) for _ in range(4)]
    assert other.failed(LOST, 101.0, 0.0) == 0.5


def test_the_whole_call_is_bounded() -> None:
    body = refused(429, "RATE_LIMITED").content
    with pytest.raises(errors.RateLimited):
        exchange(total_s=10.0).answered(429, {"retry-after": "11"}, body, 100.0, 0.0)
    with pytest.raises(OutcomeUnknown) as unknown:
        exchange(total_s=10.0).failed(LOST, 109.9, 0.0)
    assert "k-1" == unknown.value.idempotency_key
    read = Call[models.Order](method="GET", path="/x", of=object)
    with pytest.raises(NoAnswer) as silent:
        exchange(read, total_s=10.0).failed(LOST, 109.9, 0.0)
    assert not isinstance(silent.value, OutcomeUnknown)
    assert 3.0 == exchange(total_s=10.0).timeout(107.0)


def test_work_on_the_chain_is_waited_for_with_the_same_key() -> None:
    server = Answering(ok(ORDER, 202), ok(ORDER, 202), ok({**ORDER, "status": "CLOSED"}))
    with server.client() as client:
        order = client.release_order("ord_1", requested_by="alice")

    assert "CLOSED" == order.status
    assert 1 == len(set(server.keys))
    assert [None] * 3 == [request.headers.get("Prefer") for request in server.asked]


def test_whoever_does_not_wait_is_answered_at_once() -> None:
    server = Answering(ok(ORDER, 202))
    with server.client() as client:
        order = client.create_escrow("ord_1", wait=False)

    assert ORDER["id"] == order.id
    assert "respond-async" == server.asked[0].headers["Prefer"]


def test_work_that_outlasts_the_call_is_said_to_be_running() -> None:
    server = Answering(ok(ORDER, 202))
    with server.client(Retries(total_s=0.2)) as client, pytest.raises(StillRunning) as running:
        client.fund_escrow("ord_1", idempotency_key="k")
    assert ("k", ORDER["id"]) == (running.value.idempotency_key, running.value.resource.id)


def test_amounts_are_decimals_there_and_back() -> None:
    server = Answering(ok(BALANCE))
    with server.client() as client:
        balance = client.get_balance("usr_1")
    assert Decimal("20.00") == balance.available
    assert "20.00" == str(balance.available)

    server = Answering(ok(ORDER))
    with server.client() as client:
        client.reserve_order("ord_1", amount=Decimal(80))
    assert [{"amount": "80.00"}] == server.bodies
    for wrong in ("0.001", "NaN", "Infinity"):
        with pytest.raises((ValueError, ArithmeticError)):
            amount_text(Decimal(wrong))


def test_a_request_is_written_as_the_api_reads_it() -> None:
    server = Answering(ok(ORDER, 201), ok(MILESTONE))
    east = timezone(timedelta(hours=2))
    with server.client() as client:
        client.create_order(
            buyer_id="usr_b",
            seller_id="usr_s",
            amount="80.00",
            title="A logo",
            currency=models.Currency.USDC,
            milestones=[models.NewMilestone(ref="m", title="All", amount=Decimal("80.00"))],
            metadata={"a": None},
            expires_at=datetime(2030, 1, 1, 2, tzinfo=east),
        )
        client.complete_milestone("ord_1/../x", "a b")
    assert {
        "buyerId": "usr_b",
        "sellerId": "usr_s",
        "amount": "80.00",
        "title": "A logo",
        "currency": "USDC",
        "milestones": [{"ref": "m", "title": "All", "amount": "80.00"}],
        "metadata": {"a": None},
        "expiresAt": "2030-01-01T00:00:00.000Z",
    } == server.bodies[0]
    assert (
        b"/api/v1/orders/ord_1%2F..%2Fx/milestones/a%20b/complete" == server.asked[1].url.raw_path
    )


def test_values_and_fields_of_a_newer_version_are_no_fault() -> None:
    newer = {**ORDER, "status": "FROZEN", "mood": "calm"}
    with Answering(ok(newer)).client() as client:
        order = client.get_order("ord_1")
    assert "FROZEN" == order.status
    assert isinstance(order.status, models.OrderStatus)
    assert datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC) == order.created_at


def test_a_list_is_iterated_over_all_its_pages_and_a_lost_page_is_asked_for_again() -> None:
    def page(ids: list[str], cursor: str | None) -> httpx.Response:
        items = [{**ORDER, "id": each} for each in ids]
        return ok(items, hasMore=cursor is not None, nextCursor=cursor)

    server = Answering(page(["o3", "o2"], "o2"), LOST, page(["o1"], None))
    with server.client() as client:
        orders = client.list_orders(limit=2, status=models.OrderStatus.IN_PROGRESS)
        found = [order.id for order in orders]

    assert ["o3", "o2", "o1"] == found
    assert [
        {"limit": "2", "status": "IN_PROGRESS"},
        {"limit": "2", "status": "IN_PROGRESS", "cursor": "o2"},
        {"limit": "2", "status": "IN_PROGRESS", "cursor": "o2"},
    ] == [dict(request.url.params) for request in server.asked]


def test_one_page_can_be_asked_for() -> None:
    server = Answering(ok([ORDER], hasMore=True, nextCursor="o2"))
    with server.client() as client:
        page = client.list_orders(cursor="o9").page()
    assert (1, True, "o2") == (len(page.data), page.has_more, page.next_cursor)
    assert "o9" == server.asked[0].url.params["cursor"]
    assert QUICK.total_s > 0
