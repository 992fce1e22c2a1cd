"""An orchestrator that answers what a test says, and keeps what it was asked."""

from collections.abc import Callable

import httpx
import msgspec

from offerhub.client import AsyncClient, Client, Retries

QUICK = Retries(pause_s=0.001, pause_max_s=0.002, total_s=20.0)
META = {"requestId": "req_1", "timestamp": "2026-11-22T12:00:00.000Z"}
BALANCE = {
    "userId": "usr_1",
    "available": "20.00",
    "reserved": "80.00",
    "total": "100.00",
    "currency": "USDC",
    "updatedAt": "2026-11-22T12:00:00.123Z",
}

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def ok(data: object, status: int = 200, **more: object) -> httpx.Response:
    return httpx.Response(status, json={"success": True, "data": data, "meta": META, **more})


def refused(
    status: int, code: str, headers: dict[str, str] | None = None, **details: object
) -> httpx.Response:
    error = {"code": code, "message": "no", "details": details}
    return httpx.Response(status, json={"error": error, "meta": META}, headers=headers)


class Answering:
    """Gives its replies one after the other, the last one again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.asked: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else reply(request)

    async def handle_async(self, request: httpx.Request) -> httpx.Response:
        return self.handle(request)

    def client(self, retries: Retries = QUICK) -> Client:
        return Client(
            "http://offerhub.test", "k", retries=retries, transport=httpx.MockTransport(self.handle)
        )

    def async_client(self, retries: Retries = QUICK) -> AsyncClient:
        return AsyncClient(
            "http://offerhub.test",
            "k",
            retries=retries,
            transport=httpx.MockTransport(self.handle_async),
        )

    @property
    def keys(self) -> list[str | None]:
        return [request.headers.get("Idempotency-Key") for request in self.asked]

    @property
    def bodies(self) -> list[object]:
        return [msgspec.json.decode(each.content) for each in self.asked if each.content]
