"""Withdrawals: their states and decisions (docs/spec/domain.md §2, end)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import frozen

from offerhub.domain.money import Money
from offerhub.domain.trace import Trace


class WithdrawalStatus(StrEnum):
    """States of a withdrawal; a crypto one goes CREATED → COMMITTED → COMPLETED or FAILED."""

    CREATED = "WITHDRAWAL_CREATED"
    COMMITTED = "WITHDRAWAL_COMMITTED"
    PENDING = "WITHDRAWAL_PENDING"
    PENDING_USER_ACTION = "WITHDRAWAL_PENDING_USER_ACTION"
    COMPLETED = "WITHDRAWAL_COMPLETED"
    FAILED = "WITHDRAWAL_FAILED"
    CANCELED = "WITHDRAWAL_CANCELED"


_W = WithdrawalStatus

WITHDRAWAL_MOVES: Final[Mapping[WithdrawalStatus, frozenset[WithdrawalStatus]]] = MappingProxyType(
    {
        _W.CREATED: frozenset({_W.COMMITTED, _W.FAILED, _W.CANCELED}),
        _W.COMMITTED: frozenset(
            {_W.PENDING, _W.PENDING_USER_ACTION, _W.COMPLETED, _W.FAILED, _W.CANCELED}
        ),
        _W.PENDING: frozenset({_W.PENDING_USER_ACTION, _W.COMPLETED, _W.FAILED, _W.CANCELED}),
        _W.PENDING_USER_ACTION: frozenset({_W.PENDING, _W.COMPLETED, _W.FAILED, _W.CANCELED}),
        _W.COMPLETED: frozenset(),
        _W.FAILED: frozenset(),
        _W.CANCELED: frozenset(),
    }
)

ENDED: Final = frozenset(state for state, followers in WITHDRAWAL_MOVES.items() if not followers)


class DestinationType(StrEnum):
    """Where a withdrawal goes."""

    CRYPTO = "crypto"
    AIRTM_BALANCE = "airtm_balance"
    BANK = "bank"


@frozen
class WithdrawalFailure:
    """Why a withdrawal failed."""

    code: str
    reason: str


@frozen
class Payment:
    """The payment of a committed withdrawal: its present attempt on the chain."""

    chain_operation_id: str
    attempt: int
    since: datetime
    trace: Trace
    last_error: str | None = None


@frozen
class Withdrawal:
    """Money on its way out; `version` counts its commits."""

    id: str
    version: int
    user_id: str
    amount: Money
    currency: str
    destination_type: DestinationType
    destination_ref: str
    status: WithdrawalStatus
    created_at: datetime
    updated_at: datetime
    destination_memo: str | None = None
    description: str | None = None
    transaction_hash: str | None = None
    failure: WithdrawalFailure | None = None
    of_platform: bool = False
    payment: Payment | None = None

    @property
    def in_flight(self) -> bool:
        """Whether its payment has not been taken to its end."""
        return self.committed and self.status not in ENDED

    @property
    def chain_operation_id(self) -> str | None:
        """The present operation of its payment."""
        if self.payment is None or not self.in_flight:
            return None
        return self.payment.chain_operation_id

    @property
    def committed(self) -> bool:
        return self.status not in {_W.CREATED, _W.CANCELED}
