"""What comes due is found in its order, and what has perished is deleted: both storages alike."""

from datetime import timedelta

from attrs import evolve

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.due import (
    CLEAN_UP_PAUSE,
    COMMANDS_KEPT,
    WEBHOOKS_KEPT,
    Due,
    DueKind,
    Perishable,
)
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.unit_of_work import IDEMPOTENCY_LIFETIME, RefusalKind
from storage.port import Storage
from tests.storage.test_contract import commit, refused
from tests.storage.units import Hands


async def key_ending(storage: Storage, hands: Hands, **ends_in: float) -> ApiKey:
    key = hands.api_key(expires_at=hands.now + timedelta(**ends_in))
    await commit(storage, hands.unit(writes=(key,)))
    return key


async def claim(storage: Storage, hands: Hands, key: str) -> None:
    await commit(storage, hands.unit(idempotency=hands.record(key)))


async def test_what_comes_due_is_in_the_order_of_its_moments(
    storage: Storage, hands: Hands
) -> None:
    late = await key_ending(storage, hands, hours=2)
    early = await key_ending(storage, hands, hours=1)
    await commit(storage, hands.unit(writes=(hands.api_key(), hands.order(), hands.user())))
    found = await storage.due(None, 10)
    assert [early.id, late.id] == [due.owner for due in found]
    assert [early.expires_at, late.expires_at] == [due.at for due in found]
    assert {DueKind.API_KEY} == {due.kind for due in found}


async def test_a_page_begins_behind_a_place_and_is_no_longer_than_asked(
    storage: Storage, hands: Hands
) -> None:
    ids = [(await key_ending(storage, hands, hours=1)).id for _ in range(5)]
    first = await storage.due(None, 2)
    second = await storage.due(first[-1], 2)
    third = await storage.due(second[-1], 2)
    assert sorted(ids) == [due.id for page in (first, second, third) for due in page]
    assert [] == list(await storage.due(third[-1], 2))


async def test_what_is_settled_does_not_come_due_any_more(storage: Storage, hands: Hands) -> None:
    revoked = await key_ending(storage, hands, hours=1)
    expired = await key_ending(storage, hands, hours=1)
    writes = (
        evolve(revoked, version=2, revoked_at=hands.now),
        evolve(expired, version=2, expired_at=hands.now),
    )
    await commit(storage, hands.unit(writes=writes))
    assert [] == list(await storage.due(None, 10))


async def test_a_moment_that_moves_moves_what_comes_due(storage: Storage, hands: Hands) -> None:
    key = await key_ending(storage, hands, hours=1)
    moved = evolve(key, version=2, expires_at=hands.now + timedelta(hours=3))
    await commit(storage, hands.unit(writes=(moved,)))
    (due,) = await storage.due(None, 10)
    assert moved.expires_at == due.at


async def test_the_oldest_record_stands_for_the_clean_up_of_all(
    storage: Storage, hands: Hands
) -> None:
    began = hands.now
    for key in ("one", "two", "three"):
        await claim(storage, hands, key)
        hands.pass_time(minutes=1)
    (due,) = await storage.due(None, 10)
    assert (DueKind.CLEAN_UP, "idempotency") == (due.kind, due.owner)
    assert began + IDEMPOTENCY_LIFETIME + CLEAN_UP_PAUSE == due.at
    assert [] == list(await storage.due(due, 10))


async def test_the_clean_up_of_tokens_comes_after_the_first_has_expired(
    storage: Storage, hands: Hands
) -> None:
    token = hands.api_token()
    await commit(storage, hands.unit(writes=(token, hands.api_token(expires_at=hands.now))))
    (due,) = await storage.due(None, 10)
    assert (DueKind.CLEAN_UP, "api_tokens") == (due.kind, due.owner)
    assert hands.now + CLEAN_UP_PAUSE == due.at


