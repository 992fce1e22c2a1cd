"""Wallets: opened on the chain in the background, many at once, whatever happens on the way."""

import pytest
import trio
from attrs import evolve

from actors.lane_parts import XlmPolicy
from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.deposits import CURSOR
from offerhub.domain.intents import ActivateWallets, RefillWallets
from offerhub.domain.money import Money
from offerhub.domain.users import Wallet, WalletRole, WalletStatus
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.actors.purchase import SUBMIT, Market, closing, doomed, failing_at, living, open_market
from tests.simulation.world import Universe, choices, open_outside_account


def activations(universe: Universe) -> list[ChainOperation]:
    rows = universe.database.tables.of(ChainOperation).rows.values()
    return [row for row in rows if row.subject is Subject.ACTIVATION]


async def all_active(market: Market) -> None:
    with trio.fail_after(3600):
        while True:
            wallets = market.universe.database.tables.of(Wallet).rows.values()
            if all(wallet.status is WalletStatus.ACTIVE for wallet in wallets):
                return
            await trio.sleep(0.5)


async def check_each_is_told_once(market: Market) -> None:
    wallets = [
        wallet
        for wallet in market.universe.database.tables.of(Wallet).rows.values()
        if wallet.role is WalletRole.USER
    ]
    reported = [event["payload"]["publicKey"] for event in await market.events("wallet.created")]
    assert sorted(wallet.public_key for wallet in wallets) == sorted(reported)
    for wallet in wallets:
        assert 0 == market.on_chain(wallet.public_key)


async def test_an_active_wallet_stands_on_the_chain_and_is_told(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user")
        account = market.universe.sandbox.engine.account(user.public_key)
        assert account is not None
        state = await market.machine.system.network.account(user.public_key)
        assert state is not None
        assert (Money.zero(), choices().wallet_xlm.level) == (state.usdc, state.xlm_spendable)
        (reported,) = await market.events("wallet.created")
        assert (user.id, True, True) == (
            reported["payload"]["userId"],
            reported["payload"]["funded"],
            reported["payload"]["trustlineReady"],
        )


async def test_many_wallets_are_opened_in_one_transaction(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.machine.tree.bootstrap.done.wait()
        await market.user("first")
        market.universe.sandbox.ledgers.pause()
        for each in range(40):
            await market.new_user(f"user {each}")
        market.universe.sandbox.ledgers.resume()
        await all_active(market)
        intents = [each.intent for each in activations(market.universe)]
        sizes = [len(each.wallets) for each in intents if isinstance(each, ActivateWallets)]
        assert 41 == sum(sizes)
        assert 18 == max(sizes)
        assert len(sizes) <= 7
        await check_each_is_told_once(market)


async def test_no_wallet_is_opened_before_the_watcher_has_its_cursor(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        away = universe.sandbox.faults.add(FaultSpec(FaultKind.ERROR_BEFORE, "GET /", rate=1.0))
        async with living(universe) as market:
            user = await market.new_user("user")
            await trio.sleep(120)
            assert CURSOR not in universe.database.cursors
            assert [] == activations(universe)
            assert WalletStatus.ACTIVATING is (await market.wallet(user)).status
            universe.sandbox.faults.remove(away.id)
            await market.wait_active(user)


POINTS = (
    "wallets.before_plan.activate",
    "lane.before_signed.activate",
    "lane.after_signed.activate",
    "lane.after_submit.activate",
    "wallets.before_effects.activate",
)


@pytest.mark.parametrize("point", POINTS)
async def test_an_activation_survives_a_kill(autojump_clock: object, point: str) -> None:
    """Killed when it was planned, signed, handed in, or on the chain and not yet in the books."""
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, point) as market:
            for each in range(3):
                await market.new_user(f"user {each}")
        async with living(universe) as market:
            await market.user("one more")
            await all_active(market)
            await check_each_is_told_once(market)
            assert {ChainStatus.CONFIRMED} == {each.status for each in activations(universe)}


@pytest.mark.expect_errors
@pytest.mark.parametrize("point", POINTS)
async def test_an_activation_survives_a_crash(autojump_clock: object, point: str) -> None:
    async with open_market() as market, failing_at(point) as crashes:
        for each in range(3):
            await market.new_user(f"user {each}")
        await all_active(market)
        await check_each_is_told_once(market)
        assert 1 == crashes()


async def test_an_activation_whose_envelope_died_comes_again(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.user("first")
        faults = market.universe.sandbox.faults
        lost = faults.add(FaultSpec(FaultKind.CLOSE_BEFORE, SUBMIT, rate=1.0))
        user = await market.new_user("user")
        with trio.fail_after(3600):
            while ChainStatus.EXPIRED not in {e.status for e in activations(market.universe)}:
                await trio.sleep(1)
        faults.remove(lost.id)
        await market.wait_active(user)
        await check_each_is_told_once(market)


async def test_accounts_that_stand_already_are_only_booked(autojump_clock: object) -> None:
    """Their activation reached the chain in a life of which nothing else is left."""
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            user = await market.user("user")
        rows = universe.database.tables.of(Wallet).rows
        wallet = rows[user.wallet_id]
        rows[user.wallet_id] = evolve(wallet, status=WalletStatus.ACTIVATING)
        before = len(activations(universe))
        async with living(universe) as market:
            await market.wait_active(user)
            assert before == len(activations(universe))


async def test_a_refill_serves_many_wallets_in_one_transaction(autojump_clock: object) -> None:
    policy = XlmPolicy(minimum=Money(20_000_000), level=Money(20_000_000))
    chosen = evolve(choices(1), wallet_xlm=policy)
    async with open_market(chosen=chosen) as market:
        users = [await market.user(f"user {each}", "10.00") for each in range(5)]
        outside = open_outside_account(market.universe, "outside")
        for _ in range(2):
            asked = [await market.withdraw(user, "1.00", outside) for user in users]
            for withdrawal in asked:
                await market.ended(withdrawal)
        rows = market.universe.database.tables.of(ChainOperation).rows.values()
        refills = [row for row in rows if row.subject is Subject.REFILL]
        refilled = [each.intent for each in refills if isinstance(each.intent, RefillWallets)]
        assert {user.public_key for user in users} == {
            refill.wallet for each in refilled for refill in each.refills
        }
        assert len(refills) < len(users)


async def test_xlm_is_no_part_of_a_balance(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user")
        balance = await market.storage.balance(user.id)
        assert balance is not None
        assert not balance.total
