"""Commits whose end is not known at first: found by reading, never guessed, never reported too early."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import Committed, RefusalKind
from storage.errors import OutcomeUnknown, StorageUnavailable
from storage.postgres.pool import Connection, Pool
from storage.postgres.storage import PostgresStorage, open_postgres_storage
from tests.storage.conftest import execute, random_bytes
from tests.storage.test_contract import commit, figures, new_user, refused
from tests.storage.units import Hands


class UnknownCommits:
    """A pool whose commits lose their answers: before or after the COMMIT has taken effect."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.faults: list[str] = []
        self.lookups_that_fail = 0

    async def commit(
        self, aio_unit: Callable[..., Awaitable[Any]], *args: Any, **named: Any
    ) -> Any:
        if aio_unit.__name__ == "_aio_last_group":
            if self.lookups_that_fail:
                self.lookups_that_fail -= 1
                raise StorageUnavailable("the database is away")
            return await self._pool.commit(aio_unit, *args, **named)
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "before":
            # What the unit noted of its outcomes stands, but its transaction is rolled back.
            async def _aio_roll_back(connection: Connection) -> None:
                async with connection.transaction() as _:
                    await aio_unit(connection, *args)
                    raise RollBack

            with pytest.raises(RollBack):
                await self._pool.commit(_aio_roll_back)
            raise OutcomeUnknown("lost before COMMIT")
        result = await self._pool.commit(aio_unit, *args, **named)
        if fault == "after":
            raise OutcomeUnknown("lost after COMMIT")
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class RollBack(Exception):
    pass


@pytest.fixture
async def unknown(pool: Pool) -> UnknownCommits:
    return UnknownCommits(pool)


@pytest.fixture
async def unsure(unknown: UnknownCommits, hands: Hands) -> PostgresStorage:
    return await open_postgres_storage(
        unknown,  # type: ignore[arg-type]
        random_bytes=random_bytes(),
        clock=hands.clock,
    )


async def test_a_commit_whose_answer_was_lost_is_found_by_reading(
    unknown: UnknownCommits, unsure: PostgresStorage, hands: Hands
) -> None:
    user = await new_user(unsure, hands, "10.0")
    unknown.faults, unknown.lookups_that_fail = ["after"], 2
    first, second = await unsure.commit(
        [hands.reserve(user.id, "1.00"), hands.reserve(user.id, "20.00")]
    )
    assert isinstance(first, Committed)
    assert [event.sequence for event in first.events] == [1]
    assert refused(second) == (RefusalKind.FUNDS, user.id)
    assert await figures(unsure, user.id) == ("9.00", "1.00")


async def test_a_commit_that_was_lost_before_its_effect_is_repeated_once(
    unknown: UnknownCommits, unsure: PostgresStorage, hands: Hands
) -> None:
    user = await new_user(unsure, hands, "10.0")
    unknown.faults = ["before", "before", "none"]
    (outcome,) = await unsure.commit([hands.reserve(user.id, "1.00")])
    assert isinstance(outcome, Committed)
    assert await figures(unsure, user.id) == ("9.00", "1.00")
    assert await unsure.last_sequence() == 1
    unknown.faults = ["before"] * 3
    with pytest.raises(StorageUnavailable):
        await unsure.commit([hands.reserve(user.id, "1.00")])
    assert await figures(unsure, user.id) == ("9.00", "1.00")


async def test_an_outcome_is_never_told_before_it_is_known(
    unknown: UnknownCommits, unsure: PostgresStorage, hands: Hands
) -> None:
    unknown.faults, unknown.lookups_that_fail = ["after"], 1000
    order = hands.order()
    answered = False
    with trio.move_on_after(0.5) as scope:
        await unsure.commit([hands.unit(writes=(order,))])
        answered = True
    assert scope.cancelled_caught
    assert not answered
    assert await unsure.load(Order, order.id) == order
    unknown.lookups_that_fail = 0
    await commit(unsure, hands.unit(writes=(hands.order(),)))


async def test_commits_killed_at_any_instant_are_whole_or_nothing(
    pool: Pool, postgres: PostgresStorage, hands: Hands
) -> None:
    """The server ends our sessions while groups are committed: each outcome is what happened."""
    user = await new_user(postgres, hands, "1000.0")
    stop = trio.Event()
    committed = unavailable = 0

    async def kill() -> None:
        while not stop.is_set():
            await trio.sleep(0.004)
            await execute(
                pool,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND query ~ 'lock_for_commit|COMMIT|new_events' AND state <> 'idle'",
            )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill)
        while committed < 100 or unavailable < 3:
            orders = [hands.order() for _ in range(2)]
            units = [hands.reserve(user.id, "0.01", writes=(order,)) for order in orders]
            try:
                outcomes = await postgres.commit(units)
            except StorageUnavailable:
                unavailable += 1
                assert await postgres.load_many(Order, [order.id for order in orders]) == {}
            else:
                for order, outcome in zip(orders, outcomes, strict=True):
                    there = await postgres.load(Order, order.id) is not None
                    assert there == isinstance(outcome, Committed)
                    committed += there
        stop.set()
    assert await postgres.last_sequence() == committed
    row = await postgres.balance(user.id)
    assert row is not None
    assert row.reserved.stroops == committed * 100_000
