"""Credits and debits by hand over HTTP: what they move, what they answer, and every refusal."""

from datetime import timedelta

import pytest

from offerhub.domain import postings
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.money import BALANCE_MAX, Money
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from tests.web.running import PLATFORM_USER
from tests.web.test_holds import data_of, figures, refusal_of

NOBODY = "usr_000000000000000000001"
KINDS = ("credit", "debit")


def path(user_id, kind):
    return f"/users/{user_id}/balance/{kind}"


def body(amount="10.00", **fields):
    return {"amount": amount, "description": "for the delay", **fields}


async def fill_treasury(running, amount):
    """USDC reaches the platform's wallet."""
    context = DecisionContext(
        running.system.clock(), running.system.ids, Trace.system("test", "req_t")
    )
    movement = postings.deposit_to_treasury(Money.parse(amount), "1-0")
    transfer = context.transfer(movement, reference="dep", cause="test")
    outcome = await running.journal.commit(
        UnitOfWork(at=context.now, trace=context.trace, transfers=(transfer,))
    )
    assert isinstance(outcome, Committed)


async def owner(running, amount="100.00", treasury="1000.00"):
    user = await running.user("owner")
    await running.deposit(user, amount)
    await fill_treasury(running, treasury)
    return user


@pytest.mark.shows("POST /users/{id}/balance/credit", "POST /users/{id}/balance/debit")
async def test_credit_and_debit_answer_with_the_balance(running):
    user = await owner(running)

    credited = await running.post(path(user.id, "credit"), body("30.00"))
    debited = await running.post(path(user.id, "debit"), body("50.00"))

    assert "130.00" == (await data_of(credited))["available"]
    data = await data_of(debited)
    assert ["userId", "available", "reserved", "total", "currency", "updatedAt"] == list(data)
    assert data == await data_of(await running.get(f"/users/{user.id}/balance"))
    books = await running.system.storage.books()
    assert -200_000_000 == books.account(f"due/{user.id}").stroops
    assert 10_200_000_000 == books.account("treasury").stroops


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", [None, "k-2"])
async def test_a_used_reference_moves_nothing_and_gives_the_first_answer(running, kind, key):
    user = await owner(running)
    asked = path(user.id, kind), body("30.00", reference="ticket-1")

    first = await data_of(await running.post(*asked, key="k-1" if key else None))
    await running.deposit(user, "7.00")  # the first answer stands, whatever has moved since
    again = await running.post(*asked, key=key)

    assert first == await data_of(again)
    sign = 1 if kind == "credit" else -1
    assert (f"{107 + sign * 30}.00", "0.00") == await figures(running, user)
    if key:
        replay = await running.post(*asked, key=key)
        assert "true" == replay.headers["Idempotency-Replayed"]
        assert await again.get_data() == await replay.get_data()


async def test_a_used_reference_stands_for_good(running):
    """A day later no idempotency key is remembered; a reference is."""
    user = await owner(running)
    asked = path(user.id, "credit"), body("30.00", reference="ticket-1")
    first = await data_of(await running.post(*asked, key="k-1"))
    running.clock_offset = timedelta(days=40)

    assert first == await data_of(await running.post(*asked, key="k-1"))
    assert ("130.00", "0.00") == await figures(running, user)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_used_reference_with_another_amount_is_refused(running, kind):
    user = await owner(running)
    await running.post(path(user.id, kind), body("30.00", reference="ticket-1"))

    answer = await running.post(path(user.id, kind), body("30.01", reference="ticket-1"))

    assert (
        409,
        "IDEMPOTENCY_KEY_REUSED",
        {"reference": "ticket-1", "amount": "30.00"},
    ) == await refusal_of(answer)


async def test_a_reference_belongs_to_one_user_and_one_direction(running):
    user, other = await owner(running), await running.user("other")
    for user_id, kind in ((user.id, "credit"), (user.id, "debit"), (other.id, "credit")):
        answer = await running.post(path(user_id, kind), body("5.00", reference="ticket-1"))
        assert 200 == answer.status_code

    assert ("100.00", "0.00") == await figures(running, user)
    assert ("5.00", "0.00") == await figures(running, other)


