"""The table of all endpoints; each module holds those of one resource."""

from typing import Final

from web import stream
from web.call import Route
from web.routes import (
    admin,
    airtm,
    api_keys,
    audit,
    balances,
    disputes,
    instance,
    metrics,
    orders,
    treasury,
    users,
    webhooks,
    withdrawals,
)
from web.routes.documents import documented

ROUTES: Final[tuple[Route, ...]] = documented(
    (
        *instance.ROUTES,
        *api_keys.ROUTES,
        *users.ROUTES,
        *balances.ROUTES,
        *orders.ROUTES,
        *disputes.ROUTES,
        *withdrawals.ROUTES,
        *airtm.ROUTES,
        *audit.ROUTES,
        *webhooks.ROUTES,
        *treasury.ROUTES,
        *stream.ROUTES,
        *admin.ROUTES,
        *metrics.ROUTES,
    )
)
