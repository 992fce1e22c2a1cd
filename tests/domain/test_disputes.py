"""Disputes and refunds of a funded order: what each plans, books and refuses (docs/spec/domain.md §2, §3)."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import dispute_decisions as disputes
from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain.chain import ChainOperation, ChainStatus, FailureKind, PayoutSeen
from offerhub.domain.dispute import DisputeReason, Party, Verdict
from offerhub.domain.dispute_decisions import OpenDispute, dispute_release
from offerhub.domain.dispute_ends import paid_on_chain
from offerhub.domain.errors import DomainError, ErrorCode, InvariantViolated
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.intents import DisputeEscrow, Distribution, ResolveDispute
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.order_decisions import Decision
from offerhub.domain.order_transitions import Progress
from tests.domain.event_shapes import check_shape
from tests.domain.world import (
    BUYER,
    PARTIES,
    PAYEE_TERMS,
    RETRY,
    SELLER,
    claim,
    confirm,
    confirmed,
    context,
    contract_of,
    dispute_opened,
    disputed,
    fail,
    failed,
    in_progress,
    planned_by,
    refund_asked,
    release_asked,
    resolution_payouts,
    ruled,
    usdc,
    with_surplus,
)

TERMS = [FeeTerms(bps, policy) for bps in (0, 250) for policy in FeePolicy]
SAID = OpenDispute(Party.SELLER, DisputeReason.OTHER)


def end_of(
    decided: Decision,
    payouts: tuple[PayoutSeen, ...] | None = None,
    surplus: Money | None = None,
) -> Decision:
    """The chain has paid a resolution out; as its fees explain, unless said otherwise."""
    order, operation = decided.entity, planned_by(decided)
    if surplus is not None:
        operation = with_surplus(operation, surplus)
    seen = resolution_payouts(order, surplus or Money.zero()) if payouts is None else payouts
    decision = chain_ends.operation_ended(
        order, confirmed(operation, seen), PARTIES, RETRY, context()
    )
    assert decision is not None
    for event in decision.unit.events:
        check_shape(event)
    return decision


def posted(decision: Decision) -> dict[str, str]:
    """What is posted to each account of a decision's first transfer."""
    (transfer, *_) = decision.unit.transfers
    return {each.account: each.amount.seven_places() for each in transfer.postings}


def at_resolution(terms: FeeTerms) -> Decision:
    """A refund whose contract is disputed: the resolution is on its way."""
    asked = refund_asked(terms)
    return confirm(asked.entity, planned_by(asked))


def test_a_refund_is_a_dispute_of_the_buyers_that_the_platform_resolves() -> None:
    asked = refund_asked()
    contract = contract_of(asked.entity)
    assert DisputeEscrow(contract, "GBUYER") == planned_by(asked).intent
    following = confirm(asked.entity, planned_by(asked))
    everything = (Distribution("GBUYER", asked.entity.amount),)
    assert ResolveDispute(contract, "GPLATFORM", everything) == planned_by(following).intent
    assert "REFUND_REQUESTED" == following.entity.status.value
    assert () == following.unit.events
    assert following.entity.dispute is None


@pytest.mark.parametrize("terms", TERMS)
def test_a_refund_gives_the_buyer_what_the_policy_says(terms: FeeTerms) -> None:
    closed = end_of(at_resolution(terms))
    fee = "2.0000000" if terms.platform_fee_bps else "0.0000000"
    assert {"protocol": "0.2400000", "platform": fee} == {
        "protocol": closed.entity.fees.protocol.seven_places() if closed.entity.fees else "",
        "platform": closed.entity.fees.platform.seven_places() if closed.entity.fees else "",
    }
    credited = "80.0000000"
    if terms.policy is FeePolicy.PAYEE:
        credited = "77.7600000" if terms.platform_fee_bps else "79.7600000"
    assert credited == posted(closed)[f"available/{BUYER}"]
    assert "-80.0000000" == posted(closed)[f"escrow/{closed.entity.id}"]
    assert "0.2400000" == posted(closed)["external"]
    assert ["escrow_refund"] == [each.kind.value for each in closed.unit.transfers]


@pytest.mark.parametrize(("by", "signer"), [(Party.BUYER, "GBUYER"), (Party.SELLER, "GSELLER")])
def test_whoever_opens_a_dispute_signs_for_it(by: Party, signer: str) -> None:
    opened = dispute_opened(by)
    assert signer == planned_by(opened).source
    user = BUYER if by is Party.BUYER else SELLER
    assert {user} == {each.user_id for each in opened.unit.events if each.type == "dispute.opened"}


