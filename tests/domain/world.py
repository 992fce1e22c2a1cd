"""The parties, the moment and the ids that the domain's tests share, and orders in every state."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from attrs import evolve

from offerhub.domain import dispute_decisions as disputes
from offerhub.domain import fees
from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain import order_decisions as decisions
from offerhub.domain.chain import (
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
    PayoutSeen,
)
from offerhub.domain.chain_moves import RetryPolicy
from offerhub.domain.decision import Decided
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.dispute import DisputeReason, Party, Verdict
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.fees import release as release_payout
from offerhub.domain.ids import Ids
from offerhub.domain.intents import ResolveDispute
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.order import EscrowStatus, Milestone, Order, OrderStatus, Outcome
from offerhub.domain.order_decisions import CreateOrder, Decision
from offerhub.domain.order_steps import Parties, shares_of
from offerhub.domain.steps import DEPLOY, RELEASE, RESOLVE
from offerhub.domain.trace import IdempotencyClaim, Trace
from offerhub.domain.users import SealedSeed, Wallet, WalletRole, WalletStatus

NOW = datetime(2026, 11, 22, 15, 0, 0, 123456, tzinfo=UTC)
SHOWN_NOW = "2026-11-22T15:00:00.123Z"

BUYER = "usr_buyer"
SELLER = "usr_seller"
PLATFORM = "usr_platform"
CHANNEL = "GCHANNEL"
PARTIES = Parties("GBUYER", "GSELLER", "GPLATFORM", usdc_issuer="GISSUER", usdc_code="USDC")
PAYEE_TERMS = FeeTerms(platform_fee_bps=0, policy=FeePolicy.PAYEE)
LIMITS = Limits(Money.parse("1.00"), Money.parse("100000.00"))
ATTEMPTS_MAX = 3
NOTHING = Money.zero()
RETRY = RetryPolicy(ATTEMPTS_MAX, chance=0.5)


def counting_ids() -> Ids:
    """Ids from a count instead of dice: all differ, the same in every run."""
    count = 0

    def next_bytes(length: int) -> bytes:
        nonlocal count
        count += 1
        # Hashed, so that ids differ whichever bits of the bytes they are made from.
        return sha256(count.to_bytes(8)).digest()[:length]

    return Ids(next_bytes)


_ids = counting_ids()


def context(*, claim: IdempotencyClaim | None = None, at: datetime = NOW) -> DecisionContext:
    """A decision asked for by a key, under an idempotency key if `claim` is given."""
    trace = Trace(correlation_id="req-1", actor="key:key_1", idempotency=claim)
    return DecisionContext(at, _ids, trace)


def claim(action: str = "order.reserve") -> IdempotencyClaim:
    return IdempotencyClaim(key="k-1", fingerprint="f-1", action=action)


def usdc(text: str) -> Money:
    """A signed amount as the tests write it."""
    if text.startswith("-"):
        return -Money.from_decimal_string(text[1:])
    return Money.from_decimal_string(text)


def milestones(*parts: str) -> tuple[Milestone, ...]:
    return tuple(
        Milestone(f"m{index}", f"Part {index}", Money.parse(part))
        for index, part in enumerate(parts)
    )


def creation(amount: str = "80.00", parts: tuple[str, ...] = ()) -> CreateOrder:
    return CreateOrder(
        order_id=_ids.new("ord"),
        buyer_id=BUYER,
        seller_id=SELLER,
        amount=Money.parse(amount),
        currency="USDC",
        title="A logo",
        description=None,
        client_order_ref=None,
        milestones=milestones(*parts),
        metadata={"shop": "1"},
    )


def create(amount: str = "80.00", parts: tuple[str, ...] = ()) -> Order:
    return decisions.create(creation(amount, parts), LIMITS, PLATFORM, context()).entity


# What the chain answers.


def following(decision: Decided[Any]) -> ChainOperation | None:
    """The operation that a decision plans, if it plans one."""
    planned = [each for each in decision.unit.writes if isinstance(each, ChainOperation)]
    return planned[0] if planned else None


def planned_by(decision: Decided[Any]) -> ChainOperation:
    planned = following(decision)
    assert planned is not None
    return planned


def confirmed(
    operation: ChainOperation,
    payouts: tuple[PayoutSeen, ...] = (),
    contract_id: str | None = None,
) -> ChainOperation:
    return evolve(
        operation,
        version=operation.version + 3,
        status=ChainStatus.CONFIRMED,
        tx_hash=f"hash-{operation.id}",
        payouts=payouts,
        contract_id=contract_id,
    )


def failed(
    operation: ChainOperation,
    kind: FailureKind = FailureKind.DEAD,
    code: str | None = None,
) -> ChainOperation:
    status = ChainStatus.EXPIRED if kind is FailureKind.DEAD else ChainStatus.FAILED
    return evolve(
        operation,
        version=operation.version + 1,
        status=status,
        failure=ChainFailure(kind, f"it was {kind.value}", code),
    )


def contract_of(order: Order) -> str:
    return f"C-{order.id}"


def with_surplus(operation: ChainOperation, surplus: Money) -> ChainOperation:
    """A resolution's operation as its lane stores it, when it has read what the contract holds."""
    assert isinstance(operation.intent, ResolveDispute)
    return evolve(operation, intent=evolve(operation.intent, surplus=surplus))


