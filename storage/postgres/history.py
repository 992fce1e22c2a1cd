"""Export old history, vouch for it by a checkpoint, and detach it beside running commits.

    finish what an earlier run left → files and manifest → checkpoint → detach

Killed anywhere, it is run again: before the checkpoint nothing has happened but files, and from the
checkpoint on the partitions up to it are to be detached, which every run does first.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import asyncpg
import structlog
import trio
from attrs import frozen

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Refused, UnitOfWork
from storage.port import no_answers
from storage.postgres.checkpoints import NEW_CHECKPOINT
from storage.postgres.commit import Committer
from storage.postgres.diagnosis import DETACHED
from storage.postgres.export import Prepared, aio_prepare
from storage.postgres.pool import Connection, Pool
from storage.postgres.proven import Proven, prove

MIN_AGE: Final = timedelta(days=1)
"""Younger history is not detached: so long may a client come back to its stream, or repeat a key."""

_EXPORT_S: Final = 3600.0
_DETACH_S: Final = 600.0
"""For one partition: detaching waits for the transactions that are reading the table."""

_LOCK: Final = 0x6F666668
"""One run at a time: an advisory lock that nobody else takes."""

_PENDING: Final = """
SELECT parent, name, detaching FROM partitions, detached
WHERE past - 1 <= CASE parent WHEN 'events' THEN event_sequence WHEN 'audit' THEN audit_sequence
    ELSE transfer_sequence END
