"""The double-entry ledger: accounts, transfers, holdings and the two identities (docs/spec/domain.md §1).

A transfer is append-only. Its postings sum to zero; beside them it stores what it moves of the
booked holdings (wallets and the AirTM float). The rules that make transfers are in `postings`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from offerhub.domain.errors import InvariantViolated
from offerhub.domain.money import Money

EXTERNAL: Final = "external"
TREASURY: Final = "treasury"
DUE_TREASURY: Final = "due/treasury"
WALLET_TREASURY: Final = "wallet/treasury"
AIRTM_FLOAT: Final = "airtm"


def available(user_id: str) -> str:
    """What a user may spend."""
    return f"available/{user_id}"


def reserved(user_id: str) -> str:
    """What is set aside for a user's orders and holds."""
    return f"reserved/{user_id}"


def withdrawing(user_id: str) -> str:
    """What has left `available` and has not left the wallet yet, the platform's user included."""
    return f"withdrawing/{user_id}"


def suspense(user_id: str) -> str:
    """Money that reached a user's wallet and is parked."""
    return f"suspense/{user_id}"


def due(user_id: str) -> str:
    """What the treasury owes the user's wallet (negative: what the wallet owes)."""
    return f"due/{user_id}"


def escrow(order_id: str) -> str:
    """What an order's contract holds."""
    return f"escrow/{order_id}"


def wallet(user_id: str) -> str:
    """A holding, not an account: the booked USDC of a user's wallet."""
    return f"wallet/{user_id}"


class TransferKind(StrEnum):
    """Operations of the table in docs/spec/domain.md §1."""

    DEPOSIT = "deposit"
    RESERVE = "reserve"
    UNRESERVE = "unreserve"
    ESCROW_FUND = "escrow_fund"
    ESCROW_RELEASE = "escrow_release"
    ESCROW_REFUND = "escrow_refund"
    ESCROW_SPLIT = "escrow_split"
    ESCROW_SURPLUS = "escrow_surplus"
    WITHDRAWAL_CREATED = "withdrawal_created"
    WITHDRAWAL_COMPLETED = "withdrawal_completed"
    WITHDRAWAL_RETURNED = "withdrawal_returned"
    TOPUP = "topup"
    PAYOUT_COMPLETED = "payout_completed"
    HOLD_GIVEN = "hold_given"
    HOLD_DEDUCTED = "hold_deducted"
    MANUAL_CREDIT = "manual_credit"
    MANUAL_DEBIT = "manual_debit"
    SETTLEMENT = "settlement"
    PARKED = "parked"
    UNPARKED = "unparked"
    TREASURY_DEPOSIT = "treasury_deposit"


@frozen
class Posting:
    """A signed amount on one account."""

    account: str
    amount: Money


@frozen
class Holding:
    """A signed movement of a booked holding, with the chain's or AirTM's reference."""

    holding: str
    amount: Money
    reference: str | None = None


@frozen
class Transfer:
    """One change of money.

    Args:
        id: `trf_…`.
        kind: the operation.
        reference: what it belongs to: an order's, a withdrawal's or a deposit's id.
        cause: what brought it about: a request, a chain operation, a record of the chain.
        postings: at least two, summing to zero, one per account.
        holdings: movements of booked wallets and of the AirTM float.
        dedupe: a key that at most one transfer ever has, or `None`.

    Raises `InvariantViolated` when the postings do not sum to zero.
    """

    id: str
    kind: TransferKind
    reference: str
    cause: str
    postings: tuple[Posting, ...]
    holdings: tuple[Holding, ...] = ()
    dedupe: str | None = None
    correlation_id: str | None = field(default=None)

    def __attrs_post_init__(self) -> None:
        if sum(posting.amount.stroops for posting in self.postings) != 0:
            msg = f"the postings of {self.kind.value} {self.reference} do not sum to zero"
            raise InvariantViolated(msg)
        accounts = [posting.account for posting in self.postings]
        if len(set(accounts)) != len(accounts):
            msg = f"{self.kind.value} {self.reference} posts twice to one account"
            raise InvariantViolated(msg)


