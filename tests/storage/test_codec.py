"""Stored documents: what is written comes back, and what older versions wrote still loads."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerhub.domain.chain import ChainFailure, ChainOperation, ChainStatus, FailureKind, PayoutSeen
from offerhub.domain.fees import FeePolicy, FeesKept, FeeTerms
from offerhub.domain.intents import (
    Intent,
)
from offerhub.domain.money import Money
from offerhub.domain.order import (
    Escrow,
    EscrowStatus,
    FailedAttempt,
    Milestone,
    MilestoneStatus,
    Operation,
    Order,
    OrderStatus,
    Outcome,
    Process,
)
from offerhub.domain.steps import DEPLOY, RELEASE, Step, StepHash, StepKind
from offerhub.domain.trace import IdempotencyClaim, Trace
from offerhub.domain.users import Wallet
from storage.codec import UnreadableDocument, decode, encode
from tests.domain.intents import INTENTS
from tests.storage.units import Hands

STORED = Path(__file__).parent / "stored"
MOMENT = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
TRACE = Trace(
    "req_1", "key:key_1", "evt_1", "192.0.2.1", "agent", IdempotencyClaim("k", "f", "order.reserve")
)


def order_v1() -> Order:
    """An order with every field that version 1 had, none at its default."""
    return Order(
        id="ord_1",
        version=9,
        buyer_id="usr_b",
        seller_id="usr_s",
        amount=Money.parse("80.00"),
        currency="USDC",
        title="Logo “Ü”",
        status=OrderStatus.RELEASE_REQUESTED,
        created_at=MOMENT,
        updated_at=MOMENT,
        description="three drafts",
        client_order_ref="A-1",
        milestones=(
            Milestone("m1", "Draft", Money.parse("30.00"), MilestoneStatus.COMPLETED, MOMENT),
            Milestone("m2", "Final", Money.parse("50.00")),
        ),
        metadata={"tags": ["a", 1, None, {"deep": True}], "rate": 0.5},
        outcome=Outcome.RELEASED,
        escrow_id="esc_1",
        escrow=Escrow(
            "esc_1",
            EscrowStatus.RELEASING,
            MOMENT,
            "CABC",
            (StepHash(DEPLOY, "aa"),),
            MOMENT,
            MOMENT,
            MOMENT,
        ),
        fee_terms=FeeTerms(150, FeePolicy.PAYEE),
        fees=FeesKept(Money(2_400_000), Money(12_000_000)),
        process=Process(
            Operation.RELEASE,
            (Step(StepKind.COMPLETE, 0), RELEASE),
            1,
            2,
            "chn_1",
            MOMENT,
            TRACE,
            "late",
        ),
        failed_attempt=FailedAttempt(Operation.FUND, 3, "refused", MOMENT),
        closed_at=MOMENT,
    )


def test_an_order_that_version_1_stored_still_loads() -> None:
    assert decode(Order, (STORED / "order_v1.json").read_bytes()) == order_v1()


def test_fields_at_their_defaults_are_left_out_and_taken_when_absent() -> None:
    order = Hands().order()
    stored = msgspec.json.decode(encode(order))
    assert "escrow" not in stored
    assert "metadata" not in stored
    assert stored["amount"] == 800_000_000
    assert decode(Order, encode(order)) == order


def test_a_field_of_a_newer_version_is_refused() -> None:
    document = encode(Hands().order())[:-1]
    with pytest.raises(UnreadableDocument, match="unknown field `split`"):
        decode(Order, document + ',"split":1}')
    nested = encode(order_v1()).replace('"contract_id"', '"contract"')
    with pytest.raises(UnreadableDocument, match="contract"):
        decode(Order, nested)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"amount":800000000', '"amount":"80.00"'),
        ('"amount":800000000', '"amount":8.5'),
        ('"status":"ORDER_CREATED"', '"status":"LOST"'),
        ("Z", ""),
        ('"version":1,', ""),
    ],
)
def test_a_document_of_another_shape_is_refused(before: str, after: str) -> None:
    document = encode(Hands().order())
    assert before in document
    with pytest.raises(UnreadableDocument):
        decode(Order, document.replace(before, after))


def test_bytes_and_operations_come_back_exactly() -> None:
    wallet = Hands().wallet()
    assert decode(Wallet, encode(wallet)) == wallet
    operation = Hands().operation(
        status=ChainStatus.FAILED,
        payouts=(PayoutSeen("CABC", "GDEF", Money(-1)),),
        failure=ChainFailure(FailureKind.INCLUDED, "op_underfunded", "tx_failed"),
        closed_at=MOMENT,
        max_time=1,
    )
    assert decode(ChainOperation, encode(operation)) == operation


def test_the_example_of_each_intent_is_complete() -> None:
    assert set(get_args(Intent)) == {type(intent) for intent in INTENTS}


@pytest.mark.parametrize("intent", INTENTS, ids=lambda intent: type(intent).__name__)
def test_an_operation_is_stored_with_its_whole_intent(intent: Intent) -> None:
    operation = Hands().operation(intent=intent, not_before=MOMENT)
    assert decode(ChainOperation, encode(operation)) == operation


def test_an_intent_of_an_unknown_type_is_refused() -> None:
    document = encode(Hands().operation())
    assert '"type":"TrustUsdc"' in document
    with pytest.raises(UnreadableDocument):
        decode(ChainOperation, document.replace("TrustUsdc", "BurnUsdc"))


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    stroops=st.integers(-(2**63) + 1, 2**63 - 1),
    title=st.text(st.characters(exclude_categories=["Cs"])),
    metadata=st.dictionaries(st.text(), _json, max_size=3),
    moment=st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_callers_sent_comes_back(
    stroops: int, title: str, metadata: dict[str, object], moment: datetime
) -> None:
    order = Hands(now=moment).order(amount=Money(stroops), title=title, metadata=metadata)
    assert decode(Order, encode(order)) == order
