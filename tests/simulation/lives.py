"""The lives of the process: started, killed at any instant, started again, sometimes two at once."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections import Counter
from contextvars import ContextVar
from typing import Final

import httpx
import structlog
import trio
from attrs import define, evolve, field

from actors import failpoints
from actors.kernel import TooManyRestarts
from actors.lane_parts import XlmPolicy
from actors.outages import is_unavailable
from offerhub.domain.errors import DomainError
from offerhub.domain.money import Money
from storage.port import StorageUnavailable
from tests.simulation.asgi_client import Front
from tests.simulation.climate import Climate
from tests.simulation.commit_checks import WatchedDatabase
from tests.simulation.envelopes import Envelopes
from tests.simulation.history import History
from tests.simulation.network import Network
from tests.simulation.resources import Resources
from tests.simulation.transport import SMOOTH, Fate, Loss
from tests.simulation.unknown_commits import DoubtfulStorage
from tests.simulation.world import RULES, Machine, Universe, choices, now, started

_living: ContextVar["Life | None"] = ContextVar("living", default=None)

_CALM_S: Final = 5.0
"""The first seconds of a life without a kill, so that every life does something."""

_SPARED_S: Final = 90.0
"""How long an aimed life dies nowhere but at its aims."""

ANY_INSTANT: Final = "any instant"


_FAULTS_OF_OURS: Final = frozenset(
    {
        "AssertionError",
        "AttributeError",
        "DomainError",
        "IndexError",
        "InvariantViolated",
        "KeyError",
        "LookupError",
        "TypeError",
        "UnboundLocalError",
        "ValueError",
    }
)
"""Crashes that no trouble outside excuses."""


class InjectedCrash(Exception):
    """The actor that reached a failpoint crashes there."""


@define(eq=False)
class Life:
    """One life of the process."""

    number: int
    machine: Machine | None = None
    front: Front | None = None
    aimed: bool = False
    """It dies at the first place of the plan that it reaches and where no life has died yet.

    Until then it is spared, for a while: lives that are short reach only what comes early.
    """
    resources: Resources | None = None
    dead: bool = False
    """Nothing that it still does has an effect, and nobody hears of it."""
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    ended: trio.Event = field(factory=trio.Event)


@define
class Lives:
    """Keeps the process running until `stop`; everything that breaks it goes through here."""

    universe: Universe
    database: WatchedDatabase
    climate: Climate
    history: History
    chance: random.Random
    network: Network
    envelopes: Envelopes
    aims: list[str]
    """Failpoints at which a life is still to die."""
    healed: bool = False
    present: Life | None = None
    crashes: list[str] = field(factory=list)
    peaks: Counter[str] = field(factory=Counter)
    _began: float = 0.0
    _underway: trio.Nursery | None = None
    _overlap_s: float = 0.0
    _over: bool = False

    async def running(self) -> tuple[Front, Life]:
        """The web application of the life that runs, once one does."""
        while True:
            life = self.present
            if life is not None and life.front is not None and not life.dead:
                return life.front, life
            await trio.sleep(0.25)

    async def run(self, nursery: trio.Nursery) -> None:
        """One life after the other."""
        failpoints.watch(self._reached)
        self._underway = nursery
        try:
            while not self._over:
                aimed = self.chance.random() < self.climate.aimed
                life = Life(self.universe.lives + 1, aimed=aimed)
                self.present = life
                self._began = trio.current_time()
                nursery.start_soon(self._live, life)
                await life.ended.wait()
                await trio.sleep(0.0 if self.healed else self.chance.uniform(0, 10))
        finally:
            failpoints.watch(None)

    def kill(self, where: str, *, leave: bool = True) -> None:
        """Kill the present life: softly, at once, or leaving it alive beside its successor.

        Args:
            leave: whether it may be left alive for a while.
        """
        life = self.present
        if life is None or life.dead or life.ended.is_set():
            return
        if where == ANY_INSTANT and life.aimed and self.aims and self._lived_s() < _SPARED_S:
            return
        if leave and life.machine is not None and self.chance.random() < 0.15:
            self.history.mark("two processes at once")
            self.history.note("overlap", life.number, where)
            life.ended.set()
            self._overlap_s = self.chance.uniform(0.5, 15)
            return
        hard = self.chance.random() < 0.7
        self.history.note("kill", life.number, where, hard)
        self.history.mark("killed while starting" if life.machine is None else f"killed: {where}")
        if hard:
            life.dead = True
            self.universe.database.take_epoch()
        life.scope.cancel()

    async def reach_aims(self) -> None:
        """Wait until a life has died at each place of the plan; for ever in fair weather."""
        while self.aims:
            await trio.sleep(1)

    def _lived_s(self) -> float:
        return trio.current_time() - self._began

    def stop(self) -> None:
        """End the last life."""
        self._over = True
        if self.present is not None:
            self.present.dead = True
            self.present.scope.cancel()

    async def _live(self, life: Life) -> None:
        _living.set(life)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(life=life.number)
        try:
            with life.scope:
                await self._one_life(life)
        finally:
            life.dead = True
            life.ended.set()
        self.history.note("ended", life.number)

    async def _one_life(self, life: Life) -> None:
        climate = self.climate
        chosen = evolve(
            choices(climate.channels),
            rules=evolve(RULES, lifetime_max_s=climate.lifetime_max_s),
            fee_terms=climate.fees,
            attempts_max=climate.attempts_max,
            settlement_s=climate.settlement_s,
            reconcile_s=climate.reconcile_s,
            wallet_xlm=XlmPolicy(minimum=Money(climate.xlm_minimum), level=Money(20_000_000)),
        )
        try:
            async with started(
                self.universe,
                weather=self._weather(life),
                storage=self._storage,
                handle=self.network.handle,
                chosen=chosen,
                underway=self._underway,
                on_crash=lambda name, error: self._crashed(life, name, error),
            ) as machine:
                self.history.note("up", life.number)
                async with trio.open_nursery() as serving:
                    life.machine = machine
                    life.front = Front(machine.system, serving, climate.per_minute)
                    life.resources = Resources(
                        machine,
                        self.universe.database,
                        self.history,
                        trio.lowlevel.current_task(),
                        self.peaks,
                    )
                    machine.transport.sent = life.resources.called
                    self.database.resources = life.resources
                    await life.ended.wait()
                    await trio.sleep(self._overlap_s)
                    life.dead = True
                    serving.cancel_scope.cancel()
        except* StorageUnavailable:
            self.history.mark("start refused: the database is away")
        except* DomainError as refused:
            if refused.split(is_unavailable)[1] is not None:
                raise
            self.history.mark("start refused: the database is away")
        except* TooManyRestarts as gave_up:
            self.history.violated(f"the process gave up: {gave_up.exceptions[0]}")

    def _crashed(self, life: Life, name: str, error: Exception) -> None:
        self.history.note("crash", life.number, name, type(error).__name__)
        if life is self.present and not life.dead and not life.ended.is_set():
            self.note_crash(name, f"{type(error).__name__}: {error}")

    def note_crash(self, name: str, error: str) -> None:
        """A crash of the living process: repaired, but some are faults of ours at any time."""
        kind = error.partition(":")[0]
        self.crashes.append(f"{name}: {error}")
        self.history.mark(f"crash: {name.partition('/')[0]}: {kind}")
        if kind in _FAULTS_OF_OURS:
            self.history.violated(f"{name} crashed: {error}")

    def _weather(self, life: Life):
        def fate(request: httpx.Request) -> Fate:
            if life.dead:
                return Fate(Loss.REQUEST, silent=True)
            drawn = SMOOTH if self.healed else self.envelopes.fate(request) or self._fate()
            self.history.note(
                "request", life.number, request.method, request.url.path[:40], drawn.loss.value
            )
            if drawn.loss is not Loss.NOTHING:
                self.history.mark(f"lost {drawn.loss.value} of {request.method} {_route(request)}")
            if drawn.late_s is not None:
                self.history.mark("a lost request arrived late")
            return drawn

        return fate

    def _fate(self) -> Fate:
        climate, chance = self.climate, self.chance
        drawn = chance.random()
        loss = Loss.NOTHING
        if drawn < climate.lose_request:
            loss = Loss.REQUEST
        elif drawn < climate.lose_request + climate.lose_answer:
            loss = Loss.ANSWER
        return Fate(
            loss,
            there_s=chance.random() * climate.delay_s,
            back_s=chance.random() * climate.delay_s,
            silent=chance.random() < climate.silent,
            late_s=self._late_s() if loss is Loss.REQUEST else None,
        )

    def _late_s(self) -> float | None:
        """Half of the lost requests arrive in the end; what they carry is dead by then, or not."""
        if self.chance.random() < 0.5:
            return None
        return self.chance.uniform(0, 1.5 * self.climate.envelope_s)

    def _storage(self) -> DoubtfulStorage:
        climate = self.climate
        return DoubtfulStorage(
            self.universe.database,
            now,
            latency_s=self._latency_s if climate.latency_s else None,
            doubt=lambda: 0.0 if self.healed else climate.doubt,
            chance=self.chance,
            history=self.history,
        )

    def _latency_s(self) -> float:
        return self.chance.random() * self.climate.latency_s

    def _reached(self, name: str) -> None:
        life = _living.get()
        if life is None or life.dead:
            return
        self.history.mark(f"reached {name.partition(':')[0]}")
        if self.healed or self._lived_s() < _CALM_S:
            return
        place = name.partition(":")[0]
        rarer = 0.3 if name.startswith("journal.") else 1.0
        drawn = self.chance.random() < rarer * self.climate.kill_at_failpoint
        aimed = life.aimed and place in self.aims
        if life is self.present and (drawn or aimed):
            if aimed:
                self.aims.remove(place)
            self.kill(place, leave=not aimed)
        elif self.chance.random() < rarer * self.climate.crash_at_failpoint:
            self.history.note("crash at", place)
            self.history.mark(f"crashed: {place.rpartition('.')[0] or place}")
            raise InjectedCrash(place)


def _route(request: httpx.Request) -> str:
    head = request.url.path.strip("/").split("/")
    return head[0] if request.method == "GET" else "/".join(head[:2])
