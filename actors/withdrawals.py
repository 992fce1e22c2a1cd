"""The withdrawal actor: one withdrawal from its creation to the end of its payment."""

from collections.abc import Awaitable, Callable
from typing import Final, assert_never

import structlog
from attrs import frozen
from stellar_sdk import MuxedAccount, StrKey

from actors.balances import CommitDebit
from actors.board import Board
from actors.directory import Directory
from actors.failpoints import reach
from actors.journal import Journal
from actors.kernel import Registry
from actors.messages import (
    CancelWithdrawal,
    CommitWithdrawal,
    CreateWithdrawal,
    WithdrawalMessage,
)
from actors.orders import Conflict, refused
from actors.patience import WokenActor, refusing_when_away
from offerhub.domain import withdrawal_decisions as decisions
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import RetryPolicy
from offerhub.domain.deciding import Deciding
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Clock, Ids
from offerhub.domain.limits import Limits
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, RefusalKind, Refused
from offerhub.domain.users import Wallet, WalletStatus
from offerhub.domain.withdrawal import Withdrawal
from offerhub.domain.withdrawal_decisions import WithdrawalDecision
from offerhub.providers.stellar.port import StellarNetwork, StellarUnavailable
from storage.port import Storage

log = structlog.get_logger(__name__)

_CONFLICTS_MAX: Final = 5
_MEMO_BYTES_MAX: Final = 28
"""A text memo's length on the network (docs/spec/stellar-horizon.md §4.4)."""


@frozen
class WithdrawalParts:
    """What every withdrawal works with.

    Args:
        closed_addresses: addresses that are no destination: the platform's, channels', issuer's.
    """

    storage: Storage
    journal: Journal
    balances: Registry[str, CommitDebit]
    board: Board[Withdrawal]
    operations: Board[ChainOperation]
    directory: Directory
    network: StellarNetwork
    now: Clock
    ids: Ids
    random: Callable[[], float]
    limits: Limits
    currency: str
    attempts_max: int
    closed_addresses: Callable[[], frozenset[str]]


