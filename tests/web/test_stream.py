"""`GET /events`: what a subscriber gets, from where, and when its stream ends."""

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.publisher import Publisher
from offerhub.domain.ids import iso
from tests.actors.events import unit
from tests.web.asgi_stream import open_stream
from tests.web.running import START, RunningInstance, open_instance

PATH = "/api/v1/events"


@pytest.fixture
async def running():
    async with streaming() as running:
        yield running


@asynccontextmanager
async def streaming(**options):
    async with open_instance(**options) as running, trio.open_nursery() as nursery:
        publisher = Publisher(running.system.hub, running.system.storage)
        await nursery.start(publisher.run)
        yield running
        nursery.cancel_scope.cancel()


async def commit(running: RunningInstance, *numbers: int, **kind: Any) -> None:
    await running.journal.commit(unit(*numbers, **kind))


def stream(running: RunningInstance, *, headers=None, **query):
    return open_stream(running.app, PATH, headers={**running.headers, **(headers or {})}, **query)


@pytest.mark.shows("GET /events")
async def test_an_event_is_one_message_with_its_sequence_and_one_line_of_json(
    autojump_clock, running
):
    async with stream(running) as events:
        await commit(running, 1)
        (message,) = await events.wait_messages(1)
        assert "1" == message.id
        assert running.database.events[0].body == message.data
        assert "order.created" == msgspec.json.decode(message.data)["eventType"]
        assert events.text.startswith("retry: 3000\n\n")
        assert f"id: 1\ndata: {message.data}\n\n" in events.text
        assert "event:" not in events.text


async def test_the_answer_says_that_it_is_a_stream_and_must_not_be_kept(autojump_clock, running):
    async with stream(running) as events:
        assert 200 == events.status
        assert "text/event-stream" == events.headers["content-type"]
        assert "no-cache" == events.headers["cache-control"]
        assert "no" == events.headers["x-accel-buffering"]
        assert "x-request-id" in events.headers
        assert "content-length" not in events.headers


async def test_named_adds_the_type_for_clients_that_listen_by_name(autojump_clock, running):
    async with stream(running, named="true") as events:
        await commit(running, 1, type="order.released")
        (message,) = await events.wait_messages(1)
        assert "order.released" == message.event


async def test_what_is_committed_once_the_headers_are_there_is_in_the_stream(
    autojump_clock, running
):
    async with stream(running) as events:
        await commit(running, 1)
        await commit(running, 2)
        await events.wait_messages(2)
        assert [1, 2] == events.ids


async def test_without_a_last_id_nothing_old_is_replayed(autojump_clock, running):
    await commit(running, 1, 2)
    await wait_all_tasks_blocked()
    async with stream(running) as events:
        await commit(running, 3)
        await events.wait_messages(1)
        assert [3] == events.ids


async def test_types_and_resource_types_filter_together(autojump_clock, running):
    async with stream(
        running, types="order.*,balance.credited", resourceTypes="Order,Balance"
    ) as events:
        await commit(running, 1, type="order.created")
        await commit(running, 2, type="escrow.created", aggregate="Escrow")
        await commit(running, 3, type="balance.credited", aggregate="Balance")
        await commit(running, 4, type="balance.debited", aggregate="Balance")
        await commit(running, 5, type="order.created", aggregate="Escrow")
        await commit(running, 6, type="order.closed")
        await events.wait_messages(3)
        assert [1, 3, 6] == events.ids


async def test_a_star_means_everything_and_snake_case_names_work(autojump_clock, running):
    async with stream(running, types="*", resource_types="*") as events:
        await commit(running, 1, type="withdrawal.created", aggregate="Withdrawal")
        await events.wait_messages(1)
        assert [1] == events.ids


@pytest.mark.parametrize("spelling", ["header", "query", "snake"])
async def test_after_a_sequence_the_rest_is_replayed_and_the_stream_goes_on(
    autojump_clock, running, spelling
):
    for number in range(1, 301):
        await commit(running, number)
    how: Any = {
        "header": {"headers": {"Last-Event-ID": "7"}},
        "query": {"lastEventId": "7"},
        "snake": {"last_event_id": "7"},
    }[spelling]
    async with stream(running, **how) as events:
        await commit(running, 301)
        await events.wait_messages(294)
        await commit(running, 302)
        await events.wait_messages(295)
        assert list(range(8, 303)) == events.ids


