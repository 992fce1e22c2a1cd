"""What a client sees of each fault, and what is on the chain afterwards."""

import contextlib

import httpx
import pytest
import trio
from stellar_sdk import Asset
from stellar_sdk.operation import Payment

from tests.sandbox.market import BUYER, SELLER, Market, deploy_body, mock_time, open_market

SEND = "POST /helper/send-transaction"
DEPLOY = "POST /deployer/single-release"


async def order(market: Market, kind: str, route: str, **figures: object) -> None:
    await market.post("/faults", {"kind": kind, "route": route, **figures})


async def send_deploy(market: Market) -> httpx.Response:
    envelope = await market.build("/deployer/single-release", deploy_body())
    envelope.sign(BUYER)
    return await market.http.post("/helper/send-transaction", json={"signedXdr": envelope.to_xdr()})


def deployed(market: Market) -> int:
    return len(market.sandbox.engine.contract_ids())


@pytest.mark.parametrize(
    ("kind", "figures", "status", "contracts"),
    [
        ("error_before", {}, 503, 0),
        ("error_before", {"status": 500}, 500, 0),
        ("error_after", {}, 504, 1),
        ("rate_limited", {"retry_after_s": 3}, 429, 0),
        ("failed_before", {"status": 201}, 201, 0),
        ("failed_after", {}, 500, 1),
        ("not_complete_yet", {}, 500, 1),
    ],
)
async def test_a_fault_answers_as_ordered_and_its_effect_is_before_or_after(
    autojump_clock, kind, figures, status, contracts
):
    async with open_market() as market:
        await order(market, kind, SEND, **figures)
        response = await send_deploy(market)
        assert status == response.status_code
        assert "SUCCESS" != response.json().get("status")
        assert contracts == deployed(market)
        assert 201 == (await send_deploy(market)).status_code, "one call, one fault"


@pytest.mark.parametrize(
    ("kind", "contracts"),
    [("close_before", 0), ("close_after", 1), ("timeout_before", 0), ("timeout_after", 1)],
)
async def test_a_lost_answer_leaves_the_effect_that_its_name_says(autojump_clock, kind, contracts):
    async with open_market() as market:
        await order(market, kind, SEND)
        begun = trio.current_time()
        with pytest.raises(httpx.RemoteProtocolError):
            await send_deploy(market)
        assert (trio.current_time() - begun >= 60) == kind.startswith("timeout")
        assert contracts == deployed(market)


async def test_after_not_complete_yet_the_escrow_is_on_chain_and_not_in_the_read_model(
    autojump_clock,
):
    async with open_market() as market:
        await order(market, "not_complete_yet", SEND)
        response = await send_deploy(market)
        assert "resultMetaXdr" in response.json()["message"]
        (contract_id,) = market.sandbox.engine.contract_ids()
        response = await market.http.get(
            "/helper/get-escrow-by-contract-ids", params={"contractIds[]": contract_id}
        )
        assert [] == response.json()


async def test_a_slow_answer_comes_late_and_right(autojump_clock):
    async with open_market() as market:
        await order(market, "slow", DEPLOY, delay_s=7)
        begun = trio.current_time()
        await market.build("/deployer/single-release", deploy_body())
        assert 7 <= trio.current_time() - begun < 8


@pytest.mark.parametrize(("lifetime_s", "wait_s"), [(-60, 0), (3, 5)])
async def test_an_envelope_with_expired_time_bounds_is_never_applied(
    autojump_clock, lifetime_s, wait_s
):
    async with open_market() as market:
        await order(market, "expired_bounds", DEPLOY, lifetime_s=lifetime_s)
        envelope = await market.build("/deployer/single-release", deploy_body())
        assert envelope.transaction.preconditions is not None
        bounds = envelope.transaction.preconditions.time_bounds
        assert bounds is not None
        assert abs(bounds.max_time - mock_time().timestamp() - lifetime_s) <= 1
        envelope.sign(BUYER)
        await trio.sleep(wait_s)
        assert "tx_too_late" in (await market.send(envelope, 400))["message"]
        assert 0 == deployed(market)


async def test_faults_can_be_listed_and_taken_away(autojump_clock):
    async with open_market() as market:
        await order(market, "close_before", SEND, rate=1.0)
        (fault,) = (await market.http.get("/faults")).json()["faults"]
        assert (1.0, 0, "close_before") == (fault["rate"], fault["fired"], fault["kind"])
        assert 200 == (await market.http.delete(f"/faults/{fault['id']}")).status_code
        assert 404 == (await market.http.delete(f"/faults/{fault['id']}")).status_code
        await order(market, "close_before", SEND, rate=1.0)
        assert {"faults": []} == (await market.http.delete("/faults")).json()
        assert 201 == (await send_deploy(market)).status_code


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "earthquake"},
        {"kind": "slow", "rate": 2},
        {"kind": "slow", "speed": 1},
        {"kind": "slow", "times": 1, "rate": 0.5},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(autojump_clock, body):
    async with open_market() as market:
        answer = await market.post("/faults", body, 400)
        assert answer["error"]
        assert [] == (await market.http.get("/faults")).json()["faults"]


async def read_stream(market: Market, path: str, headers: dict[str, str]) -> str:
    seen = ""
    with contextlib.suppress(httpx.RemoteProtocolError):
        async with market.http.stream("GET", path, headers=headers) as response:
            async for text in response.aiter_text():
                seen += text
    return seen


def payment(market: Market) -> str:
    envelope = market.classic(BUYER, [Payment(SELLER.public_key, Asset.native(), "1")])
    return envelope.to_xdr()


@pytest.mark.parametrize(
    ("kind", "status", "title"),
    [
        ("error_before", 503, "Server Over Capacity"),
        ("error_after", 504, "Timeout"),
        ("rate_limited", 429, "Rate Limit Exceeded"),
    ],
)
async def test_horizon_s_faults_come_as_horizon_s_problems(autojump_clock, kind, status, title):
    async with open_market() as market:
        await order(market, kind, "POST /transactions")
        engine = market.sandbox.engine
        before = engine.account(BUYER.public_key)
        response = await market.http.post("/transactions", data={"tx": payment(market)})
        assert (status, title) == (response.status_code, response.json()["title"])
        assert "application/problem+json; charset=utf-8" == response.headers["content-type"]
        assert (before == engine.account(BUYER.public_key)) == (kind != "error_after")


async def test_a_cut_stream_breaks_off_and_the_next_one_is_whole(autojump_clock):
    async with open_market() as market:
        await order(market, "stream_cut", "GET /payments", delay_s=5)
        headers = {"accept": "text/event-stream"}
        cut = await read_stream(market, "/payments?cursor=now", headers)
        complete = await read_stream(market, "/payments?cursor=now", headers)
        assert "byebye" not in cut
        assert "byebye" in complete
