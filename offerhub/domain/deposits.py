"""Deposits: what a page of the network's payments means for the books (docs/spec/domain.md §5).

The unit is the transfer: two payments in one transaction are two deposits. Credits, cursor and
events are one commit.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.decision_context import DecisionContext, balance_credited
from offerhub.domain.ledger import Transfer
from offerhub.domain.money import Money
from offerhub.domain.parked import Parked
from offerhub.domain.unit_of_work import (
    AuditEntry,
    CursorMove,
    Event,
    UnitOfWork,
)
from offerhub.domain.users import Wallet, WalletRole

CURSOR: Final = "payments"
"""Name of the watcher's cursor."""


@frozen
class IncomingTransfer:
    """USDC of the configured issuer that reached an address.

    Args:
        operation_id, index: name it for good on one network.
        source: `None` when it was minted.
        tx_hash: of its transaction.
    """

    operation_id: str
    index: int
    source: str | None
    destination: str
    amount: Money
    tx_hash: str

    @property
    def reference(self) -> str:
        return f"{self.operation_id}-{self.index}"


@frozen
class Known:
    """What is ours among the addresses, contracts and transactions of a page.

    Args:
        wallets: by address.
        operations: our chain operations by transaction hash.
        contracts: order ids by contract.
        payees: user ids that an order's contract may pay, by order id; the platform's among them.
        full: users whose balance can take no more.
    """

    wallets: Mapping[str, Wallet]
    operations: Mapping[str, ChainOperation]
    contracts: Mapping[str, str]
    payees: Mapping[str, frozenset[str]] = field(factory=dict)
    full: frozenset[str] = frozenset()


@frozen
class Unreadable:
    """A record that nobody can read: parked for an operator."""

    reference: str
    reason: str
    body: Mapping[str, object]


def page(
    arrivals: Sequence[IncomingTransfer],
    unreadable: Sequence[Unreadable],
    known: Known,
    moved: CursorMove,
    context: DecisionContext,
) -> UnitOfWork:
    """Turn a page into one unit: credits, parked money, and the cursor behind it."""
    transfers: list[Transfer] = []
    events: list[Event] = []
    audit: list[AuditEntry] = []
    parked = [_parked(record, context) for record in unreadable]
    for arrival in arrivals:
        wallet = known.wallets.get(arrival.destination)
        if wallet is None or not arrival.amount or _internal(arrival, known):
            continue
        chain_reference = f"{arrival.tx_hash}:{arrival.reference}"
        stray = arrival.source in known.contracts or wallet.user_id in known.full
        if wallet.role is not WalletRole.USER:
            movement = postings.deposit_to_treasury(arrival.amount, chain_reference)
            action = "treasury.deposit"
        elif stray:
            movement = postings.park(wallet.user_id, arrival.amount, chain_reference)
            action = "deposit.park"
            parked.append(_parked_money(arrival, wallet.user_id, known, context))
        else:
            movement = postings.deposit(wallet.user_id, arrival.amount, chain_reference)
            action = "deposit.credit"
            events.append(
                balance_credited(
                    context,
                    wallet.user_id,
                    arrival.amount,
                    source="stellar_deposit",
                    reference=arrival.reference,
                    transaction_hash=arrival.tx_hash,
                )
            )
        transfers.append(
            context.transfer(
                movement,
                reference=arrival.reference,
                cause=chain_reference,
                dedupe=f"deposit:{arrival.reference}",
            )
        )
        audit.append(
            context.audit(
                action,
                "Wallet",
                wallet.id,
                after={
                    "amount": arrival.amount.seven_places(),
                    "transactionHash": arrival.tx_hash,
                    "source": arrival.source,
                },
                user_id=wallet.user_id,
                result="alarm" if stray else "ok",
            )
        )
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=tuple(parked),
        transfers=tuple(transfers),
        events=tuple(events),
        audit=tuple(audit),
        cursor=moved,
    )


def _parked(record: Unreadable, context: DecisionContext) -> Parked:
    return Parked(
        id=context.ids.new("prk"),
        version=1,
        source="stellar",
        reference=record.reference,
        reason=record.reason,
        body=record.body,
        created_at=context.now,
        updated_at=context.now,
    )


def _parked_money(
    arrival: IncomingTransfer, user_id: str, known: Known, context: DecisionContext
) -> Parked:
    full = user_id in known.full
    return Parked(
        id=context.ids.new("prk"),
        version=1,
        source="stellar",
        reference=arrival.reference,
        reason="the balance would pass its limit"
        if full
        else "a contract of ours paid what no order expects",
        body={
            "transactionHash": arrival.tx_hash,
            "source": arrival.source,
            "destination": arrival.destination,
            "amount": arrival.amount.seven_places(),
            "orderId": known.contracts.get(arrival.source or ""),
        },
        created_at=context.now,
        updated_at=context.now,
        user_id=user_id,
        amount=arrival.amount,
    )


def _internal(arrival: IncomingTransfer, known: Known) -> bool:
    """Whether the owner of an operation of ours books this transfer itself.

    A payout of an order's contract to one of its payees is booked by the order. A withdrawal to
    another user's wallet is a deposit there.
    """
    operation = known.operations.get(arrival.tx_hash)
    if operation is None or operation.subject is Subject.WITHDRAWAL:
        return False
    if operation.subject is Subject.ORDER:
        order_id = operation.subject_id
        return known.contracts.get(arrival.source or "") == order_id and known.wallets[
            arrival.destination
        ].user_id in known.payees.get(order_id, ())
    return True
