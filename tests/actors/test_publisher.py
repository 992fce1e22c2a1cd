"""The hub and the publisher: every event once and in order, whoever is slow, away or crashes."""

import pytest
import trio
from structlog.testing import LogCapture
from trio.testing import wait_all_tasks_blocked

from actors.event_filter import EventFilter, Names, NoPattern
from actors.kernel import ChildSpec, Service, Supervisor
from actors.publisher import EventHub, Publisher, SubscriptionClosed
from offerhub.domain.errors import DomainError, ErrorCode
from storage.port import StorageUnavailable
from storage.redis import BufferedEvent
from tests.actors.events import Market, received


class Buffer:
    """A Redis that remembers what it was given, and can hang or fail."""

    def __init__(self) -> None:
        self.events: dict[int, bytes] = {}
        self.asked: list[tuple[int, int]] = []
        self.gate = trio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def push_events(self, events) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.events.update({event.sequence: event.payload for event in events})

    async def events_between(self, after: int, until: int):
        self.asked.append((after, until))
        wanted = range(after + 1, until + 1)
        if not all(sequence in self.events for sequence in wanted):
            return None
        return tuple(BufferedEvent(sequence, self.events[sequence]) for sequence in wanted)


async def test_a_subscriber_gets_what_is_committed_after_it_came_in_the_order_of_commits():
    async with Market().running() as market:
        await market.commit(3)
        await wait_all_tasks_blocked()
        subscription = market.hub.subscribe()
        await market.commit(2)
        await market.commit()
        assert [4, 5, 6] == await received(subscription, 3)


async def test_a_subscriber_gets_the_committed_text_as_it_is():
    async with Market().running() as market:
        subscription = market.hub.subscribe()
        await market.commit()
        (delivered,) = await subscription.receive()
        assert market.database.events[0].body == delivered.body
        assert ("order.created", "Order", 1) == (
            delivered.type,
            delivered.aggregate_type,
            delivered.sequence,
        )


async def test_publish_never_waits_and_nothing_is_lost_before_the_publisher_runs():
    market = Market()
    await market.elsewhere(2)
    market.hub.publish(market.database.events)
    async with market.running():
        assert [1, 2] == await received(market.hub.subscribe(after=0), 2)


async def test_a_replay_goes_over_into_the_live_stream_without_a_gap_or_a_repeat(autojump_clock):
    market = Market(kept_max=16)
    await market.elsewhere(500)
    async with market.running(), trio.open_nursery() as nursery:
        for place in (0, 1, 250, 499, 500):
            subscription = market.hub.subscribe(after=place)

            async def read(subscription=subscription, place=place) -> None:
                found = await received(subscription, 540 - place)
                assert list(range(place + 1, 541)) == found

            nursery.start_soon(read)
        for _ in range(40):
            await trio.sleep(0.01)
            await market.commit()


async def test_events_of_another_process_are_told_within_a_look(autojump_clock):
    async with Market(look_s=1.0).running() as market:
        subscription = market.hub.subscribe()
        await market.elsewhere(450)
        before = trio.current_time()
        assert list(range(1, 451)) == await received(subscription, 450)
        assert trio.current_time() - before <= 1.0


async def test_a_gap_before_our_own_event_is_read_from_storage_at_once(autojump_clock):
    async with Market(look_s=1000).running() as market:
        subscription = market.hub.subscribe()
        await market.commit()
        await market.elsewhere(2)
        await market.commit()
        await market.elsewhere()
        await market.commit()
        assert [1, 2, 3, 4, 5, 6] == await received(subscription, 6)
        assert trio.current_time() < 100


async def test_events_that_come_out_of_order_or_twice_are_told_once_and_in_order(autojump_clock):
    async with Market().running() as market:
        subscription = market.hub.subscribe()
        await market.elsewhere(5)
        events = market.database.events
        market.hub.publish(events[3:5])
        market.hub.publish(events[0:2])
        market.hub.publish(events[1:4])
        await market.commit()
        assert [1, 2, 3, 4, 5, 6] == await received(subscription, 6)