class WithdrawalActor(WokenActor[WithdrawalMessage]):
    """See the module."""

    def __init__(self, withdrawal_id: str, parts: WithdrawalParts) -> None:
        self._id = withdrawal_id
        self._parts = parts
        self._withdrawal: Withdrawal | None = None

    async def handle(self, message: WithdrawalMessage) -> object:
        """Decide one command and commit it."""
        with refusing_when_away():
            match message:
                case CreateWithdrawal():
                    return await self._create(message)
                case CommitWithdrawal(trace):
                    return await self._decided(lambda each: self._commit_decision(each, trace))
                case CancelWithdrawal(trace):
                    return await self._decided(lambda each: self._cancel_decision(each, trace))
                case _:
                    assert_never(message)

    async def look(self) -> None:
        """Take the end of the present chain operation."""
        withdrawal = await self._loaded()
        if withdrawal is None or withdrawal.payment is None:
            return
        operation_id = withdrawal.payment.chain_operation_id
        # What the lane has ended stands on the board and never changes again.
        operation = self._parts.operations.get(operation_id)
        if operation is None or operation.is_open:
            operation = await self._parts.storage.load(ChainOperation, operation_id)
        if operation is None:
            log.error("withdrawal.operation_missing", withdrawal=self._id)
            return
        if operation.is_open:
            return
        reach("withdrawal.before_effects")
        await self._take_end(operation)
        reach("withdrawal.after_effects")

    async def _create(self, message: CreateWithdrawal) -> Withdrawal:
        self._parts.limits.check(message.amount)
        wallet = await self._wallet(message.user_id)
        await self._check_destination(message, wallet)
        decision = decisions.create(
            decisions.CreateWithdrawal(
                withdrawal_id=self._id,
                user_id=message.user_id,
                amount=message.amount,
                currency=self._parts.currency,
                destination_ref=message.destination_ref,
                destination_memo=message.destination_memo,
                description=message.description,
                commit=message.commit,
            ),
            self._parts.limits,
            wallet.public_key,
            self._deciding(message.trace),
        )
        if not await self._commit(decision):
            raise Conflict(self._id)
        return decision.withdrawal

    async def _commit_decision(self, withdrawal: Withdrawal, trace: Trace) -> WithdrawalDecision:
        wallet = await self._wallet(withdrawal.user_id)
        return decisions.commit(withdrawal, wallet.public_key, self._deciding(trace))

    async def _cancel_decision(self, withdrawal: Withdrawal, trace: Trace) -> WithdrawalDecision:
        return decisions.cancel(withdrawal, self._deciding(trace))

    async def _check_destination(self, message: CreateWithdrawal, wallet: Wallet) -> None:
        """Refuse what the network would refuse, and our own accounts (docs/spec/api.md, withdrawals)."""
        memo = message.destination_memo
        destination = _account_of(message.destination_ref)
        if destination is None:
            fault = "it is no Stellar account address"
            raise _bad_destination(fault)
        if memo is not None and destination != message.destination_ref:
            fault = "an M-address already contains its memo"
            raise _bad_destination(fault)
        if memo is not None and len(memo.encode()) > _MEMO_BYTES_MAX:
            fault = f"the memo is longer than {_MEMO_BYTES_MAX} bytes"
            raise _bad_destination(fault)
        if destination == wallet.public_key or destination in self._parts.closed_addresses():
            fault = "it is an account of this instance or the issuer's"
            raise _bad_destination(fault)
        try:
            account = await self._parts.network.account(destination)
        except StellarUnavailable as away:
            raise DomainError(
                ErrorCode.STELLAR_NETWORK_ERROR,
                "could not check the destination on the Stellar network; nothing was moved",
                {"reason": away.reason},
            ) from None
        if account is None:
            fault = "the account does not exist"
            raise _bad_destination(fault)
        if account.usdc is None:
            fault = "the account does not trust USDC"
            raise _bad_destination(fault)

    async def _take_end(self, operation: ChainOperation) -> None:
        for _ in range(_CONFLICTS_MAX):
            withdrawal = await self._loaded()
            if withdrawal is None or withdrawal.payment is None:
                return
            decision = decisions.operation_ended(
                withdrawal,
                operation,
                RetryPolicy(self._parts.attempts_max, self._parts.random()),
                self._deciding(withdrawal.payment.trace),
            )
            if decision is None:
                return
            if await self._commit(decision):
                return
        raise Conflict(self._id)

    async def _decided(
        self, decide: Callable[[Withdrawal], Awaitable[WithdrawalDecision]]
    ) -> Withdrawal:
        for _ in range(_CONFLICTS_MAX):
            withdrawal = await self._loaded()
            if withdrawal is None:
                raise DomainError(
                    ErrorCode.WITHDRAWAL_NOT_FOUND,
                    "no withdrawal has this id",
                    {"withdrawalId": self._id},
                )
            decision = await decide(withdrawal)
            if await self._commit(decision):
                return decision.withdrawal
        raise Conflict(self._id)

    async def _commit(self, decision: WithdrawalDecision) -> bool:
        if decision.debits is not None:
            outcome = await self._parts.balances.address(decision.debits).ask(
                CommitDebit(decision.unit), timeout_s=float("inf")
            )
        else:
            outcome = await self._parts.journal.commit(decision.unit)
        match outcome:
            case Committed():
                self._withdrawal = decision.withdrawal
                return True
            case Refused(RefusalKind.CONFLICT):
                self._withdrawal = None
                return False
            case Refused():
                raise refused(outcome)

    async def _loaded(self) -> Withdrawal | None:
        if self._withdrawal is None:
            self._found(await self._parts.storage.load(Withdrawal, self._id))
        return self._withdrawal

    def _found(self, withdrawal: Withdrawal | None) -> None:
        # A child task reads too: what was committed meanwhile is newer than what it found.
        if self._withdrawal is None and withdrawal is not None:
            self._withdrawal = withdrawal
            self._parts.board.put(self._id, withdrawal)

    async def _wallet(self, user_id: str) -> Wallet:
        wallets = await self._parts.directory.wallets([user_id])
        wallet = wallets.get(user_id)
        if wallet is None:
            raise DomainError(ErrorCode.USER_NOT_FOUND, "no user has this id", {"userId": user_id})
        if wallet.status is not WalletStatus.ACTIVE:
            raise DomainError(
                ErrorCode.WALLET_NOT_READY,
                "the user's wallet is not active on the network yet",
                {"userId": user_id},
            )
        return wallet

    def _deciding(self, trace: Trace) -> Deciding:
        return Deciding(self._parts.now(), self._parts.ids, trace)


def _account_of(address: str) -> str | None:
    """The G-address that an address pays: its own, or an M-address's; `None` for anything else."""
    if StrKey.is_valid_med25519_public_key(address):
        return MuxedAccount.from_account(address).account_id
    return address if StrKey.is_valid_ed25519_public_key(address) else None


def _bad_destination(fault: str) -> DomainError:
    return DomainError(
        ErrorCode.WITHDRAWAL_DESTINATION_INVALID,
        f"the destination cannot receive this withdrawal: {fault}",
        {"reason": fault},
    )
