"""The documentation that the instance serves of itself: of a table of routes that it is handed."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from attrs import define

from web.call import Answer, Call, Route
from web.docs_page import page
from web.openapi import rendered

_POLICY: Final = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("X-Content-Type-Options", "nosniff"),
)


def documented(routes: Sequence[Route]) -> tuple[Route, ...]:
    """The routes, and two that serve the documentation of them all, themselves included."""
    documents = _Documents()
    documents.routes = (
        *routes,
        Route(
            "GET",
            "/openapi.json",
            "getOpenapi",
            documents.openapi,
            "This document",
            None,
            "Instance",
            public=True,
            media="application/json",
        ),
        Route(
            "GET",
            "/docs",
            "getDocs",
            documents.docs,
            "The API on one page",
            None,
            "Instance",
            public=True,
            media="text/html",
        ),
    )
    return documents.routes


@define(eq=False, slots=False)
class _Documents:
    """Written when they are asked for first."""

    routes: tuple[Route, ...] = ()

    @cached_property
    def _openapi(self) -> bytes:
        return rendered(self.routes)

    @cached_property
    def _page(self) -> bytes:
        return page(self.routes)

    async def openapi(self, call: Call) -> Answer:
        """The OpenAPI document."""
        del call
        return Answer(200, self._openapi)

    async def docs(self, call: Call) -> Answer:
        """The page."""
        del call
        return Answer(200, self._page, _POLICY, "text/html; charset=utf-8")