async def test_more_events_than_the_inbox_holds_are_read_from_storage(autojump_clock):
    market = Market(kept_max=8)
    async with market.running():
        subscription = market.hub.subscribe()
        await market.elsewhere(6)
        market.hub.publish(market.database.events)
        assert list(range(1, 7)) == await received(subscription, 6)
        await market.elsewhere(30)
        market.hub.publish(market.database.events[6:])
        await trio.sleep(0.1)
        fresh = market.hub.subscribe(after=0)
        assert list(range(1, 37)) == await received(fresh, 36)


async def test_with_the_database_away_the_hub_waits_and_then_goes_on(autojump_clock):
    async with Market().running() as market:
        subscription = market.hub.subscribe()
        await market.elsewhere(3)
        market.database.available = False
        market.hub.publish(market.database.events[2:])
        await trio.sleep(20)
        market.database.available = True
        assert [1, 2, 3] == await received(subscription, 3)


async def test_a_replay_without_the_database_fails_and_loses_nothing(autojump_clock):
    market = Market(kept_max=4)
    await market.elsewhere(10)
    async with market.running():
        subscription = market.hub.subscribe(after=2)
        market.database.available = False
        with pytest.raises(StorageUnavailable):
            await subscription.receive()
        market.database.available = True
        assert list(range(3, 11)) == await received(subscription, 8)


async def test_a_cancelled_receive_loses_nothing(autojump_clock):
    async with Market().running() as market:
        subscription = market.hub.subscribe()
        with trio.move_on_after(0.5):
            await subscription.receive()
        await market.commit(2)
        assert [1, 2] == await received(subscription, 2)


async def test_a_slow_subscriber_is_closed_and_misses_nothing_when_it_comes_back():
    async with Market(kept_max=10).running() as market:
        slow, quick = market.hub.subscribe(), market.hub.subscribe()
        await market.commit()
        assert [1] == await received(slow, 1)
        assert [1] == await received(quick, 1)
        for sequence in range(2, 14):
            await market.commit()
            assert [sequence] == await received(quick, 1)
        with pytest.raises(SubscriptionClosed) as closed:
            await slow.receive()
        assert closed.value.too_slow
        assert 1 == market.hub.statistics().subscribers
        again = market.hub.subscribe(after=1)
        assert list(range(2, 14)) == await received(again, 12)


async def test_the_ring_is_bounded_whoever_does_not_read():
    async with Market(kept_max=10).running() as market:
        market.hub.subscribe()
        for _ in range(50):
            await market.commit()
        await wait_all_tasks_blocked()
        assert 10 == market.hub.statistics().kept
        assert 0 == market.hub.statistics().waiting


async def test_filters_combine():
    orders = EventFilter(Names.parse(["order.*", "balance.credited"]), Names.parse(["Order"]))
    async with Market().running() as market:
        subscription = market.hub.subscribe(filter=orders)
        await market.commit(type="order.created")
        await market.commit(type="order.released", aggregate="Escrow")
        await market.commit(type="balance.credited", aggregate="Balance")
        await market.commit(type="orders.other")
        await market.commit(type="balance.credited", aggregate="Order")
        assert [1, 5] == await received(subscription, 2)


@pytest.mark.parametrize(
    ("patterns", "fits", "does_not"),
    [
        ("*", ["order.created", "x"], []),
        ("", ["order.created"], []),
        ("order.*", ["order.created", "order.a.b"], ["order", "orders.created", "escrow.created"]),
        ("order.created", ["order.created"], ["order.created_twice", "order"]),
        ("order.*,balance.credited", ["order.x", "balance.credited"], ["balance.debited"]),
        ("user.created,*", ["order.created"], []),
    ],
)
def test_names_prefixes_and_the_star(patterns, fits, does_not):
    names = Names.parse(patterns.split(",") if patterns else [])
    assert all(names.have(name) for name in fits)
    assert not any(names.have(name) for name in does_not)


@pytest.mark.parametrize(
    "pattern", ["", "order*", "*.created", ".*", "order..x", "a b", "order.*.*"]
)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(NoPattern):
        Names.parse([pattern])


