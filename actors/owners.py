"""Who owns work on the chain: one registration a subject, and everyone who asks looks here.

A new kind of work is a module of decisions, a subclass of `OwnerActor`, and a line in the tree.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any

from attrs import frozen

from actors.board import Board
from actors.owner import OwnedKind
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.unit_of_work import Entity


@frozen
class Owner:
    """How the owner of a subject's operations is reached, and what it owns.

    Args:
        wake: by the operation's `subject_id`, with a key; never waits.
        kind, board: of owners that are stored entities: their type, and where they are shown.
    """

    subject: Subject
    wake: Callable[[str, Hashable], None]
    kind: OwnedKind | None = None
    board: Board[Any] | None = None


class Owners:
    """Every subject has an owner, or the process does not start."""

    def __init__(self, owners: Iterable[Owner]) -> None:
        self._by_subject = {owner.subject: owner for owner in owners}
        missing = set(Subject) - set(self._by_subject)
        if missing:
            msg = f"nobody owns {sorted(missing)}"
            raise ValueError(msg)
        self._boards: dict[type, Board[Any] | None] = {
            kind: owner.board for kind, owner in self.entities()
        }

    def entities(self) -> list[tuple[OwnedKind, Owner]]:
        """The owners that are stored entities, by their type."""
        return [(o.kind, o) for o in self._by_subject.values() if o.kind is not None]

    def show(self, entity: Entity) -> None:
        """Put an entity that was committed on its kind's board."""
        board = self._boards.get(type(entity))
        if board is not None:
            board.put(entity.id, entity)

    def ended(self, operation: ChainOperation) -> None:
        """Wake the owner of an operation that has ended."""
        self._by_subject[operation.subject].wake(operation.subject_id, operation.id)
