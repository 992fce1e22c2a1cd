"""The composition root: settings → servers → storage → tree → web, in one supervised process.

    root ─┬─ sandbox    the local stand-in, unless it runs elsewhere
          ├─ postgres   the embedded server, unless DATABASE_URL names one
          ├─ redis      the embedded server, unless REDIS_URL names one
          └─ work       storage, every actor, and the web server above them

Children start in this order and stop in reverse. The real clock and the real randomness enter
here and nowhere else.
"""

import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
import trio
import trio_asyncio
from attrs import frozen

from actors.bootstrap import BootstrapFailed
from actors.kernel import Node, described, ungrouped
from actors.supervisor import ChildSpec, Service, Supervisor, TooManyRestarts
from offerhub.composition_failpoints import BadFailpoint, watch_failpoints
from offerhub.composition_work import Addresses, Sources, Work
from offerhub.domain.errors import DomainError
from offerhub.sandbox.server import serve_sandbox
from offerhub.settings import Settings
from storage.embedded import (
    EmbeddedPostgres,
    EmbeddedRedis,
    EmbeddedServerDied,
    HomeInUse,
    hold_home,
)
from storage.errors import OutcomeUnknown, StorageUnavailable
from storage.postgres.migrate import MigrationFailed, SchemaTooNew

log = structlog.get_logger(__name__)

STOP_S: Final = 20.0
"""Until a stop loses its patience: with what is shielded (a commit, a server's own shutdown) the
process is gone within 30 s (DESIGN.md, "Time, randomness, failure")."""

# A server that dies comes back within a second; ten deaths a minute are no accident any more.
_RESTARTS_MAX: Final = 10
_SAYS_ITSELF: Final = (
    BadFailpoint,
    BootstrapFailed,
    EmbeddedServerDied,
    HomeInUse,
    MigrationFailed,
    SchemaTooNew,
    RuntimeError,
)


class StartFailed(Exception):
    """The process cannot start; the message is for the operator."""


class Killed(Exception):
    """A second signal came, or the patience of a stop ended, before everything had stopped."""


@frozen
class Ready:
    """What is told when the API answers."""

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


def run(settings: Settings, announce: Callable[[Ready], None]) -> None:
    """Run the orchestrator until SIGTERM or SIGINT; `announce` is told when the API answers.

    Raises:
        StartFailed: it did not come up; everything that had been started is stopped again.
        TooManyRestarts: something could not be kept alive.
        Killed: a stop was cut short.
    """
    trio.run(partial(_run, settings, real_sources(), announce))


async def _run(settings: Settings, sources: Sources, announce: Callable[[Ready], None]) -> None:
    try:
        watch_failpoints(settings.failpoint)
        # The home is held even where every server is given: two instances of one home share keys.
        with hold_home(settings.home), ungrouped():
            async with trio_asyncio.open_loop():
                await _Process(settings, sources, announce).run()
    except (HomeInUse, BadFailpoint, OSError) as error:
        raise StartFailed(_for_people(settings, "home", error)) from error


class _Process:
    """One life of the process."""

    def __init__(
        self, settings: Settings, sources: Sources, announce: Callable[[Ready], None]
    ) -> None:
        self._settings = settings
        self._announce = announce
        self._up = False
        self._failed: tuple[str, Exception] | None = None
        self._killed = False
        addresses = Addresses(settings.database_url or "", settings.redis_url or "")
        self._work = Work(settings, sources, addresses, self._crashed)
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
                    await self._keep(nursery)
        finally:
            if self._killed:
                log.warning("process.stopped_early")
        if self._failed is not None:
            name, error = self._failed
            raise StartFailed(_for_people(self._settings, name, error)) from error
        if self._killed:
            raise Killed

    async def _keep(self, nursery: trio.Nursery) -> None:
        with trio.CancelScope() as self._scope:
            await self._root.run(task_status=_Up(self._ready))
        nursery.cancel_scope.cancel()

    def _ready(self) -> None:
        if self._up:
            return
        self._up = True
        host, port = self._settings.http.host, self._work.port
        shown = f"[{host}]" if ":" in host else host
        sandbox = self._settings.sandbox
        self._announce(
            Ready(
                base_url=f"http://{shown}:{port}/api/v1",
                sandbox_url=f"http://127.0.0.1:{sandbox.port}" if sandbox.starts else None,
                tree=self._root.tree,
            )
        )

    def _crashed(self, name: str, error: Exception) -> None:
        """A crash before the API has answered once is a failed start; later it is repaired."""
        if self._up:
            log.error("process.child_crashed", child=name, error=described(error), exc_info=error)
            return
        log.debug("process.start_failed", child=name, exc_info=error)
        if self._failed is None:
            self._failed = (name, error)
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


