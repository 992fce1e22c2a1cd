"""The withdrawal actor: one withdrawal from its creation to the end of its payment.

It is the table of a withdrawal's decisions; how they are loaded, committed and followed is the
base's.
"""

from collections.abc import Callable
from typing import ClassVar, Final, assert_never

from attrs import frozen
from stellar_sdk import MuxedAccount, StrKey

from actors.board import Board
from actors.messages import CancelWithdrawal, CommitWithdrawal, CreateWithdrawal, WithdrawalMessage
from actors.owner import OwnerActor, OwnerParts
from offerhub.domain import withdrawal_decisions as decisions
from offerhub.domain.chain import ChainOperation
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ledger import TREASURY
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import RefusalKind, Refused
from offerhub.domain.users import Wallet, WalletStatus
from offerhub.domain.withdrawal import Withdrawal
from offerhub.domain.withdrawal_decisions import WithdrawalDecision
from offerhub.providers.stellar.port import StellarNetwork, StellarUnavailable

_MEMO_BYTES_MAX: Final = 28
"""A text memo's length on the network (docs/spec/stellar-horizon.md §4.4)."""


@frozen
class WithdrawalParts:
    """What every withdrawal works with, beside what owners share.

    Args:
        closed_addresses: addresses that are no destination: the platform's, channels', issuer's.
        platform_user_id: whose withdrawals take from the treasury.
        pick_channel: address of a channel account; raises `WALLET_NOT_READY` if there is none.
    """

    owner: OwnerParts
    board: Board[Withdrawal]
    network: StellarNetwork
    limits: Limits
    currency: str
    closed_addresses: frozenset[str]
    platform_user_id: str
    pick_channel: Callable[[], str]


class WithdrawalActor(OwnerActor[Withdrawal, WithdrawalMessage]):
    """See the module."""

    kind = Withdrawal
    creates: ClassVar = CreateWithdrawal

    def __init__(self, withdrawal_id: str, parts: WithdrawalParts) -> None:
        super().__init__(withdrawal_id, parts.owner, parts.board)
        self._parts = parts
        self._asked = Money.zero()

    async def decide(
        self, withdrawal: Withdrawal, message: WithdrawalMessage
    ) -> WithdrawalDecision:
        """The table: each message and its decision."""
        match message:
            case CommitWithdrawal(trace):
                wallet = await self._wallet(withdrawal.user_id)
                channel = self._channel(withdrawal.user_id)
                decision = decisions.commit(
                    withdrawal, wallet.public_key, self._core.context(trace), channel
                )
                await self._owner.coverage.check(withdrawal.user_id, Money.zero())
                return decision
            case CancelWithdrawal(trace):
                return decisions.cancel(withdrawal, self._core.context(trace))
            case CreateWithdrawal():
                raise TypeError(type(message))
            case _:
                assert_never(message)

    async def create(self, message: WithdrawalMessage) -> WithdrawalDecision:
        """Create it towards a destination that can receive it."""
        if not isinstance(message, CreateWithdrawal):
            raise TypeError(type(message))
        self._parts.limits.check(message.amount)
        self._asked = message.amount
        wallet = await self._wallet(message.user_id)
        await self._check_destination(message, wallet)
        if message.commit:
            await self._owner.coverage.check(message.user_id, message.amount)
        return decisions.create(
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
            self._core.context(message.trace),
            self._channel(message.user_id),
        )

    async def operation_ended(
        self, withdrawal: Withdrawal, operation: ChainOperation
    ) -> WithdrawalDecision | None:
        """Complete it, fail it, or try the payment again."""
        if withdrawal.payment is None:
            return None
        context = self._core.context(withdrawal.payment.trace)
        return decisions.operation_ended(withdrawal, operation, self.retry_policy(), context)

    def not_found(self) -> DomainError:
        """The refusal of an unknown id."""
        return DomainError(
            ErrorCode.WITHDRAWAL_NOT_FOUND, "no withdrawal has this id", {"withdrawalId": self._id}
        )

    async def storage_refusal(self, outcome: Refused) -> Exception:
        """The platform can take out no more than there is beyond what it owes."""
        if outcome != Refused(RefusalKind.FUNDS, TREASURY):
            return await super().storage_refusal(outcome)
        treasury = await self._core.storage.treasury()
        return DomainError(
            ErrorCode.INSUFFICIENT_FUNDS,
            "the platform's wallet holds less than this beyond what is owed to users",
            {
                "available": treasury.withdrawable.two_places(),
                "requested": self._asked.two_places(),
                "currency": self._parts.currency,
            },
        )

    def _channel(self, user_id: str) -> str | None:
        """The source of the platform's own payments; `None` for a user's."""
        if user_id != self._parts.platform_user_id:
            return None
        return self._parts.pick_channel()

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
        if destination == wallet.public_key or destination in self._parts.closed_addresses:
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

    async def _wallet(self, user_id: str) -> Wallet:
        wallets = await self._owner.user_cache.wallets([user_id])
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
