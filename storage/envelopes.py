"""Signed envelopes leave an operation when it has ended, for an archive by transaction hash.

While an operation is open its envelope may have to be sent again; afterwards only an operator asks
for it, and its document would be three times as long.
"""

from attrs import evolve, frozen

from offerhub.domain.chain import ChainOperation
from offerhub.domain.unit_of_work import Entity


@frozen
class ArchivedEnvelope:
    """The envelope of an operation that has ended."""

    tx_hash: str
    operation_id: str
    envelope: str


def archived(entity: Entity) -> ArchivedEnvelope | None:
    """What of an entity goes to the archive with the commit that writes it."""
    if not isinstance(entity, ChainOperation) or entity.is_open:
        return None
    if entity.envelope is None or entity.tx_hash is None:
        return None
    return ArchivedEnvelope(entity.tx_hash, entity.id, entity.envelope)


def without_archived(entity: Entity) -> Entity:
    """The entity as its own table keeps it."""
    if isinstance(entity, ChainOperation) and archived(entity) is not None:
        return evolve(entity, envelope=None)
    return entity
