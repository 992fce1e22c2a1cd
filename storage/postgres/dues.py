"""Reads of dues and of the platform's own money."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from offerhub.domain.money import Money
from offerhub.domain.settlement import OpenDue, Settlement, Standing
from offerhub.domain.treasury import Treasury
from storage.codec import decode
from storage.postgres.pool import Connection

_STANDING: Final = """
SELECT available, due, coalesce((SELECT amount FROM settlements
    WHERE settlements.id = balances.user_id AND in_flight), 0) AS settling
FROM balances WHERE user_id = $1
"""

_OPEN: Final = """
SELECT user_id, due, available, settlements.doc FROM balances
LEFT JOIN settlements ON settlements.id = balances.user_id
WHERE {due} AND NOT coalesce(in_flight, false) AND coalesce(not_before <= $1, true){of}
ORDER BY {order} LIMIT $2
"""
_OWING: Final = {"due": "due < 0", "order": "due, user_id"}
_OWED: Final = {"due": "due > 0", "order": "due DESC, user_id DESC"}
_OF: Final = " AND user_id = ANY($3::text[])"

_IN_FLIGHT: Final = "SELECT doc FROM settlements WHERE in_flight ORDER BY sequence"

_TREASURY: Final = """
SELECT sums, paying, collecting FROM counters,
    (SELECT coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint AS paying,
        coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint AS collecting
    FROM settlements WHERE in_flight) AS on_the_way
"""


async def aio_standing(connection: Connection, user_id: str) -> Standing | None:
    """What decides whether a user's wallet can pay."""
    row = await connection.fetchrow(_STANDING, user_id)
    if row is None:
        return None
    return Standing(Money(row["available"]), Money(row["due"]), Money(row["settling"]))


async def aio_unsettled(
    connection: Connection,
    now: datetime,
    limit: int,
    owing: bool,  # noqa: FBT001 - passed through the pool
    users: Sequence[str] | None,
) -> list[OpenDue]:
    """Dues that nothing is in flight for, the largest first."""
    query = _OPEN.format(**(_OWING if owing else _OWED), of="" if users is None else _OF)
    values = (now, limit) if users is None else (now, limit, users)
    return [_open_due(row) for row in await connection.fetch(query, *values)]


async def aio_settlements_in_flight(connection: Connection) -> list[Settlement]:
    """Settlements that a chain operation carries."""
    return [decode(Settlement, row[0]) for row in await connection.fetch(_IN_FLIGHT)]


async def aio_treasury(connection: Connection) -> Treasury:
    """The platform's own money."""
    row = await connection.fetchrow(_TREASURY)
    return Treasury(
        msgspec.json.decode(row["sums"]), Money(row["paying"]), Money(row["collecting"])
    )


def _open_due(row: Any) -> OpenDue:
    doc = row["doc"]
    return OpenDue(
        row["user_id"],
        Money(row["due"]),
        Money(row["available"]),
        None if doc is None else decode(Settlement, doc),
    )
