"""The documentation that the instance serves of itself."""

from functools import cache
from typing import Final

from web.call import Answer, Call, Route
from web.docs_page import page
from web.openapi import rendered

_POLICY: Final = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("X-Content-Type-Options", "nosniff"),
)


@cache
def _documents() -> tuple[bytes, bytes]:
    from web.routes import ROUTES  # noqa: PLC0415 - the table that this route stands in itself

    return rendered(ROUTES), page(ROUTES)


async def openapi(call: Call) -> Answer:
    """The OpenAPI document."""
    del call
    return Answer(200, _documents()[0])


async def docs(call: Call) -> Answer:
    """The page."""
    del call
    return Answer(200, _documents()[1], _POLICY, "text/html; charset=utf-8")


ROUTES: Final = (
    Route(
        "GET",
        "/openapi.json",
        openapi,
        "This document",
        "OpenAPI",
        "Instance",
        public=True,
        media="application/openapi+json",
    ),
    Route(
        "GET",
        "/docs",
        docs,
        "The API on one page",
        "Page",
        "Instance",
        public=True,
        media="text/html",
    ),
)
