"""Decisions on an order that walk the chain: escrow, fund, release (domain.md §3).

Each plans one chain operation, or takes the end of one. A process holds its steps from the
beginning; the order moves on when the chain has confirmed, or falls back when it provably did not.
"""

from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation, ChainStatus, FailureKind, PayoutSeen, Subject
from offerhub.domain.deciding import Deciding, balance_credited, balance_debited
from offerhub.domain.errors import ErrorCode, InvariantViolated
from offerhub.domain.fees import FeesKept, FeeTerms, Payout, release
from offerhub.domain.ids import iso
from offerhub.domain.ledger import Side, TransferKind
from offerhub.domain.money import Money
from offerhub.domain.order import (
    Escrow,
    EscrowStatus,
    FailedAttempt,
    MilestoneStatus,
    Operation,
    Order,
    OrderStatus,
    Outcome,
    Process,
)
from offerhub.domain.order_decisions import (
    Decision,
    asked_for,
    changed,
    closed_event,
    escrow_event,
    moved,
    next_state,
    order_event,
    passed_through,
    refusal,
)
from offerhub.domain.order_states import Action
from offerhub.domain.resources import fees_resource, order_resource
from offerhub.domain.unit_of_work import Event, Figure, UnitOfWork

DEPLOY: Final = "deploy"
FUND: Final = "fund"
COMPLETE: Final = "complete"
APPROVE: Final = "approve"
RELEASE: Final = "release"


@frozen
class Lanes:
    """Source accounts of an order's steps: addresses of a channel, the buyer and the seller."""

    channel: str
    buyer: str
    seller: str

    def of(self, step: str) -> str:
        """Who is the source of a step (domain.md §3, the table of steps)."""
        kind = step.partition(":")[0]
        match kind:
            case "deploy":
                return self.channel
            case "complete":
                return self.seller
            case "fund" | "approve" | "release":
                return self.buyer
            case _:
                msg = f"no lane is known for the step {step}"
                raise InvariantViolated(msg)


def start_escrow(order: Order, terms: FeeTerms, lanes: Lanes, deciding: Deciding) -> Decision:
    """Plan the deployment; percent and policy of the fees are fixed here."""
    target = asked_for(order, Action.START_ESCROW)
    escrow_id = order.escrow_id or deciding.ids.new("esc")
    process, operation = _begin(order, Operation.ESCROW, (DEPLOY,), lanes, deciding)
    after = changed(
        order,
        deciding,
        status=target,
        escrow_id=escrow_id,
        escrow=Escrow(id=escrow_id, status=EscrowStatus.CREATING, created_at=deciding.now),
        fee_terms=terms,
        process=process,
        failed_attempt=None,
    )
    events = (order_event(after, deciding, "escrow_creating", {"escrowId": escrow_id}),)
    return _asked(order, after, "order.escrow", events, operation, deciding)


def start_funding(order: Order, lanes: Lanes, deciding: Deciding) -> Decision:
    """Plan the funding of a contract that stands."""
    target = asked_for(order, Action.START_FUNDING)
    escrow = _escrow(order)
    process, operation = _begin(order, Operation.FUND, (FUND,), lanes, deciding)
    after = changed(
        order,
        deciding,
        status=target,
        escrow=evolve(escrow, status=EscrowStatus.FUNDING),
        process=process,
        failed_attempt=None,
    )
    contract = {"trustlessContractId": escrow.contract_id}
    events = (
        order_event(after, deciding, "escrow_funding", {"escrowId": escrow.id, **contract}),
        escrow_event(after, deciding, "funding_started", contract),
    )
    return _asked(order, after, "order.fund", events, operation, deciding)


def request_release(
    order: Order,
    requested_by: str | None,
    reason: str | None,
    lanes: Lanes,
    deciding: Deciding,
) -> Decision:
    """Plan the release: every milestone reported by the seller, approved by the buyer, then paid."""
    target = asked_for(order, Action.REQUEST_RELEASE)
    still_open = [
        milestone.ref for milestone in order.milestones if milestone.status is MilestoneStatus.OPEN
    ]
    if still_open:
        error = refusal(order, ErrorCode.MILESTONES_OPEN, Action.REQUEST_RELEASE.value)
        error.details["refs"] = still_open
        raise error
    count = len(order.contract_milestones)
    steps = (
        *(f"{COMPLETE}:{index}" for index in range(count)),
        *(f"{APPROVE}:{index}" for index in range(count)),
        RELEASE,
    )
    process, operation = _begin(order, Operation.RELEASE, steps, lanes, deciding)
    after = changed(
        order,
        deciding,
        status=target,
        escrow=evolve(_escrow(order), status=EscrowStatus.RELEASING),
        process=process,
    )
    payload: dict[str, object] = {"requestedBy": requested_by}
    if reason is not None:
        payload["reason"] = reason
    events = (order_event(after, deciding, "release_requested", payload),)
    return _asked(order, after, "order.release", events, operation, deciding)


