"""The bootstrap: the platform's accounts are put on the chain once, whenever the process is killed."""

import pytest
import trio
from attrs import evolve

from actors.bootstrap import BootstrapFailed
from actors.tree import prepare
from offerhub.domain.chain import ChainOperation, ChainStatus
from offerhub.domain.users import User, Wallet, WalletRole, WalletStatus
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.actors.purchase import Market, closing, doomed, living, open_market
from tests.actors.test_vault import world_of
from tests.simulation.world import ENCRYPTION_KEY, Universe, choices


async def done(market: Market) -> None:
    with trio.fail_after(3600):
        await market.machine.tree.bootstrap.done.wait()


def platform_wallets(universe: Universe) -> list[Wallet]:
    wallets = universe.database.tables.of(Wallet).rows.values()
    return [wallet for wallet in wallets if wallet.role is not WalletRole.USER]


async def test_the_platform_and_its_channels_stand_after_the_first_start(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=choices(4)) as market:
        await done(market)
        wallets = platform_wallets(market.universe)
        assert 5 == len(wallets)
        assert {WalletStatus.ACTIVE} == {wallet.status for wallet in wallets}
        network = market.machine.system.network
        for wallet in wallets:
            account = await network.account(wallet.public_key)
            assert account is not None
            assert (wallet.role is WalletRole.PLATFORM) == (account.usdc is not None)


async def test_a_second_start_makes_nothing_new(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            await done(market)
        before = platform_wallets(universe), len(universe.database.tables.of(ChainOperation).rows)
        async with living(universe) as market:
            await done(market)
        after = platform_wallets(universe), len(universe.database.tables.of(ChainOperation).rows)
        assert before == after


async def test_more_channels_are_opened_when_the_operator_asks_for_them(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe, chosen=choices(1)) as market:
            await done(market)
        async with living(universe, chosen=choices(3)) as market:
            await done(market)
            assert 4 == len(platform_wallets(universe))
            assert {WalletStatus.ACTIVE} == {each.status for each in platform_wallets(universe)}


@pytest.mark.parametrize("step", ["trust", "open_channels"])
@pytest.mark.parametrize(
    "point", ["before_signed", "after_signed", "before_submit", "after_submit"]
)
async def test_a_kill_on_the_way_opens_each_account_once(
    autojump_clock: object, step: str, point: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with doomed(universe, f"lane.{point}.{step}"):
            pass
        async with living(universe) as market:
            await done(market)
            await market.user("user", "1.00")
            operations = universe.database.tables.of(ChainOperation).rows.values()
            assert {ChainStatus.CONFIRMED} == {each.status for each in operations}
            assert 1 == sum(str(each.step) == step for each in operations)


async def test_a_network_that_is_away_at_the_start_is_waited_for(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    away = universe.sandbox.faults.add(FaultSpec(FaultKind.ERROR_BEFORE, "GET /*", rate=1.0))
    async with closing(universe), living(universe) as market:
        await trio.sleep(100)
        assert market.machine.tree.bootstrap.waits_for is not None
        universe.sandbox.faults.remove(away.id)
        await done(market)
        assert market.machine.tree.bootstrap.waits_for is None


async def test_the_treasury_is_filled_where_there_is_a_faucet(autojump_clock: object) -> None:
    filled: list[str] = []

    async def fill(address: str) -> None:
        filled.append(address)

    async with open_market(chosen=evolve(choices(), fill_treasury=fill)) as market:
        await done(market)
        assert [market.machine.tree.bootstrap._platform.wallet.public_key] == filled


async def test_another_platform_user_than_the_databases_stops_the_start(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    world = world_of(universe, ENCRYPTION_KEY)
    platform = await prepare(world, choices())
    await prepare(world, evolve(choices(), platform_user_id=platform.user.id))
    with pytest.raises(BootstrapFailed, match="PLATFORM_USER_ID"):
        await prepare(world, evolve(choices(), platform_user_id="usr_other"))
    assert 1 == len(universe.database.tables.of(User).rows)
