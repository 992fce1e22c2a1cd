"""asyncpg's pool for Trio: one unit of database work is one asyncio-flavoured function.

Edges that this file exists for, all measured:

- `async with aio_as_trio(pool.acquire())` leaks when cancelled. So a unit, from acquiring the
  connection to releasing it, is one call through `aio_as_trio`.
- Cancelled around a commit = outcome unknown. So `commit` is shielded, with its own deadline.
- A connection whose unit was cancelled or timed out is not asked anything any more, it is
  dropped: asyncpg's polite way out (a cancel request, then a reset) waits for a server that may
  not answer. The server rolls back what was open as soon as it sees the socket closed, and looks
  every second while a statement runs (`client_connection_check_interval`).

Failures: `StorageUnavailable` = nothing happened; `OutcomeUnknown` = look before you repeat; any
other `asyncpg.PostgresError` = the database refused (a constraint, a conflict), nothing happened.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Any, TypeVar, TypeVarTuple

import asyncpg
import trio
from attrs import define, frozen
from trio_asyncio import aio_as_trio

from storage.errors import OutcomeUnknown, StorageUnavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
# asyncpg has no type information; the name says what is meant.
Connection = Any

_RELEASE_TIMEOUT_S = 2.0
_CLOSE_DEADLINE_S = 5.0
# The server is away, full, or going: classes 08, 53, 57 but query_canceled (our own time limit).
_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# A COMMIT that answers with one of these has been rolled back for certain.
_REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.TransactionRollbackError)


class _Mode(Enum):
    READ = "read"
    RUN = "run"
    COMMIT = "commit"


@define
class _Progress:
    """How far a unit came; decides what its failure means."""

    connected: bool = False
    committing: bool = False


@frozen
class PoolStatistics:
    """Connections open, of them idle, and how many there may be."""

    size: int
    idle: int
    size_max: int


class Pool:
    """Units of work on pooled connections; made by `open_pool`."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def read(
        self,
        aio_unit: Callable[[Connection, *Ts], Awaitable[T]],
        *args: *Ts,
        deadline_s: float = 10.0,
    ) -> T:
        """Call a unit that only reads. Cancelling it leaves nothing behind.

        Raises:
            StorageUnavailable: the database is away or took longer than `deadline_s`.
        """
        with trio.move_on_after(deadline_s):
            return await self._call(_Mode.READ, _Progress(), aio_unit, *args)
        raise StorageUnavailable(f"no answer within {deadline_s:g} s")

    async def run(
        self,
        aio_unit: Callable[[Connection, *Ts], Awaitable[T]],
        *args: *Ts,
        deadline_s: float = 10.0,
    ) -> T:
        """Call a unit that may write, in transactions of its own making.

        Cancelling it leaves an unknown outcome: an open transaction is rolled back, a COMMIT that
        was on its way may have been committed.

        Raises:
            StorageUnavailable: no connection could be had, so nothing happened.
            OutcomeUnknown: the connection was lost, or `deadline_s` passed, in the unit.
        """
        progress = _Progress()
        with trio.move_on_after(deadline_s):
            return await self._call(_Mode.RUN, progress, aio_unit, *args)
        raise _too_late(deadline_s, unknown=progress.connected)

    async def commit(
        self,
        aio_unit: Callable[[Connection, *Ts], Awaitable[T]],
        *args: *Ts,
        deadline_s: float = 10.0,
    ) -> T:
        """Call a unit inside one transaction and commit it; an exception in it rolls back.

        Shielded: once begun it runs to its end, whatever is cancelled outside, for at most
        `deadline_s`; cancelled before, nothing happened. A cancellation outside is delivered at
        the caller's next checkpoint, after this call has returned the outcome.

        Raises:
            StorageUnavailable: nothing is committed.
            OutcomeUnknown: the COMMIT was sent and its answer did not arrive.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        progress = _Progress()
        with trio.move_on_after(deadline_s, shield=True):
            return await self._call(_Mode.COMMIT, progress, aio_unit, *args)
        raise _too_late(deadline_s, unknown=progress.committing)

    async def ping(self, *, deadline_s: float = 2.0) -> bool:
        """Whether the database answers."""
        try:
            return await self.read(_aio_ping, deadline_s=deadline_s)
        except StorageUnavailable:
            return False

    def statistics(self) -> PoolStatistics:
        """The state of the pool now."""
        return PoolStatistics(
            size=self._pool.get_size(),
            idle=self._pool.get_idle_size(),
            size_max=self._pool.get_max_size(),
        )

    async def _call(
        self,
        mode: _Mode,
        progress: _Progress,
        aio_unit: Callable[[Connection, *Ts], Awaitable[T]],
        *args: *Ts,
    ) -> T:
        try:
            result: T = await aio_as_trio(self._aio_call)(mode, progress, aio_unit, *args)
        except _AWAY as error:
            raise _lost(mode, progress, error) from error
        except asyncpg.QueryCanceledError as error:
            if mode is _Mode.RUN:
                raise OutcomeUnknown("a statement in the unit timed out") from error
            raise StorageUnavailable("a statement timed out") from error
        except asyncpg.PostgresError as error:
            if progress.committing and not isinstance(error, _REFUSED):
                raise OutcomeUnknown(type(error).__name__) from error
            raise
        except asyncpg.exceptions.InternalClientError as error:
            # The session died in the middle of a message, and asyncpg lost its place in it.
            raise _lost(mode, progress, error) from error
        except asyncpg.InterfaceError as error:
            # asyncpg says "connection is closed" with the class that also means misuse.
            if "closed" in str(error) or "closing" in str(error):
                raise _lost(mode, progress, error) from error
            raise
        return result

    async def _aio_call(
        self,
        mode: _Mode,
        progress: _Progress,
        aio_unit: Callable[[Connection, *Ts], Awaitable[T]],
        *args: *Ts,
    ) -> T:
        connection = await self._pool.acquire()
        progress.connected = True
        try:
            if mode is not _Mode.COMMIT:
                return await aio_unit(connection, *args)
            transaction = connection.transaction()
            await transaction.start()
            try:
                result = await aio_unit(connection, *args)
            except Exception:
                await transaction.rollback()
                raise
            progress.committing = True
            await transaction.commit()
            return result
        except asyncio.CancelledError:
            with suppress(asyncpg.InterfaceError):
                connection.terminate()
            raise
        finally:
            await self._aio_release(connection)

    async def _aio_release(self, connection: Connection) -> None:
        try:
            await self._pool.release(connection, timeout=_RELEASE_TIMEOUT_S)
        except (
            TimeoutError,
            *_AWAY,
            asyncpg.InterfaceError,
            asyncpg.exceptions.InternalClientError,
        ):
            # It could not be given back; what the unit did is not changed. asyncpg has dropped it
            # already, or drops it now, and says so of a connection that is no longer its own.
            with suppress(asyncpg.InterfaceError):
                connection.terminate()


@asynccontextmanager
async def open_pool(
    dsn: str,
    *,
    size_max: int = 10,
    connect_timeout_s: float = 3.0,
    statement_timeout_s: float = 30.0,
    idle_in_transaction_timeout_s: float = 30.0,
    application_name: str = "offerhub",
    aio_prepare: Callable[[Connection], Awaitable[None]] | None = None,
) -> AsyncIterator[Pool]:
    """A pool on the database `dsn`, inside trio-asyncio's loop.

    Opening does not connect, so it succeeds while the database is away; connections come with
    the first units and again by themselves after the database was away.

    Args:
        dsn: a PostgreSQL URL (a secret).
        size_max: connections at most; the others wait, within their deadlines.
        connect_timeout_s: for one attempt to connect.
        statement_timeout_s: the server ends a longer statement.
        idle_in_transaction_timeout_s: the server ends a session that holds a transaction open.
        application_name: shown in pg_stat_activity.
        aio_prepare: called with each new connection (type codecs).
    """
    pool = await aio_as_trio(_aio_create)(
        dsn,
        # Our units leave no session state behind, so a connection needs no round trip of a reset.
        reset=_aio_keep,
        min_size=0,
        max_size=size_max,
        timeout=connect_timeout_s,
        init=aio_prepare,
        server_settings={
            "application_name": application_name,
            "timezone": "UTC",
            "statement_timeout": _milliseconds(statement_timeout_s),
            "idle_in_transaction_session_timeout": _milliseconds(idle_in_transaction_timeout_s),
            "client_connection_check_interval": "1000",
        },
    )
    try:
        yield Pool(pool)
    finally:
        with trio.move_on_after(_CLOSE_DEADLINE_S, shield=True):
            await aio_as_trio(_aio_close)(pool)


async def _aio_keep(_connection: Connection) -> None:
    """Leave a connection as it is when it is given back."""


async def _aio_create(dsn: str, **options: Any) -> Any:
    return await asyncpg.create_pool(dsn, **options)


async def _aio_close(pool: Any) -> None:
    try:
        async with asyncio.timeout(_RELEASE_TIMEOUT_S):
            await pool.close()
    except (TimeoutError, *_AWAY, asyncpg.InterfaceError):
        pool.terminate()


async def _aio_ping(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT 1") == 1)


def _lost(
    mode: _Mode, progress: _Progress, error: BaseException
) -> StorageUnavailable | OutcomeUnknown:
    unknown = {
        _Mode.READ: False,
        _Mode.RUN: progress.connected,
        _Mode.COMMIT: progress.committing,
    }[mode]
    # The kind only: the text of a connection error may hold the address, which holds names.
    return OutcomeUnknown(type(error).__name__) if unknown else _unavailable(error)


def _unavailable(error: BaseException) -> StorageUnavailable:
    return StorageUnavailable(f"the database is unavailable ({type(error).__name__})")


def _too_late(deadline_s: float, *, unknown: bool) -> StorageUnavailable | OutcomeUnknown:
    text = f"not done within {deadline_s:g} s"
    return OutcomeUnknown(text) if unknown else StorageUnavailable(text)


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
