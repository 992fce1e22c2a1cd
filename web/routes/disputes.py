"""Disputes: opened at their order, assigned and resolved here; decided by the order's actor."""

from typing import Final

from actors.messages import AssignDispute, ResolveDispute
from offerhub.domain.api_keys import Scope
from offerhub.domain.dispute import Dispute, Verdict
from offerhub.domain.dispute_decisions import Resolution
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from storage.port import DisputeFilter, UnknownCursor
from web import bodies, resources
from web.answers import final, now, page
from web.call import Answer, Call, Route
from web.field_errors import FieldErrors
from web.long_operations import dispute_on_chain
from web.rendering import render_dispute
from web.routes.orders import unknown_cursor
from web.schema import Schema


async def listed(call: Call) -> Answer:
    """A page of disputes."""
    query = call.query_as(bodies.DisputeQuery)
    where = DisputeFilter(
        order_id=query.order_id,
        status=None if query.status is None else query.status.value,
        opened_by=None if query.opened_by is None else query.opened_by.value,
    )
    try:
        found = await call.system.storage.disputes(where, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    return page(call, [render_dispute(each) for each in found.items], found.next_cursor)


async def show(call: Call) -> Answer:
    """One dispute."""
    return now(call, render_dispute(await _dispute(call)))


async def assign(call: Call) -> Answer:
    """Give the dispute to whoever looks at it."""
    dispute = await _dispute(call)
    message = AssignDispute(dispute.id, call.body_as(bodies.Assignment).assigned_to, call.trace)
    assigned = await call.system.orders.address(dispute.order_id).ask(message)
    return final(call, assigned, assigned.updated_at)


async def resolve(call: Call) -> Answer:
    """Decide the dispute, and pay out as decided."""
    resolution = _resolution(call.body_as(bodies.ResolutionRequest))
    dispute = await _dispute(call)
    message = ResolveDispute(dispute.id, resolution, call.trace)
    return await dispute_on_chain(call, dispute.order_id, message)


def _resolution(body: bodies.ResolutionRequest) -> Resolution:
    """The decision; the shares belong to SPLIT, which needs both."""
    errors = FieldErrors()
    shares = {"releaseAmount": body.release_amount, "refundAmount": body.refund_amount}
    for name, share in shares.items():
        if body.decision is Verdict.SPLIT and share is None:
            errors.add(name, "is required with SPLIT", E.MISSING_REQUIRED_FIELD)
        if body.decision is not Verdict.SPLIT and share is not None:
            errors.add(name, "goes with SPLIT only")
    if errors:
        raise errors.error()
    return Resolution(body.decision, body.release_amount, body.refund_amount, body.note)


async def _dispute(call: Call) -> Dispute:
    dispute_id = call.id("id", "dsp", E.DISPUTE_NOT_FOUND)
    found = await call.system.storage.load(Dispute, dispute_id)
    if found is None:
        raise DomainError(E.DISPUTE_NOT_FOUND, "no dispute has this id")
    return found


_MOVE: Final = (E.DISPUTE_NOT_FOUND, E.INVALID_STATE_TRANSITION)

ROUTES: Final = (
    Route(
        "GET",
        "/disputes",
        "listDisputes",
        listed,
        "List disputes",
        resources.Dispute,
        "Disputes",
        Scope.READ,
        listed=True,
        query=Schema(bodies.DisputeQuery),
    ),
    Route(
        "GET",
        "/disputes/<id>",
        "getDispute",
        show,
        "Show a dispute",
        resources.Dispute,
        "Disputes",
        Scope.READ,
        codes=(E.DISPUTE_NOT_FOUND,),
    ),
    Route(
        "POST",
        "/disputes/<id>/assign",
        "assignDispute",
        assign,
        "Assign a dispute",
        resources.Dispute,
        "Disputes",
        Scope.SUPPORT,
        body=Schema(bodies.Assignment),
        action="dispute.assign",
        codes=_MOVE,
    ),
    Route(
        "POST",
        "/disputes/<id>/resolve",
        "resolveDispute",
        resolve,
        "Resolve a dispute",
        resources.Dispute,
        "Disputes",
        Scope.SUPPORT,
        long=True,
        body=Schema(bodies.ResolutionRequest),
        action="dispute.resolve",
        codes=(
            *_MOVE,
            E.INVALID_AMOUNT_FORMAT,
            E.MISSING_REQUIRED_FIELD,
            E.SPLIT_MISMATCH_AMOUNT,
            E.WALLET_NOT_READY,
        ),
    ),
)
