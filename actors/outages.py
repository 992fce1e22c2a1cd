"""Outages of storage and of the outside: a refusal where someone waits, retries where nobody does."""

import math
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar, TypeVarTuple

import structlog
import trio

from actors.journal import Journal, JournalClosed
from actors.kernel import Actor, ActorError, Backoff
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.unit_of_work import CommitOutcome, UnitOfWork
from offerhub.providers.stellar.port import StellarUnavailable
from offerhub.providers.trustless_work.port import ProviderUnavailable
from storage.port import StorageUnavailable

M = TypeVar("M")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_AWAY: Final = Backoff(first_s=0.1, limit_s=5.0)
_LOOK_AGAIN_S: Final = 1.0
_STUCK_S: Final = 300.0

log = structlog.get_logger(__name__)


def unavailable() -> DomainError:
    """What a caller is told while the database is away."""
    return DomainError(
        ErrorCode.SERVICE_UNAVAILABLE, "the database is not responding; nothing was changed"
    )


def is_unavailable(error: Exception) -> bool:
    """Whether an error says no more than that the database is away."""
    return isinstance(error, StorageUnavailable) or (
        isinstance(error, DomainError) and error.code is ErrorCode.SERVICE_UNAVAILABLE
    )


OUTAGE: Final = (
    StorageUnavailable,
    JournalClosed,
    ActorError,
    StellarUnavailable,
    ProviderUnavailable,
)
"""What storage, the network, the provider or another actor does to whoever asks; all of it passes,
and after an unknown outcome storage is read again."""


def is_outage(error: Exception) -> bool:
    """Whether an error is trouble that passes, and no fault of who met it."""
    return isinstance(error, OUTAGE) or is_unavailable(error)


@contextmanager
def refuse_while_unavailable() -> Iterator[None]:
    """Turn `StorageUnavailable` into the refusal that an asker gets."""
    try:
        yield
    except StorageUnavailable:
        raise unavailable() from None


async def retry_until_available(
    attempt: Callable[[], Awaitable[T]], random: Callable[[], float]
) -> T:
    """Repeat what nobody waits for while the database is away; safe for reads and for commits.

    A commit that raised `SERVICE_UNAVAILABLE` is known not to have happened.
    """
    failures = 0
    while True:
        try:
            return await attempt()
        except (StorageUnavailable, DomainError) as error:
            if not is_unavailable(error):
                raise
        failures += 1
        await trio.sleep(_AWAY.delay_s(failures, random))


async def commit_with_retries(
    journal: Journal, unit: UnitOfWork, random: Callable[[], float]
) -> CommitOutcome:
    """Commit a unit that nobody waits for. Cancelled, the outcome is unknown."""
    return await retry_until_available(lambda: journal.commit(unit), random)


class WokenActor(Actor[M]):
    """An actor that is woken to look at what has become of something, through outages too.

    A subclass says in `look` what it looks at; a look that meets an outage is repeated.
    What breaks a rule of money is not booked: it is logged as an error and waits until an operator
    has looked at it, and the actor still answers.
    """

    _wakes_due: dict[Hashable, float] | None = None

    async def look(self) -> None:
        """Read from storage what happened, and take it."""
        raise NotImplementedError

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Look once for all the keys."""
        try:
            await self.look()
        except (*OUTAGE, InvariantViolated, DomainError) as error:
            pause_s = _LOOK_AGAIN_S
            if not is_outage(error):
                log.error(  # noqa: TRY400 - the traceback would tell no more than the rule
                    "actor.stuck", actor=self.self_address.name, error=str(error)
                )
                pause_s = _STUCK_S
            for key in keys:
                self.wake_later(key, pause_s)

    def spawn_best_effort(self, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Start a child task of best effort: trouble of storage or the outside ends it alone."""
        self.spawn(self._best_effort, async_fn, args)

    async def _best_effort(
        self, async_fn: Callable[[*Ts], Awaitable[object]], args: tuple[*Ts]
    ) -> None:
        try:
            await async_fn(*args)
        except (*OUTAGE, DomainError) as error:
            if not is_outage(error):
                raise
            log.warning("actor.task_given_up", actor=self.self_address.name, error=str(error))

    def wake_later(self, key: Hashable, pause_s: float) -> None:
        """Have this actor woken again after a pause, or sooner if that is due already.

        One task a key and no more: else each wake-up that comes from elsewhere during an outage
        would leave a further task behind that wakes and waits for as long as the outage lasts.
        """
        due = trio.current_time() + pause_s
        pending = self._wakes_due
        if pending is None:
            pending = self._wakes_due = {}
        if pending.get(key, math.inf) > due:
            pending[key] = due
            self.spawn(self._wake_at, key, due)

    async def _wake_at(self, key: Hashable, due: float) -> None:
        await trio.sleep_until(due)
        pending = self._wakes_due
        if pending is not None and pending.get(key) == due:
            del pending[key]
        self.self_address.wake(key)
