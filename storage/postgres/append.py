"""The last statement of a commit: balances move, and what is told for good is appended.

One statement for all of it, because each statement is a round trip and a group waits for every
one. Its parts touch different tables, so that they cannot see and need not see each other.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from offerhub.domain.ledger import Side
from storage.figures import Counters, Filled, account_owner
from storage.postgres.pool import Connection

CHANNEL: Final = "offerhub_events"
"""NOTIFY carries the last sequence of each committed group."""

_APPEND: Final = """
WITH moved AS (
    UPDATE balances AS old SET available = old.available + change.available,
        reserved = old.reserved + change.reserved, updated_at = change.at
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[])
        AS change (user_id, available, reserved, at)
    WHERE old.user_id = change.user_id RETURNING 1
), new_transfers AS (
    INSERT INTO transfers
        (sequence, id, kind, reference, cause, dedupe, correlation_id, created_at)
    SELECT * FROM unnest($5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
        $11::text[], $12::timestamptz[])
), new_postings AS (
    INSERT INTO postings (transfer_sequence, place, account, user_id, amount)
    SELECT * FROM unnest($13::bigint[], $14::smallint[], $15::text[], $16::text[], $17::bigint[])
), new_holdings AS (
    INSERT INTO holdings (transfer_sequence, place, holding, amount, reference)
    SELECT * FROM unnest($18::bigint[], $19::smallint[], $20::text[], $21::bigint[], $22::text[])
), new_events AS (
    INSERT INTO events
        (sequence, id, type, aggregate_type, aggregate_id, order_id, occurred_at, body)
    SELECT * FROM unnest($23::bigint[], $24::text[], $25::text[], $26::text[], $27::text[],
        $28::text[], $29::timestamptz[], $30::text[])
), new_audit AS (
    INSERT INTO audit (sequence, id, canonical, previous_hash, hash)
    SELECT * FROM unnest($31::bigint[], $32::text[], $33::text[], $34::bytea[], $35::bytea[])
), ends AS (
    UPDATE counters SET event_sequence = $36, transfer_sequence = $37, audit_sequence = $38,
        audit_hash = $39
), written AS (
    UPDATE writers SET last_group = $40 WHERE id = $41 RETURNING 1
)
SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM written) AS written,
    pg_notify($42, $43)
"""


async def aio_append(
    connection: Connection,
    units: Sequence[Filled],
    ends: Counters,
    writer: bytes,
    group: int,
) -> tuple[int, int]:
    """Write what the units move and tell; returns the balances moved and the writers found."""
    changes = _summed(units)
    transfers = [
        (sequence, transfer, filled.unit.at)
        for filled in units
        for sequence, transfer in filled.transfers
    ]
    postings = [
        (sequence, place, posting)
        for sequence, transfer, _ in transfers
        for place, posting in enumerate(transfer.postings)
    ]
    holdings = [
        (sequence, place, moved)
        for sequence, transfer, _ in transfers
        for place, moved in enumerate(transfer.holdings)
    ]
    events = [event for filled in units for event in filled.events]
    audit = [entry for filled in units for entry in filled.audit]
    row = await connection.fetchrow(
        _APPEND,
        list(changes),
        [available for available, _, _ in changes.values()],
        [reserved for _, reserved, _ in changes.values()],
        [at for _, _, at in changes.values()],
        [sequence for sequence, _, _ in transfers],
        [transfer.id for _, transfer, _ in transfers],
        [transfer.kind.value for _, transfer, _ in transfers],
        [transfer.reference for _, transfer, _ in transfers],
        [transfer.cause for _, transfer, _ in transfers],
        [transfer.dedupe for _, transfer, _ in transfers],
        [transfer.correlation_id for _, transfer, _ in transfers],
        [at for _, _, at in transfers],
        [sequence for sequence, _, _ in postings],
        [place for _, place, _ in postings],
        [posting.account for _, _, posting in postings],
        [account_owner(posting.account) for _, _, posting in postings],
        [posting.amount.stroops for _, _, posting in postings],
        [sequence for sequence, _, _ in holdings],
        [place for _, place, _ in holdings],
        [moved.holding for _, _, moved in holdings],
        [moved.amount.stroops for _, _, moved in holdings],
        [moved.reference for _, _, moved in holdings],
        [event.sequence for event in events],
        [event.id for event in events],
        [event.type for event in events],
        [event.aggregate_type for event in events],
        [event.aggregate_id for event in events],
        [event.order_id for event in events],
        [event.occurred_at for event in events],
        [event.body for event in events],
        [entry.sequence for entry in audit],
        [entry.id for entry in audit],
        [entry.canonical.decode() for entry in audit],
        [entry.previous_hash for entry in audit],
        [entry.hash for entry in audit],
        ends.event_sequence,
        ends.transfer_sequence,
        ends.audit_sequence,
        ends.audit_hash,
        group,
        writer,
        CHANNEL,
        str(ends.event_sequence),
    )
    return row["moved"], row["written"]


def _summed(units: Sequence[Filled]) -> dict[str, tuple[int, int, datetime]]:
    """Changes of the balances, summed up a user: available, reserved and the last moment."""
    changes: dict[str, tuple[int, int, datetime]] = {}
    for filled in units:
        for user_id, change in filled.changes.items():
            available, reserved, _ = changes.get(user_id, (0, 0, filled.unit.at))
            changes[user_id] = (
                available + change[Side.AVAILABLE],
                reserved + change[Side.RESERVED],
                filled.unit.at,
            )
    return changes
