"""What is kept of a request that was refused (docs/spec/domain.md §7, docs/spec/api.md Idempotency)."""

from datetime import datetime

from attrs import frozen

from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError
from offerhub.domain.ids import is_id, iso
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


@frozen
class Repeats:
    """How many refusals of one kind followed the first, and when."""

    count: int
    first_at: datetime
    last_at: datetime


def keep_refusal(refused: RefusedRequest, context: DecisionContext, *, audited: bool) -> UnitOfWork:
    """The unit that keeps what is to be kept.

    Args:
        audited: false where an entry for several of its kind comes later.
    """
    entry = context.audit(
        refused.action,
        refused.resource_type,
        refused.resource_id,
        user_id=_user_of(refused.resource_id),
        result="refused",
        error=refused.error.code.value,
    )
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        audit=(entry,) if audited else (),
        idempotency=context.final_answer(refused.error) if refused.final else None,
    )


def keep_repeats(
    refused: RefusedRequest | None,
    repeats: Repeats,
    context: DecisionContext,
    *,
    same_resource: bool = False,
) -> UnitOfWork:
    """The unit with the one entry of refusals that followed the first of their kind.

    Args:
        refused: the last of them; `None`: of several kinds, for which there was no room.
        same_resource: whether all were about the same resource.
    """
    resource_id = refused.resource_id if refused is not None and same_resource else ""
    entry = context.audit(
        "request.refuse" if refused is None else refused.action,
        "" if refused is None else refused.resource_type,
        resource_id,
        user_id=_user_of(resource_id),
        result="refused",
        error=None if refused is None else refused.error.code.value,
        after={
            "repeats": repeats.count,
            "firstAt": iso(repeats.first_at),
            "lastAt": iso(repeats.last_at),
        },
    )
    return UnitOfWork(at=context.now, trace=context.trace, audit=(entry,))


def _user_of(resource_id: str) -> str | None:
    return resource_id if is_id(resource_id, "usr") else None
