"""What lanes are made of: their messages, what they work with, and how they write their moves."""

from collections.abc import Callable
from enum import Enum

from attrs import frozen

from actors.alarms import Alarms
from actors.board import Board
from actors.core import Core
from actors.kernel import Address
from actors.ledger_clock import LedgerClock
from actors.outages import commit_with_retries
from actors.vault import SignTransaction
from offerhub.domain.chain import (
    ChainOperation,
)
from offerhub.domain.chain_moves import waiting
from offerhub.domain.decision_context import DecisionContext
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


class Wake(Enum):
    """Why a lane is woken, when it has to read from storage what there is to do."""

    WORK = "an operation of its account may be due"
    REFILLED = "its account may have got XLM"
    SETTLED = "its account may have got what was due to it"


@frozen
class Planned:
    """Why a lane is woken: an operation of its account was committed."""

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
        operations: as they were committed last.
        want_refill: tells the wallets' actor that an address lacks XLM; never waits.
        want_settlement: tells the settlements' actor that a user's wallet lacks what is still due
            to it; never waits.
        xlm: policies by the role of the account.
        alarms: what waits for an operator.
    """

    core: Core
    operations: Board[ChainOperation]
    vault: Address[SignTransaction]
    network: StellarNetwork
    provider: EscrowProvider
    clock: LedgerClock
    rules: SigningRules
    want_refill: Callable[[str], None]
    want_settlement: Callable[[str], None]
    xlm: dict[WalletRole, XlmPolicy]
    attempts_max: int
    alarms: Alarms


class Superseded(Exception):
    """Another process has written the operation: this lane's state is no longer the latest."""


class Moves:
    """Writes each move of an operation: journalled before it acts."""

    def __init__(self, parts: LaneParts) -> None:
        self._parts = parts

    async def commit(
        self, moved: ChainOperation, *, audit: AuditEntry | None = None
    ) -> ChainOperation:
        """Commit a move and return the operation as it is then. Raises `Superseded`.

        The journal wakes whoever waits for it: its owner, if it has ended.
        """
        unit = UnitOfWork(
            at=moved.updated_at,
            trace=moved.trace,
            writes=(moved,),
            audit=() if audit is None else (audit,),
        )
        outcome = await commit_with_retries(self._parts.core.journal, unit, self._parts.core.random)
        if not isinstance(outcome, Committed):
            msg = f"{moved.id} was written elsewhere: {outcome}"
            raise Superseded(msg)
        return moved

    async def note(self, operation: ChainOperation, reason: str) -> ChainOperation:
        """Show why an open operation waits, once a reason."""
        if operation.last_error == reason:
            return operation
        return await self.commit(waiting(operation, reason, self._parts.core.now()))

    def context(self, operation: ChainOperation) -> DecisionContext:
        """What a move is decided with: under the trace of who asked for the operation."""
        return DecisionContext(self._parts.core.now(), self._parts.core.ids, operation.trace)
