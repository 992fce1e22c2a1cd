"""What only AirTM can answer: links of users, top-ups, its webhooks.

Paths, scopes and bodies are those of the contract (docs/spec/api.md, Endpoints), so that callers can
be written against them; on an instance without AirTM each request that is well formed is refused.
"""

from typing import Final

from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from web import bodies
from web.call import Answer, Call, Route
from web.errors import WEBHOOK_MAX_BYTES
from web.resources import TopUp, User, WebhookReceipt
from web.schema import Schema


async def not_enabled(call: Call) -> Answer:
    """Refuse: this instance has no AirTM."""
    del call
    raise DomainError(E.PROVIDER_NOT_ENABLED, "AirTM is not enabled on this instance")


ROUTES: Final = (
    Route(
        "POST",
        "/users/<id>/airtm/link",
        "linkAirtmUser",
        not_enabled,
        "Link a user to an AirTM account",
        User,
        "Users",
        Scope.WRITE,
        body=Schema(bodies.AirtmLink),
        action="user.airtm_link",
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
    Route(
        "POST",
        "/topups",
        "createTopUp",
        not_enabled,
        "Create a top-up from AirTM",
        TopUp,
        "Top-ups",
        Scope.WRITE,
        status=201,
        body=Schema(bodies.NewTopUp),
        action="topup.create",
        codes=(E.INVALID_AMOUNT_FORMAT, E.INVALID_CURRENCY, E.PROVIDER_NOT_ENABLED),
    ),
    Route(
        "GET",
        "/topups",
        "listTopUps",
        not_enabled,
        "List top-ups",
        TopUp,
        "Top-ups",
        Scope.READ,
        listed=True,
        query=Schema(bodies.TopUpQuery),
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
    Route(
        "GET",
        "/topups/callback",
        "returnFromAirtm",
        not_enabled,
        "Where AirTM sends the browser back",
        None,
        "Top-ups",
        public=True,
        query=Schema(bodies.TopUpCallback),
        media="text/plain",
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
    Route(
        "GET",
        "/topups/<id>",
        "getTopUp",
        not_enabled,
        "Show a top-up",
        TopUp,
        "Top-ups",
        Scope.READ,
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
    Route(
        "POST",
        "/topups/<id>/refresh",
        "refreshTopUp",
        not_enabled,
        "Look a top-up up at AirTM",
        TopUp,
        "Top-ups",
        Scope.WRITE,
        action="topup.refresh",
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
    Route(
        "POST",
        "/topups/<id>/cancel",
        "cancelTopUp",
        not_enabled,
        "Cancel a top-up",
        TopUp,
        "Top-ups",
        Scope.WRITE,
        action="topup.cancel",
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
    Route(
        "POST",
        "/webhooks/airtm",
        "receiveAirtmWebhook",
        not_enabled,
        "Take a webhook of AirTM",
        WebhookReceipt,
        "Webhooks",
        public=True,
        signed=True,
        body_max_bytes=WEBHOOK_MAX_BYTES,
        action="webhook.airtm",
        codes=(E.PROVIDER_NOT_ENABLED,),
    ),
)
