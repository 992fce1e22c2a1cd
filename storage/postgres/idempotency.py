"""Idempotency records in PostgreSQL: the first to write a key has it, for 24 hours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from offerhub.domain.unit_of_work import (
    IDEMPOTENCY_LIFETIME,
    IdempotencyState,
    UnitOfWork,
)
from storage.commit_values import Filled
from storage.port import StoredClaim
from storage.postgres.pool import Connection
from storage.postgres.statement import Part, Statement

_ROWS: Final = """
INSERT INTO idempotency AS old
    (key, fingerprint, state, created_at, resource_type, resource_id, answer)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[],
    $6::text[], $7::bytea[])
ON CONFLICT (key) DO UPDATE SET
    fingerprint = excluded.fingerprint, state = excluded.state, created_at = excluded.created_at,
    resource_type = excluded.resource_type, resource_id = excluded.resource_id,
    answer = excluded.answer
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
SELECT key, fingerprint, state, created_at, resource_type, resource_id, answer
FROM idempotency WHERE key = $1 AND created_at > $2 AND state <> 'released'
"""


def add_claims(statement: Statement, filled: Sequence[Filled]) -> None:
    """Add the records of units, each key at most once, to a statement."""
    first, later, released = [], [], []
    for one in filled:
        claim, record = one.claim, one.unit.idempotency
        if claim is None or record is None:
            continue
        if record.first:
            first.append(claim)
        elif claim.state is IdempotencyState.RELEASED:
            released.append(claim)
        else:
            later.append(claim)
    if first:
        statement.add(_CLAIM, _arrays(first))
    if later:
        statement.add(_ANSWER, _arrays(later))
    if released:
        statement.add(
            _RELEASE, [[claim.key for claim in released], [claim.fingerprint for claim in released]]
        )


def all_claimed(units: Sequence[UnitOfWork], written: Mapping[str, Sequence[str]]) -> bool:
    """Whether every record that must be the first under its key is."""
    first = [unit for unit in units if unit.idempotency is not None and unit.idempotency.first]
    return len(first) == len(written.get("claimed", ()))


async def aio_read_claim(connection: Connection, key: str, now: datetime) -> StoredClaim | None:
    """The record under a key, unless it is older than 24 hours."""
    row = await connection.fetchrow(_READ, key, now - IDEMPOTENCY_LIFETIME)
    if row is None:
        return None
    return StoredClaim(
        key=row["key"],
        fingerprint=row["fingerprint"],
        state=IdempotencyState(row["state"]),
        created_at=row["created_at"],
        resource_type=row["resource_type"],
        resource_id=row["resource_id"],
        answer=row["answer"],
    )


def _arrays(claims: Sequence[StoredClaim]) -> list[list[object]]:
    return [
        [claim.key for claim in claims],
        [claim.fingerprint for claim in claims],
        [claim.state.value for claim in claims],
        [claim.created_at for claim in claims],
        [claim.resource_type for claim in claims],
        [claim.resource_id for claim in claims],
        [claim.answer for claim in claims],
    ]
