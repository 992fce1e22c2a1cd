"""The climate of a seed: how many, how often, how bad. Drawn once, before anything runs."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from typing import Final

from attrs import frozen

from offerhub.sandbox.faults import FaultKind, FaultSpec

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
        crash_at_failpoint: that the actor which reaches it crashes, and the process lives on.
        storm_every_s: mean time between two spells in which no submission arrives; 0: never.
        envelope_s: how long the provider's envelopes live.
        xlm_minimum: in stroops; below it a wallet is refilled before it signs.
        disconnects: that a client hangs up before its answer.
    """

    users: int
    purchases: int
    withdrawals: int
    deposits: int
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


def drawn(chance: random.Random) -> Climate:
    """Draw a climate: fair in one seed, foul in the next."""
    foul = chance.choice((0.0, 0.3, 1.0, 1.0))

    def sometimes(value: float) -> float:
        return value * foul if chance.random() < 0.7 else 0.0

    return Climate(
        users=chance.randint(3, 5),
        purchases=chance.randint(4, 8),
        withdrawals=chance.randint(2, 5),
        deposits=chance.randint(4, 9),
        safety_s=chance.uniform(90, 240),
        ledger_s=chance.choice((1.0, 2.0, 5.0)),
        attempts_max=chance.randint(2, 5),
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
        envelope_s=chance.choice((20.0, 40.0, 300.0)),
        xlm_minimum=chance.choice((5_000_000, 19_950_000)),
        disconnects=sometimes(0.3),
    )


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
