"""The owner of a stored entity and of its work on the chain: one actor for every kind of it.

It loads the entity, has the domain decide, commits what was decided whole, and takes the end of the
operation that a lane has worked. Lanes read their work from storage and the journal wakes whoever
waits for a commit, so an owner hands nothing over. What an order or a withdrawal is beyond that is
its table of decisions, a subclass.
"""

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, Generic, TypeVar

import structlog
from attrs import frozen

from actors.along import Along, check_not_gone
from actors.balances import BalanceMessage, CommitDebit
from actors.board import Board
from actors.core import Core
from actors.coverage import Coverage
from actors.failpoints import reach
from actors.kernel import Registry
from actors.outages import WokenActor, refuse_while_unavailable
from actors.refused import Conflict, refused
from actors.user_cache import UserCache
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import ALARM, RetryPolicy
from offerhub.domain.decision import Decided
from offerhub.domain.errors import DomainError
from offerhub.domain.order import Order
from offerhub.domain.unit_of_work import CommitOutcome, Committed, RefusalKind, Refused
from offerhub.domain.withdrawal import Withdrawal

log = structlog.get_logger(__name__)

E = TypeVar("E", Order, Withdrawal)
M = TypeVar("M")
OwnedKind = type[Order] | type[Withdrawal]
Decide = Callable[[E], Awaitable[Decided[E] | None]]

_CONFLICTS_MAX: Final = 5


@frozen
class OwnerParts:
    """What the owners of every kind work with.

    Args:
        operations: chain operations as last committed.
        coverage: whether a payment's wallet can get what it is still due.
        attempts_max: attempts of a step that has a last one.
    """

    core: Core
    balances: Registry[str, BalanceMessage]
    operations: Board[ChainOperation]
    user_cache: UserCache
    coverage: Coverage
    attempts_max: int


class OwnerActor(WokenActor[M | Along], Generic[E, M]):
    """See the module; a subclass says what its kind is and how it decides."""

    kind: ClassVar[OwnedKind]
    creates: ClassVar[type]
    """The message that makes the entity; every other one changes it."""

    def __init__(self, entity_id: str, parts: OwnerParts, board: Board[E]) -> None:
        self._id = entity_id
        self._owner = parts
        self._core = parts.core
        self._board: Board[E] = board
        self._entity: E | None = None

    # What a kind says.

    async def create(self, message: M) -> Decided[E]:
        """Decide on the message that makes the entity."""
        raise NotImplementedError

    async def decide(self, entity: E, message: M) -> Decided[E]:
        """Decide on a message that changes it."""
        raise NotImplementedError

    async def operation_ended(self, entity: E, operation: ChainOperation) -> Decided[E] | None:
        """Take the end of its chain operation; `None` if there is nothing to take."""
        raise NotImplementedError

    async def deadline(self, entity: E) -> Decided[E] | None:  # noqa: ARG002 - a kind without one
        """Do what a deadline that is due asks for; `None` if none is."""
        return None

    def answer(self, message: M, entity: E) -> object:  # noqa: ARG002 - mostly itself
        """What the asker gets."""
        return entity

    async def refusal(self, refused: DomainError, entity: E) -> DomainError:  # noqa: ARG002
        """A refusal with what only the actor knows."""
        return refused

    async def storage_refusal(self, outcome: Refused) -> Exception:
        """What a refusal of storage is to the caller."""
        return refused(outcome)

    def not_found(self) -> DomainError:
        """The refusal of a command to an entity that does not exist."""
        raise NotImplementedError

    # What all do alike.

    async def handle(self, message: M | Along) -> object:
        """Decide one command and commit it; one that an operator's command sends along ends that."""
        if isinstance(message, Along):
            return await self._change(message.message, message)
        with refuse_while_unavailable():
            if isinstance(message, self.creates):
                made = await self.create(message)
                if not await self._commit(made):
                    raise Conflict(self._id)
                return made.entity
        return await self._change(message, None)

    async def _change(self, message: M, along: Along | None) -> object:
        async def decide(entity: E) -> Decided[E]:
            try:
                return await self.decide(entity, message)
            except DomainError as refused:
                raise await self.refusal(refused, entity) from None

        with refuse_while_unavailable():
            after = await self._repeated(decide, along)
            if after is None:
                raise self.not_found()
            return self.answer(message, after)

    async def look(self) -> None:
        """Take the end of the present chain operation, or what a deadline that is due asks for."""
        entity = await self._loaded()
        if entity is None:
            return
        operation_id = entity.chain_operation_id
        if operation_id is None:
            await self._repeated(self.deadline)
            return
        operation = self._owner.operations.get(operation_id)
        if operation is None or operation.is_open:
            operation = await self._core.storage.load(ChainOperation, operation_id)
        name = self.kind.__name__.lower()
        if operation is None:
            log.error("owner.operation_missing", actor=self.self_address.name, id=operation_id)
            return
        if operation.is_open:
            return
        ended = operation
        reach(f"{name}.before_effects.{ended.step}")
        await self._repeated(lambda entity: self.operation_ended(entity, ended))
        reach(f"{name}.after_effects.{ended.step}")

    def retry_policy(self) -> RetryPolicy:
        """How a step that failed is tried again."""
        return RetryPolicy(self._owner.attempts_max, self._core.random())

    async def _repeated(self, decide: Decide[E], along: Along | None = None) -> E | None:
        """Decide on the latest state and commit; someone else's commit makes it decide again.

        Returns the entity as it is then; `None` if it does not exist or nothing was decided.
        """
        for _ in range(_CONFLICTS_MAX):
            entity = await self._loaded()
            decision = None if entity is None else await decide(entity)
            if decision is None:
                return None
            if await self._commit(decision, along):
                return decision.entity
        raise Conflict(self._id)

    async def _commit(self, decision: Decided[E], along: Along | None = None) -> bool:
        """Commit a decision; false if the entity was written elsewhere meanwhile.

        Its snapshot is on the board then, and whoever waits for it is woken: the journal's work.
        """
        outcome: CommitOutcome
        unit = decision.unit if along is None else along.joined(decision.unit, decision.entity)
        if decision.debits is not None:
            outcome = await self._owner.balances.address(decision.debits).ask(
                CommitDebit(unit), timeout_s=float("inf")
            )
        else:
            outcome = await self._core.journal.commit(unit)
        if along is not None:
            check_not_gone(outcome, along.command)
        match outcome:
            case Committed():
                self._entity = decision.entity
                for entry in decision.unit.audit:
                    if entry.action == ALARM:
                        log.error(ALARM, subject=self._id, operation=entry.resource_id)
                return True
            case Refused(RefusalKind.CONFLICT):
                self._entity = None
                return False
            case Refused():
                raise await self.storage_refusal(outcome)

    async def _loaded(self) -> E | None:
        if self._entity is None:
            self._entity = await self._core.storage.load(self.kind, self._id)  # type: ignore[assignment]  # its own kind
            if self._entity is not None:
                self._board.put(self._id, self._entity)
        return self._entity
