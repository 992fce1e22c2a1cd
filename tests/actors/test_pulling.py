"""Lanes pull: what is on the way stands in storage alone, and a pause is obeyed by everyone."""

from datetime import timedelta
from typing import Any

import pytest
import trio
from attrs import evolve

from actors import lane
from actors.journal import JournalClosed
from actors.lane_parts import Wake, XlmPolicy
from actors.recovery import RESUME
from offerhub.domain.chain import ChainOperation, ChainStatus, FailureKind
from offerhub.domain.chain_moves import ALARM, ALARM_AFTER
from offerhub.domain.intents import ActivateWallets, OwnIntent
from offerhub.domain.money import Money
from offerhub.domain.order import Outcome
from offerhub.domain.withdrawal import WithdrawalStatus
from offerhub.providers.stellar.build import build_own
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import StellarUnavailable
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.providers.trustless_work.port import EscrowRefused, ProviderUnavailable
from offerhub.providers.trustless_work.refusals import RefusalKind
from storage.memory import MemoryStorage
from storage.port import StorageUnavailable
from tests.actors.purchase import Market, closing, living, open_market
from tests.actors.test_lane import operations
from tests.simulation.world import Universe, choices, now, open_outside_account


def mailboxes(market: Market) -> dict[str, int]:
    """Messages that wait, by child of the tree."""
    children = market.machine.supervisor.tree().children
    return {child.name: child.mailbox.depth for child in children if child.mailbox is not None}


async def test_an_hour_without_ledgers_grows_nothing_in_memory(autojump_clock: object) -> None:
    """Sixty orders of one buyer: one envelope is followed, and what waits stands in storage."""
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "700.00"), await market.user("seller")
        orders = [
            await market.reserve(await market.order(buyer, seller, "10.00")) for _ in range(60)
        ]
        for order in orders:
            await market.start_escrow(order)
        for order in orders:
            await market.settled(order)
        market.universe.sandbox.ledgers.pause()
        for order in orders:
            await market.start_funding(order)
        await trio.sleep(60)
        tasks = trio.lowlevel.current_statistics().tasks_living
        for _ in range(60):
            await trio.sleep(60)
            assert {0} == set(mailboxes(market).values())
            assert trio.lowlevel.current_statistics().tasks_living <= tasks
        market.universe.sandbox.ledgers.resume()
        for order in orders:
            await market.settled(order)
        await market.check_books()


def refusing_releases(
    monkeypatch: pytest.MonkeyPatch, kind: RefusalKind
) -> tuple[list[float], list[bool]]:
    """Have the provider refuse to build releases; gives when it was asked, and a switch."""
    asked: list[float] = []
    refusing = [True]
    build = TrustlessWorkClient.build

    async def refuse(self: TrustlessWorkClient, intent: object) -> str:
        if refusing[0] and type(intent).__name__ == "ReleaseFunds":
            asked.append(trio.current_time())
            message = "not now"
            raise EscrowRefused(message, kind)
        return await build(self, intent)  # type: ignore[arg-type]

    monkeypatch.setattr(TrustlessWorkClient, "build", refuse)
    return asked, refusing


@pytest.mark.expect_errors
@pytest.mark.parametrize("definitive", [True, False])
async def test_a_release_that_is_always_refused_is_built_ever_more_rarely(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch, definitive: bool
) -> None:
    """Every sweep, wake-up and new life obeys the stored pause; one alarm tells of it."""
    kind = next(each for each in RefusalKind if each.definitive is definitive)
    asked, refusing = refusing_releases(monkeypatch, kind)
    universe = Universe(seed=3)
    async with closing(universe):
        async with living(universe) as market:
            order = await market.funded_order()
            await market.start_release(order)
            began = trio.current_time()
            while trio.current_time() < began + 900:
                await trio.sleep(5)
                market.machine.tree.recovery.sweep_soon()
                market.machine.system.orders.wake(order.id, RESUME)
        async with living(universe) as market:
            await trio.sleep(900)
            assert 25 <= len(asked) <= 50
            (alarm,) = await market.audit(ALARM)
            assert ("alarm", order.id) == (alarm["result"], alarm["after"]["subject"])
            assert ALARM_AFTER == alarm["after"]["failures"]
            refusing[0] = False
            assert Outcome.RELEASED is (await market.settled(order)).outcome
            await market.check_books()


