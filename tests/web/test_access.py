"""Who is let in: every endpoint of the table, with every kind of key and without one."""

import importlib.util
from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest
import trio

from offerhub.domain.api_keys import Scope
from tests.web.running import MASTER_KEY, START, open_instance
from web.call import Route
from web.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
SCOPES = (Scope.READ, Scope.WRITE, Scope.SUPPORT)
SETS = [each for size in range(1, 4) for each in combinations(SCOPES, size)]
OWN = {"createToken"}
"""Any key may ask for these, of itself."""


def contract():
    spec = importlib.util.spec_from_file_location("contract", ROOT / "docs" / "contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bearer(text: str) -> dict[str, str | None]:
    return {"Authorization": f"Bearer {text}"}


async def asked(running, route: Route, headers) -> tuple[int, str | None]:
    """Status and code of a request that is malformed behind the check of its key."""
    path = route.path.replace("<id>", "nothing").replace("<ref>", "nothing")
    # An event stream would not end, and nothing else is to be done here: a wrong query stops it.
    query = {"nonsense": "1"} if route.method == "GET" else None
    answer = await running.request(
        route.method,
        path,
        headers=headers,
        query_string=query,
        **({"json": {"nonsense": 1}} if route.method == "POST" else {}),
    )
    body = await answer.get_json() if answer.content_type == "application/json" else None
    code = None if body is None or "error" not in body else body["error"]["code"]
    return answer.status_code, code


def routes(*, public: bool) -> Iterator[Route]:
    return (route for route in ROUTES if route.public is public and route.base)


@pytest.fixture
async def running():
    async with open_instance() as opened:
        yield opened


def test_every_endpoint_needs_the_scope_that_the_specification_says():
    page = contract()
    said = page.scopes(page.SPECIFICATION.read_text(encoding="utf-8"))
    for route in ROUTES:
        cell = said[page.shown(route)]
        if cell in {"–", "signature"}:  # noqa: RUF001 - as the table has it
            assert (route.public, route.signed) == (True, cell == "signature"), route.endpoint
            continue
        assert not route.public, route.endpoint
        if cell == "any" or route.operation in OWN:
            assert route.scope is None, route.endpoint
            continue
        needed, _, also = cell.partition(";")
        words = {word for word in needed.replace(",", " ").split() if word in {*Scope}}
        if {"read", "write"} == words:
            words = {"read" if route.method == "GET" else "write"}
        assert route.scope is not None, route.endpoint
        assert {route.scope.value} == words, (route.endpoint, cell)
        assert {route.or_scope} - {None} == {*Scope} & {*also.split()}, (route.endpoint, cell)


@pytest.mark.parametrize("scopes", SETS, ids="+".join)
async def test_a_key_gets_where_one_of_its_scopes_is_needed_and_nowhere_else(running, scopes):
    key = bearer(await running.key(*scopes))
    for route in routes(public=False):
        status, code = await asked(running, route, key)
        anyone = route.scope is None and route.operation not in OWN
        if anyone or {route.scope, route.or_scope} & {*scopes}:
            assert status not in {401, 403}, route.endpoint
        elif route.scope is not None:
            assert (403, "INSUFFICIENT_SCOPE") == (status, code), route.endpoint


@pytest.mark.parametrize("master", [True, False])
async def test_all_scopes_get_everywhere(running, master):
    key = bearer(MASTER_KEY if master else await running.key("*"))
    for route in routes(public=False):
        status, code = await asked(running, route, key)
        assert status not in {401, 403}, (route.endpoint, code)


async def test_nobody_gets_anywhere_without_a_key(running):
    for headers in (
        {"Authorization": None},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer  "},
        {"Authorization": f"Basic {MASTER_KEY}"},
        {"Authorization": MASTER_KEY},
        {"Authorization": None, "x-api-key": " "},
    ):
        for route in routes(public=False):
            assert (401, "UNAUTHORIZED") == await asked(running, route, headers), route.endpoint


async def test_a_malformed_or_unknown_key_gets_nowhere(running):
    key = await running.key("*")
    wrong = (
        "nonsense",
        key[:-1],
        key + "x",
        key.swapcase(),
        "ohk_test_" + "x" * 43,
        "ohk_live_" + key.removeprefix("ohk_test_"),
        "ohk_tok_" + key.removeprefix("ohk_test_"),
        "ohk_test_" + "x" * 5_000,
        MASTER_KEY[:-1],
        "é" * 40,
    )
    for text in wrong:
        for headers in (bearer(text), {"Authorization": None, "x-api-key": text}):
            for route in routes(public=False):
                got = await asked(running, route, headers)
                assert (401, "INVALID_API_KEY") == got, (route.endpoint, text[:20])


async def token_of(running, key: str, ttl: int = 60) -> str:
    key_id = (await (await running.get("/auth/me", headers=bearer(key))).get_json())["data"]["id"]
    made = await running.post(f"/auth/api-keys/{key_id}/token", {"ttl": ttl}, headers=bearer(key))
    assert 201 == made.status_code
    return (await made.get_json())["data"]["token"]


async def test_a_key_that_has_ended_gets_nowhere_nor_do_its_tokens(running):
    revoked = await running.key("*")
    expired = await running.key("*", expiresAt=(START + timedelta(minutes=5)).isoformat())
    of_revoked, of_expired = await token_of(running, revoked), await token_of(running, expired)
    lapsed = await token_of(running, await running.key("*"), ttl=1)
    me = (await (await running.get("/auth/me", headers=bearer(revoked))).get_json())["data"]
    await running.request("DELETE", f"/auth/api-keys/{me['id']}")
    running.clock_offset = timedelta(minutes=5)

    for text in (revoked, of_revoked, expired, of_expired, lapsed):
        for route in routes(public=False):
            got = await asked(running, route, bearer(text))
            assert (401, "INVALID_API_KEY") == got, route.endpoint


async def test_what_is_public_needs_no_key_and_minds_none(running):
    for headers in ({"Authorization": None}, bearer("nonsense"), bearer(MASTER_KEY)):
        for route in routes(public=True):
            status, code = await asked(running, route, headers)
            assert status != 403, route.endpoint
            assert code not in {"UNAUTHORIZED", "INVALID_API_KEY"}, route.endpoint


@pytest.mark.parametrize("scopes", [(Scope.ALL,), *SETS], ids="+".join)
async def test_a_token_gets_where_its_key_gets_but_makes_no_keys_and_no_tokens(running, scopes):
    key = await running.key(*scopes)
    token = await token_of(running, key)
    makes = {"createApiKey", "createToken"}
    for route in routes(public=False):
        got = await asked(running, route, bearer(token))
        if route.operation not in OWN:
            assert got == await asked(running, route, bearer(key)), route.endpoint

    me = (await (await running.get("/auth/me", headers=bearer(key))).get_json())["data"]
    assert makes <= {route.operation for route in ROUTES}
    for path, body in (
        ("/auth/api-keys", {"name": "n", "scopes": ["read"]}),
        (f"/auth/api-keys/{me['id']}/token", {"ttl": 60}),
    ):
        refused = await running.post(path, body, headers=bearer(token))
        assert 403 == refused.status_code
        assert "INSUFFICIENT_SCOPE" == (await refused.get_json())["error"]["code"]


async def test_the_last_use_is_shown_and_written_down_without_a_query_a_request(autojump_clock):
    async with open_instance() as running:
        key = await running.key("read")
        (unused,) = (await (await running.get("/auth/api-keys")).get_json())["data"]
        assert unused["lastUsedAt"] is None
        writes = 0
        write = running.system.storage.note_key_uses

        async def counted(uses):
            nonlocal writes
            writes += 1
            await write(uses)

        running.system.storage.note_key_uses = counted
        for _ in range(50):
            await running.get("/auth/me", headers=bearer(await token_of(running, key)))
        (used,) = (await (await running.get("/auth/api-keys")).get_json())["data"]
        assert used["lastUsedAt"] is not None
        await trio.sleep(60)
        assert 1 == writes
        assert [used["lastUsedAt"]] == [
            each.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            for each in running.database.key_uses.values()
        ]
        (later,) = (await (await running.get("/auth/api-keys")).get_json())["data"]
        assert used["lastUsedAt"] == later["lastUsedAt"]


async def test_a_use_that_could_not_be_written_is_written_later(autojump_clock):
    async with open_instance() as running:
        key = await running.key("read")
        await running.get("/auth/me", headers=bearer(key))
        running.database.available = False
        await trio.sleep(60)
        running.database.available = True
        assert {} == running.database.key_uses
        await trio.sleep(60)
        assert 1 == len(running.database.key_uses)
