"""Refusals that repeat are counted into one audit entry: nobody fills the log at his requests' rate."""

import json

import trio
import trio.testing

from tests.web.running import open_instance

ORDERS = [f"ord_{number:021d}" for number in range(200)]


def refusals(running):
    entries = [json.loads(each.canonical) for each in running.database.audit]
    return [each for each in entries if each["result"] == "refused"]


async def cancel(running, order, **more):
    answer = await running.post(f"/orders/{order}/cancel", **more)
    assert 404 == answer.status_code


async def test_repeats_within_a_window_are_one_entry(autojump_clock):
    async with open_instance() as running:
        for _ in range(50):
            await cancel(running, ORDERS[0])
        (first,) = refusals(running)
        assert first["after"] is None

        await trio.sleep(70)

        _, repeats = refusals(running)
        assert ("order.cancel", ORDERS[0], "ORDER_NOT_FOUND") == (
            repeats["action"],
            repeats["resourceId"],
            repeats["error"],
        )
        assert 49 == repeats["after"]["repeats"]


async def test_different_resources_share_the_entry_and_the_next_window_begins_anew(autojump_clock):
    async with open_instance() as running:
        for order in ORDERS:
            await cancel(running, order)
        await trio.sleep(70)
        await cancel(running, ORDERS[7])
        await trio.sleep(70)

        first, repeats, again = refusals(running)

    assert (ORDERS[0], "", ORDERS[7]) == (
        first["resourceId"],
        repeats["resourceId"],
        again["resourceId"],
    )
    assert 199 == repeats["after"]["repeats"]


async def test_another_reason_another_action_and_another_key_have_their_own_entry(autojump_clock):
    async with open_instance() as running:
        reader = {"Authorization": f"Bearer {await running.key('read')}"}
        await cancel(running, ORDERS[0])
        await running.post(f"/orders/{ORDERS[0]}/reserve")
        await running.post(f"/orders/{ORDERS[0]}/cancel", headers=reader)

        assert 3 == len(refusals(running))


async def test_a_fresh_idempotency_key_each_time_fills_the_log_no_faster(autojump_clock):
    async with open_instance() as running:
        for number in range(20):
            await cancel(running, ORDERS[0], key=f"k-{number}")
        answer = await running.post(f"/orders/{ORDERS[0]}/cancel", key="k-7")

        assert "true" == answer.headers["Idempotency-Replayed"]
        assert 1 == len(refusals(running))


async def test_what_is_counted_is_written_when_the_process_stops():
    async with open_instance() as running:
        for _ in range(3):
            await cancel(running, ORDERS[0])
        running.refusing.cancel()
        await trio.testing.wait_all_tasks_blocked()

        assert [None, 2] == [
            each["after"] and each["after"]["repeats"] for each in refusals(running)
        ]


async def test_refusals_beyond_the_room_are_counted_together(autojump_clock):
    async with open_instance(refusal_windows_max=2) as running:
        for path in ("cancel", "reserve", "escrow", "escrow/fund", "escrow/fund"):
            await running.post(f"/orders/{ORDERS[0]}/{path}")
        assert 2 == len(refusals(running))
        await trio.sleep(70)

        *_, rest = refusals(running)

    assert ("request.refuse", 3) == (rest["action"], rest["after"]["repeats"])
    assert "system:refusals" == rest["actor"]


async def test_nothing_goes_unsaid_while_the_database_is_away(autojump_clock):
    async with open_instance() as running:
        await cancel(running, ORDERS[0])
        for _ in range(4):
            await running.post(f"/orders/{ORDERS[0]}/cancel")
        running.database.available = False
        await trio.sleep(70)
        running.database.available = True
        await trio.sleep(70)

        assert [None, 4] == [
            each["after"] and each["after"]["repeats"] for each in refusals(running)
        ]
