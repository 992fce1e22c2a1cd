"""When API keys were last used; beside the keys' rows, which no request may rewrite."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from storage.postgres.pool import Connection

_READ: Final = (
    "SELECT api_key_id, last_used_at FROM api_key_uses WHERE api_key_id = ANY($1::text[])"
)

_NOTE: Final = """
INSERT INTO api_key_uses AS old (api_key_id, last_used_at)
SELECT * FROM unnest($1::text[], $2::timestamptz[])
ON CONFLICT (api_key_id) DO UPDATE SET last_used_at = excluded.last_used_at
WHERE old.last_used_at < excluded.last_used_at
"""


async def aio_key_uses(connection: Connection, key_ids: Sequence[str]) -> dict[str, datetime]:
    """Key id → last use."""
    return dict(await connection.fetch(_READ, key_ids))


async def aio_note(connection: Connection, uses: Mapping[str, datetime]) -> None:
    """Write all of them, in the order of their ids, so that two writers never wait in a circle."""
    ids = sorted(uses)
    await connection.execute(_NOTE, ids, [uses[key_id] for key_id in ids])
