"""The contract of a commit, the same for the twin and for PostgreSQL."""

import pytest
import trio
from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.ledger import Side, books_of
from offerhub.domain.money import BALANCE_MAX, Money
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.unit_of_work import (
    BalanceAfter,
    CommitOutcome,
    Committed,
    CursorMove,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from offerhub.domain.users import User
from storage.port import Storage
from tests.storage.conftest import Store
from tests.storage.units import Hands, written


async def commit(storage: Storage, unit: UnitOfWork) -> Committed:
    """Commit one unit that must not be refused."""
    (outcome,) = await storage.commit([unit], written)
    assert isinstance(outcome, Committed), outcome
    return outcome


async def new_user(storage: Storage, hands: Hands, amount: str | None = None) -> User:
    user = hands.user()
    await commit(storage, hands.unit(writes=(user,)))
    if amount is not None:
        await commit(storage, hands.deposit(user.id, amount))
    return user


async def figures(storage: Storage, user_id: str) -> tuple[str, str]:
    row = await storage.balance(user_id)
    assert row is not None
    return row.available.two_places(), row.reserved.two_places()


def refused(outcome: CommitOutcome) -> tuple[RefusalKind, str]:
    assert isinstance(outcome, Refused), outcome
    return outcome.kind, outcome.subject


async def test_every_kind_of_entity_comes_back_as_it_was(storage: Storage, hands: Hands) -> None:
    entities = (
        hands.order(),
        hands.webhook(),
        hands.user(),
        hands.wallet(),
        hands.operation(),
        hands.withdrawal(),
        hands.hold(),
        hands.parked(),
        hands.settlement("usr_1", "0.2400000"),
        hands.api_key(),
        hands.api_token(),
    )
    await commit(storage, hands.unit(writes=entities))
    assert [await storage.load(type(entity), entity.id) for entity in entities] == [*entities]
    assert await storage.load(Order, "ord_none") is None
    assert await storage.load_many(Order, [entities[0].id, "ord_none"]) == {
        entities[0].id: entities[0]
    }


async def test_an_empty_group_commits_nothing(storage: Storage) -> None:
    assert list(await storage.commit([])) == []


async def test_a_write_counts_on_the_version_that_it_is_based_on(
    storage: Storage, hands: Hands
) -> None:
    order = hands.order()
    await commit(storage, hands.unit(writes=(order,)))
    reserved = evolve(order, version=2, status=OrderStatus.FUNDS_RESERVED)
    await commit(storage, hands.unit(writes=(reserved,)))
    closed = evolve(order, version=2, status=OrderStatus.CLOSED)
    again = evolve(order, version=1)
    ahead = evolve(order, version=4)
    unknown = hands.order(version=2)
    outcomes = await storage.commit(
        [hands.unit(writes=(late,)) for late in (closed, again, ahead, unknown)]
    )
    assert [refused(outcome) for outcome in outcomes] == [
        (RefusalKind.CONFLICT, order.id),
        (RefusalKind.CONFLICT, order.id),
        (RefusalKind.CONFLICT, order.id),
        (RefusalKind.CONFLICT, unknown.id),
    ]
    assert await storage.load(Order, order.id) == reserved


async def test_a_conflict_names_the_entity_that_moved(storage: Storage, hands: Hands) -> None:
    first, second = hands.order(), hands.order()
    await commit(storage, hands.unit(writes=(first, second)))
    await commit(storage, hands.unit(writes=(evolve(second, version=2),)))
    both = hands.unit(writes=(evolve(first, version=2), evolve(second, version=2)))
    (outcome,) = await storage.commit([both])
    assert refused(outcome) == (RefusalKind.CONFLICT, second.id)
    assert await storage.load(Order, first.id) == first


async def test_units_of_one_group_build_on_each_other(storage: Storage, hands: Hands) -> None:
    user = hands.user()
    order = hands.order(buyer_id=user.id)
    outcomes = await storage.commit(
        [
            hands.unit(writes=(user,)),
            hands.unit(writes=(order,)),
            hands.deposit(user.id, "10.0"),
            hands.unit(writes=(evolve(order, version=2, title="second"),)),
            hands.unit(writes=(evolve(order, version=3, title="third"),)),
            hands.reserve(user.id, "4.00"),
        ]
    )
    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    stored = await storage.load(Order, order.id)
    assert stored is not None
    assert (stored.version, stored.title) == (3, "third")
    assert await figures(storage, user.id) == ("6.00", "4.00")


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_the_culprit_of_a_group_fails_alone(
    storage: Storage, hands: Hands, place: int
) -> None:
    user = await new_user(storage, hands, "100.0")
    order = hands.order()
    await commit(storage, hands.unit(writes=(order,)))
    group = [hands.reserve(user.id, "10.00") for _ in range(3)]
    group.insert(place, evolve(hands.reserve(user.id, "1.00"), writes=(order,)))
    outcomes = await storage.commit(group)
    assert refused(outcomes[place]) == (RefusalKind.CONFLICT, order.id)
    assert sum(isinstance(outcome, Committed) for outcome in outcomes) == 3
    assert await figures(storage, user.id) == ("70.00", "30.00")
    assert await storage.last_sequence() == 3


async def test_keys_that_exist_are_taken(storage: Storage, hands: Hands) -> None:
    user, wallet, key = hands.user(), hands.wallet(), hands.api_key()
    order = hands.order(client_order_ref="A-1")
    await commit(storage, hands.unit(writes=(user, wallet, key, order)))
    await commit(storage, hands.deposit(user.id, "1.0", dedupe="op:7"))
    outcomes = await storage.commit(
        [
            hands.unit(writes=(hands.order(client_order_ref="A-1"),)),
            hands.unit(writes=(hands.user(external_user_id=user.external_user_id),)),
            hands.unit(writes=(hands.wallet(public_key=wallet.public_key),)),
            hands.unit(writes=(hands.api_key(digest=key.digest),)),
            hands.deposit(user.id, "1.0", dedupe="op:7"),
            hands.deposit(user.id, "1.0", dedupe="op:8"),
        ]
    )
    assert [refused(outcome) for outcome in outcomes[:5]] == [
        (RefusalKind.TAKEN, "client_order_ref"),
        (RefusalKind.TAKEN, "external_user_id"),
        (RefusalKind.TAKEN, "public_key"),
        (RefusalKind.TAKEN, "digest"),
        (RefusalKind.TAKEN, "dedupe"),
    ]
    assert isinstance(outcomes[5], Committed)
    assert await figures(storage, user.id) == ("2.00", "0.00")


async def test_of_two_units_with_one_key_in_a_group_the_first_has_it(
    storage: Storage, hands: Hands
) -> None:
    group = [hands.unit(writes=(hands.order(client_order_ref="B"),)) for _ in range(2)]
    first, second = await storage.commit(group)
    assert isinstance(first, Committed)
    assert refused(second) == (RefusalKind.TAKEN, "client_order_ref")


async def test_a_user_comes_with_a_balance_of_zeros(storage: Storage, hands: Hands) -> None:
    assert await storage.balance("usr_none") is None
    user = await new_user(storage, hands)
    assert await figures(storage, user.id) == ("0.00", "0.00")


async def test_what_is_not_there_cannot_be_spent_and_nobody_else_pays(
    storage: Storage, hands: Hands
) -> None:
    poor, rich = await new_user(storage, hands, "5.0"), await new_user(storage, hands, "50.0")
    order = hands.order()
    outcomes = await storage.commit(
        [
            hands.reserve(rich.id, "20.00"),
            hands.reserve(poor.id, "5.01", writes=(order,)),
            hands.reserve(poor.id, "5.00"),
            hands.reserve(poor.id, "0.01"),
            hands.reserve(rich.id, "30.00"),
        ]
    )
    assert refused(outcomes[1]) == (RefusalKind.FUNDS, poor.id)
    assert refused(outcomes[3]) == (RefusalKind.FUNDS, poor.id)
    assert [isinstance(outcomes[n], Committed) for n in (0, 2, 4)] == [True, True, True]
    assert await figures(storage, rich.id) == ("0.00", "50.00")
    assert await figures(storage, poor.id) == ("0.00", "5.00")
    assert await storage.load(Order, order.id) is None
    (unknown,) = await storage.commit([hands.reserve("usr_none", "1.00")])
    assert refused(unknown) == (RefusalKind.FUNDS, "usr_none")


async def test_an_old_state_and_a_used_key_are_told_before_a_want_of_funds(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands, "5.0")
    order = hands.order()
    await commit(storage, hands.unit(writes=(order,), idempotency=hands.record("k")))
    stale, repeated = await storage.commit(
        [
            hands.reserve(user.id, "6.00", writes=(order,)),
            hands.reserve(user.id, "6.00", idempotency=hands.record("k")),
        ]
    )
    assert refused(stale) == (RefusalKind.CONFLICT, order.id)
    assert refused(repeated) == (RefusalKind.TAKEN, "idempotency_key")


async def test_a_balance_does_not_pass_the_maximum(storage: Storage, hands: Hands) -> None:
    user = await new_user(storage, hands)
    nearly = BALANCE_MAX - Money.parse("1.00")
    movement = postings.deposit(user.id, nearly, "tx:1")
    await commit(storage, hands.unit(transfers=(hands.transfer(movement),)))
    too_much, fits = await storage.commit(
        [hands.deposit(user.id, "1.0000001"), hands.deposit(user.id, "1.0")]
    )
    assert refused(too_much) == (RefusalKind.LIMIT, user.id)
    assert isinstance(fits, Committed)
    await commit(storage, hands.reserve(user.id, "1.00"))


async def test_money_for_nobody_is_a_fault_that_leaves_nothing(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands)
    (outcome,) = await storage.commit([hands.deposit("usr_none", "1.0")])
    assert isinstance(outcome, Refused)
    assert outcome.kind is RefusalKind.BROKEN
    assert (await storage.books()).accounts == {}
    await commit(storage, hands.deposit(user.id, "1.0"))


async def test_the_outcome_tells_the_balances_after_each_unit(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands, "100.0")
    hands.pass_time(seconds=1)
    first, second = await storage.commit(
        [hands.reserve(user.id, "10.00"), hands.reserve(user.id, "20.00")]
    )
    assert isinstance(first, Committed)
    assert isinstance(second, Committed)
    assert first.balances[user.id].available == Money.parse("90.00")
    assert second.balances[user.id].available == Money.parse("70.00")
    assert second.balances[user.id] == await storage.balance(user.id)
    assert second.balances[user.id].updated_at == hands.now
    assert [event.sequence for event in (*first.events, *second.events)] == [1, 2]
    assert '"reservedBalance":"10.00","availableBalance":"90.00"' in first.events[0].body
    assert '"reservedBalance":"30.00","availableBalance":"70.00"' in second.events[0].body


async def test_a_figure_of_a_balance_that_does_not_move_is_shown_as_it_stands(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands, "7.5")
    event = hands.event(payload={"newBalance": BalanceAfter(user.id, Side.AVAILABLE)})
    reported = await commit(storage, hands.unit(events=(event,)))
    assert '"newBalance":"7.50"' in reported.events[0].body
    assert reported.balances == {}


async def test_the_cursor_moves_only_from_where_it_was_read(storage: Storage, hands: Hands) -> None:
    async def move(before: str | None, after: str) -> CommitOutcome:
        (outcome,) = await storage.commit([hands.unit(cursor=CursorMove("chain", before, after))])
        return outcome

    assert await storage.cursor("chain") is None
    assert refused(await move("5", "6")) == (RefusalKind.CONFLICT, "chain")
    assert isinstance(await move(None, "5"), Committed)
    assert refused(await move(None, "6")) == (RefusalKind.CONFLICT, "chain")
    assert isinstance(await move("5", "6"), Committed)
    assert refused(await move("5", "7")) == (RefusalKind.CONFLICT, "chain")
    group = [hands.unit(cursor=CursorMove("chain", a, b)) for a, b in (("6", "7"), ("7", "8"))]
    assert all(isinstance(outcome, Committed) for outcome in await storage.commit(group))
    assert await storage.cursor("chain") == "8"


async def test_credit_cursor_and_parked_record_are_one_commit(
    storage: Storage, hands: Hands
) -> None:
    user = await new_user(storage, hands)
    unit = evolve(
        hands.deposit(user.id, "1.0"),
        cursor=CursorMove("chain", "wrong", "9"),
        writes=(hands.parked(),),
    )
    (outcome,) = await storage.commit([unit])
    assert refused(outcome) == (RefusalKind.CONFLICT, "chain")
    assert await figures(storage, user.id) == ("0.00", "0.00")
    await commit(storage, evolve(unit, cursor=CursorMove("chain", None, "9")))
    assert await figures(storage, user.id) == ("1.00", "0.00")


async def test_a_newer_process_fences_the_older_one(store: Store, hands: Hands) -> None:
    old = await store.open()
    user = await new_user(old, hands, "10.0")
    new = await store.open()
    outcomes = await old.commit([hands.reserve(user.id, "1.00"), hands.deposit(user.id, "1.0")])
    assert [refused(outcome)[0] for outcome in outcomes] == [RefusalKind.FENCED] * 2
    assert (await old.displaced(), await new.displaced()) == (True, False)
    await commit(new, hands.reserve(user.id, "2.00"))
    assert await figures(old, user.id) == ("8.00", "2.00")


async def test_the_books_are_the_replay_of_the_transfers(storage: Storage, hands: Hands) -> None:
    user = await new_user(storage, hands)
    units = [hands.deposit(user.id, "10.1234567"), hands.reserve(user.id, "4.00")]
    await storage.commit([*units, hands.reserve(user.id, "99.00")])
    books = await storage.books()
    assert books == books_of(transfer for unit in units for transfer in unit.transfers)
    (row,) = await storage.balances()
    assert row.available == books.account(f"available/{user.id}")
    assert row.reserved == books.account(f"reserved/{user.id}")


async def test_a_commit_cancelled_before_it_begins_has_done_nothing(
    storage: Storage, hands: Hands
) -> None:
    order = hands.order()
    with trio.CancelScope() as scope:
        scope.cancel()
        await storage.commit([hands.unit(writes=(order,))])
    assert scope.cancelled_caught
    assert await storage.load(Order, order.id) is None


async def test_facts_of_the_instance_are_put_once(storage: Storage) -> None:
    assert await storage.setting("platform_user") is None
    assert await storage.put_setting("platform_user", "usr_1")
    assert not await storage.put_setting("platform_user", "usr_2")
    assert not await storage.put_setting("platform_user", "usr_1")
    assert await storage.setting("platform_user") == "usr_1"


async def test_storage_that_is_there_answers_a_ping(storage: Storage) -> None:
    assert await storage.ping()
