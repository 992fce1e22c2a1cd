"""The keys of an instance, made by the commands that the documentation shows."""

import hmac
import json
import re
import shlex
from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest

from offerhub.cli import exits
from tests.cli.calling import Instance, own_instance

pytestmark = pytest.mark.timeout(300)

WEBHOOK_SECRET = "a secret that the indexer has too, long enough"
CREATE = 'keys create --user-id usr_admin --scopes read,write --name "Production Key"'


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with own_instance() as made:
        yield made


@pytest.fixture(scope="module")
def url(instance: Instance, of_stopped: dict[str, str]) -> Iterator[str]:
    """Where the API answers, after the first key was made without a process."""
    with instance.running(TRUSTLESS_WEBHOOK_SECRET=WEBHOOK_SECRET) as process:
        yield process.api


@pytest.fixture(scope="module")
def of_stopped(instance: Instance) -> dict[str, str]:
    """A key and a token of it, made while no process runs."""
    key = instance.call(*shlex.split(CREATE), "--json")
    assert exits.DONE == key.status, key.err
    token = instance.call("keys", "token", key.json["id"], "--ttl", "3600", "--json")
    assert exits.DONE == token.status, token.err
    return {"id": key.json["id"], "key": key.json["key"], "token": token.json["token"]}


def me(url: str, secret: str) -> httpx.Response:
    return httpx.get(
        f"{url}/auth/me", headers={"Authorization": f"Bearer {secret}"}, trust_env=False
    )


def test_a_key_and_a_token_of_a_stopped_instance_let_in_when_it_runs(
    url: str, of_stopped: dict[str, str]
) -> None:
    for secret in (of_stopped["key"], of_stopped["token"]):
        answer = me(url, secret)
        assert 200 == answer.status_code
        shown = answer.json()["data"]
        assert ("Production Key", ["read", "write"]) == (shown["name"], shown["scopes"])


def test_beside_the_running_process_the_commands_work_as_written(
    url: str, instance: Instance
) -> None:
    made = instance.call(*shlex.split(CREATE))
    assert exits.DONE == made.status, made.err
    (key,) = re.findall(r"ohk_test_[\w-]{43}", made.out)
    (key_id,) = re.findall(r"key_[\w-]{21}", made.out)
    token = instance.call("keys", "token", key_id, "--ttl", "3600")
    (text,) = re.findall(r"ohk_tok_[\w-]{43}", token.out)
    assert 200 == me(url, key).status_code
    assert 200 == me(url, text).status_code
    listed = {row["id"]: row for row in instance.call("keys", "list", "--json").json}
    assert ("Production Key", "usr_admin") == (
        listed[key_id]["name"],
        listed[key_id]["userId"],
    )
    assert key not in str(listed)
    revoked = instance.call("keys", "revoke", key_id, "--json")
    assert revoked.json["revokedAt"] is not None
    assert [401, 401] == [me(url, key).status_code, me(url, text).status_code]
    again = instance.call("keys", "revoke", key_id)
    assert exits.REFUSED == again.status
    assert "was revoked before" in again.err


def test_what_cannot_be_made_is_refused(url: str, instance: Instance) -> None:
    wrong_scope = instance.call("keys", "create", "--name", "x", "--scopes", "read,fly")
    assert exits.CANNOT_START == wrong_scope.status
    past = instance.call(
        *("keys", "create", "--name", "x", "--scopes", "read", "--expires-at", "2020-01-01")
    )
    assert (exits.REFUSED, True) == (past.status, "in the future" in past.err)
    missing = instance.call("keys", "token", "key_missing", "--json")
    assert (exits.REFUSED, "API_KEY_NOT_FOUND") == (missing.status, missing.error["code"])


def test_a_webhook_is_let_in_by_the_secret_of_the_settings(url: str) -> None:
    body = {"type": "escrow.released", "event_id": "e-1", "data": {"contract_id": "CNOBODYS"}}
    raw = json.dumps(body).encode()

    def posted(secret: str) -> httpx.Response:
        signature = hmac.new(secret.encode(), raw, sha256).hexdigest()
        return httpx.post(
            f"{url}/webhooks/trustless-work",
            content=raw,
            headers={"X-TW-Signature": signature},
            trust_env=False,
        )

    assert 401 == posted("another secret").status_code
    assert [False, True] == [posted(WEBHOOK_SECRET).json()["data"]["duplicate"] for _ in range(2)]
