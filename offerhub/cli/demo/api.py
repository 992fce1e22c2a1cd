"""Calls of the public API, as a marketplace's backend makes them."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

import httpx

from offerhub.cli.demo.failure import DemoFailed
from offerhub.cli.demo.instance import Instance

_DEADLINE_S: Final = 90.0


class Api:
    """The API under the master key; every POST carries an idempotency key of its own."""

    def __init__(self, instance: Instance) -> None:
        self._client = httpx.AsyncClient(
            base_url=instance.url,
            headers={"Authorization": f"Bearer {instance.master_key}"},
            timeout=_DEADLINE_S,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str) -> Any:
        """The `data` of an answer."""
        return _data(await self._sent("GET", path))

    async def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The `data` of an answer."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return _data(await self._sent("POST", path, json=dict(body or {}), headers=key))

    async def _sent(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise DemoFailed(f"{method} {path}: {type(error).__name__}") from error


def _data(answer: httpx.Response) -> Any:
    asked = f"{answer.request.method} {answer.request.url.path}"
    try:
        body = answer.json()
    except ValueError:
        raise DemoFailed(f"{asked} answered {answer.status_code} without JSON") from None
    if not answer.is_success:
        error = body.get("error", {})
        reason = f"{error.get('code')}: {error.get('message')} {error.get('details') or ''}"
        raise DemoFailed(f"{asked} answered {answer.status_code} {reason}")
    return body["data"]
