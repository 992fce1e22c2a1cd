"""`POST /webhooks/trustless-work`: whose signature is good is kept, once, before anything is done."""

import hmac
import json
from hashlib import sha256

import pytest

from offerhub.domain.webhook import Webhook
from tests.web.running import open_instance

SECRET = b"a secret of the indexer, long enough"
BODY = {"type": "escrow.released", "event_id": "e-1", "data": {"contract_id": "CA1", "more": 1}}


@pytest.fixture
async def running():
    async with open_instance(webhook_secrets={"trustless-work": SECRET}) as opened:
        opened.headers = {}
        yield opened


def signed(raw, secret=SECRET):
    return {"X-TW-Signature": hmac.new(secret, raw, sha256).hexdigest()}


async def post(running, body=BODY, headers=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = signed(raw) if headers is None else headers
    return await running.post("/webhooks/trustless-work", data=raw, headers=sent)


async def code_of(answer):
    return answer.status_code, (await answer.get_json())["error"]["code"]


def kept(running):
    return [*running.database.tables.of(Webhook).rows.values()]


@pytest.mark.shows("POST /webhooks/trustless-work")
async def test_a_webhook_is_kept_as_it_came_and_answered(running):
    answer = await post(running)

    assert 200 == answer.status_code
    assert {"duplicate": False} == (await answer.get_json())["data"]
    (webhook,) = kept(running)
    assert ("e-1", "escrow.released", "CA1") == (
        webhook.event_id,
        webhook.type,
        webhook.contract_id,
    )
    assert json.dumps(BODY) == webhook.body
    entry = json.loads(running.database.audit[-1].canonical)
    assert ("webhook.receive", webhook.id) == (entry["action"], entry["resourceId"])
    assert "webhook:trustless-work" == entry["actor"]


async def test_a_repeat_is_told_so_and_does_nothing(running):
    await post(running)
    entries = len(running.database.audit)

    again = await post(running, {**BODY, "type": "other"})

    assert 200 == again.status_code
    assert {"duplicate": True} == (await again.get_json())["data"]
    assert (1, entries) == (len(kept(running)), len(running.database.audit))


@pytest.mark.shows("WEBHOOK_SIGNATURE_INVALID")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-TW-Signature": ""},
        {"X-TW-Signature": "0" * 64},
        {"X-TW-Signature": "é" * 32},
        signed(json.dumps(BODY).encode(), b"another secret"),
        signed(b"another body"),
    ],
)
async def test_without_a_good_signature_nothing_is_kept(running, headers):
    answer = await post(running, headers=headers)

    assert (401, "WEBHOOK_SIGNATURE_INVALID") == await code_of(answer)
    assert [] == kept(running)
    assert [] == running.database.audit


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b"[" * 10_000, "VALIDATION_ERROR"),
        (b"\xff", "INVALID_JSON"),
        (b"[]", "VALIDATION_ERROR"),
        ({**BODY, "event_id": 7}, "VALIDATION_ERROR"),
        ({**BODY, "event_id": ""}, "VALIDATION_ERROR"),
        ({**BODY, "event_id": "a\x00b"}, "VALIDATION_ERROR"),
        ({**BODY, "type": "x" * 256}, "VALIDATION_ERROR"),
        ({**BODY, "data": {}}, "VALIDATION_ERROR"),
        ({**BODY, "data": {"contract_id": "C" * 101}}, "VALIDATION_ERROR"),
    ],
)
async def test_a_signed_body_that_is_none_is_refused(running, body, code):
    answer = await post(running, body)

    assert (400, code) == await code_of(answer)
    assert [] == kept(running)


async def test_a_webhook_over_256_kib_is_too_large_whatever_its_signature(running):
    raw = json.dumps({**BODY, "filler": "x" * 256 * 1024}).encode()

    assert (413, "BODY_TOO_LARGE") == await code_of(await post(running, raw))


async def test_without_a_secret_there_are_no_such_webhooks():
    async with open_instance() as running:
        assert (422, "PROVIDER_NOT_ENABLED") == await code_of(await post(running))


async def test_while_the_database_is_away_it_is_not_said_to_be_kept(running):
    running.database.available = False

    assert (503, "SERVICE_UNAVAILABLE") == await code_of(await post(running))


async def test_its_secret_is_in_no_repr(running):
    assert SECRET.decode() not in repr(vars(running.app))
