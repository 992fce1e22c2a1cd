"""The composition root: settings → servers → storage → tree → web, in one supervised process.

    root ─┬─ sandbox    the local stand-in, unless it runs elsewhere
          ├─ postgres   the embedded server, unless DATABASE_URL names one
          ├─ redis      the embedded server, unless REDIS_URL names one
          └─ work       storage, every actor, and the web server above them

Children start in this order and stop in reverse. The real clock and the real randomness enter
here and nowhere else.
"""

import gc
import os
import random
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
import trio
import trio_asyncio
from attrs import frozen

from actors.kernel import ChildSpec, Node, Supervisor, described, ungrouped
from actors.tree import Role, Tree
from offerhub.composition.failpoints import BadFailpoint, watch_failpoints
from offerhub.composition.failures import for_people
from offerhub.composition.servers import servers
from offerhub.composition.work import Addresses, Sources, Work
from offerhub.settings import Settings
from storage.embedded import EmbeddedServerDied, HomeInUse, hold_home

log = structlog.get_logger(__name__)

STOP_S: Final = 20.0
"""How long an orderly stop may take; with what is shielded (a commit, a server's own shutdown) the
process has ended within 30 s (docs/operations.md)."""

# A server that dies comes back within a second; ten deaths a minute are no accident any more.
_RESTARTS_MAX: Final = 10


_COLLECT_AFTER: Final = 20_000


class StartFailed(Exception):
    """The process cannot start; the message is for the operator."""


class Displaced(Exception):
    """Another process has taken over the database; this one has ended."""


class Killed(Exception):
    """A second signal came, or the patience of a stop ended, before everything had stopped."""


@frozen
class Ready:
    """What is known once the API is listening."""

    base_url: str
    sandbox_url: str | None
    tree: Callable[[], Node]
    """The whole tree at this instant."""


def real_sources() -> Sources:
    """The clock and the randomness of a real process."""
    return Sources(now=utc_now, random_bytes=os.urandom, random=random.random)


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


Errand = Callable[[Tree], Awaitable[None]]
"""Something to do with the running tree, after which the process ends."""


def run(settings: Settings, announce: Callable[[Ready], None]) -> None:
    """Run the orchestrator until SIGTERM or SIGINT; `announce` is called when the API is listening.

    Raises:
        StartFailed: it did not come up; everything that had been started is stopped again.
        TooManyRestarts: something could not be kept alive.
        Displaced: another process was started on the same database.
        Killed: a stop was cut short.
    """
    trio.run(partial(_run, settings, real_sources(), announce=announce))


def run_errand(settings: Settings, errand: Errand, role: Role = Role.BOOTSTRAP) -> None:
    """Run what an errand needs until it is done, beside whoever owns the database; raises as `run` does."""
    trio.run(partial(_run, settings, real_sources(), errand=errand, role=role))


async def _run(
    settings: Settings,
    sources: Sources,
    *,
    announce: Callable[[Ready], None] | None = None,
    errand: Errand | None = None,
    role: Role = Role.OWNER,
) -> None:
    try:
        watch_failpoints(settings.failpoint)
        # The home is held even where every server is given: two instances of one home share keys.
        with hold_home(settings.home), ungrouped():
            async with trio_asyncio.open_loop():
                await _Process(settings, sources, announce, errand, role).run()
    except (HomeInUse, BadFailpoint, OSError) as error:
        raise StartFailed(for_people(settings, "home", error)) from error


class _Process:
    """One life of the process."""

    def __init__(
        self,
        settings: Settings,
        sources: Sources,
        announce: Callable[[Ready], None] | None,
        errand: Errand | None,
        role: Role,
    ) -> None:
        self._settings = settings
        self._announce = announce
        self._errand = errand
        self._scope = trio.CancelScope()
        self._up = False
        self._failed: tuple[str, Exception] | None = None
        self._killed = False
        self._displaced = False
        addresses = Addresses(settings.database_url or "", settings.redis_url or "")
        self._work = Work(
            settings,
            sources,
            addresses,
            self._crashed,
            role=role,
            whole=self._tree,
            on_displaced=self._on_displaced,
        )
        self._root = Supervisor(
            "root",
            (
                *servers(settings, sources, addresses),
                ChildSpec(self._work, stop_s=STOP_S),
            ),
            random=sources.random,
            on_crash=self._crashed,
            restarts_max=_RESTARTS_MAX,
        )

    async def run(self) -> None:
        try:
            with ungrouped():
                async with trio.open_nursery() as nursery:
                    await nursery.start(self._stop_on_signals)
                    with self._scope:
                        await self._root.run(task_status=_Up(partial(self._ready, nursery)))
                    nursery.cancel_scope.cancel()
        finally:
            if self._killed:
                log.warning("process.stopped_early")
        if self._failed is not None:
            name, error = self._failed
            raise StartFailed(for_people(self._settings, name, error)) from error
        if self._displaced:
            raise Displaced
        if self._killed:
            raise Killed

    def _ready(self, nursery: trio.Nursery) -> None:
        self._up = True
        spare_the_collector()
        if self._announce is not None:
            self._announce(self._as_announced())
        if self._errand is not None:
            nursery.start_soon(self._do, self._errand)

    async def _do(self, errand: Errand) -> None:
        if self._work.built is not None:
            await errand(self._work.built)
        self._root.request_stop()

    def _tree(self) -> Node:
        return self._root.tree()

    def _as_announced(self) -> Ready:
        host, port = self._settings.http.host, self._work.port
        shown = f"[{host}]" if ":" in host else host
        sandbox = self._settings.sandbox
        return Ready(
            base_url=f"http://{shown}:{port}/api/v1",
            sandbox_url=f"http://127.0.0.1:{sandbox.port}" if sandbox.starts else None,
            tree=self._root.tree,
        )

    def _crashed(self, name: str, error: Exception) -> None:
        """A crash before the API has answered once is a failed start; later it is repaired."""
        if self._up:
            # A server that died has a message of its own; a traceback adds nothing.
            died = isinstance(error, EmbeddedServerDied)
            log.error(
                "process.child_crashed",
                child=name,
                error=str(error) if died else described(error),
                exc_info=None if died else error,
            )
            return
        log.debug("process.start_failed", child=name, exc_info=error)
        if self._failed is None:
            self._failed = (name, error)
        self._root.request_stop()

    def _on_displaced(self) -> None:
        self._displaced = True
        self._root.request_stop()

    async def _stop_on_signals(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            number = await anext(signals)
            log.info("process.stopping", signal=signal.Signals(number).name)
            self._root.request_stop()
            with trio.move_on_after(STOP_S):
                await anext(signals)
            self._killed = True
            self._scope.cancel()


def spare_the_collector() -> None:
    """Exclude what exists after the start from garbage collection, and collect less often.

    Modules, the tree and the routes live as long as the process; a request makes next to no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)


class _Up:
    """The root's report that every child is up."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready

    def started(self, _value: object = None) -> None:
        self._ready()