class Side(StrEnum):
    """The figures of a balance row; `DUE` is what the treasury owes the user's wallet."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    DUE = "due"


_SIDES: Final = frozenset(side.value for side in Side)


def balance_changes(transfers: Iterable[Transfer]) -> dict[str, dict[Side, int]]:
    """What transfers change in the balance rows: user id → side → stroops."""
    changes: dict[str, dict[Side, int]] = {}
    for transfer in transfers:
        for posting in transfer.postings:
            side, _, user_id = posting.account.partition("/")
            if side in _SIDES and posting.account != DUE_TREASURY:
                row = changes.setdefault(user_id, dict.fromkeys(Side, 0))
                row[Side(side)] += posting.amount.stroops
    return changes


@frozen
class Books:
    """Sums of every account and every holding: the whole ledger at one moment."""

    accounts: Mapping[str, int]
    holdings: Mapping[str, int]

    def account(self, name: str) -> Money:
        return Money(self.accounts.get(name, 0))

    def holding(self, name: str) -> Money:
        return Money(self.holdings.get(name, 0))


def books_of(transfers: Iterable[Transfer]) -> Books:
    """Replay transfers into sums."""
    accounts: dict[str, int] = {}
    holdings: dict[str, int] = {}
    for transfer in transfers:
        for posting in transfer.postings:
            accounts[posting.account] = accounts.get(posting.account, 0) + posting.amount.stroops
        for moved in transfer.holdings:
            holdings[moved.holding] = holdings.get(moved.holding, 0) + moved.amount.stroops
    return Books(accounts, holdings)


_USER_ACCOUNTS: Final = frozenset({"available", "reserved", "withdrawing", "suspense"})
_NEVER_BELOW_ZERO: Final = _USER_ACCOUNTS | {"escrow"}


def check_identities(books: Books, platform_user_id: str) -> None:
    """Check both identities of docs/spec/domain.md §1 and that nothing that may not is below zero.

    Raises `InvariantViolated` with the first figure that is off.
    """
    if sum(books.accounts.values()) != 0:
        msg = "the accounts do not sum to zero"
        raise InvariantViolated(msg)
    for name, amount in books.accounts.items():
        if amount < 0 and name.partition("/")[0] in _NEVER_BELOW_ZERO:
            msg = f"{name} is below zero: {amount}"
            raise InvariantViolated(msg)
    for owner, owed in _wallets_must_hold(books, platform_user_id).items():
        booked = books.holding(wallet(owner)).stroops
        if booked != owed:
            msg = f"the wallet of {owner} is booked at {booked} and must hold {owed}"
            raise InvariantViolated(msg)
    escrows = _sum(books.accounts, {"escrow"})
    held = sum(books.holdings.values()) + escrows
    claims = _sum(books.accounts, _USER_ACCOUNTS) + escrows + books.account(TREASURY).stroops
    if held != claims:
        msg = f"holdings of {held} do not match claims of {claims}"
        raise InvariantViolated(msg)


def _wallets_must_hold(books: Books, platform_user_id: str) -> dict[str, int]:
    """What each user's wallet must hold: what the user has anywhere, less what it is still due."""
    must_hold: dict[str, int] = {}
    for name in books.holdings:
        prefix, _, owner = name.partition("/")
        if prefix == "wallet" and name != WALLET_TREASURY:
            must_hold.setdefault(owner, 0)
    for name, amount in books.accounts.items():
        prefix, _, owner = name.partition("/")
        if name == DUE_TREASURY or owner == platform_user_id:
            continue
        if prefix in _USER_ACCOUNTS:
            must_hold[owner] = must_hold.get(owner, 0) + amount
        elif prefix == "due":
            must_hold[owner] = must_hold.get(owner, 0) - amount
    return must_hold


def _sum(accounts: Mapping[str, int], prefixes: Iterable[str]) -> int:
    wanted = frozenset(prefixes)
    return sum(amount for name, amount in accounts.items() if name.partition("/")[0] in wanted)