async def test_a_paused_operation_lets_the_lanes_others_pass(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = next(each for each in RefusalKind if not each.definitive)
    _, refusing = refusing_releases(monkeypatch, kind)
    async with open_market() as market:
        order = await market.funded_order()
        await market.start_release(order)
        await trio.sleep(30)
        (paused,) = operations(market.universe, step="release")
        assert ChainStatus.PLANNED is paused.status
        outside = open_outside_account(market.universe, "outside")
        buyer = await market.buyer(order)
        withdrawal = await market.withdraw(buyer, "5.00", outside)
        with trio.fail_after(30):
            assert WithdrawalStatus.COMPLETED is (await market.ended(withdrawal)).status
        refusing[0] = False
        await market.settled(order)


async def test_a_new_life_waits_for_the_end_of_a_pause(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = next(each for each in RefusalKind if each.definitive)
    asked, _ = refusing_releases(monkeypatch, kind)
    universe = Universe(seed=4)
    async with closing(universe):
        async with living(universe) as market:
            order = await market.funded_order()
            await market.start_release(order)
            while len(asked) < 7:
                await trio.sleep(0.5)
            await trio.sleep(1)
        planned = operations(universe, step="release")[-1]
        assert planned.not_before is not None
        assert planned.not_before - now() > timedelta(seconds=10)
        before = len(asked)
        async with living(universe) as market:
            while len(asked) == before:
                await trio.sleep(0.05)
            assert now() >= planned.not_before


async def test_a_lane_that_waits_for_xlm_asks_the_network_nothing(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = XlmPolicy(minimum=Money(20_000_000), level=Money(20_000_000))
    async with open_market(chosen=evolve(choices(), wallet_xlm=policy)) as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        await market.ended(await market.withdraw(user, "10.00", outside))
        read: list[str] = []
        account = HorizonClient.account

        async def counted(self: HorizonClient, address: str) -> object:
            read.append(address)
            return await account(self, address)

        held = trio.Event()
        submit = HorizonClient.submit

        async def hold(self: HorizonClient, envelope: str, tx_hash: str) -> object:
            await held.wait()
            return await submit(self, envelope, tx_hash)

        monkeypatch.setattr(HorizonClient, "account", counted)
        monkeypatch.setattr(HorizonClient, "submit", hold)
        withdrawal = await market.withdraw(user, "10.00", outside)
        await trio.sleep(5)
        assert 1 == read.count(user.public_key)
        await trio.sleep(100)
        assert 1 == read.count(user.public_key)
        held.set()
        assert WithdrawalStatus.COMPLETED is (await market.ended(withdrawal)).status
        assert 2 == read.count(user.public_key)


OUTAGE = {
    "storage is away for its reads": (MemoryStorage, "next_operations", StorageUnavailable("away")),
    "storage is away for its wallet": (
        MemoryStorage,
        "wallets_by_address",
        StorageUnavailable("away"),
    ),
    "the journal ends on its commit": (None, "commit", JournalClosed("ended")),
    "the account cannot be read": (HorizonClient, "account", StellarUnavailable("away")),
    "the network does not tell its state": (HorizonClient, "state", StellarUnavailable("away")),
    "the network does not tell its fee": (
        HorizonClient,
        "fee_per_operation",
        StellarUnavailable("away"),
    ),
    "a hash cannot be looked up": (HorizonClient, "transaction", StellarUnavailable("away")),
    "transfers cannot be read": (HorizonClient, "transfers", StellarUnavailable("away")),
    "the provider does not build": (TrustlessWorkClient, "build", ProviderUnavailable("away")),
    "the provider does not send": (TrustlessWorkClient, "send", ProviderUnavailable("away")),
    "the provider does not refresh": (TrustlessWorkClient, "refresh", ProviderUnavailable("away")),
}


@pytest.mark.parametrize("trouble", OUTAGE)
async def test_nothing_that_storage_or_the_outside_does_kills_a_lane(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Each call fails three times, whoever makes it: handlers and child tasks have one patience."""
    place, name, error = OUTAGE[trouble]
    async with open_market() as market:
        order = await market.reserved_order()
        where = market.machine.tree.journal if place is None else place
        asked = getattr(where, name)
        left = 3

        async def fail(*args: object, **kwargs: object) -> object:
            nonlocal left
            task = trio.lowlevel.current_task().name
            if (left and "lanes/" in task) or (left and name == "refresh"):
                left -= 1
                raise error
            return await asked(*args, **kwargs)

        monkeypatch.setattr(where, name, fail)
        await market.settled(await market.start_escrow(order))
        await market.settled(await market.start_funding(order))
        assert Outcome.RELEASED is (await market.settled(await market.start_release(order))).outcome
        seller = await market.seller(order)
        outside = open_outside_account(market.universe, "outside")
        withdrawal = await market.ended(await market.withdraw(seller, "5.00", outside))
        assert WithdrawalStatus.COMPLETED is withdrawal.status
        await trio.sleep(60)
        assert left < 3
        children = {each.name: each for each in market.machine.supervisor.tree().children}
        assert 0 == children["lanes"].restarts
        await market.check_books()


@pytest.mark.expect_errors
async def test_an_activation_that_keeps_failing_pauses_in_storage_and_is_reported(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [True]
    build = build_own

    def build_nonsense(intent: OwnIntent, *args: Any, **kwargs: Any) -> str:
        if broken[0] and isinstance(intent, ActivateWallets):
            return "AAAA"
        return build(intent, *args, **kwargs)

    monkeypatch.setattr(lane, "build_own", build_nonsense)
    universe = Universe(seed=6)
    async with closing(universe):
        async with living(universe) as market:
            user = await market.new_user("user")
            await trio.sleep(400)
        async with living(universe) as market:
            await trio.sleep(200)
            tried = operations(universe, step="activate")
            assert list(range(1, len(tried) + 1)) == [each.attempt for each in tried]
            assert ALARM_AFTER < len(tried) < 20
            assert 1 == len(await market.audit(ALARM))
            broken[0] = False
            await market.wait_active(user)


async def test_a_lane_woken_for_nothing_reads_and_sleeps(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "5.00")
        lanes = market.machine.tree.lanes
        lanes.wake(user.public_key, Wake.WORK)
        await trio.sleep(200)
        assert 0 == lanes.statistics_of(user.public_key).depth
        rows = market.universe.database.tables.of(ChainOperation).rows.values()
        assert not [row for row in rows if row.is_open]
        failures = {row.failure.kind for row in rows if row.failure is not None}
        assert not failures & set(FailureKind)


async def test_a_lane_without_other_work_takes_a_new_operation_without_reading_it_back(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    next_operations = MemoryStorage.next_operations

    async def counted(self: MemoryStorage, source: str, *rest: Any) -> Any:
        read.append(source)
        return await next_operations(self, source, *rest)

    monkeypatch.setattr(MemoryStorage, "next_operations", counted)
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        await market.ended(await market.withdraw(user, "10.00", outside))
        once = read.count(user.public_key)
        assert once
        await market.ended(await market.withdraw(user, "10.00", outside))
        assert once == read.count(user.public_key)
        # Of two that come while it is at work it takes neither for the only one.
        several = [await market.withdraw(user, "5.00", outside) for _ in range(3)]
        for each in several:
            assert WithdrawalStatus.COMPLETED is (await market.ended(each)).status
        assert once < read.count(user.public_key)
        await market.check_books()
