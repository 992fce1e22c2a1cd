"""The worked example of docs/spec/domain.md §1 over the API, under both policies.

The contract's 0.3 % is in force.
"""

from typing import Any

import pytest
from attrs import evolve

from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.ledger import wallet
from offerhub.domain.users import User
from tests.simulation.world import choices
from tests.web.market_over_http import Shop, data_of, open_shop

SPLIT = {"decision": "SPLIT", "releaseAmount": "50.00", "refundAmount": "30.00"}
PLATFORM, PAYEE = FeePolicy.PLATFORM, FeePolicy.PAYEE

ENDS = [
    # policy, basis points, end, the buyer's and the seller's balance, what the platform has earned
    (PLATFORM, 0, "release", "20.00", "80.00", "-0.2400000"),
    (PLATFORM, 0, "refund", "100.00", "0.00", "-0.2400000"),
    (PLATFORM, 0, "split", "50.00", "50.00", "-0.2400000"),
    (PLATFORM, 500, "release", "20.00", "76.00", "3.7600000"),
    (PLATFORM, 500, "refund", "100.00", "0.00", "-0.2400000"),
    (PLATFORM, 500, "split", "50.00", "47.50", "2.2600000"),
    (PAYEE, 0, "release", "20.00", "79.76", "0.0000000"),
    (PAYEE, 0, "refund", "99.76", "0.00", "0.0000000"),
    (PAYEE, 0, "split", "49.91", "49.85", "0.0000000"),
    (PAYEE, 500, "release", "20.00", "75.76", "4.0000000"),
    (PAYEE, 500, "refund", "95.76", "0.00", "4.0000000"),
    (PAYEE, 500, "split", "48.41", "47.35", "4.0000000"),
]


async def balance(shop: Shop, user: User) -> tuple[str, str]:
    data = await data_of(await shop.get(f"/users/{user.id}/balance"))
    return data["available"], data["reserved"]


async def step(shop: Shop, path: str, body: object = None) -> dict[str, Any]:
    answer = await shop.post(path, body)
    assert answer.status_code in {200, 201}, await answer.get_data()
    return await data_of(answer)


@pytest.mark.parametrize(("policy", "bps", "end", "bought", "sold", "earned"), ENDS)
async def test_the_figures_come_out_to_the_cent(
    autojump_clock: object,
    policy: FeePolicy,
    bps: int,
    end: str,
    bought: str,
    sold: str,
    earned: str,
) -> None:
    chosen = evolve(choices(), fee_terms=FeeTerms(bps, policy))
    async with open_shop(chosen=chosen) as shop:
        await shop.market.fill_treasury("1000.00")
        buyer = await shop.market.user("buyer", "100.00")
        seller = await shop.market.user("seller")
        body = {"buyerId": buyer.id, "sellerId": seller.id, "amount": "80.00", "title": "A logo"}
        order = f"/orders/{(await step(shop, '/orders', body))['id']}"
        await step(shop, f"{order}/reserve")
        assert ("20.00", "80.00") == await balance(shop, buyer)
        await step(shop, f"{order}/escrow")
        await step(shop, f"{order}/escrow/fund")
        assert ("20.00", "0.00") == await balance(shop, buyer)
        if end == "split":
            opened = {"openedBy": "BUYER", "reason": "QUALITY_ISSUE"}
            dispute = await step(shop, f"{order}/resolution/dispute", opened)
            await step(shop, f"/disputes/{dispute['id']}/resolve", SPLIT)
        else:
            await step(shop, f"{order}/resolution/{end}", {"reason": "as agreed"})
        assert (bought, "0.00") == await balance(shop, buyer)
        assert (sold, "0.00") == await balance(shop, seller)
        fees = (await data_of(await shop.get(order)))["fees"]
        kept = f"{0.008 * bps:.7f}"  # of 80.00, exact in all of these cases
        assert {"protocol": "0.2400000", "platform": kept} == fees
        # What the platform bears reaches the wallets: then each holds what its balance says.
        await shop.market.wait_settled(buyer, seller)
        books = await shop.market.storage.books()
        for user, shown in ((buyer, bought), (seller, sold)):
            assert shown == books.holding(wallet(user.id)).two_places()
        await shop.market.check_books()
        treasury = await data_of(await shop.get("/admin/treasury"))
        assert earned == treasury["fees"]["earned"]
        assert "0.0000000" == treasury["dues"]["owed"]
        assert treasury["treasury"] == treasury["wallet"]["withdrawable"]
