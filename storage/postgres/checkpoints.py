"""Reads of how far history is detached, and the sums up to there."""

from collections.abc import Sequence
from typing import Any, Final

from offerhub.domain.ledger import Books
from storage.checkpoint import Checkpoint
from storage.postgres.pool import Connection
from storage.postgres.statement import Part

_LAST: Final = """
SELECT number, event_sequence, event_moment, transfer_sequence, audit_sequence, audit_moment,
    audit_hash
FROM checkpoints ORDER BY number DESC LIMIT 1
"""

_SUMS: Final = "SELECT side, name, amount FROM checkpoint_sums WHERE checkpoint = $1"

# One statement, so that it sees one moment; what is at or below the checkpoint counts there only,
# whether or not its partition is detached already.
BOOKS: Final = """
SELECT side, name, sum(amount) FROM (
    SELECT side, name, amount FROM checkpoint_sums, detached
        WHERE checkpoint_sums.checkpoint = detached.checkpoint
    UNION ALL SELECT 'account', account, amount FROM postings, detached
        WHERE postings.transfer_sequence > detached.transfer_sequence
    UNION ALL SELECT 'holding', holding, amount FROM holdings, detached
        WHERE holdings.transfer_sequence > detached.transfer_sequence) AS amounts
GROUP BY side, name
"""

DETACHED_EVENTS: Final = "SELECT event_sequence FROM detached"
DETACHED_TRANSFERS: Final = "SELECT transfer_sequence FROM detached"
DETACHED_AUDIT: Final = "SELECT audit_sequence FROM detached"
DETACHED_AUDIT_UNTIL: Final = "SELECT audit_sequence, audit_moment FROM detached"

HAS_DETACHED: Final = """
SELECT EXISTS (SELECT FROM detached_owners, detached
    WHERE id = ANY($1::text[]) AND detached_owners.checkpoint <= detached.checkpoint)
"""
"""Whether some of the events of orders, or of the postings of users, are detached."""

NEW_CHECKPOINT: Final = Part(
    "new_checkpoint",
    """
INSERT INTO checkpoints (number, at, event_sequence, event_moment, transfer_sequence,
    audit_sequence, audit_moment, audit_hash, manifest)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
""",
    returns=False,
)


async def aio_checkpoint(connection: Connection) -> Checkpoint | None:
    """The last checkpoint with its sums."""
    row = await connection.fetchrow(_LAST)
    if row is None:
        return None
    sums = await connection.fetch(_SUMS, row["number"])
    return Checkpoint(**dict(row), books=books_of(sums))


def books_of(rows: Sequence[Any]) -> Books:
    """Rows of side, name and amount as books."""
    sums: dict[str, dict[str, int]] = {"account": {}, "holding": {}}
    for side, name, amount in rows:
        sums[side][name] = int(amount)
    return Books(sums["account"], sums["holding"])
