"""The API over the real actors, the twin of storage and the sandbox's core: a `Market` with a client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import frozen

from offerhub.domain.order import Order
from tests.actors.purchase import Market, open_market
from tests.simulation.world import now
from tests.web.running import MASTER_KEY
from web.app import create_app
from web.rate_limit import RateLimit

ASYNC = {"Prefer": "respond-async"}


@frozen
class Shop:
    """A caller of the API, and the market that it calls."""

    market: Market
    app: Any

    async def request(
        self,
        method: str,
        path: str,
        json: object = None,
        *,
        secret: str = MASTER_KEY,
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """One request; `secret` is the API key, `key` the idempotency key."""
        sent = {"Authorization": f"Bearer {secret}", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        more = {} if json is None else {"json": json}
        return await self.app.test_client().open(
            f"/api/v1{path}", method=method, headers=sent, **more
        )

    async def get(self, path: str, **more: Any) -> Any:
        return await self.request("GET", path, **more)

    async def post(self, path: str, json: object = None, **more: Any) -> Any:
        return await self.request("POST", path, json, **more)

    async def secret(self, *scopes: str) -> str:
        """A new API key with these scopes."""
        answer = await self.post("/auth/api-keys", {"name": "a key", "scopes": list(scopes)})
        return str((await answer.get_json())["data"]["key"])

    async def shown(self, order: Order) -> dict[str, Any]:
        """The order as the API shows it, when nothing of it is on the way any more."""
        await self.market.settled(order)
        return await data_of(await self.get(f"/orders/{order.id}"))


async def data_of(answer: Any) -> dict[str, Any]:
    body = await answer.get_json()
    assert "data" in body, body
    data: dict[str, Any] = body["data"]
    return data


async def error_of(answer: Any) -> dict[str, Any]:
    """The error of a refusal, its status beside its code."""
    error: dict[str, Any] = (await answer.get_json())["error"]
    return {"status": answer.status_code, **error}


async def refusal_of(answer: Any) -> tuple[int, str]:
    error = await error_of(answer)
    return error["status"], error["code"]


@asynccontextmanager
async def open_shop(**options: Any) -> AsyncIterator[Shop]:
    """A market whose API is called over HTTP, without a socket."""
    async with open_market(**options) as market:
        app = create_app(market.machine.system, master_key=MASTER_KEY, rate_limit=RateLimit(0, now))
        yield Shop(market, app)
