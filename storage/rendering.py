"""The texts that only a commit can write: events with their figures, audit entries with their hash.

Pure: what the decision left open (docs/spec/domain.md §6, §7) comes in as arguments.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

import msgspec

from offerhub.domain.ids import iso
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import AuditEntry, BalanceAfter, CommittedEvent, Event, UnitOfWork
from storage.port import StoredAudit

GENESIS: Final = bytes(32)
"""Takes the place of a hash before the first audit entry."""

_json = msgspec.json.Encoder()
_canonical_json = msgspec.json.Encoder(order="sorted")


def render_event(
    event: Event, unit: UnitOfWork, sequence: int, figure: Callable[[BalanceAfter], Money]
) -> CommittedEvent:
    """Give an event its place and its line of JSON, exactly in the shape of docs/spec/domain.md §6.

    Args:
        event: as decided.
        unit: the unit that it belongs to: its moment and its trace.
        sequence: its place in the global sequence.
        figure: the balances after the unit.
    """
    payload = {
        name: figure(value).two_places() if isinstance(value, BalanceAfter) else value
        for name, value in event.payload.items()
    }
    body = _json.encode(
        {
            "eventId": event.id,
            "eventType": event.type,
            "occurredAt": iso(unit.at),
            "aggregateId": event.aggregate_id,
            "aggregateType": event.aggregate_type,
            "payload": payload,
            "metadata": {
                "correlationId": unit.trace.correlation_id,
                "causationId": unit.trace.causation_id,
                "userId": event.user_id,
            },
        }
    )
    return CommittedEvent(
        sequence=sequence,
        id=event.id,
        type=event.type,
        aggregate_type=event.aggregate_type,
        aggregate_id=event.aggregate_id,
        occurred_at=unit.at,
        body=body.decode(),
        order_id=event.order_id,
    )


def canonical_audit(entry: AuditEntry, unit: UnitOfWork, sequence: int) -> bytes:
    """An audit entry as canonical JSON: sorted keys, no spaces, UTF-8."""
    claim = unit.trace.idempotency
    return _canonical_json.encode(
        {
            "sequence": sequence,
            "id": entry.id,
            "at": iso(unit.at),
            "actor": unit.trace.actor,
            "action": entry.action,
            "resourceType": entry.resource_type,
            "resourceId": entry.resource_id,
            "before": entry.before,
            "after": entry.after,
            "result": entry.result,
            "error": entry.error,
            "userId": entry.user_id,
            "correlationId": unit.trace.correlation_id,
            "causationId": unit.trace.causation_id,
            "idempotencyKey": None if claim is None else claim.key,
            "ip": unit.trace.ip,
            "userAgent": unit.trace.user_agent,
        }
    )


def chain_audit(
    entry: AuditEntry, unit: UnitOfWork, sequence: int, previous_hash: bytes
) -> StoredAudit:
    """Chain an entry to the one before: its hash is SHA-256 of previous hash and canonical JSON."""
    canonical = canonical_audit(entry, unit, sequence)
    return StoredAudit(
        sequence=sequence,
        id=entry.id,
        at=unit.at,
        action=entry.action,
        resource_type=entry.resource_type,
        resource_id=entry.resource_id,
        user_id=entry.user_id,
        canonical=canonical,
        previous_hash=previous_hash,
        hash=sha256(previous_hash + canonical).digest(),
    )


class _Listed(msgspec.Struct, rename="camel"):
    id: str
    at: str
    action: str
    resource_type: str
    resource_id: str
    user_id: str | None


_listed: Final = msgspec.json.Decoder(_Listed)


def _says_what_it_is_listed_as(entry: StoredAudit) -> bool:
    said = _listed.decode(entry.canonical)
    return said == _Listed(
        entry.id,
        iso(entry.at),
        entry.action,
        entry.resource_type,
        entry.resource_id,
        entry.user_id,
    )


def first_broken(
    entries: Iterable[StoredAudit], *, after: tuple[int, bytes] = (0, GENESIS)
) -> tuple[int, str] | None:
    """Check a stretch of the audit chain: where it breaks first and how, or `None`.

    Args:
        entries: ascending.
        after: sequence and hash of the entry before the stretch.
    """
    sequence, previous_hash = after
    for entry in entries:
        sequence += 1
        if entry.sequence != sequence:
            return sequence, "the entry is missing"
        if entry.previous_hash != previous_hash:
            return sequence, "the entry does not follow the one before"
        if entry.hash != sha256(previous_hash + entry.canonical).digest():
            return sequence, "the entry's text is not what was hashed"
        if not _says_what_it_is_listed_as(entry):
            return sequence, "the entry is listed as something else than its text says"
        previous_hash = entry.hash
    return None
