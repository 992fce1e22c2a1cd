"""`GET /metrics`, where the API serves them: with `METRICS_TOKEN`, and without `METRICS_BIND`."""

from typing import Final

from offerhub.domain.errors import ErrorCode as E
from web.call import Answer, Call, Route
from web.metrics import CONTENT_TYPE


async def scrape(call: Call) -> Answer:
    """All metrics in the text format of Prometheus."""
    return Answer(200, call.metrics.scrape(call.header("Authorization")), content_type=CONTENT_TYPE)


ROUTES: Final = (
    Route(
        "GET",
        "/metrics",
        "getMetrics",
        scrape,
        "Metrics for Prometheus",
        None,
        "Instance",
        public=True,
        base=False,
        limited=False,
        media="text/plain",
        codes=(E.UNAUTHORIZED, E.INVALID_API_KEY, E.NOT_FOUND),
    ),
)
