"""The audit log, as support reads it (docs/spec/domain.md §7)."""

from typing import Final

from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import ErrorCode as E
from offerhub.domain.ids import is_id
from storage.port import AuditFilter, UnknownCursor
from web import bodies
from web.answers import page
from web.call import Answer, Call, Route
from web.rendering import render_audit
from web.resources import AuditEntry
from web.routes.orders import unknown_cursor
from web.schema import Schema


async def listed(call: Call) -> Answer:
    """A page of audit entries, newest first."""
    query = call.query_as(bodies.AuditQuery)
    if query.cursor is not None and not is_id(query.cursor, "aud"):
        raise unknown_cursor()
    where = AuditFilter(
        resource_type=query.resource_type,
        resource_id=query.resource_id,
        action=query.action,
        user_id=query.user_id,
        since=query.from_,
        until=query.to,
    )
    try:
        found = await call.system.storage.audit_log(where, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    return page(call, [render_audit(entry) for entry in found.items], found.next_cursor)


ROUTES: Final = (
    Route(
        "GET",
        "/audit/logs",
        "listAuditEntries",
        listed,
        "List audit entries",
        AuditEntry,
        "Audit",
        Scope.SUPPORT,
        listed=True,
        query=Schema(bodies.AuditQuery),
        codes=(E.HISTORY_DETACHED,),
    ),
)
