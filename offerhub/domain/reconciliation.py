"""What wallets, contracts and the treasury hold on the chain, held against the books (docs/spec/domain.md §1).

The books say what a wallet must hold; the chain, what it holds; in between lies what is on the
chain and not yet booked: payments behind the watcher's cursor, and operations of ours whose
effects their owners have not taken yet. Beyond that both sides are equal to the stroop.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from offerhub.domain.money import Money
from offerhub.domain.order import Order


@frozen
class WalletClaims:
    """What a user has anywhere, and so what the user's wallet must hold."""

    user_id: str
    available: Money
    reserved: Money
    due: Money
    withdrawing: Money = field(factory=Money.zero)
    suspense: Money = field(factory=Money.zero)

    @property
    def ledger(self) -> Money:
        """What the ledger says is the user's."""
        return self.available + self.reserved + self.withdrawing + self.suspense

    @property
    def must_hold(self) -> Money:
        """What the wallet must hold: less what the treasury still owes it."""
        return self.ledger - self.due


class Holder(StrEnum):
    """What holds money on the chain."""

    WALLET = "wallet"
    TREASURY = "treasury"
    CONTRACT = "contract"
    AIRTM = "airtm"


@frozen
class Comparison:
    """One holder, as the books and the chain say at one moment.

    Args:
        owner: a user's id, of a contract the order's.
        ledger: what the books say belongs there.
        due: what of it the treasury still owes to the wallet (negative: what the wallet owes).
        in_flight: what is on the chain and not yet booked; negative: what has left.
        at_rest: nothing of it is on the way, and both sides were read at the same moment.
    """

    holder: Holder
    owner: str
    ledger: Money
    due: Money
    on_chain: Money
    in_flight: Money
    at_rest: bool

    @property
    def difference(self) -> Money:
        """What neither the books nor what is on the way explains: positive: more is on the chain."""
        return self.on_chain - (self.ledger - self.due) - self.in_flight

    @property
    def subject(self) -> str:
        """What alarms and lists call it."""
        return f"{self.holder.value}/{self.owner}"

    @property
    def is_surplus(self) -> bool:
        """More in a contract than its order explains: anybody can send money to one.

        A resolution pays it to the platform; what a release leaves behind is nobody's claim.
        """
        return self.holder is Holder.CONTRACT and self.difference.stroops > 0


@frozen
class Transferred:
    """USDC that moved on the chain from one address to another, in one ledger."""

    source: str | None
    destination: str | None
    amount: Money
    ledger: int
    tx_hash: str


def net_of(address: str, transfers: Iterable[Transferred], until_ledger: int | None) -> Money:
    """What transfers brought to an address, less what they took from it, up to a ledger."""
    net = 0
    for each in transfers:
        if until_ledger is not None and each.ledger > until_ledger:
            continue
        if each.destination == address:
            net += each.amount.stroops
        if each.source == address:
            net -= each.amount.stroops
    return Money(net)


@frozen
class Report:
    """What one pass over everything has found.

    Args:
        compared: how many of each kind of holder.
        differences: at rest, and seen twice.
        surpluses: what contracts hold beyond their orders, as surely.
        unsettled: what did not come to rest while it was looked at; the next pass looks again.
        skipped: why a part could not be looked at, by part.
        parked: how many parked records wait for an operator.
        platform_xlm: what the platform may spend on fees and reserves; `None` if it was not told.
    """

    began_at: datetime
    ended_at: datetime
    compared: Mapping[str, int]
    differences: tuple[Comparison, ...] = ()
    surpluses: tuple[Comparison, ...] = ()
    unsettled: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(factory=dict)
    parked: int = 0
    platform_xlm: Money | None = None

    @property
    def clean(self) -> bool:
        """Whether everything was looked at, and nothing differs."""
        return not self.differences and not self.skipped


def contract_must_hold(order: Order) -> Money:
    """What an order's contract holds by the books: its amount, from the funding to the end."""
    funded = order.escrow is not None and order.escrow.funded_at is not None
    return order.amount if funded and order.closed_at is None else Money.zero()