ORDER BY detaching DESC, parent, first
"""

_FORGET_SUMS: Final = """
DELETE FROM checkpoint_sums USING detached WHERE checkpoint_sums.checkpoint < detached.checkpoint
"""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class HistoryBusy(Exception):
    """Another run is at work, or another process has taken the database over; try again."""


@frozen
class Exported:
    """What a run has done; `manifest` is `None` if nothing was old enough."""

    manifest: Path | None
    detached: tuple[str, ...]


class History:
    """Puts old history away; made by `open_postgres_storage`."""

    def __init__(self, pool: Pool, committer: Committer, ids: Ids, clock: Clock) -> None:
        self._pool = pool
        self._committer = committer
        self._ids = ids
        self._clock = clock

    async def export(
        self, before: datetime, directory: Path, step: Callable[[str], None] = lambda _: None
    ) -> Exported:
        """Export and detach every partition that is complete and older than a moment.

        Safe to cancel and to repeat.

        Args:
            before: at least `MIN_AGE` ago.
            directory: where the files go; made if it is missing.
            step: told before each step what comes.

        Raises:
            ValueError: `before` is too young.
            HistoryBroken: history is not whole; nothing was detached.
            HistoryBusy: somebody else is at it, or has taken the database over.
            StorageUnavailable, OutcomeUnknown: the database is away; run it again.
        """
        if before > self._clock() - MIN_AGE:
            msg = "history of the last 24 hours stays attached"
            raise ValueError(msg)
        detached = await self._detach(step)
        step("export")
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)  # noqa: ASYNC240 - one entry of a directory
        prepared = await self._pool.run(
            _aio_alone,
            lambda connection: aio_prepare(connection, before, directory),
            deadline_s=_EXPORT_S,
        )
        if prepared is None:
            return Exported(None, tuple(detached))
        step("checkpoint")
        await self._commit(prepared)
        detached += await self._detach(step)
        step("done")
        return Exported(prepared.manifest, tuple(detached))

    async def drop(
        self, directory: Path, by: str, step: Callable[[str], None] = lambda _: None
    ) -> Proven:
        """Drop detached tables whose files are proven to hold them; safe to cancel and to repeat.

        Args:
            directory: where they were exported to.
            by: who asks, for the audit log.

        Raises:
            HistoryBroken: a manifest is not the one that was vouched for; nothing was dropped.
            HistoryBusy: another process has taken the database over.
            StorageUnavailable, OutcomeUnknown: the database is away; run it again.
        """
        tables, vouched = await self._pool.read(_aio_detached)
        step(f"compare {len(tables)} files")
        proven = await trio.to_thread.run_sync(prove, tables, directory, vouched)
        if not proven.safe:
            return proven
        trace = Trace(self._ids.new("req"), f"cli:{by}")
        context = DecisionContext(self._clock(), self._ids, trace)
        entry = context.audit(
            "history.drop", "Instance", "history", after={"tables": dict(proven.safe)}
        )
        unit = UnitOfWork(at=context.now, trace=trace, audit=(entry,))
        (outcome,) = await self._committer.commit([unit], no_answers)
        if isinstance(outcome, Refused):
            raise HistoryBusy(f"the audit entry was refused: {outcome.kind.value}")
        for name in proven.safe:
            step(f"drop {name}")
            await self._pool.commit(partial(_aio_execute, f"DROP TABLE IF EXISTS {name}"))
        step("done")
        return proven

    async def _commit(self, prepared: Prepared) -> None:
        checkpoint, now = prepared.checkpoint, self._clock()
        unit = UnitOfWork(
            at=now,
            trace=Trace.system("history", self._ids.new("req")),
            audit=(checkpoint.entry(self._ids.new("aud"), manifest=prepared.manifest_hash),),
        )
        row = (
            checkpoint.number,
            now,
            checkpoint.event_sequence,
            checkpoint.event_moment,
            checkpoint.transfer_sequence,
            checkpoint.audit_sequence,
            checkpoint.audit_moment,
            checkpoint.audit_hash,
            bytes.fromhex(prepared.manifest_hash),
        )
        outcome = await self._committer.commit_with(unit, NEW_CHECKPOINT, row)
        if isinstance(outcome, Refused):
            raise HistoryBusy(f"the checkpoint was refused: {outcome.kind.value} {outcome.subject}")
        log.info("storage.checkpoint", number=checkpoint.number, **checkpoint.facts)

    async def _detach(self, step: Callable[[str], None]) -> list[str]:
        """Detach everything up to the last checkpoint."""
        done = []
        for parent, name, detaching in await self._pool.read(_aio_pending):
            step(f"detach {name}")
            how = "FINALIZE" if detaching else "CONCURRENTLY"
            statement = f"ALTER TABLE {parent} DETACH PARTITION {name} {how}"
            await self._pool.run(_aio_alone, partial(_aio_execute, statement), deadline_s=_DETACH_S)
            done.append(name)
        if done:
            await self._pool.commit(partial(_aio_execute, _FORGET_SUMS))
        return done


async def _aio_pending(connection: Connection) -> list[tuple[str, str, bool]]:
    return [tuple(row) for row in await connection.fetch(_PENDING)]


async def _aio_detached(connection: Connection) -> tuple[list[str], dict[int, bytes]]:
    """Detached tables that are still there, and what vouches for each manifest."""
    tables = [row[0] for row in await connection.fetch(DETACHED)]
    return tables, dict(await connection.fetch("SELECT number, manifest FROM checkpoints"))


async def _aio_execute(statement: str, connection: Connection) -> None:
    await connection.execute(statement)


async def _aio_alone(connection: Connection, aio_step: Callable[[Connection], Awaitable[T]]) -> T:
    """Take a long step with the whole session to itself, while no other run takes one."""
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        raise HistoryBusy("another run is at work")
    try:
        await connection.execute("SET statement_timeout = 0")
        done = await aio_step(connection)
    except Exception:
        # The session may be what died; a cancelled one is dropped by the pool.
        with suppress(asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            await _aio_give_back(connection)
        raise
    await _aio_give_back(connection)
    return done


async def _aio_give_back(connection: Connection) -> None:
    await connection.execute("RESET statement_timeout")
    await connection.fetchval("SELECT pg_advisory_unlock($1)", _LOCK)
