"""What is kept of a request that was refused (docs/spec/domain.md §7, docs/spec/api.md Idempotency)."""

from attrs import frozen

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError
from offerhub.domain.unit_of_work import UnitOfWork


@frozen
class RefusedRequest:
    """A refusal, and what is to be kept of it.

    Args:
        action, resource_type, resource_id: what the audit calls it and what it was about.
        audited: whether it leaves an audit entry.
        final: whether it is the answer for good under the request's idempotency key.
    """

    error: DomainError
    action: str
    resource_type: str
    resource_id: str
    audited: bool
    final: bool


def keep_refusal(refused: RefusedRequest, context: DecisionContext) -> UnitOfWork:
    """The unit that keeps what is to be kept."""
    entry = context.audit(
        refused.action,
        refused.resource_type,
        refused.resource_id,
        result="refused",
        error=refused.error.code.value,
    )
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        audit=(entry,) if refused.audited else (),
        idempotency=context.final_answer(refused.error) if refused.final else None,
    )
