"""What a caller sees where the platform's wallet cannot pay what it owes: 422, and nothing moved."""

import pytest
import trio
from attrs import evolve

from offerhub.domain.fees import FeePolicy, FeeTerms
from tests.simulation.world import choices, open_outside_account
from tests.web.market_over_http import Shop, data_of, error_of, open_shop

EMPTY = evolve(choices(), fee_terms=FeeTerms(0, FeePolicy.PLATFORM), settlement_s=60.0)


async def check_told(shop: Shop) -> None:
    health = await data_of(await shop.get("/health/detailed"))
    assert "degraded" == health["status"]
    assert "0.2400000 USDC" in health["concerns"]["treasury"]


@pytest.mark.expect_errors
async def test_a_withdrawal_and_a_funding_that_need_it_are_refused_and_go_on_when_it_is_filled(
    autojump_clock: object,
) -> None:
    async with open_shop(chosen=EMPTY) as shop:
        market = shop.market
        await market.machine.tree.bootstrap.done.wait()
        order = await market.funded_order()
        await market.settled(await market.start_release(order))
        buyer, seller = await market.buyer(order), await market.seller(order)
        outside = open_outside_account(market.universe, "outside")
        body = {
            "userId": seller.id,
            "amount": "80.00",
            "destinationType": "crypto",
            "destinationRef": outside,
        }
        refused = await error_of(await shop.post("/withdrawals", body, key="all"))
        assert (422, "WALLET_NOT_READY", "treasury_empty", "0.2400000") == (
            refused["status"],
            refused["code"],
            refused["details"]["reason"],
            refused["details"]["lacking"],
        )
        assert "80.00" == await market.available(seller)
        await check_told(shop)
        # Created only, it is refused when it is to be paid.
        created = await data_of(await shop.post("/withdrawals", {**body, "commit": False}))
        commit = f"/withdrawals/{created['id']}/commit"
        assert "WALLET_NOT_READY" == (await error_of(await shop.post(commit)))["code"]
        await shop.post(f"/withdrawals/{created['id']}/cancel")
        # So is a funding, and the money stays reserved.
        second = await market.reserve(await market.order(seller, buyer, "80.00"))
        assert 200 == (await shop.post(f"/orders/{second.id}/escrow")).status_code
        fund = f"/orders/{second.id}/escrow/fund"
        refused = await error_of(await shop.post(fund, key="fund"))
        assert (422, "WALLET_NOT_READY") == (refused["status"], refused["code"])
        assert "80.00" == await market.reserved(seller)
        # The refusal is not kept: with money in the treasury the same key goes on.
        await market.fill_treasury("5.00")
        assert 200 == (await shop.post(fund, key="fund")).status_code
        assert "IN_PROGRESS" == (await shop.shown(second))["status"]
        await market.wait_settled(seller)
        await market.check_books()
        await trio.sleep(120)  # the next look of the schedule ends the alarm
        health = await data_of(await shop.get("/health/detailed"))
        assert "treasury" not in health["concerns"]
