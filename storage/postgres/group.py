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

from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import (
    Balance,
    CommitOutcome,
    CursorMove,
    RefusalKind,
    Refused,
    SettingChange,
    UnitOfWork,
)
from storage.commit_values import Counters, Filled, fill, users_of
from storage.port import Encode
from storage.postgres.append import Places, add_appends, check_appends
from storage.postgres.entities import TABLES, add_writes, aio_versions, stale
from storage.postgres.idempotency import add_claims, aio_read_claim, all_claimed
from storage.postgres.pool import Connection
from storage.postgres.statement import Part, Statement

# The function locks the counters, then the balances in the order of their users' ids.
_LOCK: Final = "SELECT * FROM lock_for_commit($1, $2, $3, $4)"

_FIRST_CURSOR: Final = Part(
    "first_cursors",
    """
INSERT INTO cursors (name, value) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (name) DO NOTHING RETURNING name
""",
)

_MOVE_CURSOR: Final = Part(
    "moved_cursors",
    """
UPDATE cursors AS old SET value = move.after
FROM unnest($1::text[], $2::text[], $3::text[]) AS move (name, before, after)
WHERE old.name = move.name AND old.value = move.before RETURNING old.name
""",
)

_FIRST_SETTING: Final = Part(
    "first_settings",
    """
INSERT INTO settings (name, value) SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (name) DO NOTHING RETURNING name
""",
)

_CHANGE_SETTING: Final = Part(
    "changed_settings",
    """
UPDATE settings AS old SET value = change.after
FROM unnest($1::text[], $2::text[], $3::text[]) AS change (name, before, after)
WHERE old.name = change.name AND old.value = change.before RETURNING old.name
""",
)

_TAKEN: Final = {
    "orders_client_order_ref_key": "client_order_ref",
    "disputes_order_id_key": "order_id",
    "users_external_user_id_key": "external_user_id",
    "wallets_public_key_key": "public_key",
    "holds_open_key": "hold_reference",
    "manual_changes_reference_key": "manual_reference",
    "api_keys_digest_key": "digest",
    "api_tokens_digest_key": "digest",
    "webhooks_event_key": "webhook_event",
    "transfers_dedupe_key": "dedupe",
}
_ENTITY_KEYS: Final = frozenset(f"{table.name}_pkey" for table in TABLES.values())
_DETAIL_ID: Final = re.compile(r"\(id\)=\((.*)\)")


Beside = tuple[Part, Sequence[object]]
"""A part that is none of a unit's, for the statement that writes a group, with its values."""


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
class GroupResult:
    """The outcomes of a group, kept apart from the transaction whose end may be unknown.

    Args:
        places: where the rows lie that the group has rewritten; before it: where to look first.
    """

    places: Places
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
        names.update(("setting", change.name) for change in unit.settings)
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
    connection: Connection,
    units: Sequence[UnitOfWork],
    encode: Encode,
    writer: Writer,
    number: int,
    result: GroupResult,
    beside: Beside | None = None,
) -> list[CommitOutcome]:
    """Write a group inside the caller's transaction, and note the outcomes before its COMMIT.

    Units that lack funds, or would pass the maximum, are refused and the others are written.

    Raises:
        GroupRefused: a guard refuses; the caller rolls back.
        asyncpg.UniqueViolationError: a unique key refuses (`refusal_of`).
    """
    counters, balances, result.places = await _aio_lock(
        connection, writer, result.places, users_of(units)
    )
    filled = [fill(unit, balances, counters, encode) for unit in units]
    accepted = [one for one in filled if isinstance(one, Filled)]
    if accepted:
        result.places = await _aio_write(
            connection, accepted, counters, result.places, writer, number, beside
        )
    result.outcomes = [
        one.outcome
        if isinstance(one, Filled)
        else await aio_earlier_conflict(connection, unit) or one
        for unit, one in zip(units, filled, strict=True)
    ]
    return result.outcomes


async def _aio_lock(
    connection: Connection, writer: Writer, places: Places, users: set[str]
) -> tuple[Counters, dict[str, Balance], Places]:
    first, *rows = await connection.fetch(
        _LOCK, list(users), writer.id, places.counters, places.writer
    )
    if first["epoch"] != writer.epoch:
        raise GroupRefused(Refused(RefusalKind.FENCED))
    counters = Counters(
        event_sequence=first["event_sequence"],
        event_moment=first["event_moment"],
        transfer_sequence=first["transfer_sequence"],
        audit_sequence=first["audit_sequence"],
        audit_hash=first["audit_hash"],
        sums=msgspec.json.decode(first["sums"]),
    )
    balances = {
        row["user_id"]: Balance(
            row["user_id"],
            Money(row["available"]),
            Money(row["reserved"]),
            row["updated_at"],
            Money(row["due"]),
        )
        for row in rows
    }
    return counters, balances, Places(first["counters_place"], first["writer_place"])


async def _aio_write(
    connection: Connection,
    accepted: Sequence[Filled],
    ends: Counters,
    places: Places,
    writer: Writer,
    number: int,
    beside: Beside | None,
) -> Places:
    units = [filled.unit for filled in accepted]
    entities = [entity for filled in accepted for entity in filled.writes]
    moves = [unit.cursor for unit in units if unit.cursor is not None]
    changes = [change for unit in units for change in unit.settings]
    statement = Statement()
    add_claims(statement, accepted)
    add_writes(statement, entities)
    _add_compared(statement, moves, _FIRST_CURSOR, _MOVE_CURSOR)
    _add_compared(statement, changes, _FIRST_SETTING, _CHANGE_SETTING)
    add_appends(statement, accepted, ends, places, writer.id, number)
    if beside is not None:
        statement.add(*beside)
    written = await statement.aio_execute(connection)
    if not all_claimed(units, written):
        raise GroupRefused(Refused(RefusalKind.TAKEN, "idempotency_key"))
    old = stale(entities, written)
    if old is not None:
        raise GroupRefused(Refused(RefusalKind.CONFLICT, old))
    moved = {*written.get("first_cursors", ()), *written.get("moved_cursors", ())}
    for move in moves:
        if move.name not in moved:
            raise GroupRefused(Refused(RefusalKind.CONFLICT, move.name))
    changed = {*written.get("first_settings", ()), *written.get("changed_settings", ())}
    for change in changes:
        if change.name not in changed:
            raise GroupRefused(Refused(RefusalKind.CONFLICT, change.name))
    return check_appends(accepted, written)


def _add_compared(
    statement: Statement,
    changes: Sequence[CursorMove] | Sequence[SettingChange],
    first: Part,
    later: Part,
) -> None:
    """Add named texts that are written only over what they were read as."""
    new = [change for change in changes if change.before is None]
    if new:
        statement.add(first, [[each.name for each in new], [each.after for each in new]])
    old = [change for change in changes if change.before is not None]
    if old:
        statement.add(
            later,
            [
                [each.name for each in old],
                [each.before for each in old],
                [each.after for each in old],
            ],
        )


async def aio_earlier_conflict(connection: Connection, unit: UnitOfWork) -> Refused | None:
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
