"""Reads of what wallets and contracts must hold, and of what is on its way to them; a page at a time."""

from collections.abc import Sequence
from typing import Any, Final

from offerhub.domain.chain import ChainOperation
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.reconciliation import WalletClaims
from offerhub.domain.users import Wallet
from storage.codec import decode
from storage.port import Page, PlacedOrder
from storage.postgres.paging import PagedList, aio_page
from storage.postgres.pool import Connection

_CLAIMS: Final = """
SELECT user_id, available, reserved, due,
    coalesce((SELECT sum(amount) FROM withdrawals WHERE withdrawals.user_id = balances.user_id
        AND status NOT IN ('WITHDRAWAL_COMPLETED', 'WITHDRAWAL_FAILED', 'WITHDRAWAL_CANCELED')),
        0)::bigint AS withdrawing,
    coalesce((SELECT sum(amount) FROM parked WHERE parked.user_id = balances.user_id AND is_open),
        0)::bigint AS suspense
FROM balances WHERE user_id = ANY($1::text[])
"""

_ACTIVE: Final = """
SELECT doc FROM wallets WHERE role = 'user' AND status = 'ACTIVE' AND public_key COLLATE "C" > $1
ORDER BY public_key COLLATE "C" LIMIT $2
"""

_HOLDING: Final = """
SELECT sequence, doc FROM orders
WHERE contract_id IS NOT NULL AND status <> 'CLOSED' AND sequence > $1 ORDER BY sequence LIMIT $2
"""

_PAID_OUT: Final = """
SELECT sequence, doc FROM orders
WHERE contract_id IS NOT NULL AND status = 'CLOSED' AND sequence > $1 ORDER BY sequence LIMIT $2
"""

# The operation that an entity on its way waits for: it is booked with the entity, or was not yet.
_UNBOOKED: Final = """
SELECT chain_operations.doc FROM (
    SELECT doc::json #>> '{process,chain_operation_id}' AS id FROM orders
        WHERE in_flight AND ($1::text IS NULL OR buyer_id = $1 OR seller_id = $1)
    UNION ALL SELECT doc::json #>> '{payment,chain_operation_id}' FROM withdrawals
        WHERE in_flight AND ($1::text IS NULL OR user_id = $1)
    UNION ALL SELECT DISTINCT doc::json #>> '{operation_id}' FROM settlements
        WHERE in_flight AND ($1::text IS NULL OR id = $1)
) AS waiting JOIN chain_operations ON chain_operations.id = waiting.id
WHERE tx_hash IS NOT NULL ORDER BY sequence LIMIT $2
"""

_PARKED_OPEN: Final = "SELECT count(*) FROM parked WHERE is_open"
_PARKED: Final = PagedList("parked", "doc")


async def aio_claims(connection: Connection, user_ids: Sequence[str]) -> dict[str, WalletClaims]:
    """What the users have anywhere, by user id."""
    rows = await connection.fetch(_CLAIMS, user_ids)
    return {
        row["user_id"]: WalletClaims(
            row["user_id"],
            Money(row["available"]),
            Money(row["reserved"]),
            Money(row["due"]),
            Money(row["withdrawing"]),
            Money(row["suspense"]),
        )
        for row in rows
    }


async def aio_active_wallets(connection: Connection, after: str, limit: int) -> list[Wallet]:
    """Users' wallets that are on the chain, in the order of their addresses."""
    return [decode(Wallet, row["doc"]) for row in await connection.fetch(_ACTIVE, after, limit)]


async def aio_contracts(
    connection: Connection,
    after: int,
    limit: int,
    closed: bool,  # noqa: FBT001 - passed through the pool
) -> list[PlacedOrder]:
    """Orders with a contract, in the order of their creation."""
    rows = await connection.fetch(_PAID_OUT if closed else _HOLDING, after, limit)
    return [PlacedOrder(row["sequence"], decode(Order, row["doc"])) for row in rows]


async def aio_unbooked(
    connection: Connection, user_id: str | None, limit: int
) -> list[ChainOperation]:
    """Signed operations that entities on their way wait for."""
    rows = await connection.fetch(_UNBOOKED, user_id, limit)
    return [decode(ChainOperation, row["doc"]) for row in rows]


async def aio_parked_open(connection: Connection) -> int:
    """How many parked records wait."""
    return int(await connection.fetchval(_PARKED_OPEN))


async def aio_parked(
    connection: Connection,
    open_only: bool,  # noqa: FBT001 - passed through the pool
    cursor: str | None,
    limit: int,
) -> Page[Parked]:
    """A page of what was parked."""
    only = ("is_open",) if open_only else ()
    return await aio_page(connection, _PARKED, _parked, (), cursor, limit, only)


def _parked(row: Any) -> Parked:
    return decode(Parked, row["doc"])
