"""A new encryption key: every seed comes under it, cut off anywhere, and the old one can go."""

import pytest
from attrs import evolve
from trio.testing import MockClock

from actors import wallet_commands
from actors.sealing import KeyRing, version_of
from actors.wallet_commands import ROTATE
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.users import Wallet
from tests.actors.commanding import command
from tests.actors.purchase import Market, closing, doomed, living
from tests.simulation import world
from tests.simulation.world import ENCRYPTION_KEY, Universe, bytes_from

NEW = b"\x07" * 32
OLD_VERSION, NEW_VERSION = version_of(ENCRYPTION_KEY), version_of(NEW)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch):
    """Gives later lives these keys: the present one, then the old ones."""

    def give(present: bytes, *old: bytes) -> None:
        monkeypatch.setattr(
            world, "KeyRing", lambda _key, random_bytes, _old: KeyRing(present, random_bytes, old)
        )

    monkeypatch.setattr(wallet_commands, "BATCH", 2)
    return give


async def users(market: Market) -> None:
    for name in ("ann", "bob", "cyd"):
        await market.user(name)


def versions(universe: Universe) -> set[str]:
    rows = universe.database.tables.of(Wallet).rows.values()
    return {wallet.seed.key_version for wallet in rows}


async def test_every_seed_comes_under_the_new_key_and_opens_as_before(
    autojump_clock: MockClock, keys
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            await users(market)
        assert {OLD_VERSION} == versions(universe)
        before = list(universe.database.tables.of(Wallet).rows.values())
        keys(NEW, ENCRYPTION_KEY)
        async with living(universe) as market:
            ended = await command(market.storage, ROTATE, {})
            assert ended.result is not None
            assert (len(before), 0) == (ended.result["resealed"], ended.result["leftCount"])
            assert {NEW_VERSION} == versions(universe)
            resealed = [entry["after"]["wallets"] for entry in await market.audit("wallet.reseal")]
            assert {wallet.id for wallet in before} == {each for ids in resealed for each in ids}
            again = await command(market.storage, ROTATE, {})
            assert again.result is not None
            assert 0 == again.result["resealed"]
        ring = KeyRing(NEW, bytes_from("x"))
        for old in before:
            new = universe.database.tables.of(Wallet).rows[old.id]
            seed = KeyRing(ENCRYPTION_KEY, bytes_from("x")).open(old.seed, old.id, old.public_key)
            assert seed == ring.open(new.seed, new.id, new.public_key)
        # The old key is forgotten, and a wallet signs.
        keys(NEW)
        async with living(universe) as market:
            order = await market.reserved_order()
            assert (await market.settled(await market.start_escrow(order))).escrow is not None


@pytest.mark.parametrize("point", ["command.before_reseal", "command.after_reseal"])
async def test_cut_off_it_goes_on_after_the_restart(
    autojump_clock: MockClock, keys, point: str
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            await users(market)
        keys(NEW, ENCRYPTION_KEY)
        async with doomed(universe, point, skip=1) as market:
            await command(market.storage, ROTATE, {})
        assert {OLD_VERSION, NEW_VERSION} == versions(universe)
        async with living(universe) as market:
            await market.user("dan")
            (row,) = universe.database.tables.of(OperatorCommand).rows.values()
            assert CommandState.DONE is row.state
            assert {NEW_VERSION} == versions(universe)


@pytest.mark.expect_errors
async def test_a_seed_that_no_key_opens_is_left_and_told_and_the_old_key_stays_known(
    autojump_clock: MockClock, keys
) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            await users(market)
            checked = await market.storage.setting(wallet_commands.VAULT_CHECK)
        tables = universe.database.tables.of(Wallet)
        strange = next(iter(tables.rows.values()))
        seed = KeyRing(b"\x09" * 32, bytes_from("x")).seal("S", strange.id, strange.public_key)
        tables.rows[strange.id] = evolve(strange, seed=seed)
        keys(NEW, ENCRYPTION_KEY)
        async with living(universe) as market:
            ended = await command(market.storage, ROTATE, {})
            assert ended.result is not None
            assert [strange.id] == ended.result["left"]
            assert checked == await market.storage.setting(wallet_commands.VAULT_CHECK)
