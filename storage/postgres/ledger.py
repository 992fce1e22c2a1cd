"""Reads of the ledger: balances, the books, a user's transfers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from offerhub.domain.ledger import Books, Holding, Posting
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import Balance
from storage.port import HistoryDetached, Page, StoredTransfer, UnknownCursor
from storage.postgres.checkpoints import BOOKS, DETACHED_TRANSFERS, books_of
from storage.postgres.event_log import aio_has_detached
from storage.postgres.pool import Connection

_BALANCE: Final = """
SELECT user_id, available, reserved, due, updated_at FROM balances WHERE user_id = $1
"""

_BALANCES: Final = (
    "SELECT user_id, available, reserved, due, updated_at FROM balances ORDER BY user_id"
)

_PLACE: Final = "SELECT sequence FROM transfer_ids WHERE id = $1"

_IS_OF_OWNERS: Final = """
SELECT EXISTS (SELECT FROM postings WHERE transfer_sequence = $1 AND user_id = ANY($2::text[]))
"""

# A page of each owner's, and of those the newest: so that each is read in the order of its index.
_OF_OWNERS: Final = """
SELECT DISTINCT newest.transfer_sequence FROM unnest($1::text[]) AS owner CROSS JOIN LATERAL (
    SELECT DISTINCT transfer_sequence FROM postings
    WHERE user_id = owner AND transfer_sequence < $2
    ORDER BY transfer_sequence DESC LIMIT $3) AS newest
ORDER BY newest.transfer_sequence DESC LIMIT $3
"""

_END: Final = 2**63 - 1
"""Behind every transfer."""

_TRANSFERS: Final = """
SELECT sequence, id, kind, reference, cause, created_at FROM transfers
WHERE sequence = ANY($1::bigint[]) ORDER BY sequence DESC
"""

_POSTINGS: Final = """
SELECT transfer_sequence, account, amount FROM postings
WHERE transfer_sequence = ANY($1::bigint[]) ORDER BY transfer_sequence, place
"""

_MOVED: Final = """
SELECT transfer_sequence, holding, amount, reference FROM holdings
WHERE transfer_sequence = ANY($1::bigint[]) ORDER BY transfer_sequence, place
"""


async def aio_balance(connection: Connection, user_id: str) -> Balance | None:
    """A user's row."""
    row = await connection.fetchrow(_BALANCE, user_id)
    return None if row is None else _balance(row)


async def aio_balances(connection: Connection) -> list[Balance]:
    """All rows."""
    return [_balance(row) for row in await connection.fetch(_BALANCES)]


async def aio_books(connection: Connection) -> Books:
    """Sums of all postings and all holdings, of one moment."""
    return books_of(await connection.fetch(BOOKS))


async def aio_user_ledger(
    connection: Connection, owners: Sequence[str], cursor: str | None, limit: int
) -> Page[StoredTransfer]:
    """A page of the transfers with a posting on one of the owners' accounts, newest first."""
    place: int | None = _END
    if cursor is not None:
        place = await connection.fetchval(_PLACE, cursor)
        if place is None:
            raise UnknownCursor(cursor)
        if not await connection.fetchval(_IS_OF_OWNERS, place, owners):
            if place <= await connection.fetchval(DETACHED_TRANSFERS):
                raise HistoryDetached(cursor)
            raise UnknownCursor(cursor)
    found = [row[0] for row in await connection.fetch(_OF_OWNERS, owners, place, limit + 1)]
    transfers = await _aio_transfers(connection, found[:limit])
    # Partitions may have been detached between two of these reads, but none behind the checkpoint.
    detached = await connection.fetchval(DETACHED_TRANSFERS)
    items = tuple(transfers[place] for place in found[:limit] if place > detached)
    more = len(found) > limit or await aio_has_detached(connection, owners, shown=bool(items))
    return Page(items, items[-1].id if more else None)


async def _aio_transfers(
    connection: Connection, sequences: Sequence[int]
) -> dict[int, StoredTransfer]:
    postings: defaultdict[int, list[Posting]] = defaultdict(list)
    for sequence, account, amount in await connection.fetch(_POSTINGS, sequences):
        postings[sequence].append(Posting(account, Money(amount)))
    holdings: defaultdict[int, list[Holding]] = defaultdict(list)
    for sequence, holding, amount, reference in await connection.fetch(_MOVED, sequences):
        holdings[sequence].append(Holding(holding, Money(amount), reference))
    return {
        row["sequence"]: StoredTransfer(
            id=row["id"],
            kind=row["kind"],
            reference=row["reference"],
            cause=row["cause"],
            postings=tuple(postings[row["sequence"]]),
            holdings=tuple(holdings[row["sequence"]]),
            created_at=row["created_at"],
        )
        for row in await connection.fetch(_TRANSFERS, sequences)
    }


def _balance(row: Any) -> Balance:
    return Balance(
        row["user_id"],
        Money(row["available"]),
        Money(row["reserved"]),
        row["updated_at"],
        Money(row["due"]),
    )
