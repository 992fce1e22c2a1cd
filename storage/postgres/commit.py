"""The write path: groups of units, repeated unit by unit if refused, and found out if unknown."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import asyncpg
import structlog
import trio

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.unit_of_work import CommitOutcome, RefusalKind, Refused, UnitOfWork
from storage.errors import OutcomeUnknown, StorageUnavailable
from storage.port import Encode, no_answers
from storage.postgres.append import Places
from storage.postgres.group import (
    Beside,
    GroupRefused,
    GroupResult,
    Writer,
    aio_commit_group,
    aio_earlier_conflict,
    refusal_of,
    split,
)
from storage.postgres.partitions import Partitions
from storage.postgres.pool import Connection, Pool
from storage.postgres.statement import Part

log = structlog.get_logger(__name__)

_ATTEMPTS: Final = 3
_LOOK_FIRST_S: Final = 0.05
_LOOK_MAX_S: Final = 2.0

# asyncpg's own errors come of a connection that died between two calls: look, do not guess.
_UNKNOWN: Final = (OutcomeUnknown, asyncpg.InterfaceError, asyncpg.InternalClientError)

# The writer's row: the transaction whose end is unknown holds it, so that this waits for its end.
_LAST_GROUP: Final = "SELECT last_group FROM writers WHERE id = $1 FOR UPDATE"


class Committer:
    """Commits groups one after another.

    Args:
        pool: connections.
        writer: our row in `writers`.
        partitions: asked for one that should have been there.
        deadline_s: for one transaction.
    """

    def __init__(
        self, pool: Pool, writer: Writer, partitions: Partitions, deadline_s: float
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._partitions = partitions
        self._places = Places()
        self._deadline_s = deadline_s
        self._number = 0
        # One at a time: a writer's row tells of its last group only.
        self._one_at_a_time = trio.Lock()

    @property
    def epoch(self) -> int:
        """The ownership that this writer was opened under."""
        return self._writer.epoch

    async def commit(self, group: Sequence[UnitOfWork], encode: Encode) -> list[CommitOutcome]:
        """See `storage.port.Storage.commit`.

        Cancelled while the outcome of a COMMIT is being looked up, it does not answer: what
        happened is found by reading, after the restart.

        Raises:
            StorageUnavailable: nothing of the group is committed.
        """
        return await self._commit(group, encode, None)

    async def _commit(
        self, group: Sequence[UnitOfWork], encode: Encode, beside: Beside | None
    ) -> list[CommitOutcome]:
        outcomes: list[CommitOutcome] = []
        async with self._one_at_a_time:
            with trio.CancelScope(shield=True) as scope:  # each transaction has its own deadline
                outcomes = await self._commit_parts(group, encode, beside, scope)
        return outcomes

    async def commit_with(
        self, unit: UnitOfWork, part: Part, values: Sequence[object]
    ) -> CommitOutcome:
        """Commit a unit with a row that is none of a unit's, in the same statement.

        Raises:
            StorageUnavailable: neither is committed.
        """
        (outcome,) = await self._commit([unit], no_answers, (part, values))
        return outcome

    async def _commit_parts(
        self,
        group: Sequence[UnitOfWork],
        encode: Encode,
        beside: Beside | None,
        scope: trio.CancelScope,
    ) -> list[CommitOutcome]:
        outcomes: list[CommitOutcome] = []
        parts = deque(split(group))
        while parts:
            part = parts.popleft()
            try:
                outcomes += await self._commit_part(part, encode, beside, scope)
            except StorageUnavailable:
                if not outcomes:
                    raise
                rest = len(group) - len(outcomes)
                return outcomes + [Refused(RefusalKind.UNAVAILABLE)] * rest
            except (GroupRefused, InvariantViolated) as error:
                if isinstance(error, GroupRefused) and error.refused.kind is RefusalKind.FENCED:
                    return outcomes + [error.refused] * (len(group) - len(outcomes))
                if len(part) > 1:
                    parts.extendleft([unit] for unit in reversed(part))
                elif isinstance(error, GroupRefused):
                    outcomes.append(await self._first_reason(part[0]) or error.refused)
                else:
                    outcomes.append(Refused(RefusalKind.BROKEN, str(error)))
        return outcomes

    async def _commit_part(
        self,
        part: Sequence[UnitOfWork],
        encode: Encode,
        beside: Beside | None,
        scope: trio.CancelScope,
    ) -> list[CommitOutcome]:
        for _ in range(_ATTEMPTS):
            self._number += 1
            result = GroupResult(self._places)
            try:
                outcomes = await self._pool.commit(
                    aio_commit_group,
                    part,
                    encode,
                    self._writer,
                    self._number,
                    result,
                    beside,
                    deadline_s=self._deadline_s,
                )
            except asyncpg.UniqueViolationError as error:
                refused = refusal_of(error)
                if refused is None:
                    raise InvariantViolated(f"{error.constraint_name} refuses a unit") from error
                raise GroupRefused(refused) from error
            except asyncpg.CheckViolationError as error:
                if error.constraint_name is not None:
                    raise InvariantViolated(f"{error.constraint_name} refuses a unit") from error
                # PostgreSQL names no constraint where a row has no partition to go to.
                log.error("storage.partition_missing", table=error.table_name)  # noqa: TRY400 - no traceback: it is mended here
                await self._partitions.keep_ahead()
            except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
                raise InvariantViolated(f"{type(error).__name__} refuses a unit") from error
            except _UNKNOWN:
                if await self._was_committed(self._number, scope):
                    self._places = result.places
                    return result.outcomes
            except asyncpg.TransactionRollbackError:
                await trio.sleep(_LOOK_FIRST_S)  # a deadlock or the like with somebody else
            else:
                self._places = result.places
                return outcomes
        raise StorageUnavailable(f"the connection was lost {_ATTEMPTS} times")

    async def _first_reason(self, unit: UnitOfWork) -> Refused | None:
        """The reason that counts first, whichever guard spoke first (`aio_earlier_conflict`)."""
        with suppress(StorageUnavailable):
            return await self._pool.read(aio_earlier_conflict, unit, deadline_s=self._deadline_s)
        return None

    async def _was_committed(self, number: int, scope: trio.CancelScope) -> bool:
        """Find out whether a group of ours is committed, however long the database is away."""
        pause_s = _LOOK_FIRST_S
        while True:
            try:
                last = await self._pool.commit(
                    _aio_last_group, self._writer.id, deadline_s=self._deadline_s
                )
            except (StorageUnavailable, *_UNKNOWN):
                scope.shield = False
                await trio.sleep(pause_s)
                scope.shield = True
                pause_s = min(2 * pause_s, _LOOK_MAX_S)
            else:
                return last == number


async def _aio_last_group(connection: Connection, writer_id: bytes) -> int | None:
    last: int | None = await connection.fetchval(_LAST_GROUP, writer_id)
    return last