async def test_a_record_is_deleted_when_its_day_is_over_and_not_before(
    storage: Storage, hands: Hands
) -> None:
    await claim(storage, hands, "old")
    hands.pass_time(hours=1)
    await claim(storage, hands, "young")
    hands.pass_time(hours=23)
    assert 1 == await storage.clean_up(Perishable.IDEMPOTENCY, hands.now, 100)
    assert await storage.idempotency("young") is not None
    hands.pass_time(minutes=59)
    assert 0 == await storage.clean_up(Perishable.IDEMPOTENCY, hands.now, 100)
    hands.pass_time(minutes=1)
    assert 1 == await storage.clean_up(Perishable.IDEMPOTENCY, hands.now, 100)
    assert [] == list(await storage.due(None, 10))


async def test_a_clean_up_takes_the_oldest_and_no_more_than_asked(
    storage: Storage, hands: Hands
) -> None:
    for key in ("one", "two", "three"):
        await claim(storage, hands, key)
        hands.pass_time(minutes=1)
    hands.pass_time(hours=24)
    assert 2 == await storage.clean_up(Perishable.IDEMPOTENCY, hands.now, 2)
    (due,) = await storage.due(None, 10)
    assert hands.now - timedelta(minutes=1) + CLEAN_UP_PAUSE == due.at
    assert 1 == await storage.clean_up(Perishable.IDEMPOTENCY, hands.now, 2)


async def test_a_key_whose_day_is_over_can_be_claimed_before_and_after_its_clean_up(
    storage: Storage, hands: Hands
) -> None:
    await claim(storage, hands, "before")
    await claim(storage, hands, "after")
    hands.pass_time(hours=24)
    await claim(storage, hands, "before")
    assert 1 == await storage.clean_up(Perishable.IDEMPOTENCY, hands.now, 100)
    await claim(storage, hands, "after")
    for key in ("before", "after"):
        record = await storage.idempotency(key)
        assert record is not None
        assert hands.now == record.created_at


async def test_expired_tokens_are_deleted_and_others_stay(storage: Storage, hands: Hands) -> None:
    dead, alive = hands.api_token(expires_at=hands.now), hands.api_token()
    await commit(storage, hands.unit(writes=(dead, alive)))
    assert 1 == await storage.clean_up(Perishable.API_TOKENS, hands.now, 100)
    assert await storage.load(ApiToken, dead.id) is None
    assert await storage.api_token_by_digest(dead.digest) is None
    assert alive == await storage.load(ApiToken, alive.id)


async def test_a_webhook_is_due_until_it_has_ended_and_its_event_is_known_until_it_is_deleted(
    storage: Storage, hands: Hands
) -> None:
    webhook = hands.webhook(not_before=hands.now)
    await commit(storage, hands.unit(writes=(webhook,)))
    assert [Due(hands.now, webhook.id, DueKind.WEBHOOK, webhook.id)] == list(
        await storage.due(None, 10)
    )
    again = hands.unit(writes=(hands.webhook(),))
    assert (RefusalKind.TAKEN, "webhook_event") == refused((await storage.commit([again]))[0])
    other = hands.unit(writes=(hands.webhook(source="airtm"),))
    await commit(storage, other)

    ended = evolve(webhook, version=2, not_before=None, ended_at=hands.now)
    await commit(storage, hands.unit(writes=(ended,)))
    (due,) = await storage.due(None, 10)
    assert (DueKind.CLEAN_UP, "webhooks") == (due.kind, due.owner)
    assert hands.now + WEBHOOKS_KEPT + CLEAN_UP_PAUSE == due.at
    hands.pass_time(days=31)
    assert 1 == await storage.clean_up(Perishable.WEBHOOKS, hands.now, 100)
    await commit(storage, again)


async def test_a_command_that_has_ended_is_deleted_after_a_month_and_an_open_one_never(
    storage: Storage, hands: Hands
) -> None:
    ended, open_ = hands.command(), hands.command()
    await commit(storage, hands.unit(writes=(ended, open_)))
    await commit(storage, hands.unit(writes=(ended.done({}, hands.now),)))
    (due,) = await storage.due(None, 10)
    assert (DueKind.CLEAN_UP, "operator_commands") == (due.kind, due.owner)
    assert hands.now + COMMANDS_KEPT + CLEAN_UP_PAUSE == due.at
    hands.pass_time(days=31)
    assert 1 == await storage.clean_up(Perishable.COMMANDS, hands.now, 100)
    assert [open_] == list(await storage.open_commands(10))
    assert None is await storage.load(OperatorCommand, ended.id)
