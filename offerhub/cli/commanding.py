"""The way of a command to the running process: stored as a row, and waited for.

Where no process takes commands up, this one does: it runs the part of the tree that commands need,
beside nobody, under the epoch of the process that owned the database last. If one starts
meanwhile, the fence ends this one, and the command is still stored once: nothing is done twice.
"""

import getpass
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import trio
import trio_asyncio

from actors.kernel import ungrouped
from actors.tree import Role, Tree
from offerhub import app
from offerhub.cli import exits
from offerhub.cli.failures import CommandFailed
from offerhub.cli.output import working
from offerhub.cli.storage import open_beside
from offerhub.composition.work import Sources
from offerhub.domain import command_decisions as decisions
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.ids import Ids
from offerhub.domain.operator_command import CommandState, OperatorCommand
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused
from offerhub.settings import Settings
from storage.embedded import EmbeddedPostgres, HomeInUse
from storage.errors import Displaced, OutcomeUnknown, StorageUnavailable
from storage.port import Storage

_GRACE: Final = timedelta(seconds=5)
"""How long after its `waits_until` a command's sender withdraws it: the process may be about to end it."""

_PATIENCE_S: Final = 60.0
"""How long the outcome is looked for while the database is away."""

_HOME_FREE_S: Final = 15.0
_POLL_FIRST_S: Final = 0.02
_POLL_MAX_S: Final = 0.5

Progress = Callable[[Mapping[str, object]], str]
"""How far a command has come, in words."""


def send(
    settings: Settings,
    kind: str,
    arguments: Mapping[str, object],
    *,
    doing: str = "waiting for the orchestrator",
    progress: Progress | None = None,
) -> Mapping[str, object]:
    """Have a command done by the running process, or here where none runs; returns its result.

    Args:
        kind, arguments: of the command; no secrets, since both are stored.
        doing: what is shown while it takes long.
        progress: makes what is shown of the reports of a long one.

    Raises:
        CommandFailed: it was refused, or not done in time; its exit status says which.
    """
    with working(doing) as shown:

        def report(reported: Mapping[str, object]) -> None:
            if progress is not None:
                shown.say(progress(reported))

        ended = _Sender(settings, kind, arguments, report).send()
    return result_of(ended)


def result_of(ended: OperatorCommand) -> Mapping[str, object]:
    """The result of a command that is done; any other end is raised as `CommandFailed`."""
    if ended.state is CommandState.DONE:
        return ended.result or {}
    if ended.refusal is not None:
        refusal = ended.refusal
        raise CommandFailed(refusal.message, code=refusal.code, details=refusal.details)
    raise CommandFailed(
        "the orchestrator did not take the command up in time; nothing was done",
        exits.UNAVAILABLE,
    )


def operator() -> str:
    """The user name of the operator, as one word: it is stored as one."""
    return re.sub(r"\s+", "_", getpass.getuser())


class _Sender:
    """One command on its way: to the running process, or worked here."""

    def __init__(
        self,
        settings: Settings,
        kind: str,
        arguments: Mapping[str, object],
        report: Callable[[Mapping[str, object]], None],
    ) -> None:
        self._settings = settings
        self._kind = kind
        self._arguments = arguments
        self._report = report
        self._sources = app.real_sources()
        self._ended: OperatorCommand | None = None

    def send(self) -> OperatorCommand:
        """Have it done, wherever that can be."""
        for _ in range(int(_HOME_FREE_S / _POLL_MAX_S)):
            trio.run(self._beside)
            if self._ended is None:
                self._by_errand()
            if self._ended is not None:
                return self._ended
            time.sleep(_POLL_MAX_S)
        raise CommandFailed("a process has this home and takes no commands", exits.UNAVAILABLE)

    async def _beside(self) -> None:
        """Leave it to the process that takes commands up, if one does."""
        with ungrouped():
            async with trio_asyncio.open_loop():
                settings = self._settings
                if not _has_server(settings, self._sources):
                    return
                async with open_beside(
                    settings.database_url, settings.home, self._sources
                ) as storage:
                    if await storage.served():
                        self._ended = await self._ask(storage)

    def _by_errand(self) -> None:
        """Do it here; not while another process has the home, which may be starting or stopping."""

        async def errand(tree: Tree) -> None:
            self._ended = await self._ask(tree.system.storage)

        try:
            app.run_errand(self._settings, errand, Role.COMMAND)
        except app.StartFailed as failed:
            if not isinstance(failed.__cause__, HomeInUse):
                raise
        except app.Displaced:
            pass  # by a process that takes commands up

    async def _ask(self, storage: Storage) -> OperatorCommand:
        return await ask_and_wait(
            storage, self._kind, self._arguments, operator(), self._sources, self._report
        )


def _has_server(settings: Settings, sources: Sources) -> bool:
    """Whether there is a database to ask without starting one."""
    if settings.database_url is not None:
        return True
    server = EmbeddedPostgres(settings.home, random_bytes=sources.random_bytes)
    return server.running_dsn() is not None


async def ask_and_wait(
    storage: Storage,
    kind: str,
    arguments: Mapping[str, object],
    by: str,
    sources: Sources,
    report: Callable[[Mapping[str, object]], None] = lambda _: None,
) -> OperatorCommand:
    """Store a command and wait for its end, or for its time to be up: then it is withdrawn.

    Raises:
        StorageUnavailable: it is not stored.
        Displaced: the database has a new owner; it is not stored.
        OutcomeUnknown: the database went away, and it may have been done.
    """
    ids = Ids(sources.random_bytes)

    def context() -> DecisionContext:
        return DecisionContext(sources.now(), ids, Trace(ids.new("req"), f"cli:{by}"))

    command, unit = decisions.ask(kind, arguments, by, context())
    (stored,) = await storage.commit([unit])
    if isinstance(stored, Refused):
        if stored.kind is RefusalKind.FENCED:
            raise Displaced
        raise StorageUnavailable(f"the command was not stored: {stored.kind.value}")
    pause_s = _POLL_FIRST_S
    looking_since = trio.current_time()
    while True:
        await trio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, _POLL_MAX_S)
        try:
            command = await storage.load(OperatorCommand, command.id) or command
            if not command.is_open:
                return command
            if command.state is CommandState.RUNNING:
                report(command.progress or {})
            elif sources.now() > command.waits_until + _GRACE:
                (ended,) = await storage.commit([decisions.withdrawn(command, context())])
                if isinstance(ended, Committed):
                    return command.withdrawn(sources.now())
        except StorageUnavailable as away:
            if trio.current_time() - looking_since > _PATIENCE_S:
                msg = f"the database went away before {command.id} had ended ({away})"
                raise OutcomeUnknown(msg) from away
        else:
            looking_since = trio.current_time()
