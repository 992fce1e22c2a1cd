"""Actions that wait for the chain (docs/spec/api.md, Long operations)."""

import pytest
import trio
import trio.testing

from tests.web.running import CHAIN_WAIT_S


async def data_of(answer):
    return (await answer.get_json())["data"]


async def asked_and_ended(running, path, end, **more):
    """Ask, let the chain end the work once it is waited for, and give the answer."""
    answers = []

    async def ask():
        answers.append(await running.post(path, **more))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert [] == answers
        await end()
    return answers[0]


@pytest.mark.shows("POST /orders/{id}/escrow", "POST /orders/{id}/escrow/fund")
async def test_an_escrow_answers_when_the_chain_has_confirmed(running):
    order_id = await running.order(reserved=True)

    deployed = await asked_and_ended(
        running, f"/orders/{order_id}/escrow", lambda: running.end_operation(order_id), key="e"
    )
    funded = await asked_and_ended(
        running, f"/orders/{order_id}/escrow/fund", lambda: running.end_operation(order_id)
    )

    assert (200, 200) == (deployed.status_code, funded.status_code)
    assert ("ESCROW_CREATING", "CREATED", None) == (
        (await data_of(deployed))["status"],
        (await data_of(deployed))["escrow"]["status"],
        (await data_of(deployed))["progress"],
    )
    assert "IN_PROGRESS" == (await data_of(funded))["status"]
    replayed = await running.post(f"/orders/{order_id}/escrow", key="e")
    assert await deployed.get_data() == await replayed.get_data()


async def test_after_the_wait_it_is_a_202_with_the_order_as_it_stands(running, autojump_clock):
    order_id = await running.order(reserved=True)
    began = trio.current_time()

    answer = await running.post(f"/orders/{order_id}/escrow")

    assert 202 == answer.status_code
    assert 0 <= trio.current_time() - began - CHAIN_WAIT_S < 0.001
    data = await data_of(answer)
    assert ("escrow", "deploy", ["deploy"]) == (
        data["progress"]["operation"],
        data["progress"]["step"],
        data["progress"]["steps"],
    )


async def test_a_second_action_meanwhile_is_a_409_with_progress_and_is_not_kept(running):
    order_id = await running.order(reserved=True)
    await running.post(f"/orders/{order_id}/escrow", headers={"Prefer": "respond-async"})

    second = await running.post(f"/orders/{order_id}/escrow/fund", key="f")
    await running.end_operation(order_id)
    third = await asked_and_ended(
        running, f"/orders/{order_id}/escrow/fund", lambda: running.end_operation(order_id), key="f"
    )

    assert 409 == second.status_code
    assert "escrow" == (await second.get_json())["error"]["details"]["progress"]["operation"]
    assert 200 == third.status_code


@pytest.mark.shows("PROVIDER_ERROR")
async def test_an_escrow_that_has_fallen_back_is_a_502_and_its_key_tries_again(running):
    order_id = await running.order(reserved=True)

    failed = await asked_and_ended(
        running,
        f"/orders/{order_id}/escrow",
        lambda: running.end_operation(order_id, failure="the provider says no"),
        key="k",
    )
    again = await asked_and_ended(
        running, f"/orders/{order_id}/escrow", lambda: running.end_operation(order_id), key="k"
    )

    assert 502 == failed.status_code
    error = (await failed.get_json())["error"]
    assert "PROVIDER_ERROR" == error["code"]
    assert {
        "orderId": order_id,
        "currentState": "FUNDS_RESERVED",
        "attempts": 1,
        "lastError": "the provider says no",
    } == error["details"]
    assert 200 == again.status_code


@pytest.mark.shows("ESCROW_INSUFFICIENT_FUNDS")
async def test_a_funding_for_which_the_wallet_holds_too_little_says_so_and_its_key_tries_again(
    running,
):
    """Books and chain differ: an operator must act, and the same call works after that."""
    order_id = await running.order(reserved=True)
    path = f"/orders/{order_id}/escrow"
    await asked_and_ended(running, path, lambda: running.end_operation(order_id))

    refused = await asked_and_ended(
        running,
        f"{path}/fund",
        lambda: running.end_operation(
            order_id,
            failure="The signer has insufficient funds to fund the escrow",
            code="INSUFFICIENT_FUNDS_FOR_FUNDING",
        ),
        key="k",
    )
    again = await asked_and_ended(
        running, f"{path}/fund", lambda: running.end_operation(order_id), key="k"
    )

    assert 422 == refused.status_code
    error = (await refused.get_json())["error"]
    assert "ESCROW_INSUFFICIENT_FUNDS" == error["code"]
    assert ("ESCROW_CREATING", 1) == (
        error["details"]["currentState"],
        error["details"]["attempts"],
    )
    assert 200 == again.status_code


@pytest.mark.shows("POST /orders/{id}/resolution/refund")
async def test_a_refund_before_the_funding_ends_at_once(running):
    order_id = await running.order(reserved=True)
    await running.post(f"/orders/{order_id}/escrow", headers={"Prefer": "respond-async"})
    await running.end_operation(order_id)

    answer = await running.post(f"/orders/{order_id}/resolution/refund", {"reason": "no need"})

    assert 200 == answer.status_code
    assert ("CLOSED", "REFUNDED") == (
        (await data_of(answer))["status"],
        (await data_of(answer))["outcome"],
    )


