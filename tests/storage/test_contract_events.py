"""The append-only part of the contract, the same in the twin and in PostgreSQL: events, audit, keys."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from attrs import evolve

from offerhub.domain.answers import OpenAnswer
from offerhub.domain.errors import DomainError
from offerhub.domain.ledger import Side
from offerhub.domain.money import Money
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import (
    BalanceAfter,
    Committed,
    IdempotencyState,
    RefusalKind,
    Refused,
)
from storage.audit_chain import verify_audit_chain
from storage.port import Storage, StoredClaim, UnknownCursor
from storage.rendering import GENESIS, first_broken
from tests.storage.conftest import Store
from tests.storage.test_contract import commit, new_user, refused
from tests.storage.units import TRACE, Hands, stored, written


async def test_an_event_is_stored_as_one_line_of_json_in_the_documented_shape(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands, "20.0")
    event = hands.event(
        type="order.funds_reserved",
        aggregate_type="Order",
        aggregate_id="ord_1",
        payload={
            "orderId": "ord_1",
            "amount": "5.00",
            "availableBalance": BalanceAfter(user.id, Side.AVAILABLE),
        },
        user_id=user.id,
        order_id="ord_1",
    )
    trace = evolve(TRACE, causation_id="evt_before")
    reported = await commit(
        storage, evolve(hands.reserve(user.id, "5.00"), events=(event,), trace=trace)
    )
    (stored,) = await storage.events_after(0, 10)
    assert reported.events == (stored,)
    assert stored.occurred_at == hands.now
    assert "\n" not in stored.body
    assert stored.body == (
        f'{{"eventId":"{event.id}","eventType":"order.funds_reserved",'
        '"occurredAt":"2026-11-22T12:00:00.123Z","aggregateId":"ord_1","aggregateType":"Order",'
        '"payload":{"orderId":"ord_1","amount":"5.00","availableBalance":"15.00"},'
        '"metadata":{"correlationId":"req_1","causationId":"evt_before",'
        f'"userId":"{user.id}"}}}}'
    )


async def test_the_sequence_has_no_gaps_whatever_is_refused(storage: Storage, hands: Hands) -> None:
    user = await new_user(storage, hands, "2.0")
    order = hands.order()
    await commit(storage, hands.unit(writes=(order,)))
    for _ in range(3):
        await storage.commit(
            [
                hands.reserve(user.id, "0.10"),
                hands.reserve(user.id, "900.00"),
                hands.reserve(user.id, "0.10", writes=(order,)),
                hands.reserve(user.id, "0.10"),
            ]
        )
    events = await storage.events_after(0, 100)
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.sequence for event in await storage.events_after(2, 3)] == [3, 4, 5]
    assert await storage.events_after(6, 10) == []
    assert await storage.last_sequence() == 6
    assert await storage.event_sequence(events[3].id) == 4
    assert await storage.event_sequence("evt_none") is None
    assert (await verify_audit_chain(storage)).entries == 6


async def test_a_moment_gives_the_place_of_the_last_event_before_it(
    storage: Storage, hands: Hands
) -> None:
    start = hands.now
    for _ in range(3):
        await commit(storage, hands.unit(events=(hands.event(),)))
        hands.pass_time(seconds=10)
    assert await storage.sequence_before(start - timedelta(milliseconds=1)) == 0
    assert await storage.sequence_before(start) == 1
    assert await storage.sequence_before(start + timedelta(seconds=15)) == 2
    assert await storage.sequence_before(start + timedelta(days=1)) == 3


async def test_a_moment_leaves_out_no_later_event_though_decisions_overtook_each_other(
    storage: Storage, hands: Hands
) -> None:
    start = hands.now
    for seconds in (10, -5, 1):
        hands.pass_time(seconds=seconds)
        await commit(storage, hands.unit(events=(hands.event(),)))
    assert await storage.sequence_before(start + timedelta(seconds=7)) == 0
    assert await storage.sequence_before(start + timedelta(seconds=10)) == 3


async def test_an_orders_events_are_a_list_of_their_own(storage: Storage, hands: Hands) -> None:
    events = [hands.event(order_id=("ord_1", "ord_2", None)[n % 3]) for n in range(9)]
    await storage.commit([hands.unit(events=(event,)) for event in events])
    mine = [event.id for event in events if event.order_id == "ord_1"][::-1]
    page = await storage.order_events("ord_1", None, 2)
    assert [event.id for event in page.items] == mine[:2]
    assert page.next_cursor == mine[1]
    rest = await storage.order_events("ord_1", page.next_cursor, 2)
    assert [event.id for event in rest.items] == mine[2:]
    assert rest.next_cursor is None
    assert (await storage.order_events("ord_none", None, 2)).items == ()
    with pytest.raises(UnknownCursor):
        await storage.order_events("ord_2", mine[0], 2)


async def test_the_audit_chain_holds_from_its_first_entry(storage: Storage, hands: Hands) -> None:
    assert (await verify_audit_chain(storage)).entries == 0
    trace = hands.claimed(causation_id="chn_1")
    entry = hands.entry(before=None, after={"b": 1, "a": "Ü"}, user_id="usr_1", error=None)
    await commit(storage, hands.unit(trace=trace, audit=(entry, hands.entry())))
    await storage.commit([hands.unit(audit=(hands.entry(),)) for _ in range(5)])
    first, *_ = await storage.audit_after(0, 1)
    assert first.previous_hash == GENESIS
    assert first.canonical.decode() == (
        '{"action":"order.reserve","actor":"key:key_1","after":{"a":"Ü","b":1},'
        '"at":"2026-11-22T12:00:00.123Z","before":null,"causationId":"chn_1",'
        f'"correlationId":"req_1","error":null,"id":"{entry.id}","idempotencyKey":"key-1",'
        '"ip":"192.0.2.1","resourceId":"ord_1","resourceType":"Order","result":"ok",'
        '"sequence":1,"userAgent":"test","userId":"usr_1"}'
    )
    whole = await verify_audit_chain(storage, page=3)
    assert (whole.entries, whole.broken_at) == (7, None)
    assert [entry.sequence for entry in await storage.audit_after(3, 2)] == [4, 5]


async def test_a_tampered_entry_is_found(storage: Storage, hands: Hands) -> None:
    await storage.commit([hands.unit(audit=(hands.entry(),)) for _ in range(4)])
    chain = list(await storage.audit_after(0, 10))
    assert first_broken(chain) is None
    rewritten = evolve(chain[1], canonical=chain[1].canonical.replace(b'"ok"', b'"no"'))
    assert first_broken([chain[0], rewritten, *chain[2:]]) == (
        2,
        "the entry's text is not what was hashed",
    )
    assert first_broken([chain[0], *chain[2:]]) == (2, "the entry is missing")
    forged = evolve(chain[2], previous_hash=GENESIS)
    assert first_broken([*chain[:2], forged]) == (
        3,
        "the entry does not follow the one before",
    )


async def test_the_first_to_write_an_idempotency_key_has_it(storage: Storage, hands: Hands) -> None:
    record = hands.record("k")
    first, second = await storage.commit(
        [
            hands.unit(idempotency=record, writes=(hands.order(),)),
            hands.unit(idempotency=evolve(record, fingerprint="f2"), writes=(hands.order(),)),
        ],
        written,
    )
    assert isinstance(first, Committed)
    assert refused(second) == (RefusalKind.TAKEN, "idempotency_key")
    assert await storage.idempotency("k") == stored(record)
    assert await storage.idempotency("none") is None


async def test_an_operation_that_runs_on_is_answered_under_its_key_at_the_end(
    storage: Storage, hands: Hands
) -> None:
    running = hands.record(
        "k",
        state=IdempotencyState.RUNNING,
        resource_type="Order",
        resource_id="ord_1",
        answer=None,
    )
    await commit(storage, hands.unit(idempotency=running))
    assert await storage.idempotency("k") == stored(running)
    done = evolve(
        running, state=IdempotencyState.DONE, first=False, answer=hands.answer("at the end")
    )
    await commit(storage, hands.unit(idempotency=done))
    assert await storage.idempotency("k") == stored(done)


async def test_a_released_key_can_be_claimed_again(storage: Storage, hands: Hands) -> None:
    running = hands.record("k", state=IdempotencyState.RUNNING)
    released = evolve(running, state=IdempotencyState.RELEASED, first=False)
    again = hands.record("k", fingerprint="f2")
    outcomes = await storage.commit(
        [hands.unit(idempotency=record) for record in (running, released, again)], written
    )
    assert not any(isinstance(outcome, Refused) for outcome in outcomes)
    assert await storage.idempotency("k") == stored(again)
    await commit(storage, hands.unit(idempotency=evolve(released, key="never claimed")))


async def test_a_key_is_free_after_24_hours_and_a_late_end_does_not_touch_it(
    store: Store, hands: Hands
) -> None:
    storage = await store.open()
    old = hands.record("k", state=IdempotencyState.RUNNING)
    await commit(storage, hands.unit(idempotency=old))
    hands.pass_time(hours=24, seconds=-1)
    (early,) = await storage.commit([hands.unit(idempotency=hands.record("k"))], written)
    assert refused(early) == (RefusalKind.TAKEN, "idempotency_key")
    assert await storage.idempotency("k") == stored(old)
    hands.pass_time(seconds=1)
    assert await storage.idempotency("k") is None
    new = hands.record("k", fingerprint="f2")
    await commit(storage, hands.unit(idempotency=new))

    async def end(state: IdempotencyState) -> StoredClaim | None:
        late = evolve(old, state=state, first=False, answer=hands.answer("at the end"))
        await commit(storage, hands.unit(idempotency=late))
        return await storage.idempotency("k")

    assert await end(IdempotencyState.DONE) == stored(new)
    assert await end(IdempotencyState.RELEASED) == stored(new)


async def test_a_system_trace_has_no_key_and_no_address(storage: Storage, hands: Hands) -> None:
    unit = hands.unit(trace=Trace.system("watcher", "req_w"), audit=(hands.entry(),))
    await commit(storage, unit)
    (entry,) = await storage.audit_after(0, 1)
    reported = msgspec.json.decode(entry.canonical)
    assert (reported["actor"], reported["ip"], reported["idempotencyKey"]) == (
        "system:watcher",
        None,
        None,
    )


async def test_an_answer_is_written_with_the_balances_after_its_unit(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands, "100.00")
    units = [
        hands.reserve(user.id, amount, idempotency=hands.record(key))
        for key, amount in (("k1", "30.00"), ("k2", "20.00"))
    ]

    def encode(answer: OpenAnswer, figure: Callable[[BalanceAfter], Money]) -> bytes:
        left = figure(BalanceAfter(user.id, Side.AVAILABLE))
        return f"{answer.action} left {left.two_places()}".encode()

    outcomes = await storage.commit(units, encode)
    texts = [b"order.create left 70.00", b"order.create left 50.00"]
    assert [one.answer for one in outcomes if isinstance(one, Committed)] == texts
    for key, text in zip(("k1", "k2"), texts, strict=True):
        claim = await storage.idempotency(key)
        assert claim is not None
        assert claim.answer == text


async def test_an_answer_that_cannot_be_written_fails_its_own_unit_alone(
    storage: Storage, hands: Hands
) -> None:
    def encode(answer: OpenAnswer, figure: Callable[[BalanceAfter], Money]) -> bytes:
        if isinstance(answer.shows, DomainError) and answer.shows.message == "bad":
            raise TypeError("no JSON")
        return written(answer, figure)

    bad = hands.unit(idempotency=hands.record("k1", answer=hands.answer("bad")))
    good = hands.unit(idempotency=hands.record("k2"))
    first, second = await storage.commit([bad, good], encode)
    assert isinstance(first, Refused)
    assert first.kind is RefusalKind.BROKEN
    assert isinstance(second, Committed)
    assert await storage.idempotency("k1") is None