def resolution_payouts(order: Order, surplus: Money = NOTHING) -> tuple[PayoutSeen, ...]:
    """The transfers that the resolution of the order's contract makes, as its fees explain them."""
    assert order.fee_terms is not None
    paid = fees.split(*shares_of(order), order.fee_terms, surplus)
    return tuple(
        PayoutSeen(contract_of(order), destination, amount)
        for destination, amount in (
            ("GFEES", order.amount + surplus - paid.seller.net - paid.buyer.net - paid.to_platform),
            # The contract pays its fee and the surplus to the same address, one after the other;
            # of a surplus it keeps the protocol's share, which may be more than that fee.
            ("GPLATFORM", paid.to_platform - surplus),
            ("GPLATFORM", min(surplus, paid.to_platform)),
            ("GSELLER", paid.seller.net),
            ("GBUYER", paid.buyer.net),
        )
        if amount.stroops > 0
    )


def payouts_of(order: Order) -> tuple[PayoutSeen, ...]:
    """The transfers that a release of the order's contract makes, as its fees explain them."""
    assert order.fee_terms is not None
    payout = release_payout(order.amount, order.fee_terms)
    contract = contract_of(order)
    return tuple(
        PayoutSeen(contract, destination, amount)
        for destination, amount in (
            ("GFEES", payout.kept.protocol),
            ("GPLATFORM", payout.kept.platform),
            ("GSELLER", payout.net),
        )
        if amount
    )


def confirm(order: Order, operation: ChainOperation) -> Decision:
    """The chain confirms the order's present operation, as it would."""
    payouts = payouts_of(order) if operation.step == RELEASE else ()
    if operation.step == RESOLVE:
        payouts = resolution_payouts(order)
    contract_id = contract_of(order) if operation.step == DEPLOY else None
    decision = chain_ends.operation_ended(
        order,
        confirmed(operation, payouts, contract_id),
        PARTIES,
        RETRY,
        context(),
    )
    assert decision is not None
    return decision


def fail(
    order: Order,
    operation: ChainOperation,
    kind: FailureKind = FailureKind.DEAD,
    code: str | None = None,
) -> Decision:
    decision = chain_ends.operation_ended(
        order, failed(operation, kind, code), PARTIES, RETRY, context()
    )
    assert decision is not None
    return decision


# Orders, each walked to where it stands by the decisions themselves.


def reserved(parts: tuple[str, ...] = ()) -> Order:
    return decisions.reserve(create(parts=parts), None, context()).entity


def escrow_asked(parts: tuple[str, ...] = (), terms: FeeTerms = PAYEE_TERMS) -> Decision:
    return chain_decisions.start_escrow(reserved(parts), terms, CHANNEL, PARTIES, context())


def contract_stands(parts: tuple[str, ...] = (), terms: FeeTerms = PAYEE_TERMS) -> Order:
    asked = escrow_asked(parts, terms)
    return confirm(asked.entity, planned_by(asked)).entity


def funding_asked(parts: tuple[str, ...] = (), terms: FeeTerms = PAYEE_TERMS) -> Decision:
    return chain_decisions.start_funding(contract_stands(parts, terms), PARTIES, context())


def in_progress(parts: tuple[str, ...] = (), terms: FeeTerms = PAYEE_TERMS) -> Order:
    asked = funding_asked(parts, terms)
    return confirm(asked.entity, planned_by(asked)).entity


def release_asked(parts: tuple[str, ...] = (), terms: FeeTerms = PAYEE_TERMS) -> Decision:
    order = in_progress(parts, terms)
    for milestone in order.milestones:
        order = decisions.complete_milestone(order, milestone.ref, context()).entity
    return chain_decisions.request_release(order, "BUYER", None, PARTIES, context())


