"""Reads of entities by what is not their id, and of the instance's own facts."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute, DisputeStatus
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.unit_of_work import Entity
from offerhub.domain.users import User, Wallet
from offerhub.domain.withdrawal import Withdrawal
from storage.codec import decode
from storage.port import DisputeFilter, OrderFilter, Page, UserFilter
from storage.postgres.paging import PagedList, aio_page
from storage.postgres.pool import Connection

E = TypeVar("E", bound=Entity)

USER_BY_EXTERNAL_ID: Final = "SELECT doc FROM users WHERE external_user_id = $1"
API_KEY_BY_DIGEST: Final = "SELECT doc FROM api_keys WHERE digest = $1"
API_TOKEN_BY_DIGEST: Final = "SELECT doc FROM api_tokens WHERE digest = $1"  # noqa: S105 - SQL
WALLETS_BY_ADDRESS: Final = "SELECT doc FROM wallets WHERE public_key = ANY($1::text[])"
WALLETS_OF_PLATFORM: Final = "SELECT doc FROM wallets WHERE role <> 'user' ORDER BY sequence"
WALLETS_ACTIVATING: Final = """
SELECT doc FROM wallets WHERE role = 'user' AND status = 'ACTIVATING' ORDER BY sequence
"""
OPEN_HOLD: Final = """
SELECT doc FROM holds WHERE user_id = $1 AND reference = $2 AND remaining > 0
"""
MANUAL_CHANGE: Final = """
SELECT doc FROM manual_changes WHERE user_id = $1 AND kind = $2 AND reference = $3
"""
_SEALED_UNDER: Final = "SELECT key_version, count(*) FROM wallets GROUP BY key_version"
_SEALED_OTHERWISE: Final = """
SELECT sequence, doc FROM wallets WHERE key_version <> $1 AND sequence > $2
ORDER BY sequence LIMIT $3
"""
OPERATIONS_BY_HASH: Final = """
SELECT doc FROM chain_operations WHERE tx_hash = ANY($1::text[]) ORDER BY sequence
"""
OPERATIONS_OF: Final = """
SELECT doc FROM chain_operations WHERE subject_id = $1 ORDER BY sequence
"""
EPOCH: Final = "SELECT epoch FROM counters"
CURSOR: Final = "SELECT value FROM cursors WHERE name = $1"
SETTING: Final = "SELECT value FROM settings WHERE name = $1"
API_KEYS: Final = PagedList("api_keys", "doc")

_ENVELOPE: Final = "SELECT envelope FROM envelopes WHERE tx_hash = $1"
_CONTRACTS: Final = "SELECT contract_id, id FROM orders WHERE contract_id = ANY($1::text[])"
_PUT_SETTING: Final = """
INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
"""
_USERS: Final = PagedList("users", "doc")
_ORDERS: Final = PagedList("orders", "doc", order=("created_at", "sequence"))
_DISPUTES: Final = PagedList("disputes", "doc")
_WITHDRAWALS: Final = PagedList("withdrawals", "doc")
_WITHDRAWALS_OF_USER: Final = PagedList("withdrawals", "doc", scope="user_id = {}")


async def aio_one(connection: Connection, kind: type[E], query: str, *values: object) -> E | None:
    """The entity that a query for one `doc` finds."""
    doc = await connection.fetchval(query, *values)
    return None if doc is None else decode(kind, doc)


async def aio_several(
    connection: Connection, kind: type[E], query: str, *values: object
) -> list[E]:
    """The entities that a query for `doc`s finds."""
    return [decode(kind, row[0]) for row in await connection.fetch(query, *values)]


async def aio_text(connection: Connection, query: str, name: str) -> str | None:
    """One text, if there is one."""
    value: str | None = await connection.fetchval(query, name)
    return value


async def aio_contracts(connection: Connection, contract_ids: Sequence[str]) -> dict[str, str]:
    """Contract id → order id."""
    return dict(await connection.fetch(_CONTRACTS, contract_ids))


async def aio_put_setting(connection: Connection, name: str, value: str) -> bool:
    """Store a fact that is not there yet."""
    return str(await connection.execute(_PUT_SETTING, name, value)).endswith(" 1")


async def aio_users(
    connection: Connection, where: UserFilter, cursor: str | None, limit: int
) -> Page[User]:
    """A page of users."""
    conditions = _given(
        ("external_user_id = {}", where.external_user_id), ("email = {}", where.email)
    )
    return await aio_page(connection, _USERS, _doc(User), conditions, cursor, limit)


async def aio_orders(
    connection: Connection, where: OrderFilter, cursor: str | None, limit: int
) -> Page[Order]:
    """A page of orders."""
    # As a literal, by which the planner knows that the index of open orders has them all.
    status = () if where.status is None else (f"status = '{OrderStatus(where.status).value}'",)
    conditions = _given(
        ("buyer_id = {}", where.buyer_id),
        ("seller_id = {}", where.seller_id),
        ("client_order_ref = {}", where.client_order_ref),
        ("created_at > {}", where.created_after),
        ("created_at < {}", where.created_before),
    )
    return await aio_page(connection, _ORDERS, _doc(Order), conditions, cursor, limit, status)


async def aio_disputes(
    connection: Connection, where: DisputeFilter, cursor: str | None, limit: int
) -> Page[Dispute]:
    """A page of disputes."""
    # As a literal, by which the planner knows that the index of open disputes has them all.
    status = () if where.status is None else (f"status = '{DisputeStatus(where.status).value}'",)
    conditions = _given(("order_id = {}", where.order_id), ("opened_by = {}", where.opened_by))
    return await aio_page(connection, _DISPUTES, _doc(Dispute), conditions, cursor, limit, status)


async def aio_withdrawals(
    connection: Connection, user_id: str | None, cursor: str | None, limit: int
) -> Page[Withdrawal]:
    """A page of withdrawals, of one user or of all."""
    paged = _WITHDRAWALS if user_id is None else _WITHDRAWALS_OF_USER
    conditions = _given(("user_id = {}", user_id))
    return await aio_page(connection, paged, _doc(Withdrawal), conditions, cursor, limit)


async def aio_wallets_by_address(
    connection: Connection, addresses: Sequence[str]
) -> dict[str, Wallet]:
    """Public key → wallet, for those of the addresses that are ours."""
    found = await aio_several(connection, Wallet, WALLETS_BY_ADDRESS, addresses)
    return {wallet.public_key: wallet for wallet in found}


async def aio_sealed_under(connection: Connection) -> dict[str, int]:
    """Version of an encryption key → wallets whose seed is sealed under it."""
    return dict(await connection.fetch(_SEALED_UNDER))


async def aio_sealed_otherwise(
    connection: Connection, key_version: str, after: int, limit: int
) -> list[tuple[int, Wallet]]:
    """Wallets whose seed is sealed under another key, with their places."""
    rows = await connection.fetch(_SEALED_OTHERWISE, key_version, after, limit)
    return [(row["sequence"], decode(Wallet, row["doc"])) for row in rows]


async def aio_operations_by_hash(
    connection: Connection, hashes: Sequence[str]
) -> dict[str, ChainOperation]:
    """Transaction hash → operation."""
    found = await aio_several(connection, ChainOperation, OPERATIONS_BY_HASH, hashes)
    return {operation.tx_hash: operation for operation in found if operation.tx_hash is not None}


async def aio_envelope(connection: Connection, tx_hash: str) -> str | None:
    """The signed envelope of a transaction, from the archive or from its open operation."""
    archived: str | None = await connection.fetchval(_ENVELOPE, tx_hash)
    if archived is not None:
        return archived
    operations = await aio_operations_by_hash(connection, [tx_hash])
    return next((operation.envelope for operation in operations.values()), None)


def _given(*conditions: tuple[str, object]) -> list[tuple[str, object]]:
    return [condition for condition in conditions if condition[1] is not None]


def _doc(kind: type[E]) -> Any:
    """Makes an entity of a row."""
    return lambda row: decode(kind, row["doc"])
