"""What the twin has for tests and the simulation beyond the contract."""

import pytest
import trio
from trio.testing import MockClock

from offerhub.domain.ledger import check_identities
from offerhub.domain.unit_of_work import CommitOutcome, RefusalKind
from storage.memory import MemoryDatabase, MemoryStorage
from storage.port import Storage, StorageUnavailable
from tests.storage.test_contract import commit, new_user, refused
from tests.storage.units import Hands


async def test_it_is_a_storage(hands: Hands) -> None:
    storage: Storage = MemoryStorage(MemoryDatabase(), hands.clock)
    assert await storage.ping()


async def test_checks_run_after_every_committed_unit(hands: Hands) -> None:
    seen: list[int] = []

    def check(database: MemoryDatabase) -> None:
        check_identities(database.replay(), "usr_platform")
        seen.append(len(database.transfers))

    storage = MemoryStorage(MemoryDatabase(on_commit=check), hands.clock)
    user = await new_user(storage, hands, "10.0")
    await storage.commit([hands.reserve(user.id, amount) for amount in ("1.00", "99.00", "2.00")])
    assert seen == [0, 1, 2, 3]


async def test_it_can_be_away(hands: Hands) -> None:
    database = MemoryDatabase()
    storage = MemoryStorage(database, hands.clock)
    user = await new_user(storage, hands, "10.0")
    database.available = False
    with pytest.raises(StorageUnavailable):
        await storage.commit([hands.reserve(user.id, "1.00")])
    with pytest.raises(StorageUnavailable):
        await storage.balance(user.id)
    assert not await storage.ping()
    database.available = True
    await commit(storage, hands.reserve(user.id, "1.00"))


async def test_a_process_killed_in_a_commit_is_fenced_when_another_has_started(
    autojump_clock: MockClock, hands: Hands
) -> None:
    database = MemoryDatabase()
    user = await new_user(MemoryStorage(database, hands.clock), hands, "10.0")
    old = MemoryStorage(database, hands.clock, latency_s=lambda: 1.0)
    outcomes: list[CommitOutcome] = []

    async def commit_late() -> None:
        outcomes.extend(await old.commit([hands.reserve(user.id, "1.00")]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(commit_late)
        await trio.sleep(0.5)
        nursery.cancel_scope.cancel()
        MemoryStorage(database, hands.clock)
    assert refused(outcomes[0]) == (RefusalKind.FENCED, "")
    assert database.events == []
