"""A Horizon that lies: the sandbox's answers, changed on their way to whoever asked."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from attrs import define, evolve, field
from stellar_sdk import xdr

from offerhub.sandbox.http import Request, Response
from tests.simulation.world import Universe

NOT_FOUND = Response(
    404,
    (("content-type", "application/problem+json"),),
    b'{"type": "https://stellar.org/horizon-errors/not_found", "status": 404}',
)
NO_ANSWER = Response(
    504,
    (("content-type", "application/problem+json"),),
    b'{"type": "https://stellar.org/horizon-errors/transaction_submission_timeout", "status": 504}',
)


@define
class Liar:
    """Stands between a universe's sandbox and the processes that start on it from now on.

    The lies are switches: each is reported for as long as it is set.
    """

    universe: Universe
    hides_hashes: bool = False
    """No transaction is known by its hash."""
    hides_history: bool = False
    """No account has a history."""
    hides_sequences: bool = False
    """Accounts' sequence numbers are as they were when this began."""
    without_ledger: bool = False
    """Accounts do not say which ledger they are of."""
    stale_accounts: bool = False
    """Accounts are as they were when this began, and say so."""
    loses_answers: bool = False
    """A submission is worked, and answered 504."""
    holds_submissions: bool = False
    """A submission is kept back, and answered 504."""
    turns_success: bool = False
    """Records say that they failed, beside an untouched result."""
    forges_failures: bool = False
    """Records say that they failed, and bring a result that says so, too."""
    another_network: bool = False
    """The server belongs to another network."""
    clock_moved: timedelta = timedelta()
    elder_ledger: int | None = None
    held: list[Request] = field(factory=list)
    _accounts: dict[str, dict[str, Any]] = field(factory=dict)
    _ledgers: dict[str, Response] = field(factory=dict)
    _honest: Callable[[Request], Awaitable[Response]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._honest = self.universe.sandbox.handle
        self.universe.sandbox.handle = self._handle  # type: ignore[method-assign]  # it stands between

    async def deliver(self) -> None:
        """What was held back arrives now."""
        for request in self.held:
            await self._honest(request)
        self.held.clear()

    async def _handle(self, request: Request) -> Response:
        match (request.method, request.path.strip("/").split("/")):
            case ("POST", ["transactions"]):
                return await self._submission(request)
            case ("GET", ["transactions", _]) if self.hides_hashes:
                return NOT_FOUND
            case ("GET", ["accounts", _, "transactions"]) if self.hides_history:
                return NOT_FOUND
        response = await self._honest(request)
        if response.status != 200 or not isinstance(response.body, bytes):
            return response
        match request.path.strip("/").split("/"):
            case [""]:
                return self._root(response)
            case ["transactions", _]:
                return self._record(response)
            case ["accounts", address]:
                return self._account(address, response)
        return response

    async def _submission(self, request: Request) -> Response:
        if self.holds_submissions:
            self.held.append(request)
            return NO_ANSWER
        response = await self._honest(request)
        if self.loses_answers:
            return NO_ANSWER
        return self._record(response) if response.status == 200 else response

    def _root(self, response: Response) -> Response:
        body = _json(response)
        closed_at = datetime.fromisoformat(body["history_latest_ledger_closed_at"])
        moved = (closed_at + self.clock_moved).astimezone(UTC)
        body["history_latest_ledger_closed_at"] = moved.strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.another_network:
            body["network_passphrase"] = "another network"
        if self.elder_ledger is not None:
            body["history_elder_ledger"] = self.elder_ledger
        return evolve(response, body=msgspec.json.encode(body))

    def _record(self, response: Response) -> Response:
        if not (self.turns_success or self.forges_failures):
            return response
        body = _json(response) | {"successful": False}
        if self.forges_failures:
            body["result_xdr"] = _UNDERFUNDED
        return evolve(response, body=msgspec.json.encode(body))

    def _account(self, address: str, response: Response) -> Response:
        if address not in self._accounts or not (self.stale_accounts or self.hides_sequences):
            self._accounts[address] = _json(response)
            self._ledgers[address] = response
        if self.stale_accounts:
            response = self._ledgers[address]
        elif self.hides_sequences:
            body = _json(response) | {"sequence": self._accounts[address]["sequence"]}
            response = evolve(response, body=msgspec.json.encode(body))
        if self.without_ledger:
            kept = tuple(each for each in response.headers if each[0] != "latest-ledger")
            response = evolve(response, headers=kept)
        return response


_UNDERFUNDED = xdr.TransactionResult(
    fee_charged=xdr.Int64(100),
    result=xdr.TransactionResultResult(
        xdr.TransactionResultCode.txFAILED,
        results=[
            xdr.OperationResult(
                xdr.OperationResultCode.opINNER,
                tr=xdr.OperationResultTr(
                    xdr.OperationType.PAYMENT,
                    payment_result=xdr.PaymentResult(xdr.PaymentResultCode.PAYMENT_UNDERFUNDED),
                ),
            )
        ],
    ),
    ext=xdr.TransactionResultExt(0),
).to_xdr()


def _json(response: Response) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    body: dict[str, Any] = msgspec.json.decode(response.body)
    return body
