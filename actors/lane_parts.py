"""What lanes are made of: their messages, what they work with, and how they write their moves."""

from collections.abc import Callable

from attrs import frozen

from actors.alarms import Alarms
from actors.board import Board
from actors.journal import Journal
from actors.kernel import Address, Message
from actors.ledger_clock import LedgerClock
from actors.patience import committed_when_possible, when_possible
from offerhub.domain.chain import (
    ChainOperation,
)
from offerhub.domain.chain_moves import waiting
from offerhub.domain.deciding import Deciding
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import AuditEntry, Committed, UnitOfWork
from offerhub.domain.users import WalletRole
from offerhub.providers.stellar.port import (
    StellarNetwork,
)
from offerhub.providers.stellar.rules import SigningRules
from offerhub.providers.trustless_work.port import (
    EscrowProvider,
)
from storage.port import Storage


@frozen
class Execute(Message[None]):
    """Take an operation to its end, then wake its owner; harmless to repeat."""

    operation_id: str


@frozen
class XlmPolicy:
    """When a lane's account is refilled, by its role: below `minimum` up to `level`."""

    minimum: Money
    level: Money


@frozen
class LaneParts:
    """What every lane works with.

    Args:
        operations: snapshots of operations as last committed.
        wake_owner: tells the owner of an operation that it has ended; never waits.
        want_refill: tells the wallets' actor that an address lacks XLM; never waits.
        xlm: policies by the role of the account.
        alarms: what waits for an operator.
    """

    storage: Storage
    journal: Journal
    vault: Address
    network: StellarNetwork
    provider: EscrowProvider
    clock: LedgerClock
    rules: SigningRules
    now: Clock
    ids: Ids
    random: Callable[[], float]
    operations: Board[ChainOperation]
    wake_owner: Callable[[ChainOperation], None]
    want_refill: Callable[[str], None]
    xlm: dict[WalletRole, XlmPolicy]
    alarms: Alarms


class Superseded(Exception):
    """Another process has written the operation: this lane's state is no longer the latest."""


class Moves:
    """Writes each move of an operation: journalled before it acts, told on the board after."""

    def __init__(self, parts: LaneParts) -> None:
        self._parts = parts

    async def commit(
        self, moved: ChainOperation, *, audit: AuditEntry | None = None
    ) -> ChainOperation:
        """Commit a move and return the operation as it is then. Raises `Superseded`."""
        unit = UnitOfWork(
            at=moved.updated_at,
            trace=moved.trace,
            writes=(moved,),
            audit=() if audit is None else (audit,),
        )
        self._parts.operations.drop(moved.id)
        outcome = await committed_when_possible(self._parts.journal, unit, self._parts.random)
        if not isinstance(outcome, Committed):
            msg = f"{moved.id} was written elsewhere: {outcome}"
            raise Superseded(msg)
        self._parts.operations.put(moved.id, moved)
        return moved

    async def note(self, operation: ChainOperation, reason: str) -> ChainOperation:
        """Show why an open operation waits, once a reason."""
        if operation.last_error == reason:
            return operation
        return await self.commit(waiting(operation, reason, self._parts.now()))

    async def stored(self, operation_id: str) -> ChainOperation | None:
        """The operation as storage has it."""
        storage = self._parts.storage
        return await when_possible(
            lambda: storage.load(ChainOperation, operation_id), self._parts.random
        )

    def deciding(self, operation: ChainOperation) -> Deciding:
        """What a move is decided with: under the trace of who asked for the operation."""
        return Deciding(self._parts.now(), self._parts.ids, operation.trace)