def at_release_step(asked: Decision) -> Decision:
    """Confirm steps until the last one, `release` itself, is on the way."""
    decision = asked
    while planned_by(decision).step != RELEASE:
        decision = confirm(decision.entity, planned_by(decision))
    return decision


def released() -> Order:
    last = at_release_step(release_asked())
    return confirm(last.entity, planned_by(last)).entity


def refund_asked(terms: FeeTerms = PAYEE_TERMS) -> Decision:
    return chain_decisions.request_refund(
        in_progress(terms=terms), "BUYER", "late", PARTIES, context()
    )


def dispute_opened(
    opened_by: Party = Party.BUYER, terms: FeeTerms = PAYEE_TERMS, parts: tuple[str, ...] = ()
) -> Decision:
    said = disputes.OpenDispute(opened_by, DisputeReason.NOT_DELIVERED, ("https://shop.test/1",))
    return disputes.open_dispute(in_progress(parts, terms), said, PARTIES, context())


def disputed(terms: FeeTerms = PAYEE_TERMS) -> Order:
    """An order whose contract is frozen too."""
    opened = dispute_opened(terms=terms)
    return confirm(opened.entity, planned_by(opened)).entity


def assigned(order: Order, to: str = "agent 7") -> Order:
    assert order.dispute is not None
    return disputes.assign(order, order.dispute.id, to, context()).entity


def ruled(
    order: Order,
    verdict: Verdict = Verdict.SPLIT,
    release: str | None = "50.00",
    refund: str | None = "30.00",
    note: str | None = "half done",
) -> Decision:
    """A dispute that is decided; its resolution is on its way."""
    assert order.dispute is not None
    if verdict is not Verdict.SPLIT:
        release = refund = None
    asked = disputes.Resolution(
        verdict,
        None if release is None else Money.parse(release),
        None if refund is None else Money.parse(refund),
        note,
    )
    return disputes.resolve(order, order.dispute.id, asked, PARTIES, context())


def resolved(verdict: Verdict = Verdict.SPLIT, terms: FeeTerms = PAYEE_TERMS) -> Order:
    decided = ruled(disputed(terms), verdict)
    return confirm(decided.entity, planned_by(decided)).entity


def _in_later_state(status: OrderStatus, escrow: EscrowStatus) -> Callable[[], Order]:
    """States that no decision of today leaves an order in: they are set by hand."""

    def make() -> Order:
        order = in_progress()
        assert order.escrow is not None
        return evolve(order, status=status, escrow=evolve(order.escrow, status=escrow))

    return make


def _canceled() -> Order:
    order = decisions.cancel(create(), "BUYER", None, context()).entity
    assert order.outcome is Outcome.CANCELED
    return order


STANDING: dict[str, Callable[[], Order]] = {
    "ORDER_CREATED": create,
    "FUNDS_RESERVED": reserved,
    "ESCROW_CREATING, deploying": lambda: escrow_asked().entity,
    "ESCROW_CREATING": contract_stands,
    "ESCROW_FUNDING, funding": lambda: funding_asked().entity,
    "ESCROW_FUNDED": _in_later_state(OrderStatus.ESCROW_FUNDED, EscrowStatus.FUNDED),
    "IN_PROGRESS": in_progress,
    "RELEASE_REQUESTED, releasing": lambda: release_asked().entity,
    "RELEASED": _in_later_state(OrderStatus.RELEASED, EscrowStatus.RELEASED),
    "REFUND_REQUESTED, refunding": lambda: refund_asked().entity,
    "REFUNDED": _in_later_state(OrderStatus.REFUNDED, EscrowStatus.REFUNDED),
    "DISPUTED, freezing": lambda: dispute_opened().entity,
    "DISPUTED": disputed,
    "DISPUTED and assigned": lambda: assigned(disputed()),
    "DISPUTED, resolving": lambda: ruled(assigned(disputed())).entity,
    "CLOSED by split": resolved,
    "CLOSED by release": released,
    "CLOSED by cancel": _canceled,
}
"""An order in every state; after the comma, the work on the chain that it waits for."""


def wallet(user_id: str, role: WalletRole = WalletRole.USER) -> Wallet:
    """The wallet of a user: its address is the user's id with a G."""
    return Wallet(
        id=f"wal_{user_id}",
        version=2,
        user_id=user_id,
        role=role,
        public_key=f"G{user_id}",
        seed=SealedSeed("1", b"nonce-secret", b"cipher-secret"),
        status=WalletStatus.ACTIVE,
        created_at=NOW,
        updated_at=NOW,
    )
