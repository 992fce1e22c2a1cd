"""Endpoints and codes that no test of a flow of their own shows."""

import pytest
from attrs import evolve

from offerhub.domain.chain import PayoutSeen
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import UnitOfWork
from offerhub.providers.stellar.port import AccountPayment
from tests.web.running import START
from tests.web.test_refusals import refusal_of

PAID = (
    PayoutSeen("CCONTRACT", "GSELLER", Money.parse("79.76")),
    PayoutSeen("CCONTRACT", "GFEES", Money.parse("0.24")),
)
MILESTONE = {"ref": "draft", "title": "Draft", "amount": "80.00"}


async def in_progress(running, **fields) -> str:
    """An order whose contract is funded."""
    order_id = await running.order(reserved=True, **fields)
    for path in ("escrow", "escrow/fund"):
        await running.post(f"/orders/{order_id}/{path}", headers={"Prefer": "respond-async"})
        await running.end_operation(order_id)
    return order_id


@pytest.mark.shows("POST /orders/{id}/resolution/release")
async def test_a_release_closes_the_order(running):
    order_id = await in_progress(running)

    begun = await running.post(
        f"/orders/{order_id}/resolution/release", headers={"Prefer": "respond-async"}
    )
    assert 202 == begun.status_code
    while (await running.stored(Order, order_id)).process is not None:
        # What the last step pays; the ones before it pay nothing, and nobody asks.
        await running.end_operation(order_id, payouts=PAID)

    order = (await (await running.get(f"/orders/{order_id}")).get_json())["data"]
    assert ("CLOSED", "RELEASED") == (order["status"], order["outcome"])


@pytest.mark.shows("GET /users/{id}/wallet/transactions")
async def test_a_wallets_transactions_are_what_the_network_says(running):
    user = await running.user()
    running.network.payments = (
        AccountPayment(
            id="7-1",
            type="payment",
            source="GSENDER",
            destination=user.public_key,
            amount=Money.parse("12.34"),
            asset="USDC:GISSUER",
            created_at=START,
            transaction_hash="ab" * 32,
            successful=True,
        ),
    )

    answer = await running.get(f"/users/{user.id}/wallet/transactions?limit=5")

    (only,) = (await answer.get_json())["data"]
    assert ("7-1", "12.3400000", "ab" * 32) == (only["id"], only["amount"], only["hash"])


@pytest.mark.shows("WALLET_NOT_FOUND")
async def test_a_user_whose_wallet_is_gone_is_told_so(running):
    user = await running.user()
    await running.journal.commit(
        UnitOfWork(
            at=START,
            trace=Trace.system("test", "req_test"),
            writes=(evolve(user, version=2, wallet_id="wal_000000000000000000001"),),
        )
    )

    answer = await running.get(f"/users/{user.id}/wallet")

    assert (404, "WALLET_NOT_FOUND") == await refusal_of(answer)


@pytest.mark.shows("MILESTONE_ALREADY_COMPLETED")
async def test_a_milestone_is_completed_once(running):
    order_id = await in_progress(running, milestones=[MILESTONE])
    path = f"/orders/{order_id}/milestones/draft/complete"
    await running.post(path)

    assert (409, "MILESTONE_ALREADY_COMPLETED") == await refusal_of(await running.post(path))


@pytest.mark.shows("ESCROW_ALREADY_EXISTS")
async def test_an_order_has_one_escrow(running):
    order_id = await in_progress(running)

    answer = await running.post(f"/orders/{order_id}/escrow")

    assert (409, "ESCROW_ALREADY_EXISTS") == await refusal_of(answer)


@pytest.mark.shows("RESERVE_MISMATCH_AMOUNT")
async def test_a_reserve_of_another_amount_is_refused(running):
    order_id = await running.order()

    answer = await running.post(f"/orders/{order_id}/reserve", {"amount": "79.99"})

    assert (422, "RESERVE_MISMATCH_AMOUNT") == await refusal_of(answer)


@pytest.mark.shows("CLIENT_ORDER_REF_TAKEN")
async def test_a_client_order_ref_is_taken_once(running):
    first = (await (await running.get(f"/orders/{await running.order()}")).get_json())["data"]
    body = {
        "buyerId": first["buyerId"],
        "sellerId": first["sellerId"],
        "amount": "5.00",
        "title": "Again",
        "clientOrderRef": "basket-7",
    }

    assert 201 == (await running.post("/orders", body)).status_code
    assert (409, "CLIENT_ORDER_REF_TAKEN") == await refusal_of(await running.post("/orders", body))


@pytest.mark.shows("SAME_USER")
async def test_a_user_does_not_buy_of_himself_nor_anyone_of_the_platform(running):
    user = await running.user()
    body = {"buyerId": user.id, "sellerId": user.id, "amount": "5.00", "title": "Mine"}

    assert (422, "SAME_USER") == await refusal_of(await running.post("/orders", body))


@pytest.mark.shows("AMOUNT_OUT_OF_LIMITS")
async def test_an_amount_outside_the_limits_is_told_them(running):
    buyer, seller = await running.user("buyer"), await running.user("seller")
    body = {"buyerId": buyer.id, "sellerId": seller.id, "amount": "0.99", "title": "Cheap"}

    answer = await running.post("/orders", body)

    assert (422, "AMOUNT_OUT_OF_LIMITS") == await refusal_of(answer)
    details = (await answer.get_json())["error"]["details"]
    assert {"min": "1.00", "max": "10000.00"} == {name: details[name] for name in ("min", "max")}


@pytest.mark.shows("WITHDRAWAL_NOT_COMMITTABLE")
async def test_a_canceled_withdrawal_is_not_committed(running):
    user = await running.user()
    await running.deposit(user, "50.00")
    body = {
        "userId": user.id,
        "amount": "20.00",
        "destinationType": "crypto",
        "destinationRef": "GDEST",
        "commit": False,
    }
    made = (await (await running.post("/withdrawals", body)).get_json())["data"]["id"]
    await running.post(f"/withdrawals/{made}/cancel")

    answer = await running.post(f"/withdrawals/{made}/commit")

    assert (409, "WITHDRAWAL_NOT_COMMITTABLE") == await refusal_of(answer)