async def test_no_more_is_debited_than_is_available(running):
    user = await owner(running)

    answer = await running.post(path(user.id, "debit"), body("100.01"))

    assert (
        422,
        "INSUFFICIENT_FUNDS",
        {"available": "100.00", "requested": "100.01", "currency": "USDC"},
    ) == await refusal_of(answer)


async def test_no_more_is_credited_than_the_treasurys_wallet_backs(running):
    user = await owner(running, treasury="50.00")
    await running.post(path(user.id, "credit"), body("20.00"))

    answer = await running.post(path(user.id, "credit"), body("30.01"))
    fits = await running.post(path(user.id, "credit"), body("30.00"))

    status, code, details = await refusal_of(answer)
    assert (422, "WALLET_NOT_READY") == (status, code)
    assert ("30.00", "30.01", "the treasury is short of USDC") == (
        details["available"],
        details["requested"],
        details["reason"],
    )
    assert 200 == fits.status_code


async def test_what_a_user_owes_the_treasury_backs_a_credit(running):
    """It nets against the debt: the treasury's wallet pays nothing for it."""
    user = await owner(running, treasury="0.01")
    await running.post(path(user.id, "debit"), body("40.00"))

    fits = await running.post(path(user.id, "credit"), body("40.01"))
    more = await running.post(path(user.id, "credit"), body("0.01"))

    assert 200 == fits.status_code
    assert (422, "WALLET_NOT_READY") == (await refusal_of(more))[:2]


async def test_a_credit_that_the_treasury_did_not_back_may_be_tried_again_with_its_key(running):
    user = await owner(running, treasury="1.00")
    asked = path(user.id, "credit"), body("30.00", reference="ticket-1")

    refused = await running.post(*asked, key="k-1")
    await fill_treasury(running, "50.00")
    credited = await running.post(*asked, key="k-1")

    assert 422 == refused.status_code
    assert "130.00" == (await data_of(credited))["available"]


async def test_a_balance_takes_no_credit_beyond_its_limit(running):
    user = await owner(running)
    await running.deposit(user, BALANCE_MAX - Money.parse("101.00"))

    answer = await running.post(path(user.id, "credit"), body("1.01"))

    assert (422, "AMOUNT_OUT_OF_LIMITS") == (await refusal_of(answer))[:2]


@pytest.mark.parametrize("kind", KINDS)
async def test_neither_nobody_nor_the_platform_is_credited_or_debited(running, kind):
    missing = await running.post(path(NOBODY, kind), body())
    platform = await running.post(path(PLATFORM_USER, kind), body())

    assert (404, "USER_NOT_FOUND", {"userId": NOBODY}) == await refusal_of(missing)
    assert (422, "SAME_USER") == (await refusal_of(platform))[:2]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": 10}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"amount": "1e2"}, "INVALID_AMOUNT_FORMAT", "amount"),
        ({"description": None}, "MISSING_REQUIRED_FIELD", "description"),
        ({"reference": ""}, "VALIDATION_ERROR", "reference"),
    ],
)
async def test_a_fault_of_a_field_is_named(running, kind, change, code, field):
    user = await running.user()

    answer = await running.post(path(user.id, kind), {**body(), **change})

    status, given, details = await refusal_of(answer)
    assert (400, code, [field]) == (status, given, [each["field"] for each in details["fields"]])


@pytest.mark.parametrize("kind", KINDS)
async def test_changes_by_hand_need_the_scope_support(running, kind):
    user, key = await running.user(), await running.key("read", "write")

    answer = await running.post(
        path(user.id, kind), body(), headers={"Authorization": f"Bearer {key}"}
    )

    status, code, details = await refusal_of(answer)
    assert (403, "INSUFFICIENT_SCOPE", "support") == (status, code, details["requiredScope"])
