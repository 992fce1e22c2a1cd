"""The table of all endpoints; each module holds those of one resource."""

from typing import Final

from attrs import evolve

from web import stream
from web.call import Route
from web.routes import api_keys, documents, instance, orders, users, withdrawals

ROUTES: Final[tuple[Route, ...]] = (
    *instance.ROUTES,
    *documents.ROUTES,
    *api_keys.ROUTES,
    *users.ROUTES,
    *orders.ROUTES,
    *withdrawals.ROUTES,
    *(evolve(route, media="text/event-stream") for route in stream.ROUTES),
)
