"""What comes due, in one query over the indexes of every kind, and the deletion of what perished."""

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from offerhub.domain.due import COMMANDS_KEPT, WEBHOOKS_KEPT, Due, DueKind, Perishable, clean_up_due
from offerhub.domain.unit_of_work import IDEMPOTENCY_LIFETIME
from storage.postgres.pool import Connection


def _of(table: str, kind: DueKind, owner: str = "id") -> str:
    """What comes due of one kind; the index of a table has the same order."""
    return f"""
(SELECT due_at, id COLLATE "C" AS id, '{kind.value}' AS kind, {owner} AS owner FROM {table}
    WHERE due_at IS NOT NULL AND (due_at, id COLLATE "C") > ($1, $2)
    ORDER BY due_at, id COLLATE "C" LIMIT $3)
"""  # noqa: S608 - our own names


_KINDS: Final = (
    _of("orders", DueKind.ORDER),
    _of("chain_operations", DueKind.LANE, "source"),
    _of("api_keys", DueKind.API_KEY),
    _of("webhooks", DueKind.WEBHOOK),
)

DUE: Final = f"""
SELECT * FROM ({" UNION ALL ".join(_KINDS)}) AS coming ORDER BY due_at, id LIMIT $3
"""  # noqa: S608 - our own names

_BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")
"""Before everything that comes due."""


@frozen
class _Perishing:
    """Rows that perish `lifetime` after a moment: the oldest such moment, and their deletion.

    Rows that a commit holds are skipped, so a deletion waits for nobody and nobody deadlocks with
    it; they were just written, so they have not perished.
    """

    oldest: str
    delete: str
    lifetime: timedelta = timedelta()


PERISHING: Final = {
    Perishable.IDEMPOTENCY: _Perishing(
        "SELECT min(created_at) FROM idempotency",
        """
DELETE FROM idempotency WHERE key IN (
    SELECT key FROM idempotency WHERE created_at <= $1
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
""",
        IDEMPOTENCY_LIFETIME,
    ),
    Perishable.WEBHOOKS: _Perishing(
        "SELECT min(ended_at) FROM webhooks WHERE ended_at IS NOT NULL",
        """
DELETE FROM webhooks WHERE id IN (
    SELECT id FROM webhooks WHERE ended_at <= $1
    ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)
""",
        WEBHOOKS_KEPT,
    ),
    Perishable.COMMANDS: _Perishing(
        "SELECT min(ended_at) FROM operator_commands WHERE ended_at IS NOT NULL",
        """
DELETE FROM operator_commands WHERE id IN (
    SELECT id FROM operator_commands WHERE ended_at <= $1
    ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)
""",
        COMMANDS_KEPT,
    ),
    Perishable.API_TOKENS: _Perishing(
        "SELECT min(expires_at) FROM api_tokens",
        """
DELETE FROM api_tokens WHERE id IN (
    SELECT id FROM api_tokens WHERE expires_at <= $1
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
""",
    ),
}


async def aio_due(connection: Connection, after: Due | None, limit: int) -> list[Due]:
    """What comes due behind a place, oldest first."""
    at, entity_id = _BEGINNING if after is None else (after.at, after.id)
    rows = await connection.fetch(DUE, at, entity_id, limit)
    found = [Due(row["due_at"], row["id"], DueKind(row["kind"]), row["owner"]) for row in rows]
    for what, perishing in PERISHING.items():
        oldest = await connection.fetchval(perishing.oldest)
        if oldest is not None:
            due = clean_up_due(what, oldest + perishing.lifetime)
            if (due.at, due.id) > (at, entity_id):
                found.append(due)
    return sorted(found, key=lambda due: (due.at, due.id))[:limit]


async def aio_clean_up(
    connection: Connection, what: Perishable, until: datetime, limit: int
) -> int:
    """Delete the oldest rows that have perished by a moment."""
    perishing = PERISHING[what]
    done = await connection.execute(perishing.delete, until - perishing.lifetime, limit)
    return int(str(done).removeprefix("DELETE "))
