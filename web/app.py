"""The HTTP application: the table of routes behind the gate."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from quart import Response
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from actors.system import System
from web.authentication import Authentication
from web.call import BASE_PATH, Route
from web.errors import BODY_MAX_BYTES
from web.gate import Gate, Observe
from web.health import Health
from web.idempotency import ReplayCache
from web.metrics import MetricsFace
from web.rate_limit import RateLimit
from web.request_info import TrustedProxies
from web.routes import ROUTES

_BODY_DEADLINE_S: Final = 30


def create_app(  # noqa: PLR0913 - each is one choice of the composition root
    system: System,
    *,
    master_key: str,
    rate_limit: RateLimit,
    health: Health | None = None,
    trusted_proxies: TrustedProxies = (),
    more_routes: Sequence[Route] = (),
    observe: Observe | None = None,
    replay_cache: ReplayCache | None = None,
    webhook_secrets: Mapping[str, bytes] | None = None,
    metrics: MetricsFace | None = None,
) -> QuartTrio:
    """Make the application; `web.server.serve_app` serves it.

    Args:
        master_key: `OFFERHUB_MASTER_KEY`; only its digest is kept.
        rate_limit: `RateLimit(RATE_LIMIT_PER_MINUTE, clock, share)`; its `run` is a service.
        health: what `GET /health` tells; its `run` is a service.
        more_routes: endpoints beside those of `web.routes`.
        observe: told every answer, for metrics.
        metrics: what `GET /metrics` gives; by default nothing.
        webhook_secrets: what each sender of webhooks signs with, by its name in the path.
        replay_cache: keeps final answers for quick replays (`storage.redis.RedisBuffer`).
    """
    app = QuartTrio(__name__, static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES
    app.config["BODY_TIMEOUT"] = _BODY_DEADLINE_S
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    gate = Gate(
        system,
        health or Health(),
        Authentication(master_key, system.api_keys, system.key_uses, system.clock),
        rate_limit,
        proxies=trusted_proxies,
        observe=observe,
        cache=replay_cache,
        webhook_secrets=webhook_secrets,
        metrics=metrics,
    )
    for route in (*ROUTES, *more_routes):
        app.add_url_rule(
            (BASE_PATH if route.base else "") + route.path,
            endpoint=route.endpoint,
            view_func=partial(gate.serve, route),
            methods=[route.method],
            provide_automatic_options=False,
            strict_slashes=False,
        )

    async def untaken(error: HTTPException) -> Response:
        return gate.refuse(error)

    app.register_error_handler(HTTPException, untaken)
    return app