def test_a_dispute_freezes_the_order_before_the_chain_does() -> None:
    opened = dispute_opened()
    assert ["order.disputed", "dispute.opened"] == [each.type for each in opened.unit.events]
    assert ("DISPUTED", "FUNDED") == (opened.entity.status.value, status_of_escrow(opened.entity))
    frozen = confirm(opened.entity, planned_by(opened))
    assert ["escrow.disputed"] == [each.type for each in frozen.unit.events]
    assert "DISPUTED" == status_of_escrow(frozen.entity)
    assert opened.entity.dispute == frozen.entity.dispute
    # The dispute stays as it is: only the order is written.
    assert [frozen.entity] == list(frozen.unit.writes)


def test_evidence_and_notes_are_no_matter_of_the_audits() -> None:
    said = OpenDispute(Party.BUYER, DisputeReason.OTHER, ("a secret",))
    opened = disputes.open_dispute(in_progress(), said, PARTIES, context())
    decided = ruled(disputed(), note="a secret")
    for unit in (opened.unit, decided.unit, end_of(decided).unit):
        assert "a secret" not in repr(unit.audit)


def status_of_escrow(order: Order) -> str:
    assert order.escrow is not None
    return order.escrow.status.value


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.FULL_RELEASE, {"GSELLER": "80.0000000"}),
        (Verdict.FULL_REFUND, {"GBUYER": "80.0000000"}),
        (Verdict.SPLIT, {"GSELLER": "50.0000000", "GBUYER": "30.0000000"}),
    ],
)
def test_a_resolution_is_one_transaction_of_the_platforms(
    verdict: Verdict, expected: dict[str, str]
) -> None:
    intent = planned_by(ruled(disputed(), verdict)).intent
    assert isinstance(intent, ResolveDispute)
    assert "GPLATFORM" == intent.source
    assert intent.surplus is None
    shares = {each.address: each.amount.seven_places() for each in intent.distributions}
    assert expected == shares


@pytest.mark.parametrize("shares", [("80.00", "0.00"), ("0.00", "80.00")])
def test_a_share_of_nothing_is_left_out(shares: tuple[str, str]) -> None:
    intent = planned_by(ruled(disputed(), Verdict.SPLIT, *shares)).intent
    assert isinstance(intent, ResolveDispute)
    assert 1 == len(intent.distributions)


@pytest.mark.parametrize("terms", TERMS)
def test_a_split_credits_both_sides_by_the_policy(terms: FeeTerms) -> None:
    closed = end_of(ruled(disputed(terms)))
    fee = terms.platform_fee_bps > 0
    platform_bears = terms.policy is FeePolicy.PLATFORM
    seller = usdc("50") - (usdc("1.25") if fee else usdc("0"))
    buyer = usdc("30")
    if not platform_bears:
        seller -= usdc("0.15")
        buyer -= usdc("0.09") + (usdc("0.75") if fee else usdc("0"))
    accounts = posted(closed)
    assert seller.seven_places() == accounts[f"available/{SELLER}"]
    assert buyer.seven_places() == accounts[f"available/{BUYER}"]
    assert ["escrow_split"] == [each.kind.value for each in closed.unit.transfers]
    assert [
        "balance.credited",
        "balance.credited",
        "escrow.released",
        "dispute.resolved",
        "order.closed",
    ] == [each.type for each in closed.unit.events]
    (ended,) = [each for each in closed.unit.events if each.type == "order.closed"]
    assert ("SPLIT", "50.00", "30.00") == (
        ended.payload["outcome"],
        ended.payload["releaseAmount"],
        ended.payload["refundAmount"],
    )


def test_a_surplus_is_the_platforms_and_no_part_of_the_orders_fees() -> None:
    terms = FeeTerms(500, FeePolicy.PAYEE)
    closed = end_of(ruled(disputed(terms)), surplus=usdc("20"))
    assert closed.entity.fees is not None
    assert (usdc("0.24"), usdc("4")) == (
        closed.entity.fees.protocol,
        closed.entity.fees.platform,
    )
    _, surplus = closed.unit.transfers
    assert "escrow_surplus" == surplus.kind.value
    assert {"treasury": usdc("19.94"), "external": usdc("-19.94")} == {
        each.account: each.amount for each in surplus.postings
    }
    assert ["wallet/treasury"] == [each.holding for each in surplus.holdings]
    assert all(each.result != "alarm" for each in closed.unit.audit)