async def test_the_header_of_a_client_that_comes_back_goes_before_the_url_it_began_with(
    autojump_clock, running
):
    await commit(running, 1, 2, 3, 4)
    await wait_all_tasks_blocked()
    async with stream(running, headers={"Last-Event-ID": "3"}, lastEventId="1") as events:
        await events.wait_messages(1)
        await commit(running, 5)
        await events.wait_messages(2)
        assert [4, 5] == events.ids


async def test_an_event_id_stands_for_its_place(autojump_clock, running):
    await commit(running, 1, 2, 3)
    async with stream(running, lastEventId=running.database.events[1].id) as events:
        await events.wait_messages(1)
        assert [3] == events.ids


@pytest.mark.shows("HISTORY_DETACHED")
async def test_a_place_in_detached_history_is_refused(autojump_clock, running):
    await commit(running, 1, 2, 3, 4)
    first = running.database.events[0]
    running.database.detach_history(events=3, transfers=0, audit=0, at=running.system.clock())
    for last in ("0", "2", first.id, iso(first.occurred_at - timedelta(seconds=1))):
        answer = await running.get(f"/events?lastEventId={quote(last)}")
        assert 410 == answer.status_code
        assert "HISTORY_DETACHED" == (await answer.get_json())["error"]["code"]
    async with stream(running, lastEventId="3") as events:
        await events.wait_messages(1)
        assert [4] == events.ids


@pytest.mark.parametrize("form", ["milliseconds", "seconds", "offset"])
async def test_a_time_stands_for_the_last_event_up_to_it(autojump_clock, running, form):
    for number in range(1, 6):
        await commit(running, number)
    moment = running.database.events[2].occurred_at
    last = {
        "milliseconds": iso(moment),
        "seconds": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "offset": (moment + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00"),
    }[form]
    async with stream(running, lastEventId=last) as events:
        await events.wait_messages(2)
        assert [4, 5] == events.ids


async def test_zero_stands_before_the_first_event(autojump_clock, running):
    await commit(running, 1, 2)
    async with stream(running, lastEventId="0") as events:
        await events.wait_messages(2)
        assert [1, 2] == events.ids


async def test_an_event_that_is_committed_but_not_told_yet_is_a_last_id_too(
    autojump_clock, running
):
    await running.system.storage.commit([unit(1, 2)])
    async with stream(running, lastEventId="1") as events:
        await events.wait_messages(1)
        assert [2] == events.ids


@pytest.mark.parametrize(
    "last",
    ["3", "999999999999999999", "-1", "1.5", "evt_000000000000000000009", "evt_x", "yesterday",
     "2026-11-22", "2026-13-01T00:00:00Z", "ord_000000000000000000001", "1 "],
)  # fmt: skip
@pytest.mark.parametrize("place", ["header", "query"])
async def test_an_id_that_never_was_is_refused(autojump_clock, running, last, place):
    await commit(running, 1, 2)
    if place == "header":
        if last == "1 ":
            return  # white space around a header's value is none of it
        answer = await running.get("/events", headers={"Last-Event-ID": last})
    else:
        answer = await running.get("/events", query_string={"lastEventId": last})
    assert 400 == answer.status_code
    body = await answer.get_json()
    assert "VALIDATION_ERROR" == body["error"]["code"]
    assert ["lastEventId"] == [each["field"] for each in body["error"]["details"]["fields"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"types": "order*"}, "types"),
        ({"types": ""}, "types"),
        ({"types": "a b"}, "types"),
        ({"resourceTypes": "Orders"}, "resourceTypes"),
        ({"named": "yes"}, "named"),
        ({"tpyes": "order.*"}, "tpyes"),
    ],
)
async def test_a_malformed_filter_is_refused_by_name(autojump_clock, running, query, field):
    answer = await running.get("/events", query_string=query)
    assert 400 == answer.status_code
    details = (await answer.get_json())["error"]["details"]
    assert [field] == [each["field"] for each in details["fields"]]


async def test_only_a_key_that_may_read_gets_the_stream(autojump_clock, running):
    answer = await running.get("/events", headers={"Authorization": None})
    assert 401 == answer.status_code
    key = await running.key("write")
    answer = await running.get("/events", headers={"Authorization": f"Bearer {key}"})
    assert 403 == answer.status_code


