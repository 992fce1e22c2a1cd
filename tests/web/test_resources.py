"""Resources have exactly the fields of docs/spec/api.md's table, and answers their envelope."""

import json

import msgspec
import pytest

from offerhub.domain import user_decisions
from offerhub.domain.errors import DomainError
from offerhub.domain.money import Money
from offerhub.domain.order_states import Action
from offerhub.domain.order_transitions import Progress, asked_for
from offerhub.domain.unit_of_work import Balance
from tests.domain.test_users import CREATE
from tests.domain.test_withdrawals import created
from tests.domain.world import (
    NOW,
    SHOWN_NOW,
    STANDING,
    at_release_step,
    confirmed,
    context,
    contract_of,
    fail,
    planned_by,
    release_asked,
    released,
)
from web.answers import body_of
from web.rendering import (
    render_balance,
    render_order,
    render_progress,
    render_user,
    render_withdrawal,
)
from web.resources import Resource, Token

ORDER = (
    "id clientOrderRef buyerId sellerId amount currency title description status outcome "
    "milestones escrow dispute fees progress metadata expiresAt autoReleaseAt createdAt updatedAt "
    "closedAt"
)
ESCROW = (
    "id orderId status trustlessContractId contractId amount currency transactionHashes createdAt "
    "updatedAt fundedAt releasedAt refundedAt"
)
WITHDRAWAL = (
    "id userId amount currency destinationType destinationRef destinationMemo status committed "
    "transactionHash airtmPayoutId failure createdAt updatedAt"
)
USER = "id externalUserId email type status metadata airtm wallet createdAt updatedAt"
BALANCE = "userId available reserved total currency updatedAt"
PROGRESS = "operation step steps transactionHash attempts lastError since"
MILESTONE = "orderId ref title description amount status completedAt"


def as_json(resource: Resource) -> dict[str, object]:
    """What a caller reads: the body's `data`."""
    data = json.loads(body_of(resource, "req-1", NOW))["data"]
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize("standing", STANDING)
def test_an_order_shows_its_fields_in_every_state(standing: str) -> None:
    order = STANDING[standing]()
    shown = as_json(render_order(order))
    assert ORDER.split() == list(shown)
    assert "80.00" == shown["amount"]
    assert [] == shown["milestones"]
    for name, fields in (("escrow", ESCROW), ("progress", PROGRESS), ("fees", "protocol platform")):
        part = shown[name]
        if part is not None:
            assert isinstance(part, dict)
            assert fields.split() == list(part)
    assert (order.process is None) == (shown["progress"] is None)
    assert (standing.startswith("CLOSED")) == (shown["closedAt"] == SHOWN_NOW)


def test_milestones_show_their_fields() -> None:
    order = release_asked(("30.00", "50.00")).entity
    milestones = as_json(render_order(order))["milestones"]
    assert isinstance(milestones, list)
    assert [MILESTONE.split()] * 2 == [list(milestone) for milestone in milestones]
    assert {
        "orderId": order.id,
        "ref": "m1",
        "title": "Part 1",
        "description": "Part 1",
        "amount": "50.00",
        "status": "COMPLETED",
        "completedAt": SHOWN_NOW,
    } == milestones[1]


def test_a_released_order_shows_its_hashes_by_step_and_its_fees_in_seven_places() -> None:
    order = released()
    shown = as_json(render_order(order))
    escrow = shown["escrow"]
    assert isinstance(escrow, dict)
    assert ["deploy", "fund", "complete:delivery", "approve:delivery", "release"] == list(
        escrow["transactionHashes"]
    )
    assert contract_of(order) == escrow["contractId"] == escrow["trustlessContractId"]
    assert ("RELEASED", SHOWN_NOW) == (escrow["status"], escrow["releasedAt"])
    assert {"protocol": "0.2400000", "platform": "0.0000000"} == shown["fees"]
    assert ("CLOSED", "RELEASED") == (shown["status"], shown["outcome"])


def test_progress_names_milestones_and_the_last_error() -> None:
    asked = release_asked(("30.00", "50.00"))
    retried = fail(asked.entity, planned_by(asked))
    process = retried.entity.process
    assert process is not None
    sent = confirmed(planned_by(retried))
    assert {
        "operation": "release",
        "step": "complete:m0",
        "steps": ("complete:m0", "complete:m1", "approve:m0", "approve:m1", "release"),
        "transactionHash": sent.tx_hash,
        "attempts": 2,
        "lastError": "it was dead",
        "since": SHOWN_NOW,
    } == msgspec.to_builtins(render_progress(Progress(retried.entity, sent)))


def test_progress_of_a_refusal_has_the_same_fields() -> None:
    order = at_release_step(release_asked()).entity
    with pytest.raises(DomainError) as refused:
        asked_for(order, Action.CANCEL)
    progress = refused.value.details["progress"]
    assert isinstance(progress, Progress)
    assert PROGRESS.split() == list(msgspec.to_builtins(render_progress(progress)))


@pytest.mark.parametrize("commit", [True, False])
def test_a_withdrawal_shows_its_fields(commit: bool) -> None:
    shown = as_json(render_withdrawal(created(commit=commit).entity))
    assert WITHDRAWAL.split() == list(shown)
    assert ("50.00", "crypto", commit) == (
        shown["amount"],
        shown["destinationType"],
        shown["committed"],
    )


def test_a_user_shows_its_fields() -> None:
    user, made, _ = user_decisions.create_user(CREATE, context())
    shown = as_json(render_user(user, made))
    assert USER.split() == list(shown)
    assert {"publicKey": "GNEW", "status": "ACTIVATING"} == shown["wallet"]
    assert shown["airtm"] is None


def test_a_balance_is_rounded_down_and_its_total_is_exact() -> None:
    """The total is the sum of what is there, not of what is shown."""
    balance = Balance("usr_1", Money(199_999), Money(100_001), NOW)
    shown = as_json(render_balance(balance, "USDC"))
    assert BALANCE.split() == list(shown)
    assert ("0.01", "0.01", "0.03") == (shown["available"], shown["reserved"], shown["total"])


def test_an_answer_is_wrapped_in_its_envelope() -> None:
    token = Token(token=None, expires_at=SHOWN_NOW)
    body = json.loads(body_of(token, "req-9", NOW))
    assert {
        "success": True,
        "data": {"token": None, "expiresAt": SHOWN_NOW},
        "meta": {"requestId": "req-9", "timestamp": SHOWN_NOW},
    } == body
