"""The sandbox's own face: money out of nothing, ledgers on demand, faults.

POST /faucet {"address": "G...", "amount": "100.00"}      USDC, answered when it is in a ledger
POST /ledgers/close                                       close one now
POST /ledgers/pause, POST /ledgers/resume                 stop and go on with the schedule
GET /faults, POST /faults {...}, DELETE /faults[/{id}]    see `FaultSpec`
"""

from typing import Annotated

import msgspec

from offerhub.domain.ids import iso
from offerhub.domain.money import InvalidAmount, Money
from offerhub.sandbox.faucet import Faucet, FaucetRefused, FaucetUnknown
from offerhub.sandbox.fault_plan import ActiveFault, FaultKind, FaultPlan, FaultSpec
from offerhub.sandbox.http import Request, Response
from offerhub.sandbox.json_answers import NotJson, json_response, read_object
from offerhub.sandbox.ledger_clock import LedgerClock


class FaultBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /faults; neither `times` nor `rate` means once."""

    kind: FaultKind
    route: str = "*"
    times: int | None = None
    rate: float | None = None
    skip: int = 0
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    status: int | None = None
    lifetime_s: Annotated[float, msgspec.Meta(ge=-86_400, le=86_400)] = -60.0
    retry_after_s: int | None = None


class ControlFace:
    """Answers the routes above; nothing here exists on a real network."""

    def __init__(self, *, faucet: Faucet, ledgers: LedgerClock, faults: FaultPlan) -> None:
        self._faucet = faucet
        self._ledgers = ledgers
        self._faults = faults

    def serves(self, method: str, path: str) -> bool:
        """Whether a request is for the control and not for Horizon, which has GET /ledgers too."""
        if path in {"/faucet", "/faults"} or path.startswith("/faults/"):
            return True
        return method == "POST" and path in ("/ledgers/close", "/ledgers/pause", "/ledgers/resume")

    async def handle(self, request: Request) -> Response:
        """Answer one request; see `Faucet.pay` for what a cancellation leaves behind."""
        match request.method, request.path:
            case "POST", "/faucet":
                return await self._pay(request)
            case "POST", "/ledgers/close":
                closed = self._ledgers.close_now()
                return json_response(
                    200,
                    {
                        "sequence": closed.ledger.sequence,
                        "closedAt": iso(closed.ledger.closed_at),
                        "transactions": len(closed.transactions),
                    },
                )
            case "POST", "/ledgers/pause":
                self._ledgers.pause()
                return json_response(200, {"paused": True})
            case "POST", "/ledgers/resume":
                self._ledgers.resume()
                return json_response(200, {"paused": False})
            case "GET", "/faults":
                views = [_fault_view(fault) for fault in self._faults.faults()]
                return json_response(200, {"faults": views})
            case "POST", "/faults":
                return self._add_fault(request)
            case "DELETE", "/faults":
                self._faults.clear()
                return json_response(200, {"faults": []})
            case "DELETE", path if path.removeprefix("/faults/").isdecimal():
                return self._remove_fault(int(path.removeprefix("/faults/")))
            case _:
                return _problem(404, "no such route")

    async def _pay(self, request: Request) -> Response:
        try:
            body = read_object(request.body)
            address, amount_text = body.get("address"), body.get("amount")
            if not isinstance(address, str) or isinstance(amount_text, bool | list | dict):
                return _problem(400, 'the body is {"address": "G...", "amount": "100.00"}')
            amount = Money.from_decimal_string(str(amount_text))
            row = await self._faucet.pay(address, amount)
        except (NotJson, InvalidAmount, OverflowError, FaucetRefused) as error:
            return _problem(400, str(error))
        except FaucetUnknown:
            return _problem(504, "the payment is on its way but not in a ledger yet")
        return json_response(
            200,
            {
                "hash": row.hash,
                "ledger": row.ledger,
                "address": address,
                "amount": amount.seven_places(),
            },
        )

    def _add_fault(self, request: Request) -> Response:
        try:
            body = msgspec.convert(read_object(request.body), FaultBody)
            times = 1 if body.times is None and body.rate is None else body.times
            fault = self._faults.add(
                FaultSpec(
                    kind=body.kind,
                    route=body.route,
                    times=times,
                    rate=body.rate,
                    skip=body.skip,
                    delay_s=body.delay_s,
                    status=body.status,
                    lifetime_s=body.lifetime_s,
                    retry_after_s=body.retry_after_s,
                )
            )
        except (msgspec.ValidationError, ValueError) as error:
            return _problem(400, str(error))
        return json_response(201, _fault_view(fault))

    def _remove_fault(self, fault_id: int) -> Response:
        if not self._faults.remove(fault_id):
            return _problem(404, "no such fault")
        return json_response(200, {"removed": fault_id})


def _fault_view(fault: ActiveFault) -> dict[str, object]:
    spec = fault.spec
    return {
        "id": fault.id,
        "kind": spec.kind.value,
        "route": spec.route,
        "times": spec.times,
        "rate": spec.rate,
        "skip": spec.skip,
        "matched": fault.matched,
        "fired": fault.fired,
    }


def _problem(status: int, message: str) -> Response:
    return json_response(status, {"error": message})
