"""Refunds of funded orders and disputes over the API, to their ends on the chain (docs/spec/domain.md §2)."""

from typing import Any

import pytest
import trio

from offerhub.domain.order import Order
from offerhub.sandbox.fault_plan import FaultKind
from tests.web.market_over_http import ASYNC, Shop, data_of, error_of, open_shop, refusal_of

OPENED = {"openedBy": "BUYER", "reason": "NOT_DELIVERED", "evidence": ["https://shop.test/1"]}
SPLIT = {"decision": "SPLIT", "releaseAmount": "50.00", "refundAmount": "30.00", "note": "half"}
COMPLETE = "POST /escrow/single-release/change-milestone-status"
SUBMIT = "POST /transactions"


def disputes_of(order: Order) -> str:
    return f"/orders/{order.id}/resolution/dispute"


async def disputed(shop: Shop) -> tuple[Order, str]:
    """An order whose contract is frozen, and its dispute's id."""
    order = await shop.market.funded_order()
    answer = await shop.post(disputes_of(order), OPENED)
    assert 201 == answer.status_code
    return order, (await data_of(answer))["id"]


async def released(shop: Shop) -> Order:
    """A funded order whose release the provider does not build."""
    order = await shop.market.funded_order()
    shop.market.fault(FaultKind.ERROR_BEFORE, COMPLETE, times=1000)
    release = await shop.post(
        f"/orders/{order.id}/resolution/release", headers=ASYNC, key="the release"
    )
    assert 202 == release.status_code
    await trio.sleep(60)
    return order


@pytest.mark.shows("POST /orders/{id}/resolution/refund")
async def test_a_funded_order_is_refunded_when_the_chain_has_paid(autojump_clock: object) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        path, asked = f"/orders/{order.id}/resolution/refund", {"reason": "never came"}
        answer = await shop.post(path, asked, key="r")
        data = await data_of(answer)
        assert (200, "CLOSED", "REFUNDED", "REFUNDED") == (
            answer.status_code,
            data["status"],
            data["outcome"],
            data["escrow"]["status"],
        )
        assert {"protocol": "0.2400000", "platform": "0.0000000"} == data["fees"]
        assert data["dispute"] is None
        assert {"deploy", "fund", "dispute", "resolve"} == set(data["escrow"]["transactionHashes"])
        again = await shop.post(path, asked, key="r")
        assert await answer.get_data() == await again.get_data()
        assert "99.76" == await shop.market.available(await shop.market.buyer(order))
        await shop.market.check_books()
        told = [each["eventType"] for each in await shop.market.events()]
        assert [
            "order.refund_requested",
            "balance.credited",
            "escrow.refunded",
            "order.refunded",
            "order.closed",
        ] == told[-5:]


async def test_a_refund_is_refused_where_it_no_longer_fits(autojump_clock: object) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        path = f"/orders/{order.id}/resolution/refund"
        asked = await shop.post(path, {"reason": "late"}, headers=ASYNC)
        assert 202 == asked.status_code
        progress = (await data_of(asked))["progress"]
        assert ("refund", "dispute", ["dispute", "resolve"]) == (
            progress["operation"],
            progress["step"],
            progress["steps"],
        )
        for other in (path, f"/orders/{order.id}/resolution/release"):
            error = await error_of(await shop.post(other, {"reason": "late"}))
            assert (409, "INVALID_STATE_TRANSITION") == (error["status"], error["code"])
            assert "refund" == error["details"]["progress"]["operation"]
            assert ["REFUNDED"] == error["details"]["allowedStates"]
        error = await error_of(await shop.post(disputes_of(order), OPENED))
        assert (409, "INVALID_STATE_TRANSITION") == (error["status"], error["code"])
        assert "REFUNDED" == (await shop.shown(order))["outcome"]


