"""Entities in PostgreSQL: one table a kind, the whole of it in `doc`, beside it what queries need.

A write is guarded by the version that it is based on; which were refused shows in what a
statement returns.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from attrs import frozen

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute
from offerhub.domain.due import due_of
from offerhub.domain.hold import Hold
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.operator_command import OperatorCommand
from offerhub.domain.order import Order
from offerhub.domain.parked import Parked
from offerhub.domain.settlement import Settlement
from offerhub.domain.unit_of_work import Entity
from offerhub.domain.users import User, Wallet
from offerhub.domain.webhook import Webhook
from offerhub.domain.withdrawal import Withdrawal
from storage.codec import decode, encode
from storage.envelopes import archived, without_archived
from storage.postgres.pool import Connection
from storage.postgres.statement import Part, Statement

E = TypeVar("E", bound=Entity)


@frozen
class Column:
    """A column beside `doc`, and where its value comes from."""

    name: str
    type: str
    value: Callable[[Any], object]


@frozen
class EntityTable:
    """A table of entities with its two writes; both return the ids that they wrote."""

    name: str
    columns: tuple[Column, ...]

    @property
    def insert(self) -> Part:
        names = ", ".join(column.name for column in self._all)
        rows = self._rows(len(self._all))
        return Part(
            f"new_{self.name}",
            f"INSERT INTO {self.name} ({names}) SELECT * FROM {rows} RETURNING id",  # noqa: S608 - our own names
        )

    @property
    def update(self) -> Part:
        settings = ", ".join(f"{column.name} = new.{column.name}" for column in self._all[1:])
        rows = self._rows(len(self._all) + 1)
        names = ", ".join([*(column.name for column in self._all), "base"])
        return Part(
            f"changed_{self.name}",
            f"UPDATE {self.name} AS old SET {settings} FROM {rows} AS new ({names})"  # noqa: S608 - our own names
            " WHERE old.id = new.id AND old.version = new.base RETURNING old.id",
        )

    def arrays(self, entities: Iterable[Entity]) -> list[list[object]]:
        """The entities as one array a column."""
        rows = list(entities)
        return [[column.value(row) for row in rows] for column in self._all]

    @property
    def _all(self) -> tuple[Column, ...]:
        return (
            Column("id", "text", lambda entity: entity.id),
            Column("version", "integer", lambda entity: entity.version),
            *self.columns,
            Column("doc", "text", _document),
        )

    def _rows(self, count: int) -> str:
        types = [*(column.type for column in self._all), "integer"][:count]
        return f"unnest({', '.join(f'${n}::{type}[]' for n, type in enumerate(types, start=1))})"


def _document(entity: Entity) -> str:
    return encode(without_archived(entity))


def _contract_id(order: Order) -> str | None:
    return None if order.escrow is None else order.escrow.contract_id


def _due_at(entity: Entity) -> datetime | None:
    due = due_of(entity)
    return None if due is None else due.at


_DUE_AT: Final = Column("due_at", "timestamptz", _due_at)

TABLES: Final[Mapping[type, EntityTable]] = {
    User: EntityTable(
        "users",
        (
            Column("external_user_id", "text", lambda user: user.external_user_id),
            Column("email", "text", lambda user: user.email),
        ),
    ),
    Wallet: EntityTable(
        "wallets",
        (
            Column("user_id", "text", lambda wallet: wallet.user_id),
            Column("role", "text", lambda wallet: wallet.role.value),
            Column("status", "text", lambda wallet: wallet.status.value),
            Column("public_key", "text", lambda wallet: wallet.public_key),
            Column("key_version", "text", lambda wallet: wallet.seed.key_version),
        ),
    ),
    Order: EntityTable(
        "orders",
        (
            Column("status", "text", lambda order: order.status.value),
            Column("buyer_id", "text", lambda order: order.buyer_id),
            Column("seller_id", "text", lambda order: order.seller_id),
            Column("client_order_ref", "text", lambda order: order.client_order_ref),
            Column("contract_id", "text", _contract_id),
            Column("amount", "bigint", lambda order: order.amount.stroops),
            Column("in_flight", "boolean", lambda order: order.in_flight),
            Column("created_at", "timestamptz", lambda order: order.created_at),
            _DUE_AT,
        ),
    ),
    Dispute: EntityTable(
        "disputes",
        (
            Column("order_id", "text", lambda dispute: dispute.order_id),
            Column("status", "text", lambda dispute: dispute.status.value),
            Column("opened_by", "text", lambda dispute: dispute.opened_by.value),
        ),
    ),
    ChainOperation: EntityTable(
        "chain_operations",
        (
            Column("subject", "text", lambda operation: operation.subject.value),
            Column("subject_id", "text", lambda operation: operation.subject_id),
            Column("source", "text", lambda operation: operation.source),
            Column("is_open", "boolean", lambda operation: operation.is_open),
            _DUE_AT,
            Column("tx_hash", "text", lambda operation: operation.tx_hash),
        ),
    ),
    Withdrawal: EntityTable(
        "withdrawals",
        (
            Column("user_id", "text", lambda row: row.user_id),
            Column("status", "text", lambda row: row.status.value),
            Column("amount", "bigint", lambda row: row.amount.stroops),
            Column("in_flight", "boolean", lambda row: row.in_flight),
        ),
    ),
    Hold: EntityTable(
        "holds",
        (
            Column("user_id", "text", lambda row: row.user_id),
            Column("reference", "text", lambda row: row.reference),
            Column("remaining", "bigint", lambda row: row.remaining.stroops),
        ),
    ),
    Settlement: EntityTable(
        "settlements",
        (
            Column("amount", "bigint", lambda row: row.amount.stroops),
            Column("in_flight", "boolean", lambda row: row.in_flight),
            Column("not_before", "timestamptz", lambda row: row.not_before),
        ),
    ),
    Parked: EntityTable(
        "parked",
        (
            Column("user_id", "text", lambda row: row.user_id),
            Column(
                "amount", "bigint", lambda row: None if row.amount is None else row.amount.stroops
            ),
            Column("is_open", "boolean", lambda row: row.is_open),
        ),
    ),
    ManualChange: EntityTable(
        "manual_changes",
        (
            Column("user_id", "text", lambda row: row.user_id),
            Column("kind", "text", lambda row: row.kind.value),
            Column("reference", "text", lambda row: row.reference),
        ),
    ),
    ApiKey: EntityTable("api_keys", (Column("digest", "bytea", lambda key: key.digest), _DUE_AT)),
    ApiToken: EntityTable(
        "api_tokens",
        (
            Column("digest", "bytea", lambda token: token.digest),
            Column("api_key_id", "text", lambda token: token.api_key_id),
            Column("expires_at", "timestamptz", lambda token: token.expires_at),
        ),
    ),
    Webhook: EntityTable(
        "webhooks",
        (
            Column("source", "text", lambda webhook: webhook.source),
            Column("event_id", "text", lambda webhook: webhook.event_id),
            Column("ended_at", "timestamptz", lambda webhook: webhook.ended_at),
            _DUE_AT,
        ),
    ),
    OperatorCommand: EntityTable(
        "operator_commands",
        (Column("ended_at", "timestamptz", lambda command: command.ended_at),),
    ),
}
"""In the order in which a commit writes them."""

_WRITES: Final = {kind: (table.insert, table.update) for kind, table in TABLES.items()}
# An operation that has ended may be written again by who still holds its envelope.
_ARCHIVE: Final = Part(
    "archived",
    """
