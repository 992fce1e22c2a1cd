"""Idempotency records in PostgreSQL: the first to write a key has it, for 24 hours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from offerhub.domain.unit_of_work import (
    IDEMPOTENCY_LIFETIME,
    IdempotencyRecord,
    IdempotencyState,
)
from storage.postgres.pool import Connection
from storage.postgres.statement import Part, Statement

_ROWS: Final = """
INSERT INTO idempotency AS old
    (key, fingerprint, state, created_at, first, resource_type, resource_id, status, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[],
    $6::text[], $7::text[], $8::integer[], $9::bytea[])
ON CONFLICT (key) DO UPDATE SET
    fingerprint = excluded.fingerprint, state = excluded.state, created_at = excluded.created_at,
    first = excluded.first, resource_type = excluded.resource_type,
    resource_id = excluded.resource_id, status = excluded.status, body = excluded.body
"""

_CLAIM: Final = Part(
    "claimed",
    _ROWS + "WHERE old.created_at <= excluded.created_at - interval '24 hours'"
    " OR old.state = 'released' RETURNING old.key",
)

# Another fingerprint: the key was given anew after its 24 hours, the old operation's end is late.
_ANSWER: Final = Part(
    "answered", _ROWS + "WHERE old.fingerprint = excluded.fingerprint RETURNING old.key"
)

_RELEASE: Final = Part(
    "released",
    """
DELETE FROM idempotency AS old USING unnest($1::text[], $2::text[]) AS gone (key, fingerprint)
WHERE old.key = gone.key AND old.fingerprint = gone.fingerprint RETURNING old.key
""",
)

_READ: Final = """
SELECT key, fingerprint, state, created_at, first, resource_type, resource_id, status, body
FROM idempotency WHERE key = $1 AND created_at > $2 AND state <> 'released'
"""


def add_claims(statement: Statement, records: Sequence[IdempotencyRecord]) -> None:
    """Add records, each key at most once, to a statement."""
    first = [record for record in records if record.first]
    if first:
        statement.add(_CLAIM, _arrays(first))
    later = [record for record in records if not record.first]
    answers = [record for record in later if record.state is not IdempotencyState.RELEASED]
    if answers:
        statement.add(_ANSWER, _arrays(answers))
    released = [record for record in later if record.state is IdempotencyState.RELEASED]
    if released:
        statement.add(
            _RELEASE,
            [[record.key for record in released], [record.fingerprint for record in released]],
        )


def all_claimed(records: Sequence[IdempotencyRecord], written: Mapping[str, Sequence[str]]) -> bool:
    """Whether every record that must be the first under its key is."""
    return sum(record.first for record in records) == len(written.get("claimed", ()))


async def aio_read_claim(
    connection: Connection, key: str, now: datetime
) -> IdempotencyRecord | None:
    """The record under a key, unless it is older than 24 hours."""
    row = await connection.fetchrow(_READ, key, now - IDEMPOTENCY_LIFETIME)
    if row is None:
        return None
    return IdempotencyRecord(
        key=row["key"],
        fingerprint=row["fingerprint"],
        state=IdempotencyState(row["state"]),
        created_at=row["created_at"],
        first=row["first"],
        resource_type=row["resource_type"],
        resource_id=row["resource_id"],
        status=row["status"],
        body=row["body"],
    )


def _arrays(records: Sequence[IdempotencyRecord]) -> list[list[object]]:
    return [
        [record.key for record in records],
        [record.fingerprint for record in records],
        [record.state.value for record in records],
        [record.created_at for record in records],
        [record.first for record in records],
        [record.resource_type for record in records],
        [record.resource_id for record in records],
        [record.status for record in records],
        [record.body for record in records],
    ]