async def test_a_hub_without_a_publisher_says_that_the_stream_is_not_up():
    with pytest.raises(DomainError) as refused:
        Market().hub.subscribe()
    assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code


async def test_closing_wakes_a_waiting_subscriber_and_refuses_new_ones_until_opened():
    async with Market().running() as market, trio.open_nursery() as nursery:
        subscription = market.hub.subscribe()

        async def wait() -> None:
            with pytest.raises(SubscriptionClosed) as closed:
                await subscription.receive()
            assert not closed.value.too_slow

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        market.hub.close_subscriptions()
        with pytest.raises(DomainError):
            market.hub.subscribe()
        await market.commit()  # later events reach nobody
        await wait_all_tasks_blocked()
        market.hub.open_subscriptions()
        assert [1] == await received(market.hub.subscribe(after=0), 1)


async def test_a_crashed_publisher_is_restarted_and_nothing_is_lost_or_repeated(autojump_clock):
    market = Market()
    crashes: list[str] = []
    fail = [3, 7]

    def deliver_or_crash(events, deliver=market.hub.deliver) -> None:
        if events and fail and events[-1].sequence >= fail[0]:
            fail.pop(0)
            raise RuntimeError("boom")
        deliver(events)

    market.hub.deliver = deliver_or_crash  # type: ignore[method-assign]
    tree = Supervisor(
        "root",
        [
            ChildSpec(Service("publisher", market.publisher.run)),
            ChildSpec(Service("journal", market.journal.run)),
        ],
        random=lambda: 0.5,
        on_crash=lambda name, error: crashes.append(f"{name}: {type(error).__name__}"),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(tree.run)
        subscription = market.hub.subscribe()
        for _ in range(10):
            await market.commit()
            await trio.sleep(0.05)
        assert list(range(1, 11)) == await received(subscription, 10)
        tree.request_stop()
    assert ["publisher: RuntimeError"] * 2 == crashes


async def test_redis_gets_a_copy_and_serves_the_replay_after_a_restart(autojump_clock):
    buffer = Buffer()
    async with Market(buffer=buffer).running() as market:
        await market.commit(30)
        await trio.sleep(1)
    assert list(range(1, 31)) == sorted(buffer.events)
    hub = EventHub(market.storage, buffer)
    async with trio.open_nursery() as nursery:
        await nursery.start(Publisher(hub, market.storage, buffer).run)
        subscription = hub.subscribe(after=10)
        bodies = [delivered.body for delivered in await subscription.receive()]
        assert [event.body for event in market.database.events[10:]] == bodies
        assert [(10, 30)] == buffer.asked
        nursery.cancel_scope.cancel()


async def test_a_hole_in_redis_is_filled_from_storage(autojump_clock):
    buffer = Buffer()
    market = Market(buffer=buffer)
    await market.elsewhere(30)
    buffer.events = {20: market.database.events[19].body.encode()}
    async with market.running():
        assert list(range(1, 31)) == await received(market.hub.subscribe(after=0), 30)


async def test_a_redis_that_hangs_delays_no_subscriber(autojump_clock):
    buffer = Buffer()
    buffer.gate = trio.Event()
    async with Market(buffer=buffer).running() as market:
        subscription = market.hub.subscribe()
        for sequence in range(1, 5):
            await market.commit()
            assert [sequence] == await received(subscription, 1)
        assert 0 == trio.current_time()
        await trio.sleep(20)
        buffer.gate.set()
        await market.commit()
        await trio.sleep(1)
        assert 5 in buffer.events


async def test_a_redis_that_fails_is_told_and_crashes_nothing(
    autojump_clock, no_unexpected_errors: LogCapture
):
    buffer = Buffer()
    buffer.error = RuntimeError("redis://user:secret@host is away")
    async with Market(buffer=buffer).running() as market:
        subscription = market.hub.subscribe()
        await market.commit()
        assert [1] == await received(subscription, 1)
        await trio.sleep(1)
        (entry,) = no_unexpected_errors.entries
        assert "publisher.buffer_failed" == entry["event"]
        assert "secret" not in entry["error"]
