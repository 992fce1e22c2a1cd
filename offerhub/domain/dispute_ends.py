"""What the chain has confirmed of a dispute or a refund: the freeze, and the payout (docs/spec/domain.md §3)."""

from attrs import evolve

from offerhub.domain import fees, postings
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import hash_of
from offerhub.domain.decision_context import DecisionContext, balance_credited
from offerhub.domain.dispute import Dispute, DisputeStatus, Ruling, Verdict
from offerhub.domain.dispute_events import dispute_event, dispute_moved
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.fees import FeesKept, Split, SplitShare
from offerhub.domain.ids import iso
from offerhub.domain.intents import ResolveDispute
from offerhub.domain.ledger import Side, TransferKind
from offerhub.domain.money import Money
from offerhub.domain.order import Escrow, EscrowStatus, Order, OrderStatus, Outcome, Process
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_effects import hashes_with, work_ended
from offerhub.domain.order_events import closed_event, escrow_event, fees_summary, order_event
from offerhub.domain.order_states import Action
from offerhub.domain.order_steps import Parties, existing_escrow, shares_of
from offerhub.domain.order_transitions import changed, check_moves, next_state
from offerhub.domain.unit_of_work import AuditEntry, BalanceAfter, Event

_OUTCOME_OF = {
    Verdict.FULL_RELEASE: Outcome.RELEASED,
    Verdict.FULL_REFUND: Outcome.REFUNDED,
    Verdict.SPLIT: Outcome.SPLIT,
}
_KIND_OF = {
    Outcome.RELEASED: TransferKind.ESCROW_RELEASE,
    Outcome.REFUNDED: TransferKind.ESCROW_REFUND,
    Outcome.SPLIT: TransferKind.ESCROW_SPLIT,
}


def escrow_frozen(
    order: Order, process: Process, operation: ChainOperation, context: DecisionContext
) -> Decision:
    """The contract is frozen too: the dispute can be resolved."""
    next_state(order, Action.CONFIRM_FREEZE)
    escrow = existing_escrow(order)
    after = changed(
        order,
        context,
        process=None,
        escrow=evolve(
            escrow,
            status=EscrowStatus.DISPUTED,
            transaction_hashes=hashes_with(order, operation),
        ),
    )
    frozen_at = {"disputedAt": iso(context.now)}
    events = (
        escrow_event(after, context, "disputed", {**_on_chain(order, operation), **frozen_at}),
    )
    return work_ended(order, after, process, events, (), context)


def money_resolved(
    order: Order,
    process: Process,
    operation: ChainOperation,
    intent: ResolveDispute,
    parties: Parties,
    context: DecisionContext,
) -> Decision:
    """The contract has paid out: of a refund, or as its dispute was decided."""
    outcome, dispute = _outcome(order), _resolved_dispute(order, context)
    _check(order, outcome)
    surplus = intent.surplus or Money.zero()
    paid, explained = paid_on_chain(order, operation, surplus, parties)
    after = changed(
        order,
        context,
        status=OrderStatus.CLOSED,
        outcome=outcome,
        closed_at=context.now,
        process=None,
        fees=paid.kept,
        dispute=dispute,
        escrow=_escrow_after(order, outcome, operation, context),
    )
    reference = hash_of(operation)
    movements = [
        postings.pay_split(
            _KIND_OF[outcome], order.id, order.seller_id, order.buyer_id, paid, reference
        )
    ]
    if surplus:
        movements.append(postings.take_surplus(paid.surplus, reference))
    audit: list[AuditEntry] = []
    if dispute is not None:
        audit.append(
            dispute_moved("dispute.resolve.confirmed", after, order.dispute, dispute, context)
        )
    if not explained:
        audit.append(
            context.audit(
                f"order.{process.operation.value}.fees_differ",
                "Order",
                order.id,
                result="alarm",
                error="the contract paid out other amounts than its fees explain",
                after={
                    **fees_summary(paid.kept),
                    "sellerNet": paid.seller.net.seven_places(),
                    "buyerNet": paid.buyer.net.seven_places(),
                },
            )
        )
    return work_ended(
        order,
        after,
        process,
        _events(after, paid, operation, context),
        tuple(movements),
        context,
        cause=operation.id,
        audit=tuple(audit),
    )


def paid_on_chain(
    order: Order, operation: ChainOperation, surplus: Money, parties: Parties
) -> tuple[Split, bool]:
    """What a resolution paid, from the transfers that the chain reports.

    Returns the shares, and whether they are what the fees explain to the stroop (docs/spec/domain.md §1).
    What the chain reports is booked in either case: the wallets hold that and nothing else. Raises
    `InvariantViolated` where the contract paid out another sum than it held, unless an operator has
    accepted it.
    """
    if order.fee_terms is None:
        msg = f"{order.id} is resolved without terms"
        raise InvariantViolated(msg)
    expected = fees.split(*shares_of(order), order.fee_terms, surplus)
    contract = existing_escrow(order).contract_id
    paid = [payout for payout in operation.payouts if payout.source == contract]

    def reached(address: str) -> Money:
        return Money.total(each.amount for each in paid if each.destination == address)

    seller, buyer = reached(parties.seller), reached(parties.buyer)
    platform = reached(parties.platform)
    total = Money.total(each.amount for each in paid)
    if operation.accepted_by is None and total != order.amount + surplus:
        msg = f"the contract of {order.id} paid {total} out, not {order.amount + surplus}"
        raise InvariantViolated(msg)
    if (expected.seller.net, expected.buyer.net, expected.to_platform) == (seller, buyer, platform):
        return expected, True
    # The platform's fee is compared as a whole; what is off is put on the side that has the more.
    off = platform - expected.to_platform
    sides = [expected.seller, expected.buyer]
    larger = 0 if sides[0].gross >= sides[1].gross else 1
    nets = (seller, buyer)
    sides = [
        _as_paid(side, net, off if place == larger else Money.zero())
        for place, (side, net) in enumerate(zip(sides, nets, strict=True))
    ]
    return evolve(expected, seller=sides[0], buyer=sides[1]), False


