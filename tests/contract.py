"""Holds a test to what its marker `shows` says: it got that endpoint's answer, or that code's.

`docs/contract.py` makes the table of the contract of these markers. A test shows an endpoint by an
answer that is no error, a code by an answer that carries it: of the application in this process,
or of another process over httpx. Of the cases of a parametrized test each shows one at least.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import pytest
from quart import Response

from web.call import BASE_PATH, Route
from web.gate import Gate
from web.routes import ROUTES


def _endpoint(route: Route) -> str:
    """As the specification writes it: `GET /users/{id}`."""
    return route.endpoint.replace("<", "{").replace(">", "}")


def _pattern(route: Route) -> re.Pattern[str]:
    path = re.sub(r"<\w+>", "[^/]+", route.path)
    return re.compile(f"{BASE_PATH if route.base else ''}{path}/?")


# The most literal first: /topups/callback is no /topups/{id}.
_PATTERNS: Final = [
    (route.method, _pattern(route), _endpoint(route))
    for route in sorted(ROUTES, key=lambda each: each.path.count("<"))
]


def _endpoint_of(method: str, path: str) -> str | None:
    for its_method, pattern, endpoint in _PATTERNS:
        if its_method == method and pattern.fullmatch(path):
            return endpoint
    return None


def _of_airtm(endpoint: str) -> bool:
    """Whether it is refused until AirTM is built: the refusal is what it does in this version."""
    return "airtm" in endpoint or "/topups" in endpoint


def _code(body: bytes) -> str:
    try:
        answer = json.loads(body)
        return str(answer["code"] if "code" in answer else answer["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


@pytest.fixture(autouse=True)
def shows_what_it_says(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test that did not get the answers that its marker `shows` names."""
    marker = request.node.get_closest_marker("shows")
    if marker is None:
        yield
        return
    seen: set[str] = set()

    def note(endpoint: str | None, status: int, body: bytes) -> None:
        code = "" if status < 400 else _code(body)
        seen.add(code or endpoint or "")
        if code == "PROVIDER_NOT_ENABLED" and endpoint is not None and _of_airtm(endpoint):
            seen.add(endpoint)

    _listen_to_the_gate(monkeypatch, note)
    _listen_to_httpx(monkeypatch, note)
    yield
    missing = [what for what in marker.args if what not in seen]
    several_cases = hasattr(request.node, "callspec")
    if missing and not (several_cases and len(missing) < len(marker.args)):
        pytest.fail(f"the test says that it shows {missing}; it saw {sorted(seen)}", pytrace=False)


Note = Callable[[str | None, int, bytes], None]


def _listen_to_the_gate(monkeypatch: pytest.MonkeyPatch, note: Note) -> None:
    serve, refuse = Gate.serve, Gate.refuse

    async def served(gate: Gate, route: Route, **params: str) -> Response:
        response = await serve(gate, route, **params)
        body = bytes(await response.get_data(as_text=False)) if response.status_code >= 400 else b""
        note(_endpoint(route), response.status_code, body)
        return response

    def refused(gate: Gate, failure: Exception) -> Response:
        response = refuse(gate, failure)
        # What Quart keeps of a body that is there whole.
        body = getattr(response.response, "data", b"")
        note(None, response.status_code, body)
        return response

    monkeypatch.setattr(Gate, "serve", served)
    monkeypatch.setattr(Gate, "refuse", refused)


def _listen_to_httpx(monkeypatch: pytest.MonkeyPatch, note: Note) -> None:
    send, send_async = httpx.Client.send, httpx.AsyncClient.send

    def sent(client: httpx.Client, asked: httpx.Request, **more: Any) -> httpx.Response:
        response = send(client, asked, **more)
        body = response.read() if response.status_code >= 400 else b""
        note(_endpoint_of(asked.method, asked.url.path), response.status_code, body)
        return response

    async def sent_async(
        client: httpx.AsyncClient, asked: httpx.Request, **more: Any
    ) -> httpx.Response:
        response = await send_async(client, asked, **more)
        body = await response.aread() if response.status_code >= 400 else b""
        note(_endpoint_of(asked.method, asked.url.path), response.status_code, body)
        return response

    monkeypatch.setattr(httpx.Client, "send", sent)
    monkeypatch.setattr(httpx.AsyncClient, "send", sent_async)
