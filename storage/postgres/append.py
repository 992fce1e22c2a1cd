"""What a commit moves and appends for good: balances, ledger, events, audit, the ends of both."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from attrs import frozen

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.ledger import Side
from storage.commit_values import Counters, Filled, account_owner, new_users
from storage.postgres.statement import Part, Statement

CHANNEL: Final = "offerhub_events"
"""NOTIFY carries the last sequence of each committed group that has events."""

_NEW_BALANCES: Final = Part(
    "new_balances",
    """
INSERT INTO balances (user_id, available, reserved, due, updated_at)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
""",
    returns=False,
)

_MOVED: Final = Part(
    "moved",
    """
UPDATE balances AS old SET available = old.available + change.available,
    reserved = old.reserved + change.reserved, due = old.due + change.due,
    updated_at = coalesce(change.at, old.updated_at)
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[])
    AS change (user_id, available, reserved, due, at)
WHERE old.user_id = change.user_id RETURNING old.user_id
""",
)

_TRANSFERS: Final = Part(
    "new_transfers",
    """
INSERT INTO transfers (sequence, id, kind, reference, cause, dedupe, correlation_id, created_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::timestamptz[])
""",
    returns=False,
)

_TRANSFER_IDS: Final = Part(
    "new_transfer_ids",
    "INSERT INTO transfer_ids (id, sequence) SELECT * FROM unnest($1::text[], $2::bigint[])",
    returns=False,
)

_DEDUPE: Final = Part(
    "new_dedupe",
    "INSERT INTO transfer_dedupe (key) SELECT * FROM unnest($1::text[])",
    returns=False,
)

_POSTINGS: Final = Part(
    "new_postings",
    """
INSERT INTO postings (transfer_sequence, place, account, user_id, amount)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::bigint[])
""",
    returns=False,
)

_HOLDINGS: Final = Part(
    "new_holdings",
    """
INSERT INTO holdings (transfer_sequence, place, holding, amount, reference)
SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::text[])
""",
    returns=False,
)

_EVENTS: Final = Part(
    "new_events",
    """
INSERT INTO events (sequence, id, type, aggregate_type, aggregate_id, order_id, occurred_at, body,
    moment)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[], $8::text[], $9::timestamptz[])
""",
    returns=False,
)

_EVENT_IDS: Final = Part(
    "new_event_ids",
    "INSERT INTO event_ids (id, sequence) SELECT * FROM unnest($1::text[], $2::bigint[])",
    returns=False,
)

_AUDIT: Final = Part(
    "new_audit",
    """
INSERT INTO audit (sequence, id, at, action, resource_type, resource_id, user_id, canonical,
    previous_hash, hash)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[],
    $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
""",
    returns=False,
)

_ENDS: Final = Part(
    "ends",
    """
UPDATE counters SET event_sequence = $1, event_moment = $2, transfer_sequence = $3,
    audit_sequence = $4, audit_hash = $5, sums = $6
WHERE ctid = $7 RETURNING ctid
""",
)

_WRITER: Final = Part(
    "writer", "UPDATE writers SET last_group = $1 WHERE ctid = $2 AND id = $3 RETURNING ctid"
)

_NOTIFY: Final = Part("notified", "SELECT pg_notify($1, $2)::text")


Tid = tuple[int, int]
"""Where a row's present version lies: block and offset."""


@frozen
class Places:
    """Where the two rows lie that every commit rewrites; `None`: to be searched for."""

    counters: Tid | None = None
    writer: Tid | None = None


def add_appends(
    statement: Statement,
    units: Sequence[Filled],
    ends: Counters,
    places: Places,
    writer_id: bytes,
    number: int,
) -> None:
    """Add what the units move and append, and the new ends of the sequences, to a statement."""
    _add_balances(statement, units)
    _add_ledger(statement, units)
    events = [event for filled in units for event in filled.events]
    if events:
        moments = [filled.moment for filled in units for _ in filled.events]
        statement.add(
            _EVENTS,
            [
                [event.sequence for event in events],
                [event.id for event in events],
                [event.type for event in events],
                [event.aggregate_type for event in events],
                [event.aggregate_id for event in events],
                [event.order_id for event in events],
                [event.occurred_at for event in events],
                [event.body for event in events],
                moments,
            ],
        )
        statement.add(
            _EVENT_IDS, [[event.id for event in events], [event.sequence for event in events]]
        )
        statement.add(_NOTIFY, [CHANNEL, str(ends.event_sequence)])
    audit = [entry for filled in units for entry in filled.audit]
    if audit:
        statement.add(
            _AUDIT,
            [
                [entry.sequence for entry in audit],
                [entry.id for entry in audit],
                [entry.at for entry in audit],
                [entry.action for entry in audit],
                [entry.resource_type for entry in audit],
                [entry.resource_id for entry in audit],
                [entry.user_id for entry in audit],
                [entry.canonical.decode() for entry in audit],
                [entry.previous_hash for entry in audit],
                [entry.hash for entry in audit],
            ],
        )
    statement.add(
        _ENDS,
        [
            ends.event_sequence,
            ends.event_moment,
            ends.transfer_sequence,
            ends.audit_sequence,
            ends.audit_hash,
            msgspec.json.encode(ends.sums).decode(),
            places.counters,
        ],
    )
    statement.add(_WRITER, [number, places.writer, writer_id])


