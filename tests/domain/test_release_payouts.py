"""What a release books: what the chain reports, compared with what its fees explain (§1 Fees)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain import postings
from offerhub.domain.chain import PayoutSeen
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.ledger import TransferKind
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.order_chain_ends import payout_on_chain
from offerhub.domain.order_decisions import Decision
from tests.domain.event_shapes import check_shape
from tests.domain.world import (
    PARTIES,
    RETRY,
    SELLER,
    at_release_step,
    confirmed,
    context,
    contract_of,
    payouts_of,
    planned_by,
    release_asked,
    usdc,
)

GROSS = 800_000_000
TERMS = [FeeTerms(bps, policy) for bps in (0, 250) for policy in FeePolicy]


def release_with(payouts: tuple[PayoutSeen, ...], terms: FeeTerms) -> Decision:
    asked = at_release_step(release_asked(terms=terms))
    contract = contract_of(asked.entity)
    named = tuple(
        PayoutSeen(
            contract if seen.source == "CONTRACT" else seen.source, seen.destination, seen.amount
        )
        for seen in payouts
    )
    decision = chain_ends.operation_ended(
        asked.entity,
        confirmed(planned_by(asked), named),
        PARTIES,
        RETRY,
        context(),
    )
    assert decision is not None
    return decision


def expected_release(terms: FeeTerms) -> Decision:
    order = at_release_step(release_asked(terms=terms)).entity
    return release_with(
        tuple(PayoutSeen("CONTRACT", seen.destination, seen.amount) for seen in payouts_of(order)),
        terms,
    )


def booked(decision: Decision) -> tuple[dict[str, int], dict[str, int]]:
    (transfer,) = decision.unit.transfers
    order = decision.entity.id
    return (
        {
            posting.account.replace(order, "o"): posting.amount.stroops
            for posting in transfer.postings
        },
        {holding.holding: holding.amount.stroops for holding in transfer.holdings},
    )


def test_a_release_of_eighty_under_payee_gives_the_seller_what_arrived() -> None:
    decision = expected_release(FeeTerms(0, FeePolicy.PAYEE))
    assert (
        {"escrow/o": -GROSS, "external": 2_400_000, f"available/{SELLER}": 797_600_000},
        {f"wallet/{SELLER}": 797_600_000},
    ) == booked(decision)
    credited = decision.unit.events[0]
    assert ("balance.credited", "79.76", "escrow_release") == (
        credited.type,
        credited.payload["amount"],
        credited.payload["source"],
    )


def test_a_release_of_eighty_under_platform_gives_the_seller_all_of_it() -> None:
    """The worked example of docs/spec/domain.md §1: the protocol fee is the platform's cost."""
    decision = expected_release(FeeTerms(0, FeePolicy.PLATFORM))
    assert (
        {
            "escrow/o": -GROSS,
            "external": 2_400_000,
            "treasury": -2_400_000,
            f"available/{SELLER}": GROSS,
            f"due/{SELLER}": 2_400_000,
            "due/treasury": -2_400_000,
        },
        {f"wallet/{SELLER}": 797_600_000},
    ) == booked(decision)
    assert "80.00" == decision.unit.events[0].payload["amount"]


@pytest.mark.parametrize("terms", TERMS)
def test_an_explained_release_raises_no_alarm_and_shows_its_fees(terms: FeeTerms) -> None:
    decision = expected_release(terms)
    assert ["ok"] == [entry.result for entry in decision.unit.audit]
    assert decision.entity.fees is not None
    assert usdc("0.24") == decision.entity.fees.protocol
    assert usdc("2" if terms.platform_fee_bps else "0") == decision.entity.fees.platform
    assert decision.debits is None


@given(st.sampled_from(TERMS), st.integers(1, GROSS), st.data())
def test_other_amounts_are_booked_as_the_chain_reports_them_with_an_alarm(
    terms: FeeTerms, net: int, data: st.DataObject
) -> None:
    """Whatever it was, the wallet holds that and nothing else; the whole still balances."""
    platform = data.draw(st.integers(0, GROSS - net))
    decision = release_with(
        tuple(
            PayoutSeen("CONTRACT", destination, Money(amount))
            for destination, amount in (
                ("GSELLER", net),
                ("GPLATFORM", platform),
                ("GFEES", GROSS - net - platform),
            )
            if amount
        ),
        terms,
    )
    accounts, holdings = booked(decision)
    assert net == holdings[f"wallet/{SELLER}"]
    assert platform == holdings.get("wallet/treasury", 0)
    assert 0 == sum(accounts.values())
    assert accounts[f"available/{SELLER}"] == net + accounts.get(f"due/{SELLER}", 0)
    explained = expected_release(terms)
    same = booked(explained) == (accounts, holdings)
    assert (["ok"] if same else ["ok", "alarm"]) == [e.result for e in decision.unit.audit]
    for event in decision.unit.events:
        check_shape(event)
    fees = decision.entity.fees
    assert fees is not None
    assert GROSS == net + fees.protocol.stroops + fees.platform.stroops


@pytest.mark.parametrize(
    "payouts",
    [
        (),
        (PayoutSeen("CONTRACT", "GSELLER", Money(GROSS - 1)),),
        (PayoutSeen("CONTRACT", "GSELLER", Money(GROSS + 1)),),
        (PayoutSeen("CONTRACT", "GFEES", Money(GROSS)),),
        (PayoutSeen("STRANGER", "GSELLER", Money(GROSS)),),
    ],
    ids=["nothing", "too little", "too much", "nothing to the seller", "by another contract"],
)
def test_a_report_that_is_no_release_of_the_order_books_nothing(
    payouts: tuple[PayoutSeen, ...],
) -> None:
    with pytest.raises(InvariantViolated):
        release_with(payouts, TERMS[0])


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("net", [0, GROSS - 1, GROSS + 1])
def test_what_an_operator_has_accepted_is_booked_as_it_is(terms: FeeTerms, net: int) -> None:
    order = at_release_step(release_asked(terms=terms)).entity
    seen = (PayoutSeen(contract_of(order), "GSELLER", Money(net)),) if net else ()
    payout, explained = payout_on_chain(order, seen, PARTIES, accepted=True)
    assert not explained
    assert Money(net) == payout.net
    assert payout.credited == payout.net + payout.borne
    movement = postings.pay_out(TransferKind.ESCROW_RELEASE, order.id, SELLER, payout, "tx")
    assert 0 == sum(posting.amount.stroops for posting in movement.postings)


def test_transfers_of_others_in_the_same_transaction_are_not_the_payout() -> None:
    order: Order = at_release_step(release_asked()).entity
    stranger = PayoutSeen("STRANGER", "GSELLER", Money(7))
    payout, explained = payout_on_chain(order, (*payouts_of(order), stranger), PARTIES)
    assert explained
    assert usdc("79.76") == payout.net


def test_a_contract_that_paid_more_than_the_order_books_nothing() -> None:
    """Net and fees are as expected, and something else left the contract: nobody explains that."""
    order = at_release_step(release_asked()).entity
    more = PayoutSeen(contract_of(order), "GSTRANGER", Money(7))
    with pytest.raises(InvariantViolated):
        payout_on_chain(order, (*payouts_of(order), more), PARTIES)