@pytest.mark.shows(
    "GET /orders/{id}/milestones",
    "POST /orders/{id}/milestones/{ref}/complete",
    "MILESTONES_OPEN",
    "MILESTONE_NOT_FOUND",
)
async def test_milestones_are_completed_and_a_release_wants_all_of_them(running):
    milestones = [
        {"ref": "a", "title": "A", "amount": "30.00"},
        {"ref": "b", "title": "B", "amount": "50.00"},
    ]
    order_id = await running.order(reserved=True, milestones=milestones)
    for path in ("escrow", "escrow/fund"):
        await running.post(f"/orders/{order_id}/{path}", headers={"Prefer": "respond-async"})
        await running.end_operation(order_id)

    first = await running.post(f"/orders/{order_id}/milestones/a/complete", key="m")
    replayed = await running.post(f"/orders/{order_id}/milestones/a/complete", key="m")
    unknown = await running.post(f"/orders/{order_id}/milestones/zz/complete")
    early = await running.post(f"/orders/{order_id}/resolution/release")
    listed = await data_of(await running.get(f"/orders/{order_id}/milestones"))

    assert "COMPLETED" == (await data_of(first))["status"]
    assert await first.get_data() == await replayed.get_data()
    assert "MILESTONE_NOT_FOUND" == (await unknown.get_json())["error"]["code"]
    assert "MILESTONES_OPEN" == (await early.get_json())["error"]["code"]
    assert ["b"] == (await early.get_json())["error"]["details"]["refs"]
    assert ["COMPLETED", "OPEN"] == [each["status"] for each in listed]


async def withdrawal(running, **more):
    user = await running.user("w")
    await running.deposit(user, "50.00")
    return {
        "userId": user.id,
        "amount": "20.00",
        "destinationType": "crypto",
        "destinationRef": "GDEST",
        **more,
    }


def the_one(running):
    (only,) = running.system.withdrawal_board._snapshots
    return only


@pytest.mark.shows("POST /withdrawals")
async def test_a_withdrawal_completes_in_its_post(running):
    body = await withdrawal(running)

    answer = await asked_and_ended(
        running,
        "/withdrawals",
        lambda: running.end_withdrawal(the_one(running)),
        json=body,
        key="w",
    )
    replayed = await running.post("/withdrawals", body, key="w")

    assert (201, 201) == (answer.status_code, replayed.status_code)
    assert await answer.get_data() == await replayed.get_data()
    assert ("WITHDRAWAL_COMPLETED", True) == (
        (await data_of(answer))["status"],
        (await data_of(answer))["committed"],
    )


async def test_a_withdrawal_that_fails_answers_as_if_it_had_succeeded_and_is_kept(running):
    body = await withdrawal(running)

    answer = await asked_and_ended(
        running,
        "/withdrawals",
        lambda: running.end_withdrawal(the_one(running), failure="no trustline"),
        json=body,
        key="w",
    )
    replayed = await running.post("/withdrawals", body, key="w")

    assert (201, 201) == (answer.status_code, replayed.status_code)
    assert "WITHDRAWAL_FAILED" == (await data_of(answer))["status"]
    assert "no trustline" == (await data_of(replayed))["failure"]["reason"]


@pytest.mark.shows(
    "GET /withdrawals",
    "GET /withdrawals/{id}",
    "POST /withdrawals/{id}/commit",
    "POST /withdrawals/{id}/cancel",
)
async def test_a_withdrawal_without_commit_is_committed_or_canceled_later(running):
    body = await withdrawal(running, commit=False)
    created = await running.post("/withdrawals", body)
    first = (await data_of(created))["id"]

    committed = await asked_and_ended(
        running, f"/withdrawals/{first}/commit", lambda: running.end_withdrawal(first)
    )
    second = (await data_of(await running.post("/withdrawals", body)))["id"]
    canceled = await running.post(f"/withdrawals/{second}/cancel")
    shown = await data_of(await running.get(f"/withdrawals/{second}"))
    listed = await data_of(await running.get(f"/withdrawals?userId={body['userId']}"))

    assert (201, False) == (created.status_code, (await data_of(created))["committed"])
    assert (200, "WITHDRAWAL_COMPLETED") == (
        committed.status_code,
        (await data_of(committed))["status"],
    )
    assert (200, "WITHDRAWAL_CANCELED") == (
        canceled.status_code,
        (await data_of(canceled))["status"],
    )
    assert "WITHDRAWAL_CANCELED" == shown["status"]
    assert [second, first] == [each["id"] for each in listed]


async def test_a_withdrawal_that_is_on_its_way_answers_202(running):
    body = await withdrawal(running)

    answer = await running.post("/withdrawals", body, headers={"Prefer": "respond-async"}, key="w")
    meanwhile = await running.post("/withdrawals", body, key="w")
    await running.end_withdrawal(the_one(running))
    ended = await running.post("/withdrawals", body, key="w")

    assert (202, 202, 201) == (answer.status_code, meanwhile.status_code, ended.status_code)
