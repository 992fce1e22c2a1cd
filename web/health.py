"""What this instance depends on, and whether it answers.

`GET /health` must be fast whatever is away, so a service asks the dependencies in the background;
`GET /health/detailed` asks them now.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio
from attrs import frozen

from actors.system import System
from actors.watcher import WatcherState

Probe = Callable[[], Awaitable[bool]]
"""Asks a dependency whether it answers; may raise any `Exception` for a no."""

_DEADLINE_S: Final = 3.0
_EVERY_S: Final = 5.0
_WATCHER_IS_WELL: Final = frozenset({WatcherState.STARTING, WatcherState.FOLLOWING})


@frozen
class DependencyState:
    """One dependency at one instant."""

    name: str
    up: bool
    latency_s: float


def concerns(system: System) -> dict[str, str]:
    """What is not well although everything answers: subject → reason, for operators."""
    found = dict(system.alarms.on)
    distrust = system.ledger_clock.distrust
    if distrust is not None:
        found["clock"] = f"{distrust}: nothing is signed and nothing expires"
    view = system.watcher.view
    lag = lag_ledgers(system)
    if view.state not in _WATCHER_IS_WELL:
        found["watcher"] = f"it is {view.state.value}: deposits are not credited"
    elif lag is not None and lag > system.instance.lag_ledgers_max:
        found["watcher"] = f"it is {lag} ledgers behind: deposits are credited late"
    return found


def lag_ledgers(system: System) -> int | None:
    """How far the watcher is behind the network; `None` while unknown."""
    return system.watcher.view.lag_ledgers(system.ledger_clock.latest_ledger)


class Health:
    """The dependencies and their last known state.

    Args:
        probes: by name, in the order in which they are shown.
    """

    def __init__(self, probes: Mapping[str, Probe] | None = None) -> None:
        self._probes = dict(probes or {})
        self.last: tuple[DependencyState, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether everything answered when it was asked last; true before that."""
        return all(state.up for state in self.last)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Ask everything every 5 s, for ever: a service of the tree."""
        task_status.started()
        while True:
            await self.check()
            await trio.sleep(_EVERY_S)

    async def check(self) -> tuple[DependencyState, ...]:
        """Ask everything now, at once, for 3 s at most. Cancelling it is harmless."""
        found: dict[str, DependencyState] = {}
        async with trio.open_nursery() as nursery:
            for name, probe in self._probes.items():
                nursery.start_soon(self._ask, name, probe, found)
        self.last = tuple(found[name] for name in self._probes)
        return self.last

    async def _ask(self, name: str, probe: Probe, found: dict[str, DependencyState]) -> None:
        began = trio.current_time()
        up = False
        with trio.move_on_after(_DEADLINE_S):
            try:
                up = await probe()
            except Exception:  # noqa: BLE001 - whatever it raises, the dependency does not answer
                up = False
        found[name] = DependencyState(name, up, trio.current_time() - began)
