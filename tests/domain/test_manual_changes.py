"""Credits and debits by hand: against the treasury, and once a reference."""

import pytest

from offerhub.domain import manual_decisions as decisions
from offerhub.domain.answers import OpenAnswer
from offerhub.domain.decision import Decided
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.manual_change import ManualChange, ManualKind
from offerhub.domain.money import Money
from tests.domain.event_shapes import check_shape
from tests.domain.world import NOW, claim, context

USER = "usr_seller"


def changed(kind: ManualKind, reference: str | None = "ticket-1") -> Decided[ManualChange]:
    command = decisions.ChangeBalance(
        USER, kind, Money.parse("12.50"), "USDC", "for the delay", reference
    )
    return decisions.change(command, context())


@pytest.mark.parametrize(
    ("kind", "sign", "event", "why", "debits"),
    [
        (ManualKind.CREDIT, 1, "balance.credited", ("source", "manual_credit"), None),
        (ManualKind.DEBIT, -1, "balance.debited", ("destination", "manual_debit"), USER),
    ],
)
def test_a_change_by_hand_is_against_the_treasury_and_due(
    kind: ManualKind, sign: int, event: str, why: tuple[str, str], debits: str | None
) -> None:
    decision = changed(kind)
    (transfer,) = decision.unit.transfers
    assert {
        f"available/{USER}": sign * 125_000_000,
        "treasury": -sign * 125_000_000,
        f"due/{USER}": sign * 125_000_000,
        "due/treasury": -sign * 125_000_000,
    } == {posting.account: posting.amount.stroops for posting in transfer.postings}
    assert () == transfer.holdings
    assert debits == decision.debits
    (told,) = decision.unit.events
    check_shape(told)
    assert (event, why[1], "ticket-1") == (
        told.type,
        told.payload[why[0]],
        told.payload["reference"],
    )
    (entry,) = decision.unit.audit
    assert (f"balance.{kind.value}", "Balance", USER) == (
        entry.action,
        entry.resource_type,
        entry.resource_id,
    )
    assert "for the delay" not in repr(entry)  # the caller's free text stays out of the audit


def test_a_change_without_a_reference_is_known_by_its_transfer() -> None:
    decision = changed(ManualKind.CREDIT, None)
    (transfer,) = decision.unit.transfers
    (told,) = decision.unit.events
    assert transfer.id == decision.entity.id == told.payload["reference"]
    assert decision.entity.reference is None


def test_a_reference_that_is_used_again_keeps_the_first_answer_under_the_new_key() -> None:
    first = changed(ManualKind.CREDIT).entity
    assert decisions.repeated(first, Money.parse("12.50"), context()) is None
    unit = decisions.repeated(first, Money.parse("12.50"), context(claim=claim("balance.credit")))
    assert unit is not None
    assert () == unit.transfers
    assert unit.idempotency is not None
    assert OpenAnswer(first, "balance.credit", "req-1", NOW) == unit.idempotency.answer


def test_a_reference_does_not_stand_for_another_amount() -> None:
    with pytest.raises(DomainError) as refused:
        decisions.repeated(changed(ManualKind.DEBIT).entity, Money.parse("12.51"), context())
    assert ErrorCode.IDEMPOTENCY_KEY_REUSED is refused.value.code
    assert {"reference": "ticket-1", "amount": "12.50"} == refused.value.details