@pytest.mark.shows("POST /orders/{id}/resolution/dispute", "GET /disputes", "GET /disputes/{id}")
async def test_a_dispute_freezes_the_order_at_once_and_the_contract_after_it(
    autojump_clock: object,
) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        begun = await shop.post(disputes_of(order), OPENED, headers=ASYNC, key="d")
        assert 202 == begun.status_code
        frozen = await data_of(await shop.get(f"/orders/{order.id}"))
        assert ("DISPUTED", "FUNDED", "dispute") == (
            frozen["status"],
            frozen["escrow"]["status"],
            frozen["progress"]["operation"],
        )
        told = [each["eventType"] for each in await shop.market.events()]
        assert ["order.disputed", "dispute.opened"] == told[-2:]
        dispute = frozen["dispute"]
        assert {**OPENED, "orderId": order.id, "status": "OPEN"}.items() <= dispute.items()
        assert dispute["resolutionDecision"] is dispute["assignedTo"] is None
        running = await shop.post(disputes_of(order), OPENED, key="d")
        assert (202, dispute) == (running.status_code, await data_of(running))

        shown = await shop.shown(order)
        assert ("DISPUTED", "DISPUTED", None) == (
            shown["status"],
            shown["escrow"]["status"],
            shown["progress"],
        )
        assert "escrow.disputed" == (await shop.market.events())[-1]["eventType"]
        ended = await shop.post(disputes_of(order), OPENED, key="d")
        assert (201, "true") == (ended.status_code, ended.headers["Idempotency-Replayed"])
        assert dispute["id"] == (await data_of(ended))["id"]

        assert shown["dispute"] == await data_of(await shop.get(f"/disputes/{dispute['id']}"))
        for query, found in (
            ("", [shown["dispute"]]),
            (f"?orderId={order.id}&status=OPEN&openedBy=BUYER", [shown["dispute"]]),
            ("?status=RESOLVED", []),
            ("?openedBy=SELLER", []),
            ("?orderId=ord_000000000000000000000", []),
        ):
            assert found == (await (await shop.get(f"/disputes{query}")).get_json())["data"]
        assert 400 == (await shop.get("/disputes?status=LOST")).status_code
        assert 400 == (await shop.get("/disputes?cursor=dsp_none")).status_code


@pytest.mark.shows("POST /disputes/{id}/assign", "POST /disputes/{id}/resolve")
async def test_a_dispute_is_assigned_assigned_anew_and_split(autojump_clock: object) -> None:
    async with open_shop() as shop:
        order, dispute_id = await disputed(shop)
        for who, field in (("agent 7", "assignedTo"), ("agent 8", "agentId")):
            answer = await shop.post(f"/disputes/{dispute_id}/assign", {field: who}, key=who)
            assigned = await data_of(answer)
            assert (200, "UNDER_REVIEW", who) == (
                answer.status_code,
                assigned["status"],
                assigned["assignedTo"],
            )
        answer = await shop.post(f"/disputes/{dispute_id}/resolve", SPLIT, key="s")
        resolved = await data_of(answer)
        assert (200, "RESOLVED", "SPLIT", "50.00", "30.00", "half") == (
            answer.status_code,
            resolved["status"],
            resolved["resolutionDecision"],
            resolved["releaseAmount"],
            resolved["refundAmount"],
            resolved["decisionNote"],
        )
        assert resolved["resolvedAt"] is not None
        again = await shop.post(f"/disputes/{dispute_id}/resolve", SPLIT, key="s")
        assert await answer.get_data() == await again.get_data()
        closed = await shop.shown(order)
        assert ("CLOSED", "SPLIT", "RELEASED", resolved) == (
            closed["status"],
            closed["outcome"],
            closed["escrow"]["status"],
            closed["dispute"],
        )
        assert {"protocol": "0.2400000", "platform": "0.0000000"} == closed["fees"]
        buyer, seller = await shop.market.buyer(order), await shop.market.seller(order)
        assert "49.91" == await shop.market.available(buyer)
        assert "49.85" == await shop.market.available(seller)
        await shop.market.check_books()
        told = await shop.market.events()
        assert [
            "dispute.under_review",
            "dispute.under_review",
            "balance.credited",
            "balance.credited",
            "escrow.released",
            "dispute.resolved",
            "order.closed",
        ] == [each["eventType"] for each in told[-7:]]
        assert {"50.00", "30.00"} == {
            told[-1]["payload"]["releaseAmount"],
            told[-1]["payload"]["refundAmount"],
        }
        audited = [entry["action"] for entry in await shop.market.audit()]
        for action in (
            "order.dispute",
            "dispute.open",
            "order.dispute.confirmed",
            "dispute.assign",
            "order.resolve",
            "dispute.resolve",
            "order.resolve.confirmed",
            "dispute.resolve.confirmed",
        ):
            assert action in audited
        assert "half" not in str(await shop.market.audit())