def test_no_surplus_makes_no_transfer_of_its_own() -> None:
    assert 1 == len(end_of(ruled(disputed()), surplus=Money.zero()).unit.transfers)


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000), st.integers(0, 10**6))
def test_what_the_chain_reports_is_booked_whatever_the_fees_explain(
    to_seller: int, to_platform: int, surplus: int
) -> None:
    decided = ruled(disputed(FeeTerms(250, FeePolicy.PLATFORM)))
    off = {"GSELLER": to_seller, "GFEES": -to_seller - to_platform}
    seen = []
    for each in resolution_payouts(decided.entity, Money(surplus)):
        by = off.pop(each.destination, 0)
        if each.destination == "GPLATFORM":
            by, to_platform = to_platform, 0
        seen.append(evolve(each, amount=each.amount + Money(by)))
    closed = end_of(decided, tuple(seen), Money(surplus))
    alarms = [each.action for each in closed.unit.audit if each.result == "alarm"]
    expected = resolution_payouts(decided.entity, Money(surplus))
    assert (["order.resolve.fees_differ"] if tuple(seen) != expected else []) == alarms
    booked: dict[str, int] = {}
    for transfer in closed.unit.transfers:
        assert 0 == sum(each.amount.stroops for each in transfer.postings)
        for moved in transfer.holdings:
            booked[moved.holding] = booked.get(moved.holding, 0) + moved.amount.stroops
    reached: dict[str, int] = {}
    for each in seen:
        reached[each.destination] = reached.get(each.destination, 0) + each.amount.stroops
    assert reached["GSELLER"] == booked[f"wallet/{SELLER}"]
    assert reached["GBUYER"] == booked[f"wallet/{BUYER}"]
    assert reached["GPLATFORM"] == booked["wallet/treasury"]


def test_a_contract_that_paid_another_whole_out_is_a_fault() -> None:
    decided = ruled(disputed())
    operation = planned_by(decided)
    seen = resolution_payouts(decided.entity)
    more = PayoutSeen(contract_of(decided.entity), "GSTRANGER", Money(1))
    with pytest.raises(InvariantViolated):
        paid_on_chain(decided.entity, confirmed(operation, (*seen, more)), Money.zero(), PARTIES)


def test_what_an_operator_has_accepted_of_a_resolution_is_booked_as_it_is() -> None:
    decided = ruled(disputed())
    operation = evolve(planned_by(decided), accepted_by="root")
    seen = resolution_payouts(decided.entity)[:1]
    paid, explained = paid_on_chain(
        decided.entity, confirmed(operation, seen), Money.zero(), PARTIES
    )
    assert not explained
    reached = {each.destination: each.amount for each in seen}
    assert reached.get("GSELLER", Money.zero()) == paid.seller.net
    assert reached.get("GBUYER", Money.zero()) == paid.buyer.net


def test_money_of_other_contracts_is_not_this_orders() -> None:
    decided = ruled(disputed())
    other = PayoutSeen("C-other", "GSELLER", Money(5))
    seen = (*resolution_payouts(decided.entity), other)
    paid, explained = paid_on_chain(
        decided.entity, confirmed(planned_by(decided), seen), Money.zero(), PARTIES
    )
    assert explained
    assert usdc("49.85") == paid.seller.net


@pytest.mark.parametrize(
    "asked",
    [
        refund_asked,
        lambda: at_resolution(PAYEE_TERMS),
        dispute_opened,
        lambda: ruled(disputed()),
    ],
    ids=["refund", "its resolution", "dispute", "resolution"],
)
@pytest.mark.parametrize("kind", list(FailureKind))
def test_steps_of_disputes_and_refunds_never_fall_back(asked, kind: FailureKind) -> None:
    decision = asked()
    state, step = decision.entity.status, planned_by(decision).step
    for _ in range(12):
        decision = fail(decision.entity, planned_by(decision), kind)
        assert (state, step) == (decision.entity.status, planned_by(decision).step)
        assert () == decision.unit.events
    assert decision.entity.process is not None
    assert 13 == decision.entity.process.attempt


def test_a_resolutions_claim_is_answered_with_the_dispute() -> None:
    order = disputed()
    assert order.dispute is not None
    asked = disputes.Resolution(Verdict.FULL_REFUND)
    decided = disputes.resolve(
        order, order.dispute.id, asked, PARTIES, context(claim=claim("dispute.resolve"))
    )
    assert decided.unit.idempotency is not None
    assert "Dispute" == decided.unit.idempotency.resource_type
    closed = end_of(decided)
    answered = closed.unit.idempotency
    assert answered is not None
    assert answered.answer is not None
    assert closed.entity.dispute == answered.answer.shows


