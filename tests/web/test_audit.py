"""`GET /audit/logs`: what support sees of who did what."""

import json
from datetime import timedelta
from hashlib import sha256

import pytest

from tests.web.running import START


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


async def logs(running, query="", **more):
    answer = await running.get(f"/audit/logs{query}", **more)
    assert 200 == answer.status_code
    return await answer.get_json()


@pytest.mark.shows("GET /audit/logs")
async def test_an_entry_says_who_did_what_with_what_result(running):
    order = await running.order()
    headers = {"X-Request-ID": "r-1", "User-Agent": "shop/1"}
    await running.post(f"/orders/{order}/cancel", key="k-1", headers=headers)

    entry = (await logs(running, f"?resourceId={order}&limit=1"))["data"][0]

    assert ("order.cancel", "Order", order) == (
        entry["action"],
        entry["resourceType"],
        entry["resourceId"],
    )
    assert ("master", "r-1", "k-1", "shop/1", "ok") == (
        entry["actor"],
        entry["correlationId"],
        entry["idempotencyKey"],
        entry["userAgent"],
        entry["result"],
    )


async def test_an_entry_can_be_proven_from_what_is_shown(running):
    await running.order()
    for entry in (await logs(running))["data"]:
        hashes = {name: bytes.fromhex(entry.pop(name)) for name in ("previousHash", "hash")}
        text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashes["hash"] == sha256(hashes["previousHash"] + text.encode()).digest()


async def test_filters_combine_and_pages_follow_each_other(running):
    order = await running.order(reserved=True)
    running.clock_offset = timedelta(hours=1)
    await running.post(f"/orders/{order}/cancel")

    later = (START + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    actions = [each["action"] for each in (await logs(running, f"?from={later}"))["data"]]
    assert ["order.cancel"] == actions
    before = await logs(running, f"?to={later}&resourceType=Order")
    assert ["order.reserve", "order.create"] == [each["action"] for each in before["data"]]
    assert 1 == len((await logs(running, "?resource_type=Order&action=order.reserve"))["data"])
    first = await logs(running, "?limit=2")
    second = await logs(running, f"?limit=2&cursor={first['nextCursor']}")
    sequences = [each["sequence"] for each in (*first["data"], *second["data"])]
    assert sequences == [*range(sequences[0], sequences[0] - 4, -1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("cursor=ord_000000000000000000001", "cursor"),
        ("cursor=aud_000000000000000000001", "cursor"),
        ("from=yesterday", "from"),
        ("actor=me", "actor"),
        ("limit=0", "limit"),
    ],
)
async def test_a_fault_of_the_query_is_named(running, query, field):
    answer = await running.get(f"/audit/logs?{query}")

    assert 400 == answer.status_code
    fields = (await answer.get_json())["error"]["details"]["fields"]
    assert [field] == [each["field"] for each in fields]


async def test_only_support_reads_it(running):
    support, reader = await running.key("support"), await running.key("read", "write")

    assert 200 == (await running.get("/audit/logs", headers=bearer(support))).status_code
    refused = await running.get("/audit/logs", headers=bearer(reader))
    assert 403 == refused.status_code
    entry = (await logs(running, "?limit=1"))["data"][0]
    assert ("GET /audit/logs", "refused", "INSUFFICIENT_SCOPE") == (
        entry["action"],
        entry["result"],
        entry["error"],
    )


async def test_what_is_detached_is_gone(running):
    await running.order()
    database = running.database
    database.detach_history(
        events=0, transfers=0, audit=len(database.audit), at=running.system.clock()
    )

    only = await logs(running)

    assert ["history.checkpoint"] == [each["action"] for each in only["data"]]
    gone = await running.get(f"/audit/logs?cursor={only['nextCursor']}")
    assert (410, "HISTORY_DETACHED") == (
        gone.status_code,
        (await gone.get_json())["error"]["code"],
    )
