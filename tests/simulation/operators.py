"""Operators at the command line: commands stored as rows, whoever runs and whoever is killed.

The sender here does what `offerhub.cli.commanding` does: it stores the row, looks at it until it has
ended, and withdraws what nobody took up. It remembers every end that it has seen.
"""

import hashlib
import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import trio
from attrs import define, field

from actors.order_commands import RETRY
from actors.wallet_commands import ROTATE
from offerhub.domain import command_decisions as decisions
from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.ids import Ids
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed
from tests.simulation.history import History
from tests.simulation.lives import Lives
from tests.simulation.world import Universe, bytes_from, now

_GRACE: Final = timedelta(seconds=5)
_LOOKS_FOR_AN_ORDER: Final = 60
_AGAIN: Final = frozenset({"INTERNAL_ERROR", "SERVICE_UNAVAILABLE"})
"""Refusals of a command that was cut off, or that met an outage: sent again."""
_OURS: Final = frozenset({"NOT_FOUND", "ORDER_NOT_FOUND", "VALIDATION_ERROR"})
"""Refusals that no command of these operators deserves."""


@define
class Operator:
    """Whoever sits at the command line."""

    universe: Universe
    lives: Lives
    history: History
    chance: random.Random
    told: dict[str, OperatorCommand | None] = field(factory=dict)
    """By id: the end that its sender has seen."""
    _ids: Ids = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ids = Ids(bytes_from(f"operators {self.universe.seed}"))

    async def command(self, kind: str, arguments: Mapping[str, object]) -> OperatorCommand:
        """Have a command done, or refused for good."""
        while True:
            ended = await self._once(kind, arguments)
            code = None if ended.refusal is None else ended.refusal.code
            self.history.mark(f"command {kind}: {code or ended.state.value}")
            if code in _OURS:
                self.history.violated(f"{kind} of {dict(arguments)} was refused: {code}")
            if ended.state is not CommandState.WITHDRAWN and code not in _AGAIN:
                return ended
            await trio.sleep(self.chance.uniform(1, 10))

    async def _once(self, kind: str, arguments: Mapping[str, object]) -> OperatorCommand:
        """Store one command and look at it until it has ended."""
        database = self.universe.database
        await self._reachable()
        life = self.lives.present
        if life is None or life.machine is None or life.dead:
            self.history.mark("a command while the process is down")
        command, unit = decisions.ask(kind, arguments, "ops", self._context())
        self.told[command.id] = None
        database.commit(unit, database.epoch)
        leaves = self.chance.random() < 0.6
        while command.is_open:
            await trio.sleep(self.chance.uniform(0.1, 1))
            await self._reachable()
            command = database.tables.of(OperatorCommand).rows[command.id]
            late = now() > command.waits_until + _GRACE
            if command.state is CommandState.WAITING and late and not leaves:
                withdrawn = decisions.withdrawn(command, self._context())
                if isinstance(database.commit(withdrawn, database.epoch), Committed):
                    self.history.mark("a command was withdrawn by its sender")
        self.told[command.id] = command
        return command

    async def _reachable(self) -> None:
        while not self.universe.database.available:
            await trio.sleep(1)

    async def retry(self) -> None:
        """End the pause of a step of some order; nothing when none is on its way for long."""
        tables = self.universe.database.tables
        for _ in range(_LOOKS_FOR_AN_ORDER):
            moving = [
                order.id
                for order in tables.of(Order).rows.values()
                if order.chain_operation_id is not None
                and tables.of(ChainOperation).rows[order.chain_operation_id].is_open
            ]
            if moving:
                await self.command(RETRY, {"orderId": self.chance.choice(moving)})
                return
            await trio.sleep(self.chance.uniform(0.2, 2))

    async def rotate(self) -> None:
        """Start with another encryption key, have every seed resealed, and forget the old ones."""
        universe = self.universe
        name = f"key {universe.seed} {len(self.told)} {self.chance.random()}"
        universe.keys.append(hashlib.sha256(name.encode()).digest())
        rotated_to = universe.keys[-1]
        self.lives.kill("for another key", leave=False)
        ended = await self.command(ROTATE, {})
        left = (ended.result or {}).get("leftCount")
        if ended.state is not CommandState.DONE or left != 0:
            self.history.violated(f"the key was not rotated: {ended.state} {ended.result}")
        if universe.keys[-1] is rotated_to:
            universe.keys[:] = [rotated_to]
            self.history.mark("an old key was forgotten")
            self.lives.kill("for the forgotten key", leave=False)

    def _context(self) -> DecisionContext:
        return DecisionContext(now(), self._ids, Trace(self._ids.new("req"), "cli:ops"))