def _as_paid(side: SplitShare, net: Money, platform_off: Money) -> SplitShare:
    """A share with what its recipient has got; the protocol has kept the rest."""
    platform = side.kept.platform + platform_off
    kept = FeesKept(side.gross - net - platform, platform)
    return evolve(side, kept=kept, net=net, credited=side.credited - side.net + net)


def _outcome(order: Order) -> Outcome:
    if order.dispute is None:
        return Outcome.REFUNDED
    return _OUTCOME_OF[_ruling(order.dispute).verdict]


def _ruling(dispute: Dispute) -> Ruling:
    if dispute.ruling is None:
        msg = f"{dispute.id} is resolved without a decision"
        raise InvariantViolated(msg)
    return dispute.ruling


def _resolved_dispute(order: Order, context: DecisionContext) -> Dispute | None:
    if order.dispute is None:
        return None
    return evolve(
        order.dispute,
        version=order.dispute.version + 1,
        status=DisputeStatus.RESOLVED,
        updated_at=context.now,
        resolved_at=context.now,
    )


def _check(order: Order, outcome: Outcome) -> None:
    """Check that the order may end so."""
    if order.dispute is None:
        next_state(order, Action.CONFIRM_REFUND)
        check_moves(order, OrderStatus.REFUNDED, OrderStatus.CLOSED)
        return
    match outcome:
        case Outcome.RELEASED:
            next_state(order, Action.DECIDE_RELEASE)
            check_moves(order, OrderStatus.RELEASED, OrderStatus.CLOSED)
        case Outcome.REFUNDED:
            next_state(order, Action.DECIDE_REFUND)
            check_moves(order, OrderStatus.REFUNDED, OrderStatus.CLOSED)
        case _:
            next_state(order, Action.DECIDE_SPLIT)


def _escrow_after(
    order: Order, outcome: Outcome, operation: ChainOperation, context: DecisionContext
) -> Escrow:
    escrow = evolve(existing_escrow(order), transaction_hashes=hashes_with(order, operation))
    if outcome is Outcome.REFUNDED:
        return evolve(escrow, status=EscrowStatus.REFUNDED, refunded_at=context.now)
    return evolve(escrow, status=EscrowStatus.RELEASED, released_at=context.now)


def _events(
    after: Order, paid: Split, operation: ChainOperation, context: DecisionContext
) -> tuple[Event, ...]:
    """Who was credited, then what became of the escrow, the order and the dispute."""
    source = "escrow_refund" if after.dispute is None else "dispute_resolution"
    events = [
        balance_credited(
            context,
            user_id,
            share.credited,
            source=source,
            reference=after.id,
            transaction_hash=operation.tx_hash,
            order_id=after.id,
        )
        for user_id, share in ((after.seller_id, paid.seller), (after.buyer_id, paid.buyer))
        if share.credited
    ]
    refunded = after.outcome is Outcome.REFUNDED
    ended = "refunded" if refunded else "released"
    ended_at = {f"{ended}At": iso(context.now)}
    events.append(escrow_event(after, context, ended, {**_on_chain(after, operation), **ended_at}))
    if after.outcome is not Outcome.SPLIT:
        payee, name = (after.buyer_id, "Buyer") if refunded else (after.seller_id, "Seller")
        events.append(
            order_event(
                after,
                context,
                ended,
                {
                    f"{name.lower()}Id": payee,
                    "amount": after.amount.two_places(),
                    "fees": fees_summary(paid.kept),
                    **ended_at,
                    f"new{name}Balance": BalanceAfter(payee, Side.AVAILABLE),
                },
            )
        )
    if after.dispute is not None:
        ruling = _ruling(after.dispute)
        events.append(
            dispute_event(
                after,
                after.dispute,
                context,
                "resolved",
                {
                    "decision": ruling.verdict.value,
                    "buyerAmount": ruling.refund.two_places(),
                    "sellerAmount": ruling.release.two_places(),
                    "note": ruling.note,
                    "resolvedAt": iso(context.now),
                },
            )
        )
    events.append(closed_event(after, context))
    return tuple(events)


def _on_chain(order: Order, operation: ChainOperation) -> dict[str, object]:
    return {
        "trustlessContractId": existing_escrow(order).contract_id,
        "transactionHash": operation.tx_hash,
    }