@frozen
class Recipients:
    """Addresses that a payout may reach."""

    seller: str
    platform: str


def operation_ended(
    order: Order,
    operation: ChainOperation,
    lanes: Lanes,
    recipients: Recipients,
    attempts_max: int,
    deciding: Deciding,
) -> Decision | None:
    """Take the end of the order's present chain operation.

    Returns `None` when the operation is not the present one, or has not ended: a wake-up that
    was already worked.
    """
    process = order.process
    if process is None or process.chain_operation_id != operation.id or operation.is_open:
        return None
    if operation.status is not ChainStatus.CONFIRMED:
        return _failed(order, process, operation, lanes, attempts_max, deciding)
    match process.current.partition(":")[0]:
        case "deploy":
            return _deployed(order, process, operation, deciding)
        case "fund":
            return _funded(order, process, operation, deciding)
        case "release":
            return _released(order, process, operation, recipients, deciding)
        case _:
            return _step_confirmed(order, process, operation, lanes, deciding)


def _deployed(
    order: Order, process: Process, operation: ChainOperation, deciding: Deciding
) -> Decision:
    target = next_state(order, Action.CONFIRM_DEPLOYMENT)
    after = changed(
        order,
        deciding,
        status=target,
        process=None,
        escrow=evolve(
            _escrow(order),
            status=EscrowStatus.CREATED,
            contract_id=operation.contract_id,
            transaction_hashes=_hashes(order, process, operation),
        ),
    )
    events = (
        escrow_event(
            after,
            deciding,
            "created",
            {
                "trustlessContractId": operation.contract_id,
                "transactionHash": operation.tx_hash,
                "createdAt": iso(deciding.now),
            },
        ),
    )
    return _ended(order, after, process, "order.escrow.confirmed", events, (), deciding)


def _funded(
    order: Order, process: Process, operation: ChainOperation, deciding: Deciding
) -> Decision:
    next_state(order, Action.CONFIRM_FUNDING)
    passed_through(order, OrderStatus.ESCROW_FUNDED, OrderStatus.IN_PROGRESS)
    escrow = _escrow(order)
    after = changed(
        order,
        deciding,
        status=OrderStatus.IN_PROGRESS,
        process=None,
        escrow=evolve(
            escrow,
            status=EscrowStatus.FUNDED,
            funded_at=deciding.now,
            transaction_hashes=_hashes(order, process, operation),
        ),
    )
    contract = {"trustlessContractId": escrow.contract_id}
    funded_at = {"fundedAt": iso(deciding.now)}
    events = (
        balance_debited(
            deciding,
            order.buyer_id,
            order.amount,
            destination="escrow",
            reference=order.id,
            order_id=order.id,
        ),
        escrow_event(
            after,
            deciding,
            "funded",
            {**contract, "transactionHash": operation.tx_hash, **funded_at},
        ),
        order_event(
            after,
            deciding,
            "escrow_funded",
            {
                "escrowId": escrow.id,
                **contract,
                "amount": order.amount.two_places(),
                **funded_at,
            },
        ),
        order_event(after, deciding, "in_progress", {}),
    )
    movement = postings.fund_escrow(order.id, order.buyer_id, order.amount, _hash(operation))
    decision = _ended(
        order,
        after,
        process,
        "order.fund.confirmed",
        events,
        (movement,),
        deciding,
        cause=operation.id,
    )
    return evolve(decision, debits=order.buyer_id)


def _step_confirmed(
    order: Order, process: Process, operation: ChainOperation, lanes: Lanes, deciding: Deciding
) -> Decision:
    next_state(order, Action.CONFIRM_RELEASE_STEP)
    step = process.step + 1
    following = _plan(order, process.steps[step], 1, lanes, deciding)
    after = changed(
        order,
        deciding,
        process=evolve(
            process,
            step=step,
            attempt=1,
            chain_operation_id=following.id,
            last_error=None,
        ),
        escrow=evolve(_escrow(order), transaction_hashes=_hashes(order, process, operation)),
    )
    return Decision(
        after,
        UnitOfWork(
            at=deciding.now,
            trace=deciding.trace,
            writes=(after, following),
            audit=(moved("order.release.step", order, after, deciding),),
        ),
        next_operation=following,
    )


