"""Reads of the ledger: balances, the books, a user's transfers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from offerhub.domain.ledger import Books, Holding, Posting
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import Balance
from storage.port import Page, StoredTransfer, UnknownCursor
from storage.postgres.pool import Connection

_BALANCE: Final = """
SELECT user_id, available, reserved, updated_at FROM balances WHERE user_id = $1
"""

_BALANCES: Final = "SELECT user_id, available, reserved, updated_at FROM balances ORDER BY user_id"

_ACCOUNTS: Final = "SELECT account, sum(amount) FROM postings GROUP BY account"

_HOLDINGS: Final = "SELECT holding, sum(amount) FROM holdings GROUP BY holding"

_PLACE: Final = """
SELECT sequence FROM transfer_ids WHERE id = $1
    AND EXISTS (SELECT FROM postings WHERE transfer_sequence = sequence AND user_id = $2)
"""

_OF_USER: Final = """
SELECT DISTINCT transfer_sequence FROM postings
WHERE user_id = $1 AND transfer_sequence < $2
ORDER BY transfer_sequence DESC LIMIT $3
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
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        accounts = await connection.fetch(_ACCOUNTS)
        holdings = await connection.fetch(_HOLDINGS)
    return Books(
        {name: int(total) for name, total in accounts},
        {name: int(total) for name, total in holdings},
    )


async def aio_user_ledger(
    connection: Connection, user_id: str, cursor: str | None, limit: int
) -> Page[StoredTransfer]:
    """A page of the transfers with a posting on one of the user's accounts, newest first."""
    place: int | None = _END
    if cursor is not None:
        place = await connection.fetchval(_PLACE, cursor, user_id)
        if place is None:
            raise UnknownCursor(cursor)
    found = [row[0] for row in await connection.fetch(_OF_USER, user_id, place, limit + 1)]
    items = tuple(await _aio_transfers(connection, found[:limit]))
    return Page(items, items[-1].id if len(found) > limit else None)


async def _aio_transfers(connection: Connection, sequences: Sequence[int]) -> list[StoredTransfer]:
    postings: defaultdict[int, list[Posting]] = defaultdict(list)
    for sequence, account, amount in await connection.fetch(_POSTINGS, sequences):
        postings[sequence].append(Posting(account, Money(amount)))
    holdings: defaultdict[int, list[Holding]] = defaultdict(list)
    for sequence, holding, amount, reference in await connection.fetch(_MOVED, sequences):
        holdings[sequence].append(Holding(holding, Money(amount), reference))
    return [
        StoredTransfer(
            id=row["id"],
            kind=row["kind"],
            reference=row["reference"],
            cause=row["cause"],
            postings=tuple(postings[row["sequence"]]),
            holdings=tuple(holdings[row["sequence"]]),
            created_at=row["created_at"],
        )
        for row in await connection.fetch(_TRANSFERS, sequences)
    ]


def _balance(row: Any) -> Balance:
    return Balance(
        row["user_id"], Money(row["available"]), Money(row["reserved"]), row["updated_at"]
    )
