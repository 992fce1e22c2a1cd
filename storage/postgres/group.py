"""One group of units inside one transaction: lock, fill in, write, and refuse what cannot be.

Locks are always taken in this order: the counters, the balances by user id, the rest as it is
written. Whoever commits holds the counters, so commits follow one another.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import asyncpg
import msgspec
from attrs import define, field, frozen

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import (
    Balance,
    CommitOutcome,
    CursorMove,
    ParkedRecord,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from storage.figures import Counters, Filled, fill, new_users, users_of
from storage.postgres.append import aio_append
from storage.postgres.claims import aio_read_claim, aio_write_claims
from storage.postgres.entities import TABLES, aio_insert, aio_update, aio_versions
from storage.postgres.pool import Connection

_LOCK_COUNTERS: Final = """
SELECT epoch, event_sequence, transfer_sequence, audit_sequence, audit_hash FROM counters FOR UPDATE
"""

_LOCK_BALANCES: Final = """
SELECT user_id, available, reserved, updated_at FROM balances
WHERE user_id = ANY($1::text[]) ORDER BY user_id FOR UPDATE
"""

_NEW_BALANCES: Final = """
INSERT INTO balances (user_id, available, reserved, updated_at)
SELECT user_id, 0, 0, at FROM unnest($1::text[], $2::timestamptz[]) AS new (user_id, at)
"""

_FIRST_CURSOR: Final = """
INSERT INTO cursors (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
"""

_MOVE_CURSOR: Final = "UPDATE cursors SET value = $2 WHERE name = $1 AND value = $3"

_PARK: Final = """
INSERT INTO parked (id, source, reference, reason, parked_at, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
"""

_TAKEN: Final = {
    "orders_client_order_ref_key": "client_order_ref",
    "users_external_user_id_key": "external_user_id",
    "wallets_public_key_key": "public_key",
    "api_keys_digest_key": "digest",
    "api_tokens_digest_key": "digest",
    "transfers_dedupe_key": "dedupe",
}
_ENTITY_KEYS: Final = frozenset(f"{table.name}_pkey" for table in TABLES.values()) | {"parked_pkey"}
_DETAIL_ID: Final = re.compile(r"\(id\)=\((.*)\)")


class GroupRefused(Exception):
    """A guard refuses the group; of a group of one unit it is the unit's outcome."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.kind.value} {refused.subject}")
        self.refused = refused


@frozen
class Writer:
    """An opened storage in the database: its row in `writers`, and the epoch that it took."""

    id: bytes
    epoch: int


@define
class Told:
    """The outcomes of a group, kept apart from the transaction whose end may be unknown."""

    outcomes: list[CommitOutcome] = field(factory=list)


def split(group: Sequence[UnitOfWork]) -> Iterator[list[UnitOfWork]]:
    """Cut a group so that no part writes an entity, a key or a cursor twice: statements could not."""
    part: list[UnitOfWork] = []
    written: set[object] = set()
    for unit in group:
        names: set[object] = {(type(entity), entity.id) for entity in unit.writes}
        if unit.idempotency is not None:
            names.add(("key", unit.idempotency.key))
        if unit.cursor is not None:
            names.add(("cursor", unit.cursor.name))
        if part and not written.isdisjoint(names):
            yield part
            part, written = [], set()
        part.append(unit)
        written |= names
    if part:
        yield part


def refusal_of(error: asyncpg.UniqueViolationError) -> Refused | None:
    """What a unique key that exists means for a unit; `None`: nothing that may happen."""
    name = str(error.constraint_name)
    if name in _TAKEN:
        return Refused(RefusalKind.TAKEN, _TAKEN[name])
    if name in _ENTITY_KEYS:
        match = _DETAIL_ID.search(str(error.detail))
        return Refused(RefusalKind.CONFLICT, match.group(1) if match else "")
    return None


async def aio_commit_group(
    connection: Connection, units: Sequence[UnitOfWork], writer: Writer, number: int, told: Told
) -> list[CommitOutcome]:
    """Write a group inside the caller's transaction, and note the outcomes before its COMMIT.

    Units that lack funds, or would pass the maximum, are refused and the others are written.

    Raises:
        GroupRefused: a guard refuses; the caller rolls back.
        asyncpg.UniqueViolationError: a unique key refuses (`refusal_of`).
    """
    counters = await _aio_lock(connection, writer)
    balances: dict[str, Balance] = {}
    users = users_of(units)
    if users:
        for user_id, available, reserved, at in await connection.fetch(_LOCK_BALANCES, list(users)):
            balances[user_id] = Balance(user_id, Money(available), Money(reserved), at)
    filled = [fill(unit, balances, counters) for unit in units]
    accepted = [one for one in filled if isinstance(one, Filled)]
    if accepted:
        await _aio_write(connection, accepted, counters, writer, number)
    told.outcomes = [
        one.outcome
        if isinstance(one, Filled)
        else await _aio_earlier_conflict(connection, unit) or one
        for unit, one in zip(units, filled, strict=True)
    ]
    return told.outcomes


async def _aio_lock(connection: Connection, writer: Writer) -> Counters:
    row = await connection.fetchrow(_LOCK_COUNTERS)
    if row["epoch"] != writer.epoch:
        raise GroupRefused(Refused(RefusalKind.FENCED))
    return Counters(
        event_sequence=row["event_sequence"],
        transfer_sequence=row["transfer_sequence"],
        audit_sequence=row["audit_sequence"],
        audit_hash=row["audit_hash"],
    )


async def _aio_write(
    connection: Connection,
    accepted: Sequence[Filled],
    ends: Counters,
    writer: Writer,
    number: int,
) -> None:
    units = [filled.unit for filled in accepted]
    claims = [unit.idempotency for unit in units if unit.idempotency is not None]
    if claims and not await aio_write_claims(connection, claims):
        raise GroupRefused(Refused(RefusalKind.TAKEN, "idempotency_key"))
    await _aio_write_entities(connection, units)
    for unit in units:
        if unit.cursor is not None:
            await _aio_move_cursor(connection, unit.cursor)
    parked = [(record, unit) for unit in units for record in unit.parked]
    if parked:
        await _aio_park(connection, parked)
    moved, written = await aio_append(connection, accepted, ends, writer.id, number)
    if moved != len({user_id for filled in accepted for user_id in filled.changes}) or written != 1:
        raise InvariantViolated("a balance row or the writer's row is missing")


async def _aio_write_entities(connection: Connection, units: Sequence[UnitOfWork]) -> None:
    for kind in TABLES:
        entities = [entity for unit in units for entity in unit.writes if type(entity) is kind]
        new = [entity for entity in entities if entity.version == 1]
        if new:
            await aio_insert(connection, kind, new)
        old = [entity for entity in entities if entity.version != 1]
        if old:
            bases = [entity.version - 1 for entity in old]
            written = await aio_update(connection, kind, old, bases)
            if len(written) != len(old):
                stale = [entity.id for entity in old if entity.id not in written] or [old[0].id]
                raise GroupRefused(Refused(RefusalKind.CONFLICT, stale[0]))
    users = [(user_id, unit.at) for unit in units for user_id in new_users(unit)]
    if users:
        await connection.execute(
            _NEW_BALANCES, [user_id for user_id, _ in users], [at for _, at in users]
        )


async def _aio_move_cursor(connection: Connection, move: CursorMove) -> None:
    if move.before is None:
        status = await connection.execute(_FIRST_CURSOR, move.name, move.after)
    else:
        status = await connection.execute(_MOVE_CURSOR, move.name, move.after, move.before)
    if not status.endswith(" 1"):
        raise GroupRefused(Refused(RefusalKind.CONFLICT, move.name))


async def _aio_park(
    connection: Connection, parked: Sequence[tuple[ParkedRecord, UnitOfWork]]
) -> None:
    await connection.execute(
        _PARK,
        [record.id for record, _ in parked],
        [record.source for record, _ in parked],
        [record.reference for record, _ in parked],
        [record.reason for record, _ in parked],
        [unit.at for _, unit in parked],
        [msgspec.json.encode(record.body).decode() for record, _ in parked],
    )


async def _aio_earlier_conflict(connection: Connection, unit: UnitOfWork) -> Refused | None:
    """What refuses a unit before its want of funds does.

    Who decided on an old state must learn that it is old, and who repeats a key its answer; only
    then does a missing balance count.
    """
    claim = unit.idempotency
    if (
        claim is not None
        and claim.first
        and await aio_read_claim(connection, claim.key, claim.created_at) is not None
    ):
        return Refused(RefusalKind.TAKEN, "idempotency_key")
    for kind in TABLES:
        entities = [entity for entity in unit.writes if type(entity) is kind]
        if entities:
            stored = await aio_versions(connection, kind, [entity.id for entity in entities])
            for entity in entities:
                if stored.get(entity.id, 0) != entity.version - 1:
                    return Refused(RefusalKind.CONFLICT, entity.id)
    return None