def _released(
    order: Order,
    process: Process,
    operation: ChainOperation,
    recipients: Recipients,
    deciding: Deciding,
) -> Decision:
    next_state(order, Action.CONFIRM_RELEASE)
    passed_through(order, OrderStatus.RELEASED, OrderStatus.CLOSED)
    payout, explained = payout_on_chain(order, operation.payouts, recipients)
    after = changed(
        order,
        deciding,
        status=OrderStatus.CLOSED,
        outcome=Outcome.RELEASED,
        closed_at=deciding.now,
        process=None,
        fees=payout.kept,
        escrow=evolve(
            _escrow(order),
            status=EscrowStatus.RELEASED,
            released_at=deciding.now,
            transaction_hashes=_hashes(order, process, operation),
        ),
    )
    released_at = {"releasedAt": iso(deciding.now)}
    events = (
        balance_credited(
            deciding,
            order.seller_id,
            payout.credited,
            source="escrow_release",
            reference=order.id,
            transaction_hash=operation.tx_hash,
            order_id=order.id,
        ),
        escrow_event(
            after,
            deciding,
            "released",
            {
                "trustlessContractId": _escrow(order).contract_id,
                "transactionHash": operation.tx_hash,
                **released_at,
            },
        ),
        order_event(
            after,
            deciding,
            "released",
            {
                "sellerId": order.seller_id,
                "amount": order.amount.two_places(),
                "fees": fees_resource(payout.kept),
                **released_at,
                "newSellerBalance": Figure(order.seller_id, Side.AVAILABLE),
            },
        ),
        closed_event(after, deciding),
    )
    movement = postings.pay_out(
        TransferKind.ESCROW_RELEASE, order.id, order.seller_id, payout, _hash(operation)
    )
    decision = _ended(
        order,
        after,
        process,
        "order.release.confirmed",
        events,
        (movement,),
        deciding,
        cause=operation.id,
    )
    if explained:
        return decision
    alarm = deciding.audit(
        "order.release.fees_differ",
        "Order",
        order.id,
        result="alarm",
        error="the contract paid out other amounts than its fees explain",
        after={**fees_resource(payout.kept), "net": payout.net.seven_places()},
    )
    return evolve(decision, unit=evolve(decision.unit, audit=(*decision.unit.audit, alarm)))


def payout_on_chain(
    order: Order, payouts: Sequence[PayoutSeen], recipients: Recipients
) -> tuple[Payout, bool]:
    """What a release paid, from the transfers that the chain reports.

    Returns the payout, and whether it is what the fees explain to the stroop (domain.md §1).
    What the chain reports is booked in either case: the wallet holds that and nothing else.
    """
    if order.fee_terms is None or order.escrow is None:
        msg = f"{order.id} is released without terms or escrow"
        raise InvariantViolated(msg)
    expected = release(order.amount, order.fee_terms)
    paid = [payout for payout in payouts if payout.source == order.escrow.contract_id]
    net = Money.total(p.amount for p in paid if p.destination == recipients.seller)
    platform = Money.total(p.amount for p in paid if p.destination == recipients.platform)
    total = Money.total(p.amount for p in paid)
    if net == expected.net and platform == expected.kept.platform and total == order.amount:
        return expected, True
    if total != order.amount or not net:
        msg = f"the contract of {order.id} paid {total} out, not {order.amount}"
        raise InvariantViolated(msg)
    kept = FeesKept(protocol=order.amount - net - platform, platform=platform)
    credited = expected.credited - expected.net + net
    return Payout(order.amount, kept, net, credited, borne=expected.borne), False


def _failed(
    order: Order,
    process: Process,
    operation: ChainOperation,
    lanes: Lanes,
    attempts_max: int,
    deciding: Deciding,
) -> Decision:
    failure = operation.failure
    if failure is None:
        msg = f"{operation.id} has failed without a reason"
        raise InvariantViolated(msg)
    can_fall_back = process.operation is not Operation.RELEASE
    definitive = failure.kind in {FailureKind.REFUSED, FailureKind.FOREIGN}
    if can_fall_back and (definitive or process.attempt >= attempts_max):
        return _fallen_back(order, process, failure.message, failure.code, deciding)
    attempt = process.attempt + 1
    again = _plan(order, process.current, attempt, lanes, deciding)
    after = changed(
        order,
        deciding,
        process=evolve(
            process,
            attempt=attempt,
            chain_operation_id=again.id,
            last_error=failure.message,
        ),
    )
    events = (
        (_attempt_failed(after, process, failure.code or failure.kind.value, deciding, retry=True),)
        if can_fall_back
        else ()
    )
    return Decision(
        after,
        UnitOfWork(
            at=deciding.now,
            trace=deciding.trace,
            writes=(after, again),
            events=events,
            audit=(
                deciding.audit(
                    f"order.{process.operation.value}.attempt_failed",
                    "Order",
                    order.id,
                    result="retry",
                    error=failure.message,
                    user_id=order.buyer_id,
                ),
            ),
        ),
        next_operation=again,
    )


