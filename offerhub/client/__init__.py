"""A client of the orchestrator's API, for Python.

    from offerhub.client import Client, errors

    with Client("http://127.0.0.1:4000", key) as client:
        order = client.create_order(buyer_id=…, seller_id=…, amount="80.00", title="A logo")
        try:
            client.reserve_order(order.id)
        except errors.InsufficientFunds as refused:
            print(refused.details["available"])

`AsyncClient` is the same under trio and asyncio. Every change carries an idempotency key, and a
call whose answer is lost is repeated with it; lists are iterators over all their pages, and
`stream_events` comes back by itself where the connection broke. It needs httpx and msgspec, and
nothing of the server's packages.
"""

from offerhub.client import errors, models
from offerhub.client.asynchronous import AsyncClient, AsyncEvents
from offerhub.client.calls import Retries
from offerhub.client.failures import (
    ApiError,
    ClientError,
    NoAnswer,
    OutcomeUnknown,
    StillRunning,
    UnexpectedAnswer,
    UnknownCode,
)
from offerhub.client.pages import AsyncPages, Page, Pages
from offerhub.client.stream import StreamEvent
from offerhub.client.synchronous import Client, Events

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncEvents",
    "AsyncPages",
    "Client",
    "ClientError",
    "Events",
    "NoAnswer",
    "OutcomeUnknown",
    "Page",
    "Pages",
    "Retries",
    "StillRunning",
    "StreamEvent",
    "UnexpectedAnswer",
    "UnknownCode",
    "errors",
    "models",
]
