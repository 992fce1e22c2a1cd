"""The network as it shows itself: several servers of which some lag, and answers that are not true."""

import json
import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from attrs import define, field, frozen
from stellar_sdk import TransactionEnvelope

from offerhub.sandbox.app import Sandbox
from offerhub.sandbox.constants import SANDBOX_PASSPHRASE
from offerhub.sandbox.horizon import HorizonFace, HorizonKnobs
from offerhub.sandbox.http import Request, Response
from tests.simulation.history import History

_MOMENTS: Final = frozenset(
    {"closed_at", "created_at", "history_latest_ledger_closed_at", "last_modified_time"}
)


@frozen
class Lies:
    """What this network tells that is not so; probabilities, and a shift of its clock.

    Args:
        hide: that a transaction which was applied is answered 504, then 404 by its hash.
        flip: that a transaction by its hash shows `successful` turned around, its result untouched.
        clock_s: what it adds to the moments at which its ledgers closed.
        lag: that a read is answered by a second server, `lag_ledgers` behind.
    """

    hide: float = 0.0
    flip: float = 0.0
    clock_s: float = 0.0
    lag: float = 0.0
    lag_ledgers: int = 0

    @property
    def deceive(self) -> bool:
        """Whether something is told that never was: lagging is no lie of that kind."""
        return bool(self.hide or self.flip or self.clock_s)


HONEST: Final = Lies()


@define
class Network:
    """Stands before the sandbox; `lies` may change at any time."""

    sandbox: Sandbox
    clock: Callable[[], datetime]
    chance: random.Random
    history: History
    lies: Lies = HONEST
    _hidden: set[str] = field(factory=set)
    _asked: dict[str, bool] = field(factory=dict)

    async def handle(self, request: Request) -> Response:
        """Answer a request as the sandbox does, but for the lies in force."""
        lies = self.lies
        if lies is HONEST:
            return await self.sandbox.handle(request)
        reads = request.method == "GET"
        if request.path == "/transactions" and not reads:
            return await self._submit(request, lies)
        if reads and _hash_in(request.path) in self._hidden:
            self.history.mark("a transaction was hidden")
            return _problem(404, "not_found")
        if reads and _is_horizons(request.path) and self.chance.random() < lies.lag:
            self.history.mark("a server that lags answered")
            return await self._behind(lies.lag_ledgers).handle(request)
        response = await self.sandbox.handle(request)
        if lies.clock_s and _is_horizons(request.path):
            self.history.mark("the network's clock was wrong")
            response = _rewritten(response, lambda body: _moved(body, lies.clock_s))
        if reads and _hash_in(request.path) and self.chance.random() < lies.flip:
            self.history.mark("a record contradicted itself")
            response = _rewritten(response, _flipped)
        return response

    async def _submit(self, request: Request, lies: Lies) -> Response:
        tx_hash = _hash_of(request)
        hidden = self._asked.setdefault(tx_hash, self.chance.random() < lies.hide)
        if tx_hash in self._hidden:
            # A node knows no history: to it, the sequence number is used up.
            return _problem(
                400,
                "transaction_failed",
                {"result_codes": {"transaction": "tx_bad_seq"}, "result_xdr": _BAD_SEQUENCE},
            )
        response = await self.sandbox.handle(request)
        if hidden and self.sandbox.engine.transaction(tx_hash) is not None:
            self._hidden.add(tx_hash)
            self.history.note("hidden", tx_hash)
            return _problem(504, "timeout")
        return response

    def _behind(self, ledgers: int) -> HorizonFace:
        knobs = HorizonKnobs(ingestion_lag_ledgers=ledgers)
        return HorizonFace(self.sandbox.shell, self.clock, knobs=knobs)


_BAD_SEQUENCE: Final = "AAAAAAAAAGT////7AAAAAA=="
_PROVIDER: Final = ("/deployer", "/escrow", "/helper", "/faults", "/faucet", "/friendbot")


def _is_horizons(path: str) -> bool:
    return not path.startswith(_PROVIDER)


def _hash_in(path: str) -> str | None:
    parts = path.strip("/").split("/")
    return parts[1] if len(parts) >= 2 and parts[0] == "transactions" else None


def _hash_of(request: Request) -> str:
    envelope = parse_qs(request.body.decode())["tx"][0]
    return TransactionEnvelope.from_xdr(envelope, SANDBOX_PASSPHRASE).hash_hex()


def _problem(status: int, kind: str, extras: dict[str, Any] | None = None) -> Response:
    body = {"type": f"https://stellar.org/horizon-errors/{kind}", "title": kind, "status": status}
    return Response(
        status,
        (("content-type", "application/problem+json; charset=utf-8"),),
        json.dumps(body if extras is None else {**body, "extras": extras}).encode(),
    )


def _rewritten(response: Response, rewrite: Callable[[Any], Any]) -> Response:
    if not isinstance(response.body, bytes) or response.status != 200:
        return response
    body = json.dumps(rewrite(json.loads(response.body))).encode()
    return Response(response.status, response.headers, body)


def _moved(body: Any, by_s: float) -> Any:
    match body:
        case dict():
            return {
                name: _shifted(each, by_s)
                if name in _MOMENTS and isinstance(each, str)
                else _moved(each, by_s)
                for name, each in body.items()
            }
        case list():
            return [_moved(each, by_s) for each in body]
        case _:
            return body


def _shifted(moment: str, by_s: float) -> str:
    moved = datetime.fromisoformat(moment) + timedelta(seconds=by_s)
    return moved.strftime("%Y-%m-%dT%H:%M:%SZ")


def _flipped(body: Any) -> Any:
    return {**body, "successful": not body["successful"]} if "successful" in body else body