# Refusals.


def test_a_resolution_waits_for_the_freeze_and_names_the_disputes_state() -> None:
    order = dispute_opened().entity
    with pytest.raises(DomainError) as refused:
        ruled(order)
    assert ErrorCode.INVALID_STATE_TRANSITION is refused.value.code
    assert order.dispute is not None
    assert {
        "disputeId": order.dispute.id,
        "orderId": order.id,
        "currentState": "OPEN",
        "allowedStates": ["UNDER_REVIEW", "RESOLVED"],
        "progress": Progress(order),
    } == refused.value.details
    assert (
        "cannot resolve a dispute that is OPEN while a chain operation is in progress"
        == refused.value.message
    )


@pytest.mark.parametrize(
    ("release", "refund"), [("50.00", "30.01"), ("50.00", "29.99"), ("0.00", "0.00")]
)
def test_a_split_sums_to_the_cent(release: str, refund: str) -> None:
    with pytest.raises(DomainError) as refused:
        ruled(disputed(), Verdict.SPLIT, release, refund)
    assert ErrorCode.SPLIT_MISMATCH_AMOUNT is refused.value.code
    assert "80.00" == refused.value.details["expected"]


# The operator's way out of a release.


def release_step(status: ChainStatus) -> tuple[Order, ChainOperation]:
    asked = release_asked()
    step = planned_by(asked)
    if status in {ChainStatus.FAILED, ChainStatus.EXPIRED}:
        dead = status is ChainStatus.EXPIRED
        return asked.entity, failed(step, FailureKind.DEAD if dead else FailureKind.INCLUDED)
    return asked.entity, evolve(step, status=status, tx_hash="hash")


@pytest.mark.parametrize("status", list(ChainStatus))
def test_only_a_release_that_cannot_reach_the_chain_is_taken_back(status: ChainStatus) -> None:
    order, step = release_step(status)
    if status in {ChainStatus.SIGNED, ChainStatus.SUBMITTED, ChainStatus.CONFIRMED}:
        with pytest.raises(DomainError) as refused:
            dispute_release(order, SAID, step, PARTIES, context())
        assert ErrorCode.INVALID_STATE_TRANSITION is refused.value.code
        assert Progress(order, step) == refused.value.details["progress"]
        return
    taken = dispute_release(order, SAID, step, PARTIES, context())
    assert ("DISPUTED", "FUNDED") == (taken.entity.status.value, status_of_escrow(taken.entity))
    withdrawn = [each for each in taken.unit.writes if each.id == step.id]
    if status is ChainStatus.PLANNED:
        (ended,) = withdrawn
        assert isinstance(ended, ChainOperation)
        assert (step.version + 1, ChainStatus.FAILED) == (ended.version, ended.status)
        assert ended.failure is not None
        assert FailureKind.WITHDRAWN is ended.failure.kind
    else:
        assert [] == withdrawn
    assert "GSELLER" == planned_by(taken).source


def test_whoever_asked_for_the_release_gets_a_final_answer_of_its_own() -> None:
    order, step = release_step(ChainStatus.PLANNED)
    assert order.process is not None
    asked_for = claim("order.release")
    with_key = evolve(order, process=evolve(order.process, trace=context(claim=asked_for).trace))
    taken = dispute_release(with_key, SAID, step, PARTIES, context(claim=claim("order.dispute")))
    assert asked_for == taken.entity.unanswered
    told = disputes.answer_superseded(taken.entity, context())
    assert told is not None
    assert told.entity.unanswered is None
    assert told.unit.idempotency is not None
    assert not told.unit.idempotency.first
    answer = told.unit.idempotency.answer
    assert answer is not None
    assert isinstance(answer.shows, DomainError)
    assert ErrorCode.INVALID_STATE_TRANSITION is answer.shows.code
    assert "progress" not in answer.shows.details
    assert disputes.answer_superseded(told.entity, context()) is None


def test_no_other_state_is_left_so() -> None:
    _, step = release_step(ChainStatus.PLANNED)
    for order in (disputed(), refund_asked().entity):
        with pytest.raises(DomainError) as refused:
            dispute_release(order, SAID, step, PARTIES, context())
        assert ErrorCode.INVALID_STATE_TRANSITION is refused.value.code
