"""The platform's own money as running sums: what it holds, what it is owed and what it owes (docs/spec/domain.md §1).

The sums are written with the transfers that they follow from, in the commit that also guards what
may be taken out, so that no reader and no guard ever adds up a ledger.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from offerhub.domain.ledger import (
    AIRTM_FLOAT,
    DUE_TREASURY,
    TREASURY,
    WALLET_TREASURY,
    Transfer,
    TransferKind,
)
from offerhub.domain.money import Money

_SUMMED: Final = frozenset({TREASURY, DUE_TREASURY, WALLET_TREASURY, AIRTM_FLOAT})
_ORDERS: Final = (
    TransferKind.ESCROW_RELEASE,
    TransferKind.ESCROW_REFUND,
    TransferKind.ESCROW_SPLIT,
)

OWED: Final = "owed"
"""What the treasury owes to users' wallets: all dues above zero."""

SUSPENSE: Final = "suspense"
"""What is parked for an operator, of all users."""

OWING: Final = "owing"
"""What users' wallets owe to the treasury: all dues below zero, as a positive figure."""

Sums = Mapping[str, int]
"""Stroops by `account:kind`, and by `OWED`, `OWING` and `SUSPENSE`."""


def moved_sums(
    sums: Sums, transfers: Iterable[Transfer], dues: Iterable[tuple[int, int]]
) -> dict[str, int]:
    """The sums after some transfers.

    Args:
        dues: of each user whose due they change: what it was, and what it is.
    """
    after = dict(sums)

    def add(name: str, amount: int) -> None:
        if amount:
            after[name] = after.get(name, 0) + amount

    for transfer in transfers:
        for posting in transfer.postings:
            if posting.account.startswith(f"{SUSPENSE}/"):
                add(SUSPENSE, posting.amount.stroops)
            elif posting.account in _SUMMED:
                add(_name(posting.account, transfer.kind), posting.amount.stroops)
        for moved in transfer.holdings:
            if moved.holding in _SUMMED:
                add(_name(moved.holding, transfer.kind), moved.amount.stroops)
    for before, now in dues:
        add(OWED, max(0, now) - max(0, before))
        add(OWING, max(0, -now) - max(0, -before))
    return after


def taken_out(transfers: Iterable[Transfer]) -> Money:
    """What the platform's own withdrawals among some transfers take from the treasury."""
    return Money(
        -sum(
            posting.amount.stroops
            for transfer in transfers
            if transfer.kind is TransferKind.WITHDRAWAL_CREATED
            for posting in transfer.postings
            if posting.account == TREASURY
        )
    )


def lends(transfers: Iterable[Transfer]) -> bool:
    """Whether a transfer promises a user money of the treasury's that it may refuse to promise."""
    return any(transfer.kind is TransferKind.MANUAL_CREDIT for transfer in transfers)


def backs(before: Sums, after: Sums) -> bool:
    """Whether the treasury's wallet backs a promise: it owes no more than it holds, or no more than before."""
    lacked = min(Treasury(before).spare, Money.zero())
    return Treasury(after).spare >= lacked


@frozen
class Treasury:
    """The platform's own money as of one commit.

    Args:
        sums: as `moved_sums` keeps them.
        paying: what settlements on their way take from the platform's wallet.
        collecting: what settlements on their way bring to it.
    """

    sums: Sums
    paying: Money = field(factory=Money.zero)
    collecting: Money = field(factory=Money.zero)

    @property
    def treasury(self) -> Money:
        """The account: what belongs to the platform, wherever it is."""
        return self._total(TREASURY)

    @property
    def wallet(self) -> Money:
        """What the platform's wallet is booked at."""
        return self._total(WALLET_TREASURY)

    @property
    def airtm_float(self) -> Money:
        """What the AirTM account is booked at."""
        return self._total(AIRTM_FLOAT)

    @property
    def dues(self) -> Money:
        """The account `due/treasury`: what wallets owe less what they are owed."""
        return self._total(DUE_TREASURY)

    @property
    def owed(self) -> Money:
        """What the treasury owes to users' wallets."""
        return Money(self.sums.get(OWED, 0))

    @property
    def owing(self) -> Money:
        """What users' wallets owe to the treasury."""
        return Money(self.sums.get(OWING, 0))

    @property
    def suspense(self) -> Money:
        """Deposits of all users that are parked for an operator."""
        return Money(self.sums.get(SUSPENSE, 0))

    @property
    def withdrawing(self) -> Money:
        """What its own withdrawals have taken and the chain has not paid out yet."""
        created = self._of(TREASURY, TransferKind.WITHDRAWAL_CREATED)
        returned = self._of(TREASURY, TransferKind.WITHDRAWAL_RETURNED)
        completed = self._of(WALLET_TREASURY, TransferKind.WITHDRAWAL_COMPLETED)
        return completed - created - returned

    @property
    def platform_fees(self) -> Money:
        """Platform fees that contracts have paid to the platform's wallet."""
        return Money.total(self._of(WALLET_TREASURY, kind) for kind in _ORDERS)

    @property
    def fees_borne(self) -> Money:
        """Fees of orders that the platform has borne: the protocol's, and its own that it gave back."""
        return self.platform_fees - self.fees_earned

    @property
    def fees_earned(self) -> Money:
        """What orders have earned the platform: its fees less what it has borne; may be below zero."""
        return Money.total(self._of(TREASURY, kind) for kind in _ORDERS)

    @property
    def spare(self) -> Money:
        """What its wallet holds beyond what is owed to users; below zero: what it lacks."""
        return self.wallet - self.withdrawing - self.owed

    @property
    def withdrawable(self) -> Money:
        """What may be taken out: never what is owed to users (docs/spec/domain.md §1)."""
        return _above_zero(self.spare)

    @property
    def payable(self) -> Money:
        """What settlements may still pay out of the platform's wallet."""
        return _above_zero(self.wallet - self.withdrawing - self.paying)

    def _total(self, account: str) -> Money:
        return Money(
            sum(amount for name, amount in self.sums.items() if name.rpartition(":")[0] == account)
        )

    def _of(self, account: str, kind: TransferKind) -> Money:
        return Money(self.sums.get(_name(account, kind), 0))


def _name(account: str, kind: TransferKind) -> str:
    return f"{account}:{kind.value}"


def _above_zero(amount: Money) -> Money:
    return Money(max(0, amount.stroops))