def check_appends(units: Sequence[Filled], written: Mapping[str, Sequence[Any]]) -> Places:
    """The places of the two rows that were rewritten.

    Raises `InvariantViolated` if a row was missing that the locks had shown.
    """
    new = {user_id for filled in units for user_id in new_users(filled.unit)}
    moved = {user_id for filled in units for user_id in filled.changes} - new
    if len(written.get("moved", ())) != len(moved):
        raise InvariantViolated("a balance row is missing")
    if len(written["ends"]) != 1 or len(written["writer"]) != 1:
        raise InvariantViolated("the counters' row or the writer's is missing")
    return Places(written["ends"][0], written["writer"][0])


def _add_balances(statement: Statement, units: Sequence[Filled]) -> None:
    changes: dict[str, tuple[int, int, int, datetime | None]] = {}
    new: set[str] = set()
    for filled in units:
        for user_id in new_users(filled.unit):
            new.add(user_id)
            changes.setdefault(user_id, (0, 0, 0, filled.unit.at))
        for user_id, change in filled.changes.items():
            available, reserved, due, at = changes.get(user_id, (0, 0, 0, None))
            shown = change[Side.AVAILABLE] or change[Side.RESERVED]
            changes[user_id] = (
                available + change[Side.AVAILABLE],
                reserved + change[Side.RESERVED],
                due + change[Side.DUE],
                filled.unit.at if shown else at,
            )
    for part, users in ((_NEW_BALANCES, new), (_MOVED, changes.keys() - new)):
        if users:
            # In the order of ids, in which their locks were taken.
            rows = [(user_id, *changes[user_id]) for user_id in sorted(users)]
            statement.add(part, [list(column) for column in zip(*rows, strict=True)])


def _add_ledger(statement: Statement, units: Sequence[Filled]) -> None:
    transfers = [
        (sequence, transfer, filled.unit.at)
        for filled in units
        for sequence, transfer in filled.transfers
    ]
    if not transfers:
        return
    statement.add(
        _TRANSFERS,
        [
            [sequence for sequence, _, _ in transfers],
            [transfer.id for _, transfer, _ in transfers],
            [transfer.kind.value for _, transfer, _ in transfers],
            [transfer.reference for _, transfer, _ in transfers],
            [transfer.cause for _, transfer, _ in transfers],
            [transfer.dedupe for _, transfer, _ in transfers],
            [transfer.correlation_id for _, transfer, _ in transfers],
            [at for _, _, at in transfers],
        ],
    )
    statement.add(
        _TRANSFER_IDS,
        [
            [transfer.id for _, transfer, _ in transfers],
            [sequence for sequence, _, _ in transfers],
        ],
    )
    dedupe = [transfer.dedupe for _, transfer, _ in transfers if transfer.dedupe is not None]
    if dedupe:
        statement.add(_DEDUPE, [dedupe])
    postings = [
        (sequence, place, posting)
        for sequence, transfer, _ in transfers
        for place, posting in enumerate(transfer.postings)
    ]
    statement.add(
        _POSTINGS,
        [
            [sequence for sequence, _, _ in postings],
            [place for _, place, _ in postings],
            [posting.account for _, _, posting in postings],
            [account_owner(posting.account) for _, _, posting in postings],
            [posting.amount.stroops for _, _, posting in postings],
        ],
    )
    holdings = [
        (sequence, place, moved)
        for sequence, transfer, _ in transfers
        for place, moved in enumerate(transfer.holdings)
    ]
    if holdings:
        statement.add(
            _HOLDINGS,
            [
                [sequence for sequence, _, _ in holdings],
                [place for _, place, _ in holdings],
                [moved.holding for _, _, moved in holdings],
                [moved.amount.stroops for _, _, moved in holdings],
                [moved.reference for _, _, moved in holdings],
            ],
        )
