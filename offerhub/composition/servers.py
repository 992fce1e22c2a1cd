"""The servers that this process starts itself, where no others are given: children of the root."""

from collections.abc import Callable
from functools import partial

import trio

from actors.kernel import ChildSpec, Service, ungrouped
from offerhub.composition.work import Addresses, Sources
from offerhub.sandbox.server import serve_sandbox
from offerhub.settings import Settings
from storage.embedded import EmbeddedPostgres, EmbeddedRedis, hold_home


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
