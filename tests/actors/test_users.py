"""Users: one for each external id, however often and however fast it is asked for."""

import pytest
import trio

from actors.kernel import ActorCrashed
from actors.messages import CreateUser
from actors.recovery import SWEEP_S
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.unit_of_work import IdempotencyState
from offerhub.domain.users import User, UserType, Wallet
from tests.actors.purchase import closing, failing_at, living, open_market
from tests.simulation.world import Universe
from web.answers import read_text


async def test_the_same_external_id_gives_the_same_user(autojump_clock: object) -> None:
    async with open_market() as market:
        found: list[tuple[str, bool]] = []

        async def create() -> None:
            created = await market.machine.system.users.ask(
                CreateUser("ext-1", "a@example.com", UserType.BUYER, {}, market.trace())
            )
            found.append((created.user.id, created.new))

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(create)
        assert 1 == len({user_id for user_id, _ in found})
        assert 1 == sum(new for _, new in found)
        reported = [
            each["payload"]["externalUserId"] for each in await market.events("user.created")
        ]
        assert 1 == reported.count("ext-1")


async def test_a_user_is_found_again_after_a_restart(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            first = await market.new_user("ext-1")
        async with living(universe) as market:
            assert first == await market.new_user("ext-1")


async def test_each_user_has_a_wallet_and_a_seed_of_its_own(autojump_clock: object) -> None:
    async with open_market() as market:
        users = [await market.new_user(f"user {each}") for each in range(20)]
        wallets = [await market.wallet(user) for user in users]
        assert 20 == len({wallet.public_key for wallet in wallets})
        assert 20 == len({wallet.seed.ciphertext for wallet in wallets})
        assert 20 == len({wallet.seed.nonce for wallet in wallets})
        assert [user.id for user in users] == [wallet.user_id for wallet in wallets]


async def test_a_users_creation_is_kept_under_its_key(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.machine.system.users.ask(
            CreateUser("ext-1", None, UserType.BOTH, {}, market.trace("key", "user.create"))
        )
        record = await market.storage.idempotency("key")
        assert record is not None
        assert IdempotencyState.DONE is record.state
        assert record.answer is not None
        assert 201 == read_text(record.answer).status


async def test_with_the_database_away_nobody_is_created(autojump_clock: object) -> None:
    async with open_market() as market:
        database = market.universe.database
        users = len(database.tables.of(User).rows)
        database.available = False
        with pytest.raises(DomainError) as refused:
            await market.new_user("user")
        assert ErrorCode.SERVICE_UNAVAILABLE is refused.value.code
        database.available = True
        assert users == len(database.tables.of(User).rows)
        assert (await market.new_user("user")).external_user_id == "user"


async def test_what_a_user_is_carries_no_seed(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.new_user("user")
        wallet = await market.storage.load(Wallet, user.wallet_id)
        assert wallet is not None
        reported = (
            repr(await market.events()) + repr(await market.audit()) + repr(user) + repr(wallet)
        )
        assert wallet.seed.ciphertext.hex() not in reported
        assert repr(wallet.seed.ciphertext) not in reported


@pytest.mark.expect_errors
@pytest.mark.parametrize("repeated", [False, True])
async def test_a_wallet_whose_wake_up_was_lost_with_a_crash_becomes_active(
    repeated: bool, autojump_clock: object
) -> None:
    """The user is committed, the crash comes before the wallets' actor hears of its wallet.

    Recovery's next sweep takes it up; whoever repeats the creation need not wait for it.
    """
    async with open_market() as market:
        await market.user("first")
        async with failing_at("journal.after_commit") as crashes:
            with pytest.raises(ActorCrashed):
                await market.new_user("user")
            assert 1 == crashes()
        (user,) = [
            each
            for each in market.universe.database.tables.of(User).rows.values()
            if each.external_user_id == "user"
        ]
        if repeated:
            assert user == await market.new_user("user")
        with trio.fail_after(SWEEP_S / 2 if repeated else 2 * SWEEP_S):
            await market.wait_active(user)
