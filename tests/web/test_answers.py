"""A final answer is written once, within the commit that it answers."""

import hashlib
import hmac

import attrs
import pytest

from actors.system import System
from offerhub.domain.answers import OpenAnswer
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.trace import IdempotencyClaim
from offerhub.domain.unit_of_work import BalanceAfter
from tests.domain.world import create
from tests.web.running import START, open_instance
from tests.web.test_long_operations import asked_and_ended
from web import rendering
from web.answers import AnswerEncoder, error_body, read_text
from web.call import Answer, Call, Route
from web.routes import ROUTES


async def kept(running, key: str) -> Answer:
    """The answer that stands under a key."""
    claim = await running.system.storage.idempotency(key)
    assert claim.answer is not None
    return read_text(claim.answer)


def no_figures(figure: BalanceAfter) -> Money:
    raise AssertionError(figure)


async def test_what_is_sent_is_what_is_kept(running):
    order_id = await running.order()

    sent = await running.post(f"/orders/{order_id}/reserve", key="k")
    refused = await running.post(f"/orders/{order_id}/reserve", key="again")

    for response, key in ((sent, "k"), (refused, "again")):
        answer = await kept(running, key)
        assert (answer.status, answer.body) == (response.status_code, await response.get_data())


async def test_an_order_is_rendered_once_in_a_reserve(running, monkeypatch):
    order_id = await running.order()
    rendered: list[object] = []
    honest = rendering.render_order

    def counted(*order):
        rendered.append(order)
        return honest(*order)

    monkeypatch.setattr(rendering, "render_order", counted)

    for key in ("k", None):
        rendered.clear()
        answer = await running.post(f"/orders/{order_id}/reserve", key=key)
        assert answer.status_code == (200 if key else 409)
        assert len(rendered) == (1 if key else 0)


async def test_who_waits_for_the_chain_gets_what_the_end_has_written(running):
    order_id = await running.order(reserved=True)

    sent = await asked_and_ended(
        running, f"/orders/{order_id}/escrow", lambda: running.end_operation(order_id), key="e"
    )

    assert (await kept(running, "e")).body == await sent.get_data()


async def test_an_end_is_written_for_a_caller_who_is_gone(running):
    order_id = await running.order(reserved=True)
    path = f"/orders/{order_id}/escrow"
    asked = await running.post(path, key="e", headers={"Prefer": "respond-async"})
    assert 202 == asked.status_code

    await running.end_operation(order_id)
    replayed = await running.post(path, key="e")

    answer = await kept(running, "e")
    assert (200, answer.body) == (replayed.status_code, await replayed.get_data())
    assert (await asked.get_json())["meta"]["requestId"] == (await replayed.get_json())["meta"][
        "requestId"
    ]


async def test_what_is_kept_of_a_new_key_has_no_text(running):
    created = await running.post("/auth/api-keys", {"name": "a", "scopes": ["read"]}, key="k")
    shown = (await created.get_json())["data"]
    token = await running.post(f"/auth/api-keys/{shown['id']}/token", {"ttl": 60}, key="t")
    text = (await token.get_json())["data"]["token"]

    assert b'"key":null' in (await kept(running, "k")).body
    assert shown["key"].encode() not in (await kept(running, "k")).body
    assert b'"token":null' in (await kept(running, "t")).body
    assert text.encode() not in (await kept(running, "t")).body


async def test_a_user_that_exists_is_kept_as_200(running):
    await running.post("/users", {"externalUserId": "ann"}, key="first")
    found = await running.post("/users", {"externalUserId": "ann"}, key="second")

    assert 201 == (await kept(running, "first")).status
    assert (200, await found.get_data()) == (
        (await kept(running, "second")).status,
        (await kept(running, "second")).body,
    )


def test_an_action_of_another_version_does_not_hold_up_its_effect():
    order = create()
    text = AnswerEncoder(ROUTES)(OpenAnswer(order, "order.forgotten", "req", START), no_figures)

    assert 200 == read_text(text).status


def test_details_never_carry_a_value_of_the_domain_whole():
    error = DomainError(ErrorCode.NOT_FOUND, "x", {"order": create()})

    with pytest.raises(TypeError):
        error_body(error, "req", START)


def test_the_web_has_nothing_to_commit_with():
    assert not {"journal"} & set(attrs.fields_dict(System))


def test_the_name_of_a_request_is_one_routes_alone():
    names = [route.name for route in ROUTES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("tampered", [False, True])
async def test_a_signed_webhook_reads_the_very_bytes_and_headers(tampered):
    """Spaces, an unknown type and no key of ours: the signature over the bytes is what counts."""
    secret, seen = b"secret", []
    body = b'{ "type" :  "order.paid" }'

    async def webhook(call: Call) -> Answer:
        digest = hmac.new(secret, call.raw_body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(digest, call.header("X-Signature") or ""):
            raise DomainError(ErrorCode.WEBHOOK_SIGNATURE_INVALID, "the signature does not match")
        seen.append(call.raw_body)
        return Answer(200, b"{}")

    route = Route(
        "POST",
        "/webhooks/test",
        "probe",
        webhook,
        "A webhook",
        None,
        "Test",
        public=True,
        signed=True,
    )
    async with open_instance(more_routes=(route,)) as running:
        answer = await running.request(
            "POST",
            "/webhooks/test",
            data=body + b" " * tampered,
            headers={
                "Authorization": None,
                "Content-Type": "text/plain",
                "X-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest(),
            },
        )

        assert (401 if tampered else 200) == answer.status_code
        assert ([] if tampered else [body]) == seen


async def test_a_late_end_of_another_request_is_not_sent_to_who_waits_under_its_key(running):
    """After 24 hours the key may stand for a new request while the old operation still runs."""
    answers = running.system.answers
    new = IdempotencyClaim("k", "new request", "order.reserve")
    seen = []
    with answers.awaiting(new) as awaited:
        for fingerprint, text in (("old request", b"200{}"), ("new request", b"201{}")):
            answers.put("k", fingerprint, text)
            seen.append(awaited.text)
    assert [None, b"201{}"] == seen
    assert answers.waiting("k") is None
