"""The climate of a seed: how many, how often, how bad. Drawn once, before anything runs."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.simulation.network import HONEST, Lies

_PROVIDER_ROUTES: Final = ("POST /deployer/*", "POST /escrow/*", "POST /helper/send-transaction")
_BUILDING: Final = ("POST /deployer/*", "POST /escrow/*")
_HORIZON_ROUTES: Final = ("POST /transactions", "GET /transactions/*", "GET /payments", "GET /*")

_ANYWHERE: Final = (
    FaultKind.SLOW,
    FaultKind.ERROR_BEFORE,
    FaultKind.ERROR_AFTER,
    FaultKind.TIMEOUT_BEFORE,
    FaultKind.TIMEOUT_AFTER,
    FaultKind.CLOSE_BEFORE,
    FaultKind.CLOSE_AFTER,
    FaultKind.RATE_LIMITED,
)
_PROVIDERS_OWN: Final = (
    FaultKind.NOT_COMPLETE_YET,
    FaultKind.FAILED_BEFORE,
    FaultKind.FAILED_AFTER,
    FaultKind.INDEX_LOST,
)


@frozen
class Climate:
    """What a seed's safety phase is like; times in seconds, probabilities from 0 to 1.

    Args:
        kill_every_s: mean time between two kills; 0: never.
        kill_at_failpoint: that the process dies at a failpoint it reaches (at the journal's: less).
        aimed: that a life dies at the next place of the seed's plan.
        crash_at_failpoint: that the actor which reaches it crashes, and the process lives on.
        storm_every_s: mean time between two spells in which no submission arrives; 0: never.
        long_pause_s: one pause of the ledgers of so long; 0: none.
        long_absence_s: one absence of the database of so long; 0: none.
        envelope_s: how long the provider's envelopes live.
        lifetime_max_s: how long any envelope may live; it bounds our own, too.
        withheld: by step, that an envelope never arrives, however often it is handed in.
        late: that an envelope arrives by itself with the last ledger that may take it.
        doubt: that the answer of a commit is lost, applied or not.
        lies: what the network tells that is not so.
        fees: the platform's fee and who bears it.
        xlm_minimum: in stroops; below it a wallet is refilled before it signs.
        disconnects: that a client hangs up before its answer.
        rich: whether the platform's wallet has money from the beginning; else once all is healed.
        settlement_s: the schedule of settlements.
        reconcile_s: the pause between two passes of the reconciler.
        per_minute: requests that a client may make; 0: any number.
        hints: webhooks about contracts.
        retries: steps whose pause an operator ends.
        rotations: changes of the encryption key.
        hoards: deposits beyond the limit of a balance.
        earnings: withdrawals of the platform's own money.
        detach_every_s: mean time between two detachings of older history; 0: never.
    """

    users: int
    purchases: int
    withdrawals: int
    deposits: int
    holds: int
    maintenances: int
    safety_s: float
    ledger_s: float
    attempts_max: int
    channels: int
    lose_request: float
    lose_answer: float
    silent: float
    delay_s: float
    latency_s: float
    faults: float
    kill_every_s: float
    kill_at_failpoint: float
    crash_at_failpoint: float
    away_every_s: float
    pause_every_s: float
    storm_every_s: float
    envelope_s: float
    xlm_minimum: int
    disconnects: float
    aimed: float
    lifetime_max_s: int
    late: float
    doubt: float
    long_pause_s: float
    long_absence_s: float
    lies: Lies
    fees: FeeTerms
    rich: bool
    settlement_s: float
    reconcile_s: float
    per_minute: int
    hints: int
    earnings: int
    hoards: int
    retries: int
    rotations: int
    detach_every_s: float
    withheld: Mapping[str, float] = field(factory=dict)

    @property
    def trouble_s(self) -> float:
        """How long the safety phase lasts."""
        return self.safety_s + self.long_pause_s + self.long_absence_s


def drawn(chance: random.Random, withheld: Sequence[str]) -> Climate:
    """Draw a climate: fair in one seed, foul in the next, which withholds envelopes of some steps."""
    foul = chance.choice((0.0, 0.3, 1.0, 1.0, 1.0))

    def sometimes(value: float) -> float:
        return value * foul if chance.random() < 0.7 else 0.0

    # Our own envelopes live as long as they may; the provider's must not live longer.
    lies = _lies(chance) if foul else HONEST
    # What is hidden matters once its time is over.
    brief = bool(lies.hide) or chance.random() < (0.8 if withheld else 0.5)
    envelope_s = chance.choice((20.0, 40.0)) if brief else chance.choice((40.0, 300.0))
    safety_s = chance.uniform(120, 360)
    xlm_minimum = chance.choice((5_000_000, 19_950_000))
    long = chance.random() if foul else 1.0

    return Climate(
        users=chance.randint(3, 5),
        purchases=chance.randint(4, 8),
        withdrawals=chance.randint(2, 5),
        deposits=chance.randint(4, 9),
        holds=chance.randint(0, 3),
        maintenances=chance.choice((0, 0, 1)),
        safety_s=safety_s,
        ledger_s=chance.choice((1.0, 2.0, 5.0)),
        attempts_max=chance.choice((2, 2, 3, 5)),
        channels=chance.randint(1, 3),
        lose_request=sometimes(chance.uniform(0, 0.15)),
        lose_answer=sometimes(chance.uniform(0, 0.15)),
        silent=chance.uniform(0, 0.5),
        delay_s=sometimes(chance.uniform(0, 2)),
        latency_s=chance.choice((0.0, 0.005, 0.2)),
        faults=sometimes(0.25),
        kill_every_s=chance.choice((0.0, 20.0, 45.0)) if foul else 0.0,
        kill_at_failpoint=sometimes(0.05),
        crash_at_failpoint=sometimes(0.03),
        away_every_s=chance.choice((0.0, 40.0)) if foul else 0.0,
        pause_every_s=chance.choice((0.0, 60.0)) if foul else 0.0,
        storm_every_s=chance.choice((0.0, 60.0)) if foul else 0.0,
        envelope_s=envelope_s,
        xlm_minimum=xlm_minimum,
        disconnects=sometimes(0.3),
        lifetime_max_s=45 if brief else 3600,
        aimed=0.8 if foul else 0.0,
        withheld={step: chance.choice((0.5, 1.0, 1.0)) for step in withheld} if foul else {},
        late=sometimes(chance.choice((0.0, 0.1, 0.5))),
        doubt=sometimes(chance.choice((0.0, 0.1))),
        long_pause_s=chance.uniform(900, 2700) if long < 0.03 else 0.0,
        long_absence_s=chance.uniform(900, 2700) if 0.03 <= long < 0.06 else 0.0,
        lies=lies,
        fees=FeeTerms(chance.choice((0, 250, 999)), chance.choice(tuple(FeePolicy))),
        rich=chance.random() < 0.7,
        settlement_s=chance.choice((5.0, 30.0, 300.0)),
        reconcile_s=chance.choice((20.0, 60.0, 3600.0)),
        per_minute=chance.choice((0, 0, 120)),
        hints=chance.randint(0, 4),
        earnings=chance.randint(0, 2),
        hoards=chance.choice((0, 0, 1)),
        retries=chance.randint(0, 2),
        rotations=chance.choice((0, 0, 1)),
        detach_every_s=chance.choice((0.0, 0.0, 60.0)),
    )


LIES: dict[str, float] = {"none": 5.0, "lag": 1.0, "hide": 2.0, "flip": 1.0, "clock": 0.5}
"""How often a foul seed's network lies in which way."""


def _lies(chance: random.Random) -> Lies:
    """The lies in force: each has its weight here, 0 for what the product does not hold yet."""
    kind = chance.choices(tuple(LIES), weights=tuple(LIES.values()))[0]
    match kind:
        case "lag":
            return Lies(lag=chance.uniform(0.05, 0.5), lag_ledgers=chance.randint(1, 3))
        case "hide":
            return Lies(hide=chance.uniform(0.2, 0.7))
        case "flip":
            return Lies(flip=chance.uniform(0.05, 0.5))
        case "clock":
            return Lies(clock_s=chance.choice((-1.0, 1.0)) * chance.uniform(600, 86_400))
        case _:
            return HONEST


def drawn_faults(chance: random.Random, rate: float) -> list[FaultSpec]:
    """Some faults of the sandbox for the next stretch of time."""
    faults = []
    for _ in range(chance.randint(1, 4)):
        kind = chance.choice((*_ANYWHERE, *_PROVIDERS_OWN, FaultKind.EXPIRED_BOUNDS))
        routes: tuple[str, ...] = (*_HORIZON_ROUTES, *_PROVIDER_ROUTES)
        lifetime_s = -60.0
        if kind in _PROVIDERS_OWN:
            routes = _PROVIDER_ROUTES
        elif kind is FaultKind.EXPIRED_BOUNDS:
            routes = _BUILDING
            lifetime_s = chance.choice((-60.0, 1.0, 16.0, 20.0, 30.0))
        faults.append(
            FaultSpec(
                kind,
                route=chance.choice(routes),
                rate=rate * chance.choice((0.2, 1.0, 3.0)),
                lifetime_s=lifetime_s,
                retry_after_s=chance.choice((None, 1, 5)),
            )
        )
    return faults
