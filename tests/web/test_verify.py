"""A user's balance against the chain, over HTTP."""

import pytest

from tests.web.test_holds import data_of, refusal_of

NOBODY = "usr_000000000000000000001"
CALLS = (("GET", "verify"), ("POST", "sync"))


async def asked(running, method, user_id, call, **more):
    return await running.request(method, f"/users/{user_id}/balance/{call}", **more)


@pytest.mark.shows("GET /users/{id}/balance/verify", "POST /users/{id}/balance/sync")
@pytest.mark.parametrize(("method", "call"), CALLS)
async def test_both_sides_and_what_is_between_them_are_shown(running, method, call):
    user = await running.user()
    await running.deposit(user, "12.34")  # what the test's network shows of every wallet

    data = await data_of(await asked(running, method, user.id, call))

    assert {
        "ledger": "12.3400000",
        "onChain": "12.3400000",
        "due": "0.0000000",
        "inFlight": "0.0000000",
        "difference": "0.0000000",
    } == data


@pytest.mark.expect_errors
async def test_a_difference_is_shown_and_sync_alarms_and_audits_it(running):
    user = await running.user()
    await running.deposit(user, "12.00")

    shown = await data_of(await asked(running, "GET", user.id, "verify"))
    assert {} == dict(running.system.alarms.on)
    synced = await data_of(await asked(running, "POST", user.id, "sync"))

    assert "0.3400000" == shown["difference"] == synced["difference"]
    assert [f"reconcile:wallet/{user.id}"] == list(running.system.alarms.on)
    entries = [entry.canonical.decode() for entry in running.database.audit[-2:]]
    assert '"reconcile.difference"' in entries[0]
    assert '"balance.sync"' in entries[1]
    detailed = await data_of(await running.get("/health/detailed"))
    assert "0.3400000" in detailed["concerns"][f"reconcile:wallet/{user.id}"]


@pytest.mark.expect_errors
async def test_a_repeated_sync_replays_its_first_answer(running):
    user = await running.user()
    await running.deposit(user, "12.00")

    first = await asked(running, "POST", user.id, "sync", key="k")
    await running.deposit(user, "0.34")
    second = await asked(running, "POST", user.id, "sync", key="k")

    assert await first.get_data() == await second.get_data()
    assert "true" == second.headers["Idempotency-Replayed"]


@pytest.mark.parametrize(("method", "call"), CALLS)
async def test_a_user_that_does_not_exist_has_no_wallet_to_verify(running, method, call):
    answer = await asked(running, method, NOBODY, call)

    assert (404, "USER_NOT_FOUND") == (await refusal_of(answer))[:2]


@pytest.mark.parametrize(("method", "call"), CALLS)
async def test_a_network_that_is_away_is_a_502(running, method, call):
    user = await running.user()
    running.network.away = True

    answer = await asked(running, method, user.id, call)

    assert (502, "STELLAR_NETWORK_ERROR") == (await refusal_of(answer))[:2]
    assert "secret" not in (await answer.get_data()).decode()


@pytest.mark.parametrize(("method", "call", "scope"), [(*CALLS[0], "write"), (*CALLS[1], "read")])
async def test_verify_needs_read_and_sync_needs_write(running, method, call, scope):
    user, key = await running.user(), await running.key(scope)

    answer = await asked(running, method, user.id, call, headers={"Authorization": f"Bearer {key}"})

    assert (403, "INSUFFICIENT_SCOPE") == (await refusal_of(answer))[:2]
