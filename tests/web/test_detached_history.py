"""What reaches into detached history answers 410 HISTORY_DETACHED, never less than was asked for."""

import pytest


async def code_of(answer):
    return answer.status_code, (await answer.get_json())["error"]["code"]


@pytest.fixture
async def detached(running):
    """A running whose first order's history is detached and whose second's is not."""
    old = await running.order()
    database = running.database
    database.detach_history(
        events=len(database.events),
        transfers=len(database.transfers),
        audit=len(database.audit),
        at=running.system.clock(),
    )
    new = await running.order()
    return running, old, new


async def test_an_orders_events_and_a_ledger(detached):
    running, old, new = detached
    gone = (410, "HISTORY_DETACHED")
    assert gone == await code_of(await running.get(f"/orders/{old}/events"))
    assert 200 == (await running.get(f"/orders/{new}/events")).status_code
    buyer = (await (await running.get(f"/orders/{old}")).get_json())["data"]["buyerId"]
    cursor = running.database.order_events[old][0]
    event_id = running.database.events[cursor - 1].id
    assert gone == await code_of(await running.get(f"/orders/{old}/events?cursor={event_id}"))
    page = await (await running.get(f"/users/{buyer}/ledger")).get_json()
    cursor = page["nextCursor"]
    assert gone == await code_of(await running.get(f"/users/{buyer}/ledger?cursor={cursor}"))
