"""Streams as Horizon sends them (docs/spec/stellar-horizon.md §3)."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from stellar_sdk import AccountMerge, Asset, CreateAccount, Payment

from tests.sandbox.chain import FRIENDBOT, keypair
from tests.sandbox.horizon_client import HorizonClient

ALICE, BOB = keypair("alice"), keypair("bob")
HELLO = b'retry: 1000\nevent: open\ndata: "hello"\n\n'
BYEBYE = b'retry: 10\nevent: close\ndata: "byebye"\n\n'


@pytest.fixture
def horizon() -> HorizonClient:
    client = HorizonClient()
    create = [CreateAccount(each.public_key, "100") for each in (ALICE, BOB)]
    assert client.chain.apply(FRIENDBOT, create).successful
    return client


def pay(horizon: HorizonClient) -> None:
    horizon.chain.submit(
        horizon.chain.envelope(ALICE, [Payment(BOB.public_key, Asset.native(), "1")])
    )
    horizon.close_ledger()


def record(event: bytes) -> tuple[str, dict[str, Any]]:
    first, second, _ = event.decode().split("\n", 2)
    assert first.startswith("id: ")
    assert second.startswith("data: ")
    return first.removeprefix("id: "), msgspec.json.decode(second.removeprefix("data: "))


async def drained(stream: AsyncIterator[bytes]) -> list[bytes]:
    return [event async for event in stream]


async def test_a_stream_says_hello_sends_records_and_says_byebye_at_its_limit(
    horizon: HorizonClient,
) -> None:
    hello, first, second, byebye = await drained(await horizon.stream("/payments?limit=2"))

    assert (hello, byebye) == (HELLO, BYEBYE)
    for event in (first, second):
        token, body = record(event)
        assert token == body["paging_token"]


async def test_a_stream_waits_for_ledgers_and_ends_after_its_time(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    async def pay_twice() -> None:
        for _ in range(2):
            await trio.sleep(5)
            pay(horizon)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pay_twice)
        events = await drained(await horizon.stream("/payments?cursor=now"))

    assert events[0] == HELLO
    assert [record(event)[1]["type"] for event in events[1:-1]] == ["payment", "payment"]
    assert events[-1] == BYEBYE
    assert trio.current_time() == pytest.approx(55)


async def test_a_ledger_closed_while_an_event_is_on_its_way_is_not_missed(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    stream = await horizon.stream("/payments?limit=4")
    assert await anext(stream) == HELLO
    assert record(await anext(stream))
    pay(horizon)
    assert record(await anext(stream))
    pay(horizon)

    with trio.fail_after(1):
        assert record(await anext(stream))[1]["type"] == "payment"
        assert record(await anext(stream))[1]["type"] == "payment"
        assert await drained(stream) == [BYEBYE]


async def test_a_stream_goes_on_after_the_last_event_id(horizon: HorizonClient) -> None:
    pay(horizon)
    first = (await horizon.get("/payments?limit=1")).records[0]["id"]
    headers = {"last-event-id": first}

    events = await drained(await horizon.stream("/payments?cursor=0&limit=2", headers))

    assert int(record(events[1])[0]) > int(first)
    assert record(events[2])[1]["type"] == "payment"


async def test_now_is_pinned_when_the_stream_begins(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    stream = await horizon.stream("/payments?cursor=now&limit=1")
    pay(horizon)

    events = await drained(stream)

    assert record(events[1])[1]["type"] == "payment"


async def test_a_stream_may_be_left_at_any_event(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    for count in range(4):
        stream = await horizon.stream("/payments?limit=4")
        for _ in range(count):
            await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    pay(horizon)


async def test_an_account_is_streamed_at_once_and_at_each_change(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    async def pay_and_idle() -> None:
        await trio.sleep(1)
        pay(horizon)
        horizon.close_ledger()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pay_and_idle)
        events = await drained(await horizon.stream(f"/accounts/{BOB.public_key}"))

    assert len(events) == 4
    balances = [
        msgspec.json.decode(event.removeprefix(b"data: "))["balances"][-1]["balance"]
        for event in events[1:-1]
    ]
    assert balances == ["100.0000000", "101.0000000"]


async def test_the_stream_of_an_account_that_vanishes_ends_with_an_error(
    horizon: HorizonClient, autojump_clock: trio.testing.MockClock
) -> None:
    stream = await horizon.stream(f"/accounts/{BOB.public_key}")
    assert await anext(stream) == HELLO
    assert await anext(stream)
    horizon.close_ledger()
    horizon.chain.submit(horizon.chain.envelope(BOB, [AccountMerge(ALICE.public_key)]))
    horizon.close_ledger()

    assert await drained(stream) == [b"event: error\ndata: Resource Missing\n\n"]


async def test_ledgers_and_transactions_are_streamed_too(horizon: HorizonClient) -> None:
    ledgers = await drained(await horizon.stream("/ledgers?limit=1"))
    transactions = await drained(await horizon.stream("/transactions?limit=1"))

    assert record(ledgers[1])[1]["sequence"] == 1
    assert record(transactions[1])[1]["successful"]


async def test_an_error_before_the_first_byte_is_an_ordinary_one(horizon: HorizonClient) -> None:
    nobody = keypair("nobody").public_key
    accept = {"accept": "text/event-stream"}

    assert (await horizon.get(f"/accounts/{nobody}/payments", accept)).status == 404
    assert (await horizon.get(f"/accounts/{nobody}", accept)).status == 404
    assert (await horizon.get("/payments?limit=0", accept)).status == 400
