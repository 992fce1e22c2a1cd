"""Refused requests: what the audit and an idempotency key keep of them is committed here.

A service and no mailbox: a refusal waits for nothing but its commit, and the journal gathers those
that come at once.
"""

from actors.journal import Journal
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.refusals import RefusedRequest, keep_refusal
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, RefusalKind


class Refusals:
    """Keeps refusals."""

    def __init__(self, journal: Journal, now: Clock, ids: Ids) -> None:
        self._journal = journal
        self._now = now
        self._ids = ids

    async def keep(self, refused: RefusedRequest, trace: Trace) -> bytes | None:
        """Commit what is to be kept; returns the text of the final answer, if it is one.

        Cancelled, the outcome is unknown: the request's key tells. Raises
        `IDEMPOTENCY_KEY_IN_PROGRESS` when another request has the key, `SERVICE_UNAVAILABLE` when
        nothing could be committed, and what `Journal.commit` raises.
        """
        context = DecisionContext(self._now(), self._ids, trace)
        outcome = await self._journal.commit(keep_refusal(refused, context))
        if isinstance(outcome, Committed):
            return outcome.answer
        if outcome.kind is RefusalKind.TAKEN:
            raise DomainError(
                ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
                "the first request with this idempotency key is still running",
            )
        raise DomainError(ErrorCode.SERVICE_UNAVAILABLE, "the refusal could not be recorded")
