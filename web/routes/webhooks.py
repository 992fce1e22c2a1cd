"""Webhooks that come in: the signature is checked here, and then the webhook is handed on to be kept.

Nothing of a webhook is believed but that its sender has the secret (docs/spec/api.md, Endpoints).
"""

import hmac
from hashlib import sha256
from typing import Final

import msgspec
from attrs import evolve

from actors.messages import ReceiveWebhook
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from web.answers import now
from web.call import Answer, Call, Route
from web.errors import WEBHOOK_MAX_BYTES
from web.field_errors import FieldErrors
from web.field_types import Text
from web.resources import WebhookReceipt

_EVENT_ID: Final = Text(1, 255)
_TYPE: Final = Text(1, 255)
_CONTRACT: Final = Text(1, 100)


class _Data(msgspec.Struct):
    """What a webhook is about; a sender may say more than we read."""

    contract_id: str


class _Webhook(msgspec.Struct):
    type: str
    event_id: str
    data: _Data


_webhook: Final = msgspec.json.Decoder(_Webhook)


async def trustless_work(call: Call) -> Answer:
    """Keep a hint to look at a contract."""
    _check_signature(call, "trustless-work", "X-TW-Signature")
    webhook = _read(call.raw_body)
    duplicate = await call.system.webhooks.ask(
        ReceiveWebhook(
            source="trustless-work",
            event_id=webhook.event_id,
            type=webhook.type,
            contract_id=webhook.data.contract_id,
            body=call.raw_body.decode(),
            trace=evolve(call.trace, actor="webhook:trustless-work"),
        )
    )
    return now(call, WebhookReceipt(duplicate=duplicate))


def _check_signature(call: Call, source: str, header: str) -> None:
    """Raise unless the header is the hex HMAC-SHA256 of the raw body; in constant time."""
    secret = call.webhook_secrets.get(source)
    if secret is None:
        raise DomainError(E.PROVIDER_NOT_ENABLED, "this instance has no secret for these webhooks")
    given = (call.header(header) or "").strip().lower().encode("latin-1")
    due = hmac.new(secret, call.raw_body, sha256).hexdigest().encode()
    if not hmac.compare_digest(given, due):
        raise DomainError(
            E.WEBHOOK_SIGNATURE_INVALID,
            f"{header} is not the HMAC-SHA256 of the body under the secret of this instance",
        )


def _read(raw: bytes) -> _Webhook:
    try:
        webhook = _webhook.decode(raw)
    except msgspec.ValidationError as error:
        errors = FieldErrors()
        errors.add("body", str(error)[:200])
        raise errors.error() from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise DomainError(E.INVALID_JSON, "the body is not valid JSON") from None
    errors = FieldErrors()
    _TYPE.read(webhook.type, "type", errors)
    _EVENT_ID.read(webhook.event_id, "event_id", errors)
    _CONTRACT.read(webhook.data.contract_id, "data.contract_id", errors)
    if errors:
        raise errors.error()
    return webhook


ROUTES: Final = (
    Route(
        "POST",
        "/webhooks/trustless-work",
        "receiveTrustlessWorkWebhook",
        trustless_work,
        "Take a hint to look at a contract",
        WebhookReceipt,
        "Webhooks",
        public=True,
        signed=True,
        body_max_bytes=WEBHOOK_MAX_BYTES,
        action="webhook.trustless_work",
        codes=(
            E.WEBHOOK_SIGNATURE_INVALID,
            E.VALIDATION_ERROR,
            E.INVALID_JSON,
            E.PROVIDER_NOT_ENABLED,
        ),
    ),
)