def _fallen_back(
    order: Order, process: Process, message: str, code: str | None, deciding: Deciding
) -> Decision:
    failed = FailedAttempt(process.operation, process.attempt, message, process.since)
    attempt_failed = _attempt_failed(
        order, process, code or ErrorCode.PROVIDER_ERROR.value, deciding, retry=False
    )
    if process.operation is Operation.ESCROW:
        after = changed(
            order,
            deciding,
            status=next_state(order, Action.FAIL_DEPLOYMENT),
            escrow=None,
            fee_terms=None,
            process=None,
            failed_attempt=failed,
        )
        figures = {
            "reservedBalance": Figure(order.buyer_id, Side.RESERVED),
            "availableBalance": Figure(order.buyer_id, Side.AVAILABLE),
        }
        back = order_event(
            after,
            deciding,
            "funds_reserved",
            {
                "amount": order.amount.two_places(),
                "buyerId": order.buyer_id,
                **figures,
                "reason": message,
            },
        )
    else:
        escrow = _escrow(order)
        after = changed(
            order,
            deciding,
            status=next_state(order, Action.FAIL_FUNDING),
            escrow=evolve(escrow, status=EscrowStatus.CREATED),
            process=None,
            failed_attempt=failed,
        )
        back = order_event(
            after, deciding, "escrow_creating", {"escrowId": escrow.id, "reason": message}
        )
    return Decision(
        after,
        UnitOfWork(
            at=deciding.now,
            trace=deciding.trace,
            writes=(after,),
            events=(attempt_failed, back),
            audit=(
                deciding.audit(
                    f"order.{process.operation.value}.failed",
                    "Order",
                    order.id,
                    result="failed",
                    error=message,
                    user_id=order.buyer_id,
                ),
            ),
            idempotency=deciding.forgotten(process.trace.idempotency),
        ),
    )


def _attempt_failed(
    order: Order, process: Process, code: str, deciding: Deciding, *, retry: bool
) -> Event:
    return deciding.event(
        "escrow.attempt_failed",
        "Escrow",
        order.escrow_id or order.id,
        {
            "escrowId": order.escrow_id,
            "orderId": order.id,
            "operation": process.current,
            "errorCode": code,
            "willRetry": retry,
        },
        user_id=order.buyer_id,
        order_id=order.id,
    )


def _begin(
    order: Order,
    operation: Operation,
    steps: tuple[str, ...],
    lanes: Lanes,
    deciding: Deciding,
) -> tuple[Process, ChainOperation]:
    first = _plan(order, steps[0], 1, lanes, deciding)
    process = Process(
        operation=operation,
        steps=steps,
        step=0,
        attempt=1,
        chain_operation_id=first.id,
        since=deciding.now,
        trace=deciding.trace,
    )
    return process, first


def _plan(
    order: Order, step: str, attempt: int, lanes: Lanes, deciding: Deciding
) -> ChainOperation:
    return ChainOperation(
        id=deciding.ids.new("cop"),
        version=1,
        subject=Subject.ORDER,
        subject_id=order.id,
        step=step,
        attempt=attempt,
        source=lanes.of(step),
        status=ChainStatus.PLANNED,
        trace=deciding.trace.without_claim(),
        created_at=deciding.now,
        updated_at=deciding.now,
    )


def _asked(
    before: Order,
    after: Order,
    action: str,
    events: tuple[Event, ...],
    operation: ChainOperation,
    deciding: Deciding,
) -> Decision:
    return Decision(
        after,
        UnitOfWork(
            at=deciding.now,
            trace=deciding.trace,
            writes=(after, operation),
            events=events,
            audit=(moved(action, before, after, deciding),),
            idempotency=deciding.running("Order", after.id),
        ),
        next_operation=operation,
    )


def _ended(
    before: Order,
    after: Order,
    process: Process,
    action: str,
    events: tuple[Event, ...],
    movements: tuple[postings.Movement, ...],
    deciding: Deciding,
    *,
    cause: str = "",
) -> Decision:
    return Decision(
        after,
        UnitOfWork(
            at=deciding.now,
            trace=deciding.trace,
            writes=(after,),
            transfers=tuple(
                deciding.transfer(movement, reference=after.id, cause=cause)
                for movement in movements
            ),
            events=events,
            audit=(moved(action, before, after, deciding),),
            idempotency=deciding.final_answer(
                order_resource(after), claim=process.trace.idempotency, first=False
            ),
        ),
    )


def _escrow(order: Order) -> Escrow:
    if order.escrow is None:
        msg = f"{order.id} is {order.status.value} without an escrow"
        raise InvariantViolated(msg)
    return order.escrow


def _hash(operation: ChainOperation) -> str:
    if operation.tx_hash is None:
        msg = f"{operation.id} is confirmed without a hash"
        raise InvariantViolated(msg)
    return operation.tx_hash


def _hashes(order: Order, process: Process, operation: ChainOperation) -> dict[str, str]:
    return {**_escrow(order).transaction_hashes, process.current: _hash(operation)}