async def test_a_dispute_is_resolved_only_when_the_chain_has_frozen_the_contract(
    autojump_clock: object,
) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        opened = await shop.post(disputes_of(order), OPENED, headers=ASYNC)
        dispute_id = (await data_of(opened))["id"]
        early = await error_of(await shop.post(f"/disputes/{dispute_id}/resolve", SPLIT, key="e"))
        assert (409, "INVALID_STATE_TRANSITION") == (early["status"], early["code"])
        assert "dispute" == early["details"]["progress"]["operation"]
        assert ("OPEN", ["UNDER_REVIEW", "RESOLVED"]) == (
            early["details"]["currentState"],
            early["details"]["allowedStates"],
        )
        # Assigning needs no chain.
        answer = await shop.post(f"/disputes/{dispute_id}/assign", {"assignedTo": "agent 7"})
        assert 200 == answer.status_code
        await shop.market.settled(order)
        # What carries progress is not kept: the same key resolves now.
        answer = await shop.post(f"/disputes/{dispute_id}/resolve", SPLIT, key="e", headers=ASYNC)
        assert (202, "UNDER_REVIEW", "SPLIT") == (
            answer.status_code,
            (await data_of(answer))["status"],
            (await data_of(answer))["resolutionDecision"],
        )
        for path, body in (("assign", {"assignedTo": "agent 8"}), ("resolve", SPLIT)):
            error = await error_of(await shop.post(f"/disputes/{dispute_id}/{path}", body))
            assert (409, "resolve") == (
                error["status"],
                error["details"]["progress"]["operation"],
            )
        assert "SPLIT" == (await shop.shown(order))["outcome"]


@pytest.mark.shows("DISPUTE_ALREADY_OPEN", "DISPUTE_NOT_FOUND", "SPLIT_MISMATCH_AMOUNT")
async def test_what_a_dispute_refuses(autojump_clock: object) -> None:
    async with open_shop() as shop:
        order, dispute_id = await disputed(shop)
        resolve = f"/disputes/{dispute_id}/resolve"
        assert (409, "DISPUTE_ALREADY_OPEN") == await refusal_of(
            await shop.post(disputes_of(order), OPENED)
        )
        for action in ("release", "refund"):
            path = f"/orders/{order.id}/resolution/{action}"
            error = await error_of(await shop.post(path, {"reason": "x"}))
            assert (409, "INVALID_STATE_TRANSITION", "DISPUTED") == (
                error["status"],
                error["code"],
                error["details"]["currentState"],
            )
        for body, status, code in (
            ({**SPLIT, "refundAmount": "30.01"}, 422, "SPLIT_MISMATCH_AMOUNT"),
            ({**SPLIT, "refundAmount": None}, 400, "MISSING_REQUIRED_FIELD"),
            ({**SPLIT, "releaseAmount": 50}, 400, "INVALID_AMOUNT_FORMAT"),
            ({"decision": "FULL_RELEASE", "releaseAmount": "80.00"}, 400, "VALIDATION_ERROR"),
            ({"decision": "COIN_TOSS"}, 400, "VALIDATION_ERROR"),
        ):
            assert (status, code) == await refusal_of(await shop.post(resolve, body))
        for path in ("dsp_000000000000000000000", "nonsense"):
            for method, end in (("GET", ""), ("POST", "/assign"), ("POST", "/resolve")):
                answer = await shop.request(
                    method,
                    f"/disputes/{path}{end}",
                    None
                    if method == "GET"
                    else {"assign": {"assignedTo": "a"}}.get(end[1:], {"decision": "FULL_REFUND"}),
                )
                assert (404, "DISPUTE_NOT_FOUND") == await refusal_of(answer)
        all_to_one = {"decision": "SPLIT", "releaseAmount": "0.00", "refundAmount": "80.00"}
        assert 200 == (await shop.post(resolve, all_to_one)).status_code
        assert "99.76" == await shop.market.available(await shop.market.buyer(order))
        for path, body in (
            (resolve, SPLIT),
            (f"/disputes/{dispute_id}/assign", {"assignedTo": "late"}),
        ):
            error = await error_of(await shop.post(path, body))
            assert (409, "INVALID_STATE_TRANSITION", "RESOLVED", []) == (
                error["status"],
                error["code"],
                error["details"]["currentState"],
                error["details"]["allowedStates"],
            )
        assert (409, "INVALID_STATE_TRANSITION") == await refusal_of(
            await shop.post(disputes_of(order), OPENED)
        )


