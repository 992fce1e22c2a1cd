"""Without AirTM its endpoints take and check what the contract says, and refuse it for want of AirTM."""

import pytest

from web.routes.airtm import ROUTES

USER = "usr_000000000000000000001"
TOPUP = "topup_000000000000000000001"

ASKED = [
    ("POST", f"/users/{USER}/airtm/link", {"email": "ann@shop.example"}),
    ("POST", "/topups", {"userId": USER, "amount": "12.50", "returnUrl": "https://shop.example/"}),
    ("GET", "/topups", None),
    ("GET", f"/topups/{TOPUP}", None),
    ("GET", "/topups/callback?code=c-1", None),
    ("POST", f"/topups/{TOPUP}/refresh", None),
    ("POST", f"/topups/{TOPUP}/cancel", None),
    ("POST", "/webhooks/airtm", {"any": "thing"}),
]


def test_every_endpoint_of_airtm_is_asked_here() -> None:
    assert len(ROUTES) == len(ASKED)


@pytest.mark.shows(
    "POST /users/{id}/airtm/link",
    "POST /topups",
    "GET /topups",
    "GET /topups/{id}",
    "GET /topups/callback",
    "POST /topups/{id}/refresh",
    "POST /topups/{id}/cancel",
    "POST /webhooks/airtm",
)
@pytest.mark.parametrize(("method", "path", "body"), ASKED)
async def test_what_only_airtm_can_answer_is_refused(running, method, path, body):
    answer = await running.request(method, path, json=body)

    assert 422 == answer.status_code
    assert "PROVIDER_NOT_ENABLED" == (await answer.get_json())["error"]["code"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (f"/users/{USER}/airtm/link", {}, "MISSING_REQUIRED_FIELD"),
        (f"/users/{USER}/airtm/link", {"email": "ann"}, "VALIDATION_ERROR"),
        ("/topups", {"userId": USER, "amount": 12}, "INVALID_AMOUNT_FORMAT"),
        ("/topups", {"userId": USER, "amount": "1.00", "currency": "EUR"}, "INVALID_CURRENCY"),
        ("/topups", {"userId": USER, "amount": "1.00", "cancelUrl": "ftp:x"}, "VALIDATION_ERROR"),
    ],
)
async def test_a_malformed_request_is_refused_as_malformed(running, path, body, code):
    answer = await running.post(path, body)

    assert 400 == answer.status_code
    assert code == (await answer.get_json())["error"]["code"]


async def test_a_refusal_leaves_an_audit_entry_only_if_its_caller_has_a_key(running):
    await running.post("/topups", {"userId": USER, "amount": "1.00"})
    kept = len(running.database.audit)
    await running.post("/webhooks/airtm", {}, headers={"Authorization": None})
    await running.get("/topups/callback?code=c-1", headers={"Authorization": None})

    assert b'"action":"topup.create"' in running.database.audit[-1].canonical
    assert kept == len(running.database.audit)


async def test_a_webhook_over_its_own_limit_is_too_large(running):
    for headers in ({}, {"Content-Length": str(256 * 1024 + 1)}):
        answer = await running.post(
            "/webhooks/airtm", data=b"x" * (256 * 1024 + 1), headers={**headers}
        )
        assert 413 == answer.status_code
        body = await answer.get_json()
        assert {"maxBytes": 256 * 1024} == body["error"]["details"]
