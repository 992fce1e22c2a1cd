"""What a command, or the end of a chain operation, does to an entity."""

from typing import Generic, TypeVar

from attrs import frozen

from offerhub.domain.unit_of_work import UnitOfWork

E = TypeVar("E")


@frozen
class Decided(Generic[E]):
    """An entity as it will be, and what is committed for it.

    Args:
        debits: the user whose balance row is debited: that user's balance actor commits.
    """

    entity: E
    unit: UnitOfWork
    debits: str | None = None