@pytest.mark.parametrize(
    ("decision", "outcome", "buyer_has", "seller_has"),
    [("FULL_RELEASE", "RELEASED", "20.00", "79.76"), ("FULL_REFUND", "REFUNDED", "99.76", "0.00")],
)
async def test_a_dispute_is_decided_for_one_side_whatever_milestones_are_open(
    autojump_clock: object, decision: str, outcome: str, buyer_has: str, seller_has: str
) -> None:
    async with open_shop() as shop:
        buyer = await shop.market.user("buyer", "100.00")
        seller = await shop.market.user("seller")
        body = {
            "buyerId": buyer.id,
            "sellerId": seller.id,
            "amount": "80.00",
            "title": "A logo",
            "milestones": [{"ref": "draft", "title": "Draft", "amount": "80.00"}],
        }
        order_id = (await data_of(await shop.post("/orders", body)))["id"]
        for step in ("reserve", "escrow", "escrow/fund"):
            assert 200 == (await shop.post(f"/orders/{order_id}/{step}")).status_code
        opened = {**OPENED, "openedBy": "SELLER", "reason": "OTHER"}
        answer = await shop.post(f"/orders/{order_id}/resolution/dispute", opened)
        dispute = await data_of(answer)
        resolved = await data_of(
            await shop.post(f"/disputes/{dispute['id']}/resolve", {"decision": decision})
        )
        shares = ("80.00", "0.00") if decision == "FULL_RELEASE" else ("0.00", "80.00")
        assert shares == (resolved["releaseAmount"], resolved["refundAmount"])
        order = await data_of(await shop.get(f"/orders/{order_id}"))
        assert ("CLOSED", outcome, outcome) == (
            order["status"],
            order["outcome"],
            order["escrow"]["status"],
        )
        assert (buyer_has, seller_has) == (
            await shop.market.available(buyer),
            await shop.market.available(seller),
        )
        ended = "order.released" if outcome == "RELEASED" else "order.refunded"
        assert 1 == len(await shop.market.events(ended))
        await shop.market.check_books()


async def test_disputes_are_settled_by_support_alone(autojump_clock: object) -> None:
    async with open_shop() as shop:
        order, dispute_id = await disputed(shop)
        writer, reader = await shop.secret("write"), await shop.secret("read")
        support = await shop.secret("support")
        for path, body in (("assign", {"assignedTo": "me"}), ("resolve", SPLIT)):
            error = await error_of(
                await shop.post(f"/disputes/{dispute_id}/{path}", body, secret=writer)
            )
            assert (403, "INSUFFICIENT_SCOPE", "support") == (
                error["status"],
                error["code"],
                error["details"]["requiredScope"],
            )
        assert 200 == (await shop.get("/disputes", secret=reader)).status_code
        assert 403 == (await shop.get("/disputes", secret=support)).status_code
        assert 403 == (await shop.post(disputes_of(order), OPENED, secret=reader)).status_code
        for path, body in (("assign", {"assignedTo": "me"}), ("resolve", SPLIT)):
            answer = await shop.post(f"/disputes/{dispute_id}/{path}", body, secret=support)
            assert 200 == answer.status_code


