"""Money out of nothing and ledgers on demand."""

import pytest
import trio

from tests.sandbox.market import BUYER, SELLER, keypair, open_market

UNIT = 10_000_000


async def test_the_faucet_pays_by_a_transaction_of_the_issuer(autojump_clock):
    async with open_market() as market:
        answer = await market.faucet(BUYER, "12.3456789")
        assert 123_456_789 == market.usdc(BUYER.public_key)
        row = market.sandbox.engine.transaction(answer["hash"])
        assert row is not None
        assert answer["ledger"] == row.ledger


async def test_many_payments_at_once_share_few_ledgers(autojump_clock):
    async with open_market() as market:
        begun = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(150):
                nursery.start_soon(market.faucet, BUYER, "1")
                nursery.start_soon(market.faucet, SELLER, "2")
        assert 150 * UNIT == market.usdc(BUYER.public_key)
        assert 300 * UNIT == market.usdc(SELLER.public_key)
        assert trio.current_time() - begun <= 6


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"address": BUYER.public_key},
        {"address": BUYER.public_key, "amount": "0"},
        {"address": BUYER.public_key, "amount": "-1"},
        {"address": BUYER.public_key, "amount": "0.00000001"},
        {"address": BUYER.public_key, "amount": True},
        {"address": "GABC", "amount": "1"},
        {"address": keypair("nobody").public_key, "amount": "1"},
    ],
)
async def test_a_payment_that_cannot_be_made_is_refused_and_nothing_moves(autojump_clock, body):
    async with open_market() as market:
        assert (await market.post("/faucet", body, 400))["error"]
        assert 0 == market.usdc(BUYER.public_key)


async def test_one_bad_destination_does_not_cost_the_others_their_payment(autojump_clock):
    """The trustline's limit is met only when the network applies the batch."""
    async with open_market() as market:
        outcomes: list[int] = []

        async def pay(keys, amount: str) -> None:
            body = {"address": keys.public_key, "amount": amount}
            outcomes.append((await market.http.post("/faucet", json=body)).status_code)

        async with trio.open_nursery() as nursery:
            for amount in ("1", "900000000000", "900000000000", "2"):
                nursery.start_soon(pay, BUYER, amount)
                nursery.start_soon(pay, SELLER, "1")
        assert [200] * 7 + [400] == sorted(outcomes)
        assert 4 * UNIT == market.usdc(SELLER.public_key)
        assert (900_000_000_003 * UNIT) == market.usdc(BUYER.public_key)


async def test_a_payer_that_gives_up_leaves_no_doubled_payment(autojump_clock):
    async with open_market() as market:
        await market.http.post("/ledgers/pause")
        with trio.move_on_after(3):
            await market.faucet(BUYER, "5")
        await market.http.post("/ledgers/resume")
        await market.faucet(BUYER, "1")
        assert 6 * UNIT == market.usdc(BUYER.public_key)


async def test_a_payment_that_meets_no_ledger_is_unknown_in_the_end(autojump_clock):
    async with open_market() as market:
        await market.http.post("/ledgers/pause")
        body = {"address": BUYER.public_key, "amount": "1"}
        assert 504 == (await market.http.post("/faucet", json=body)).status_code


async def test_a_paused_schedule_closes_nothing_and_a_ledger_by_hand_still_closes(autojump_clock):
    async with open_market() as market:
        await market.http.post("/ledgers/pause")
        before = market.sandbox.engine.latest_ledger().sequence
        await trio.sleep(30)
        assert before == market.sandbox.engine.latest_ledger().sequence
        answer = await market.post("/ledgers/close", {}, 200)
        assert before + 1 == answer["sequence"]
        await market.http.post("/ledgers/resume")
        await trio.sleep(3.5)  # three or four beats, as this moment is one of them or not
        assert 3 <= market.sandbox.engine.latest_ledger().sequence - before - 1 <= 4


async def test_ledgers_close_on_the_beat_without_drift(autojump_clock):
    async with open_market() as market:
        await trio.sleep(0.5)  # away from the beat
        before = market.sandbox.engine.latest_ledger().sequence
        await trio.sleep(100)
        assert 100 == market.sandbox.engine.latest_ledger().sequence - before
