"""API keys end on time, and what nobody can ask for any more is deleted: the timer's work."""

from datetime import timedelta

import pytest
import trio
from attrs import evolve

from actors import housekeeping
from actors.keys import digest_of
from actors.messages import CreateApiKey, CreateApiToken, KeyCreated, RevokeApiKey
from actors.timer import AGAIN_S
from offerhub.domain.api_keys import ApiKey, ApiToken, Scope
from offerhub.domain.due import CLEAN_UP_PAUSE
from tests.actors.purchase import Market, living
from tests.simulation.world import Universe, choices, now

DAY_S = 24 * 3600.0
SELDOM = evolve(choices(), poll_s=3600.0)
"""Days pass here: the watcher looks seldom, and the chain's ledgers stand still."""

LATEST_S = CLEAN_UP_PAUSE.total_seconds() + AGAIN_S + 1


async def key(market: Market, lives_s: float | None, idempotency: str | None = None) -> KeyCreated:
    return await market.machine.system.keys.ask(
        CreateApiKey(
            name="shop",
            scopes=(Scope.READ,),
            user_id=None,
            expires_at=None if lives_s is None else now() + timedelta(seconds=lives_s),
            trace=market.trace(idempotency),
        )
    )


async def stored(market: Market, created: KeyCreated) -> ApiKey:
    found = await market.storage.load(ApiKey, created.key.id)
    assert found is not None
    return found


async def test_the_expiry_of_a_key_is_recorded_once_when_it_comes(autojump_clock: object) -> None:
    async with living(Universe(seed=1), chosen=SELDOM) as market:
        created, other = await key(market, 100), await key(market, None)
        await trio.sleep(99)
        assert [] == await market.audit("api_key.expire")
        await trio.sleep(2)
        expired_at = (await stored(market, created)).expired_at
        assert expired_at is not None
        assert timedelta() <= expired_at - (created.key.expires_at or now()) < timedelta(seconds=1)
        await trio.sleep(10 * AGAIN_S)
        (entry,) = await market.audit("api_key.expire")
        assert (created.key.id, "system:timer") == (entry["resourceId"], entry["actor"])
        assert (await stored(market, other)).expired_at is None


async def test_a_key_that_expired_while_no_process_lived_is_recorded_by_the_next(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with living(universe, chosen=SELDOM) as market:
        created = await key(market, 100)
    await trio.sleep(500)
    async with living(universe, chosen=SELDOM) as market:
        await trio.sleep(AGAIN_S)
        assert (await stored(market, created)).expired_at is not None
        assert 1 == len(await market.audit("api_key.expire"))


async def test_a_revoked_key_does_not_expire(autojump_clock: object) -> None:
    async with living(Universe(seed=1), chosen=SELDOM) as market:
        created = await key(market, 100)
        await market.machine.system.keys.ask(RevokeApiKey(created.key.id, market.trace()))
        await trio.sleep(200)
        assert [] == await market.audit("api_key.expire")


async def test_a_database_that_is_away_delays_the_record_of_an_expiry(
    autojump_clock: object,
) -> None:
    async with living(Universe(seed=1), chosen=SELDOM) as market:
        created = await key(market, 100)
        await trio.sleep(99.9)
        market.universe.database.available = False
        await trio.sleep(100)
        market.universe.database.available = True
        await trio.sleep(AGAIN_S)
        assert (await stored(market, created)).expired_at is not None


async def test_records_of_answers_are_deleted_after_their_day(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    for kept in (["first"], ["first", "second"], ["second", "third"]):
        async with living(universe, chosen=SELDOM) as market:
            await key(market, None, kept[-1])
            await trio.sleep(LATEST_S)
        assert kept == list(universe.database.idempotency)
        await trio.sleep(12 * 3600)


async def test_a_long_arrear_is_deleted_batch_by_batch(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 3)
    universe = Universe(seed=1)
    async with living(universe, chosen=SELDOM) as market:
        for number in range(10):
            await key(market, None, f"key {number}")
    await trio.sleep(DAY_S)
    async with living(universe, chosen=SELDOM):
        await trio.sleep(LATEST_S)
        assert not universe.database.idempotency


async def test_tokens_are_deleted_some_time_after_their_end(autojump_clock: object) -> None:
    async with living(Universe(seed=1), chosen=SELDOM) as market:
        created = await key(market, None)
        token = await market.machine.system.keys.ask(
            CreateApiToken(created.key.id, 60, market.trace())
        )
        digest = digest_of(token.text)
        await trio.sleep(59)
        assert await market.storage.api_token_by_digest(digest) is not None
        await trio.sleep(LATEST_S)
        assert not market.universe.database.tables.of(ApiToken).rows