async def test_support_alone_opens_no_dispute_about_an_order_in_progress(
    autojump_clock: object,
) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        support = await shop.secret("support")
        error = await error_of(await shop.post(disputes_of(order), OPENED, secret=support))
        assert (403, "INSUFFICIENT_SCOPE", "write", ["support"]) == (
            error["status"],
            error["code"],
            error["details"]["requiredScope"],
            error["details"]["currentScopes"],
        )
        assert "IN_PROGRESS" == (await shop.shown(order))["status"]


# The operator's way out of a release that does not come about.


async def test_support_disputes_a_release_that_is_stuck(autojump_clock: object) -> None:
    async with open_shop() as shop:
        order = await released(shop)
        writer, support = await shop.secret("write"), await shop.secret("support")
        error = await error_of(await shop.post(disputes_of(order), OPENED, secret=writer))
        assert (409, "INVALID_STATE_TRANSITION", "RELEASE_REQUESTED") == (
            error["status"],
            error["code"],
            error["details"]["currentState"],
        )
        opened = await shop.post(disputes_of(order), OPENED, secret=support)
        assert 201 == opened.status_code
        shown = await shop.shown(order)
        assert ("DISPUTED", "DISPUTED") == (shown["status"], shown["escrow"]["status"])
        taken_back = [
            each
            for each in await shop.market.operations(order.id)
            if each.failure is not None and each.failure.kind.value == "withdrawn"
        ]
        assert ["complete:0"] == [str(each.step) for each in taken_back]
        # Whoever asked for the release is told, under its key, for good.
        for _ in range(2):
            error = await error_of(
                await shop.post(f"/orders/{order.id}/resolution/release", key="the release")
            )
            assert (409, "INVALID_STATE_TRANSITION", "DISPUTED") == (
                error["status"],
                error["code"],
                error["details"]["currentState"],
            )
        dispute_id = shown["dispute"]["id"]
        assert 200 == (await shop.post(f"/disputes/{dispute_id}/resolve", SPLIT)).status_code
        assert "SPLIT" == (await shop.shown(order))["outcome"]
        await shop.market.check_books()


async def test_who_waits_for_a_release_is_told_of_the_dispute_in_its_place(
    autojump_clock: object,
) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        shop.market.fault(FaultKind.ERROR_BEFORE, COMPLETE, times=1000)
        answers: list[Any] = []

        async def release() -> None:
            answers.append(await shop.post(f"/orders/{order.id}/resolution/release"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(release)
            await trio.sleep(5)
            assert 201 == (await shop.post(disputes_of(order), OPENED)).status_code
        error = await error_of(answers[0])
        assert (409, "INVALID_STATE_TRANSITION") == (error["status"], error["code"])
        assert (await shop.shown(order))["dispute"]["id"] == error["details"]["disputeId"]


async def test_a_release_whose_transaction_may_still_be_applied_is_not_taken_back(
    autojump_clock: object,
) -> None:
    async with open_shop() as shop:
        order = await shop.market.funded_order()
        shop.market.fault(FaultKind.CLOSE_BEFORE, SUBMIT, times=3)
        path = f"/orders/{order.id}/resolution/release"
        assert 202 == (await shop.post(path, headers=ASYNC)).status_code
        await trio.sleep(0.2)
        error = await error_of(await shop.post(disputes_of(order), OPENED))
        assert (409, "INVALID_STATE_TRANSITION") == (error["status"], error["code"])
        progress = error["details"]["progress"]
        assert ("release", "complete:delivery") == (progress["operation"], progress["step"])
        assert progress["transactionHash"] is not None
        assert "RELEASED" == (await shop.shown(order))["outcome"]
        await shop.market.check_books()
