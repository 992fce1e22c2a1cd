"""API keys over HTTP: known without a query, revoked at once, expired on time."""

from datetime import timedelta

import pytest

from actors.keys import digest_of
from tests.web.running import MASTER_KEY, START


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


async def data_of(answer):
    return (await answer.get_json())["data"]


@pytest.mark.shows("GET /auth/me")
async def test_a_key_comes_in_by_either_header_and_shows_itself(running):
    key = await running.key("read", userId="shop-7")

    for headers in (bearer(key), {"Authorization": None, "x-api-key": key}):
        me = await data_of(await running.get("/auth/me", headers=headers))
        assert (["read"], "shop-7", None) == (me["scopes"], me["userId"], me["key"])
        assert key[-4:] == me["maskedKey"][-4:]
        assert key not in me["maskedKey"]
    assert ["*"] == (await data_of(await running.get("/auth/me")))["scopes"]


@pytest.mark.shows("POST /auth/api-keys")
async def test_only_a_digest_of_a_key_is_stored(running):
    key = await running.key("read")

    stored = await running.system.storage.api_key_by_digest(digest_of(key))

    assert key.startswith("ohk_test_")
    assert 32 <= len(key.removeprefix("ohk_test_"))
    assert key not in repr(stored)
    assert MASTER_KEY not in repr(vars(running.app))


@pytest.mark.shows("GET /auth/api-keys")
async def test_keys_are_listed_without_their_text(running):
    await running.key("read")

    (listed,) = await data_of(await running.get("/auth/api-keys"))

    assert listed["key"] is None


async def test_a_known_key_needs_no_query(running):
    key = await running.key("read")
    await running.get("/auth/me", headers=bearer(key))
    running.database.available = False

    assert 200 == (await running.get("/auth/me", headers=bearer(key))).status_code


@pytest.mark.shows("DELETE /auth/api-keys/{id}")
async def test_a_revoked_key_is_out_at_once_and_its_tokens_too(running):
    key = await running.key("read")
    key_id = (await data_of(await running.get("/auth/me", headers=bearer(key))))["id"]
    token = (await data_of(await running.post(f"/auth/api-keys/{key_id}/token", {"ttl": 60})))[
        "token"
    ]
    assert 200 == (await running.get("/orders", headers=bearer(token))).status_code

    revoked = await running.request("DELETE", f"/auth/api-keys/{key_id}")

    assert 200 == revoked.status_code
    assert (await data_of(revoked))["revokedAt"] is not None
    for text in (key, token):
        answer = await running.get("/orders", headers=bearer(text))
        assert 401 == answer.status_code
        assert "INVALID_API_KEY" == (await answer.get_json())["error"]["code"]


async def test_a_key_that_is_revoked_while_it_is_read_does_not_come_in(running):
    key = await running.key("read")
    digest = digest_of(key)
    found = await running.system.storage.api_key_by_digest(digest)
    read = running.system.storage.api_key_by_digest

    async def revoked_meanwhile(wanted):
        before = await read(wanted)
        running.system.storage.api_key_by_digest = read
        await running.request("DELETE", f"/auth/api-keys/{found.id}")
        return before

    running.system.storage.api_key_by_digest = revoked_meanwhile

    assert 401 == (await running.get("/orders", headers=bearer(key))).status_code


@pytest.mark.shows("POST /auth/api-keys/{id}/token")
async def test_keys_and_tokens_expire(running):
    expires = (START + timedelta(hours=1)).isoformat()
    key = await running.key("read", expiresAt=expires)
    key_id = (await data_of(await running.get("/auth/me", headers=bearer(key))))["id"]
    made = await data_of(
        await running.post(f"/auth/api-keys/{key_id}/token", {"ttl": 60}, headers=bearer(key))
    )

    assert 200 == (await running.get("/orders", headers=bearer(made["token"]))).status_code
    running.clock_offset = timedelta(seconds=61)
    assert 401 == (await running.get("/orders", headers=bearer(made["token"]))).status_code
    assert 200 == (await running.get("/orders", headers=bearer(key))).status_code
    running.clock_offset = timedelta(hours=1)
    assert 401 == (await running.get("/orders", headers=bearer(key))).status_code


async def test_a_token_makes_no_tokens_and_a_key_none_of_another(running):
    key, other = await running.key("read"), await running.key("read")
    key_id = (await data_of(await running.get("/auth/me", headers=bearer(key))))["id"]
    path = f"/auth/api-keys/{key_id}/token"
    token = (await data_of(await running.post(path, {"ttl": 60}, headers=bearer(key))))["token"]

    assert 403 == (await running.post(path, {"ttl": 60}, headers=bearer(token))).status_code
    assert 403 == (await running.post(path, {"ttl": 60}, headers=bearer(other))).status_code
    assert 400 == (await running.post(path, {"ttl": 86_401}, headers=bearer(key))).status_code


async def test_an_unknown_scope_is_a_fault_and_only_the_master_scope_makes_keys(running):
    assert 400 == (await running.post("/auth/api-keys", {"name": "n", "scopes": ["x"]})).status_code
    writer = await running.key("read", "write", "support")

    refused = await running.post(
        "/auth/api-keys", {"name": "n", "scopes": ["read"]}, headers=bearer(writer)
    )

    assert 403 == refused.status_code
    assert "*" == (await refused.get_json())["error"]["details"]["requiredScope"]
