"""What becomes of envelopes on their way to the network: some are held back until they are dead.

The fate belongs to the envelope and not to a request: however often it is handed in, a withheld one
does not arrive. So every kind of operation meets its expiry, and not only when everything stands
still. A late one is lost to everybody who hands it in, and arrives by itself with the last ledger
that may take it.
"""

import json
import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Callable, Mapping
from enum import Enum, unique
from urllib.parse import parse_qs

import httpx
from attrs import define, field

from offerhub.domain.chain import ChainOperation
from tests.simulation.history import History
from tests.simulation.transport import Fate, Loss


@unique
class Destiny(Enum):
    """What was drawn for an envelope."""

    OPEN = "open"
    WITHHELD = "withheld"
    LATE = "late"


@define
class Envelopes:
    """Draws the destiny of each envelope once, by the step that it is for.

    Args:
        operation_of: the stored operation of an envelope.
        withheld: probability by step that an envelope never arrives.
        late: probability that it arrives late, of those that are not withheld.
        ledger_s: time between ledgers.
    """

    operation_of: Callable[[str], ChainOperation | None]
    withheld: Mapping[str, float]
    late: float
    ledger_s: float
    chance: random.Random
    history: History
    now_s: Callable[[], float]
    _destinies: dict[str, Destiny] = field(factory=dict)

    def fate(self, request: httpx.Request) -> Fate | None:
        """What this request meets because of what it carries; `None`: nothing out of the common."""
        envelope = _envelope_in(request)
        operation = None if envelope is None else self.operation_of(envelope)
        if envelope is None or operation is None or operation.max_time is None:
            return None
        step = str(operation.step.kind)
        destiny = self._destinies.get(envelope)
        first = destiny is None
        if destiny is None:
            destiny = self._destinies[envelope] = self._drawn(step)
        left_s = operation.max_time - self.now_s()
        silent = self.chance.random() < 0.3
        if destiny is Destiny.OPEN or left_s <= 0:
            return None
        if destiny is Destiny.WITHHELD:
            self.history.mark(f"withheld: {step}")
            return Fate(Loss.REQUEST, silent=silent)
        # A node takes what it expects to close in time: two ledgers ahead.
        arrives_s = left_s - self.chance.uniform(2.0, 3.0) * self.ledger_s
        if not first or arrives_s <= 0:
            return Fate(Loss.REQUEST, silent=silent) if arrives_s > 0 else None
        self.history.mark(f"late: {step}")
        return Fate(Loss.REQUEST, silent=silent, late_s=arrives_s)

    def _drawn(self, step: str) -> Destiny:
        if self.chance.random() < self.withheld.get(step, 0.0):
            return Destiny.WITHHELD
        return Destiny.LATE if self.chance.random() < self.late else Destiny.OPEN


def _envelope_in(request: httpx.Request) -> str | None:
    if request.method != "POST":
        return None
    if request.url.path == "/transactions":
        return parse_qs(request.content.decode()).get("tx", [None])[0]
    if request.url.path == "/helper/send-transaction":
        signed = json.loads(request.content).get("signedXdr")
        return None if signed is None else str(signed)
    return None