class _Up:
    """The root's report that every child is up."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready

    def started(self, _value: object = None) -> None:
        self._ready()


# ------------------------------------------------------------------ the servers


def servers(settings: Settings, sources: Sources, addresses: Addresses) -> tuple[ChildSpec, ...]:
    """Those that this process starts itself; their addresses are noted when they are up."""
    specs = []
    if settings.sandbox.starts:
        specs.append(ChildSpec(Service("sandbox", partial(_sandbox, settings, sources))))
    if settings.database_url is None:
        specs.append(
            ChildSpec(Service("postgres", partial(_postgres, settings, sources, addresses)))
        )
    if settings.redis_url is None:
        specs.append(ChildSpec(Service("redis", partial(_redis, settings, sources, addresses))))
    return tuple(specs)


async def _sandbox(
    settings: Settings, sources: Sources, *, task_status: trio.TaskStatus[int]
) -> None:
    # Its file has one writer: `offerhub sandbox` on the same home is refused.
    with hold_home(settings.home, "sandbox"), ungrouped():
        await serve_sandbox(
            port=settings.sandbox.port,
            database_path=settings.home / "sandbox.sqlite",
            ledger_seconds=settings.sandbox.ledger_s,
            clock=sources.now,
            random_bytes=sources.random_bytes,
            task_status=task_status,
        )


async def _postgres(
    settings: Settings,
    sources: Sources,
    addresses: Addresses,
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    def note(url: str) -> None:
        addresses.database_url = url

    server = EmbeddedPostgres(settings.home, random_bytes=sources.random_bytes)
    await server.run(task_status=_Noted(note, task_status))


async def _redis(
    settings: Settings,
    sources: Sources,
    addresses: Addresses,
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    def note(url: str) -> None:
        addresses.redis_url = url

    server = EmbeddedRedis(settings.home, random_bytes=sources.random_bytes)
    await server.run(task_status=_Noted(note, task_status))


class _Noted:
    """A server's report of its address, noted on its way."""

    def __init__(self, note: Callable[[str], None], task_status: trio.TaskStatus[None]) -> None:
        self._note = note
        self._task_status = task_status

    def started(self, url: str | None = None) -> None:
        self._note(url or "")
        self._task_status.started()


# ------------------------------------------------------------------ failures of the start


def _for_people(settings: Settings, child: str, error: Exception) -> str:
    """Why it does not start, and what can be done about it; without secrets."""
    match error:
        case OSError() if child == "web":
            http = settings.http
            return f"the API cannot listen on {http.host}:{http.port} (PORT): {_reason(error)}"
        case OSError() if child == "sandbox":
            port = settings.sandbox.port
            return f"the sandbox cannot listen on 127.0.0.1:{port} (SANDBOX_PORT): {_reason(error)}"
        case OSError() if error.filename is not None:
            return f"{error.filename}: {_reason(error)}"
        case StorageUnavailable() | OutcomeUnknown():
            return f"the database of DATABASE_URL cannot be used: {described(error)}"
        case TooManyRestarts() | DomainError():
            return described(error)
        case _ if isinstance(error, _SAYS_ITSELF):
            return str(error)
        case _:
            return f"{child} failed: {described(error)} (LOG_LEVEL=debug tells more)"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