INSERT INTO envelopes (tx_hash, operation_id, envelope)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT (tx_hash) DO NOTHING
""",
    returns=False,
)

_NAMES: Final = frozenset(part.name for parts in _WRITES.values() for part in parts)


def add_writes(statement: Statement, entities: Sequence[Entity]) -> None:
    """Add the inserts (version 1) and the guarded updates of entities to a statement."""
    for kind, (insert, update) in _WRITES.items():
        mine = [entity for entity in entities if type(entity) is kind]
        new = [entity for entity in mine if entity.version == 1]
        if new:
            statement.add(insert, TABLES[kind].arrays(new))
        old = [entity for entity in mine if entity.version != 1]
        if old:
            bases = [entity.version - 1 for entity in old]
            statement.add(update, [*TABLES[kind].arrays(old), bases])
    ended = [envelope for entity in entities if (envelope := archived(entity)) is not None]
    if ended:
        statement.add(
            _ARCHIVE,
            [
                [envelope.tx_hash for envelope in ended],
                [envelope.operation_id for envelope in ended],
                [envelope.envelope for envelope in ended],
            ],
        )


def stale(entities: Sequence[Entity], written: Mapping[str, Sequence[str]]) -> str | None:
    """The id of the first entity that the statement did not write, if there is one."""
    ids = {entity_id for name, found in written.items() if name in _NAMES for entity_id in found}
    missing = [entity.id for entity in entities if entity.id not in ids]
    return missing[0] if missing else None


async def aio_versions(connection: Connection, kind: type, ids: Sequence[str]) -> dict[str, int]:
    """Present versions of those of the ids that exist."""
    rows = await connection.fetch(
        f"SELECT id, version FROM {TABLES[kind].name} WHERE id = ANY($1::text[])",  # noqa: S608 - our own name
        ids,
    )
    return dict(rows)


async def aio_load(connection: Connection, kind: type[E], ids: Sequence[str]) -> dict[str, E]:
    """Those of the entities that exist."""
    rows = await connection.fetch(
        f"SELECT id, doc FROM {TABLES[kind].name} WHERE id = ANY($1::text[])",  # noqa: S608 - our own name
        ids,
    )
    return {entity_id: decode(kind, doc) for entity_id, doc in rows}