async def test_a_comment_comes_every_15_seconds_whether_or_not_events_do(autojump_clock, running):
    async with stream(running) as events:
        await trio.sleep(14.9)
        assert 0 == events.text.count("\n: ")
        await trio.sleep(0.2)
        assert 1 == events.text.count("\n: ")
        for number in range(1, 41):
            await commit(running, number)
            await trio.sleep(1)
        assert 3 == events.text.count("\n: ")
        assert list(range(1, 41)) == events.ids


async def test_a_stream_has_no_time_limit(autojump_clock, running):
    async with stream(running) as events:
        await trio.sleep(3600)
        await commit(running, 1)
        await events.wait_messages(1)
        assert not events.ended


async def test_a_client_that_leaves_gives_its_subscription_back(autojump_clock, running):
    async with stream(running), stream(running):
        await trio.sleep(0.1)
        assert 2 == running.system.hub.statistics().subscribers
    assert 0 == running.system.hub.statistics().subscribers


async def test_closing_the_subscriptions_ends_the_streams_and_refuses_new_ones(
    autojump_clock, running
):
    async with stream(running) as events:
        await wait_all_tasks_blocked()
        running.system.hub.close_subscriptions()
        await events.wait_ended()
    answer = await running.get("/events")
    assert 503 == answer.status_code


async def test_a_replay_that_loses_the_database_ends_the_stream(autojump_clock, running):
    for number in range(1, 6000, 60):  # more than the ring holds
        await running.system.storage.commit([unit(*range(number, number + 60))])
    await trio.sleep(2)
    async with stream(running, lastEventId="0") as events:
        running.database.available = False
        await events.wait_ended()
        assert list(range(1, len(events.ids) + 1)) == events.ids
    running.database.available = True
    last = str(events.ids[-1]) if events.ids else "0"
    async with stream(running, lastEventId=last) as again:
        await again.wait_messages(1)
        assert int(last) + 1 == again.ids[0]


async def test_a_revoked_key_gets_no_further_event(autojump_clock, running):
    created = await running.post("/auth/api-keys", {"name": "a", "scopes": ["read"]})
    key = (await created.get_json())["data"]
    bearer = {"Authorization": f"Bearer {key['key']}"}
    async with open_stream(running.app, PATH, headers=bearer) as events:
        await commit(running, 1)
        await events.wait_messages(1)
        revoked = await running.request("DELETE", f"/auth/api-keys/{key['id']}")
        assert 200 == revoked.status_code
        await commit(running, 2)
        await events.wait_ended()
        assert [1] == events.ids


async def test_a_key_that_expires_ends_its_stream_at_the_next_heartbeat(autojump_clock, running):
    key = await running.key("read", expiresAt=iso(START + timedelta(hours=1)))
    bearer = {"Authorization": f"Bearer {key}"}
    async with open_stream(running.app, PATH, headers=bearer) as events:
        await trio.sleep(3500)
        assert not events.ended
        await trio.sleep(120)
        assert events.ended


async def test_a_stream_ends_at_once_when_its_key_is_revoked_or_its_expiry_is_recorded(
    autojump_clock, running
):
    """No event, no heartbeat: nothing else makes the stream look up."""
    for expires in (None, iso(START + timedelta(hours=1))):
        created = await running.post(
            "/auth/api-keys", {"name": "a", "scopes": ["read"], "expiresAt": expires}
        )
        key = (await created.get_json())["data"]
        bearer = {"Authorization": f"Bearer {key['key']}"}
        async with open_stream(running.app, PATH, headers=bearer) as events:
            await trio.sleep(1)
            if expires is None:
                await running.request("DELETE", f"/auth/api-keys/{key['id']}")
            else:
                running.clock_offset = timedelta(hours=1)
                running.system.keys.wake(key["id"])
            with trio.fail_after(1):
                await events.wait_ended()
    assert 0 == running.system.hub.statistics().subscribers
    assert not running.ring.has_open


async def test_head_tells_the_headers_and_ends(autojump_clock, running):
    async with open_stream(running.app, PATH, method="HEAD", headers=running.headers) as events:
        await events.wait_ended()
        assert "text/event-stream" == events.headers["content-type"]
    assert 0 == running.system.hub.statistics().subscribers
