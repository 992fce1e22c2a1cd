"""Refused requests: what the audit and an idempotency key keep of them is committed here.

A service and no mailbox: a refusal waits for nothing but its commit, and the journal gathers those
that come at once. A caller that is refused again and again for the same reason does not fill the
audit at the rate of its requests: the first refusal has an entry of its own, those that follow
within a window are counted and have one together (docs/spec/domain.md §7). Only a process that is
killed loses what it has counted, a window's worth at most.
"""

from datetime import datetime
from typing import Final

import trio
from attrs import define

from actors.journal import Journal
from actors.outages import is_outage
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.refusals import RefusedRequest, Repeats, keep_refusal, keep_repeats
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, RefusalKind, UnitOfWork

WINDOW_S: Final = 60.0
"""How long refusals of one caller, for one action and one reason, share an entry."""

_LOOK_S: Final = 5.0
_WINDOWS_MAX: Final = 2_000
"""Windows at once. Beyond, a refusal is counted with all others for which there is no room."""

_LAST_S: Final = 2.0
"""For what is still counted when the process stops."""

_Key = tuple[str, str, ErrorCode | None]

_NO_ROOM: Final[_Key] = ("", "", None)


@define(eq=False)
class _Window:
    """Refusals that share an entry: the last one, and how many followed the first."""

    ends_s: float
    refused: RefusedRequest
    trace: Trace
    first_at: datetime
    last_at: datetime
    count: int = 0
    same_resource: bool = True


class Refusals:
    """Keeps refusals; its `run` writes what was counted."""

    def __init__(
        self, journal: Journal, now: Clock, ids: Ids, *, windows_max: int = _WINDOWS_MAX
    ) -> None:
        self._journal = journal
        self._now = now
        self._ids = ids
        self._windows_max = windows_max
        self._windows: dict[_Key, _Window] = {}

    async def keep(self, refused: RefusedRequest, trace: Trace) -> bytes | None:
        """Commit what is to be kept; returns the text of the final answer, if it is one.

        Cancelled, the outcome is unknown: the request's key tells. Raises
        `IDEMPOTENCY_KEY_IN_PROGRESS` when another request has the key, `SERVICE_UNAVAILABLE` when
        nothing could be committed, and what `Journal.commit` raises.
        """
        audited = refused.audited and self._is_first(refused, trace)
        if not audited and not refused.final:
            return None
        try:
            return await self._commit(refused, trace, audited=audited)
        except BaseException:
            if audited:
                self._count_first(refused, trace)
            raise

    async def _commit(
        self, refused: RefusedRequest, trace: Trace, *, audited: bool
    ) -> bytes | None:
        context = DecisionContext(self._now(), self._ids, trace)
        outcome = await self._journal.commit(keep_refusal(refused, context, audited=audited))
        if isinstance(outcome, Committed):
            return outcome.answer
        if outcome.kind is RefusalKind.TAKEN:
            raise DomainError(
                ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
                "the first request with this idempotency key is still running",
            )
        raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, "the refusal could not be recorded")

    def _is_first(self, refused: RefusedRequest, trace: Trace) -> bool:
        """Open a window for a refusal, or count it in the one that is open."""
        key: _Key = (trace.actor, refused.action, refused.error.code)
        now = self._now()
        window = self._windows.get(key)
        first = False
        if window is None and len(self._windows) >= self._windows_max:
            key = _NO_ROOM
            window = self._windows.get(key)
        if window is None:
            first = key is not _NO_ROOM
            ends_s = trio.current_time() + WINDOW_S
            window = self._windows[key] = _Window(ends_s, refused, trace, now, now)
        if not first:
            self._count(window, refused, trace, now)
        return first

    @staticmethod
    def _count(window: _Window, refused: RefusedRequest, trace: Trace, now: datetime) -> None:
        if window.count == 0:
            window.first_at = now
        elif refused.resource_id != window.refused.resource_id:
            window.same_resource = False
        window.count += 1
        window.refused, window.trace, window.last_at = refused, trace, now

    def _count_first(self, refused: RefusedRequest, trace: Trace) -> None:
        """The first one's own entry may not be there: then it counts like those that follow."""
        window = self._windows.get((trace.actor, refused.action, refused.error.code))
        if window is not None:
            self._count(window, refused, trace, self._now())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what was counted in windows that have ended, until cancelled; then all the rest."""
        task_status.started()
        try:
            while True:
                await trio.sleep(_LOOK_S)
                await self._write_those_until(trio.current_time())
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_S):
                await self._write_those_until(trio.current_time() + WINDOW_S)

    async def _write_those_until(self, until_s: float) -> None:
        ended = [(key, each) for key, each in self._windows.items() if each.ends_s <= until_s]
        for key, _ in ended:
            del self._windows[key]
        async with trio.open_nursery() as nursery:
            for key, window in ended:
                if window.count:
                    nursery.start_soon(self._write, key, window)

    async def _write(self, key: _Key, window: _Window) -> None:
        try:
            outcome = await self._journal.commit(self._unit(key, window))
        except Exception as error:
            if not is_outage(error):
                raise
        else:
            if isinstance(outcome, Committed) or outcome.kind is RefusalKind.FENCED:
                return
        # Away, or unknown: counted again in a window of its own, so that nothing goes unsaid.
        standing = self._windows.setdefault(key, window)
        if standing is not window:
            standing.count += window.count
            standing.first_at = min(standing.first_at, window.first_at)
            standing.same_resource = False

    def _unit(self, key: _Key, window: _Window) -> UnitOfWork:
        trace = window.trace.without_claim()
        context = DecisionContext(self._now(), self._ids, trace)
        repeats = Repeats(count=window.count, first_at=window.first_at, last_at=window.last_at)
        if key == _NO_ROOM:
            unnamed = Trace.system("refusals", trace.correlation_id)
            context = DecisionContext(self._now(), self._ids, unnamed)
            return keep_repeats(None, repeats, context)
        return keep_repeats(window.refused, repeats, context, same_resource=window.same_resource)
