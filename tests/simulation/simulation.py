"""One seed: a climate, a safety phase with faults, a liveness phase without, and the last look."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog
import trio
from attrs import define, frozen

from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.withdrawal import Withdrawal
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.simulation.client import Client
from tests.simulation.climate import Climate, drawn, drawn_faults
from tests.simulation.commit_checks import WatchedDatabase
from tests.simulation.determinism import run_seeded
from tests.simulation.envelopes import Envelopes
from tests.simulation.history import History
from tests.simulation.hoarders import wrong_parked
from tests.simulation.lives import ANY_INSTANT, InjectedCrash, Lives
from tests.simulation.market import Market
from tests.simulation.network import HONEST, Network
from tests.simulation.outside import OUTSIDE, opened
from tests.simulation.plans import Plan, plan_of
from tests.simulation.rest_checks import Rest, unrest
from tests.simulation.rest_commands import wrong_commands, wrongly_sealed
from tests.simulation.world import Universe, now

QUIET_S: Final = 3600.0
"""Within this long without faults everything must have come to rest."""

_EXPECTED_ERRORS: Final = frozenset({"chain.step_keeps_failing"})


@frozen
class Report:
    """What one seed did and found."""

    seed: int
    plan: Plan
    violations: tuple[str, ...]
    marks: Counter[str]
    digest: str
    lives: int
    orders: int
    closed: int
    withdrawals: int
    commits: int
    peaks: Counter[str]
    """The most that any life used of each resource."""
    simulated_s: float
    lines: tuple[str, ...]


def simulate(seed: int, plan: Plan | None = None) -> Report:
    """Run one seed; the same seed and plan give the same report."""
    return run_seeded(seed, lambda: _run(seed, plan or plan_of(seed)))


async def _run(seed: int, plan: Plan) -> Report:
    chance = random.Random(f"simulation {seed}")
    climate = drawn(chance, plan.withheld)
    history = History(
        alarms_expected=climate.lies.deceive,
        failures_expected=bool(climate.withheld or climate.storm_every_s or climate.faults),
    )
    history.note("climate", climate)
    database = WatchedDatabase(history)
    universe = Universe(seed, climate.ledger_s, database, climate.envelope_s)
    opened(universe, list(OUTSIDE))
    network = Network(universe.sandbox, now, chance, history, climate.lies)
    envelopes = Envelopes(
        operation_of=database.operation_of,
        withheld=climate.withheld,
        late=climate.late,
        ledger_s=climate.ledger_s,
        chance=chance,
        history=history,
        now_s=lambda: now().timestamp(),
    )
    lives = Lives(universe, database, climate, history, chance, network, envelopes, list(plan.aims))
    client = Client(lives, history, chance, climate.disconnects)
    market = Market(universe, climate, lives, client, history, chance)
    with _heard(lives, history), history.scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(universe.sandbox.close_ledgers, universe.ledger_s)
            nursery.start_soon(lives.run, nursery)
            trouble = Trouble(universe, climate, lives, history, chance)
            await _both_phases(market, trouble, lives, history, database)
            lives.stop()
            await trio.sleep(1)
            history.violations += [f"crash at rest: {each}" for each in lives.crashes]
            history.violations += Rest(
                database, universe, client, market.hints.kept, market.teller.held
            ).check()
            history.violations += wrong_commands(database, market.operator.told)
            hoarder = market.hoarder
            history.violations += wrong_parked(database, hoarder.sent, hoarder.given)
            history.violations += wrongly_sealed(universe)
            database.check_whole()
            nursery.cancel_scope.cancel()
    universe.sandbox.close()
    orders = database.tables.of(Order).rows.values()
    return Report(
        seed=seed,
        plan=plan,
        violations=tuple(history.violations),
        marks=history.marks,
        digest=history.digest,
        lives=universe.lives,
        orders=len(orders),
        closed=sum(order.status is OrderStatus.CLOSED for order in orders),
        withdrawals=len(database.tables.of(Withdrawal).rows),
        commits=database.commits,
        peaks=lives.peaks,
        simulated_s=trio.current_time(),
        lines=tuple(history.lines),
    )


async def _both_phases(
    market: Market,
    trouble: "Trouble",
    lives: Lives,
    history: History,
    database: WatchedDatabase,
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(market.run)
        await _go_wrong(trouble, lives)
        trouble.heal()
        history.note("healed")
        lives.crashes.clear()
        with trio.move_on_after(QUIET_S) as waiting:
            await _wait_clients(nursery)
        if waiting.cancelled_caught:
            waits = [key for key, use in market.client.keys.items() if use.answer is None]
            history.violated(f"clients wait for ever: {waits}; {unrest(database, lives.universe)}")
    deadline = trio.current_time() + QUIET_S
    while open_work := unrest(database, lives.universe):
        if trio.current_time() > deadline:
            history.violated(f"no rest: {open_work}")
        await trio.sleep(5)
    await trio.sleep(30)
    for late in unrest(database, lives.universe):
        history.violated(f"unrest after rest: {late}")
    await _reconcile(lives, history)


async def _reconcile(lives: Lives, history: History) -> None:
    """What the process itself says of books and chain at rest: it must find that both agree."""
    _, life = await lives.running()
    if life.machine is None:
        raise TypeError(life.number)
    report = await life.machine.system.reconciler.reconcile()
    if not report.clean or report.unsettled:
        history.violated(f"the reconciler does not find both sides equal: {report}")
    history.mark("reconciled")


async def _go_wrong(trouble: "Trouble", lives: Lives) -> None:
    """The safety phase: its time, and in a foul climate longer, for places that come late."""
    climate = trouble.climate
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trouble.run)
        await trio.sleep(climate.trouble_s)
        if climate.aimed:
            with trio.move_on_after(climate.safety_s):
                await lives.reach_aims()
        nursery.cancel_scope.cancel()


async def _wait_clients(nursery: trio.Nursery) -> None:
    while nursery.child_tasks:
        await trio.sleep(1)


@define
class Trouble:
    """Everything that goes wrong around the process during the safety phase."""

    universe: Universe
    climate: Climate
    lives: Lives
    history: History
    chance: random.Random

    async def run(self) -> None:
        """Make trouble until cancelled."""
        climate = self.climate
        async with trio.open_nursery() as nursery:
            if climate.kill_every_s:
                nursery.start_soon(self._kill)
            if climate.away_every_s:
                nursery.start_soon(self._take_database_away)
            if climate.pause_every_s:
                nursery.start_soon(self._pause_ledgers)
            if climate.faults:
                nursery.start_soon(self._order_faults)
            if climate.storm_every_s:
                nursery.start_soon(self._storm)
            if climate.long_pause_s:
                nursery.start_soon(self._pause_for_hours)
            if climate.long_absence_s:
                nursery.start_soon(self._stay_away_for_hours)
            if climate.detach_every_s:
                nursery.start_soon(self._detach_history)
            await trio.sleep_forever()

    def heal(self) -> None:
        """From here on nothing goes wrong any more."""
        self.lives.healed = True
        self.lives.network.lies = HONEST
        self.universe.database.available = True
        self.universe.sandbox.ledgers.resume()
        self._note_faults()
        self.universe.sandbox.faults.clear()

    async def _kill(self) -> None:
        while True:
            await trio.sleep(self.chance.expovariate(1 / self.climate.kill_every_s))
            self.lives.kill(ANY_INSTANT)

    async def _take_database_away(self) -> None:
        while True:
            await trio.sleep(self.chance.expovariate(1 / self.climate.away_every_s))
            self.history.mark("the database was away")
            self.history.note("away")
            self.universe.database.available = False
            await trio.sleep(self.chance.choice((0.1, 2, 20)) * self.chance.random())
            self.universe.database.available = True
            self.history.note("back")

    async def _pause_ledgers(self) -> None:
        while True:
            await trio.sleep(self.chance.expovariate(1 / self.climate.pause_every_s))
            self.history.mark("ledgers paused")
            self.history.note("pause")
            self.universe.sandbox.ledgers.pause()
            await trio.sleep(self.chance.uniform(1, 90))
            self.universe.sandbox.ledgers.resume()

    async def _pause_for_hours(self) -> None:
        await trio.sleep(self.climate.safety_s / 3)
        self.history.mark("ledgers paused for long")
        self.universe.sandbox.ledgers.pause()
        await trio.sleep(self.climate.long_pause_s)
        self.universe.sandbox.ledgers.resume()

    async def _stay_away_for_hours(self) -> None:
        await trio.sleep(self.climate.safety_s / 3)
        self.history.mark("the database was away for long")
        self.universe.database.available = False
        await trio.sleep(self.climate.long_absence_s)
        self.universe.database.available = True

    async def _detach_history(self) -> None:
        """What is older than some moment goes, while the process lives and is killed."""
        database = self.universe.database
        while True:
            await trio.sleep(self.chance.expovariate(1 / self.climate.detach_every_s))
            gone = database.detached
            if not database.available:
                continue
            self.history.mark("history was detached")
            database.detach_history(
                events=self.chance.randint(gone.event_sequence, len(database.events)),
                transfers=self.chance.randint(gone.transfer_sequence, len(database.transfers)),
                audit=self.chance.randint(gone.audit_sequence, len(database.audit)),
                at=now(),
            )

    async def _order_faults(self) -> None:
        plan = self.universe.sandbox.faults
        while True:
            ordered = [plan.add(spec) for spec in drawn_faults(self.chance, self.climate.faults)]
            for fault in ordered:
                spec = fault.spec
                self.history.note("fault", spec.kind.value, spec.route, spec.rate)
            await trio.sleep(self.chance.uniform(5, 40))
            self._note_faults()
            for fault in ordered:
                plan.remove(fault.id)

    async def _storm(self) -> None:
        """For a while no submission arrives, so that envelopes die."""
        plan = self.universe.sandbox.faults
        while True:
            await trio.sleep(self.chance.expovariate(1 / self.climate.storm_every_s))
            if self.chance.random() < 0.3:
                self.history.mark("storm: the provider builds nothing")
                refusing = FaultSpec(
                    FaultKind.ERROR_BEFORE, route="POST /escrow/*", rate=1.0, status=400
                )
                storm = [plan.add(refusing)]
                lasts_s = self.chance.uniform(10, 60)
            else:
                self.history.mark("storm: no submission arrives")
                storm = [
                    plan.add(FaultSpec(kind, route=route, rate=1.0, delay_s=20))
                    for route in ("POST /transactions", "POST /helper/send-transaction")
                    for kind in [
                        self.chance.choice((FaultKind.ERROR_BEFORE, FaultKind.CLOSE_BEFORE))
                    ]
                ]
                lasts_s = self.chance.uniform(10, 3 * self.climate.envelope_s)
            self.history.note("storm")
            await trio.sleep(lasts_s)
            for fault in storm:
                plan.remove(fault.id)

    def _note_faults(self) -> None:
        for fault in self.universe.sandbox.faults.faults():
            if fault.fired:
                self.history.marks[f"fault: {fault.spec.kind.value}"] += fault.fired


@contextmanager
def _heard(lives: Lives, history: History) -> Iterator[None]:
    """Hear the log: an ERROR of the living process that nobody expects is a violation."""

    def hear(_logger: Any, method: str, entry: MutableMapping[str, Any]) -> Any:
        event = str(entry.get("event"))
        facts = {key: value for key, value in entry.items() if key not in {"event", "exc_info"}}
        history.note("log", method, event, facts)
        history.mark(f"log: {event}")
        present = lives.present
        living = present is not None and entry.get("life") == present.number and not present.dead
        if method in {"error", "critical", "exception"} and living:
            if event == "actor.crashed":
                lives.note_crash(str(facts.get("actor")), str(facts.get("error")))
            elif event == "request.unavailable" and facts.get("error") == "ActorCrashed":
                history.mark("asked an actor that crashed")
            elif event == "treasury.short" and lives.database.was_short:
                history.mark("the treasury was short")
            elif event == "command.failed" and isinstance(entry["exc_info"], InjectedCrash):
                history.mark("a command was cut off by a crash")
            elif event == "watcher.balance_limit" and facts.get("user") in history.full:
                history.mark("a deposit was parked")
            elif event not in _EXPECTED_ERRORS:
                history.alarm(f"unexpected ERROR: {event} {facts}")
        raise structlog.DropEvent

    configured = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, hear], cache_logger_on_first_use=False
    )
    try:
        yield
    finally:
        structlog.configure(**configured)
