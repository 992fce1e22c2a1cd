"""Horizon's face without a socket: requests as values, and the chain that they are about."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import trio
from attrs import frozen

from offerhub.sandbox.engine import EngineShell
from offerhub.sandbox.horizon import HorizonFace, HorizonKnobs
from offerhub.sandbox.http import Request, Response
from tests.sandbox.chain import FRIENDBOT, Chain

BASE = "http://horizon.test"


@frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def records(self) -> list[dict[str, Any]]:
        return self.body["_embedded"]["records"]

    def link(self, name: str) -> str:
        return self.body["_links"][name]["href"]


class HorizonClient:
    """One chain and its Horizon; closes ledgers only when asked to."""

    def __init__(self, chain: Chain | None = None) -> None:
        self.chain = chain if chain is not None else Chain()
        self.shell = EngineShell(self.chain.engine)
        self.knobs = HorizonKnobs()
        self.face = HorizonFace(
            self.shell, lambda: self.chain.now, friendbot=FRIENDBOT, knobs=self.knobs
        )

    def close_ledger(self) -> None:
        self.chain.now += timedelta(seconds=1)
        self.shell.close_ledger(self.chain.now)

    async def close_ledgers(self, every_s: float = 1.0) -> None:
        while True:
            await trio.sleep(every_s)
            self.close_ledger()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Response:
        parts = urlsplit(url.removeprefix(BASE))
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return await self.face.handle(Request(method, parts.path, query, headers or {}, body, BASE))

    async def get(self, url: str, headers: dict[str, str] | None = None) -> Answer:
        return answer(await self.request("GET", url, headers=headers))

    async def post(self, path: str, envelope: str, content_type: str | None = None) -> Answer:
        headers = {"content-type": content_type or "application/x-www-form-urlencoded"}
        body = f"tx={quote(envelope, safe='')}".encode()
        return answer(await self.request("POST", path, headers=headers, body=body))

    async def stream(self, url: str, headers: dict[str, str] | None = None) -> AsyncIterator[bytes]:
        response = await self.request(
            "GET", url, headers={"accept": "text/event-stream", **(headers or {})}
        )
        assert response.status == 200, response
        assert not isinstance(response.body, bytes)
        return response.body


def answer(response: Response) -> Answer:
    assert isinstance(response.body, bytes)
    return Answer(response.status, dict(response.headers), msgspec.json.decode(response.body))


def decoded(text: str) -> bytes:
    return base64.b64decode(text)
