"""The platform takes its own money out: what it has beyond what it owes."""

from typing import Any

import pytest
import trio
from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.money import Money
from offerhub.domain.users import WalletRole
from tests.actors.purchase import WAIT_S
from tests.simulation.world import choices, open_outside_account
from tests.web.market_over_http import ASYNC, Shop, data_of, error_of, open_shop, refusal_of

LATER = evolve(choices(), fee_terms=FeeTerms(500, FeePolicy.PLATFORM), settlement_s=86_400.0)


def wanted(shop: Shop, amount: str, to: str, **more: object) -> dict[str, object]:
    user_id = shop.market.machine.system.instance.platform_user_id
    destination = {"destinationType": "crypto", "destinationRef": to}
    return {"userId": user_id, "amount": amount, **destination, **more}


async def treasury(shop: Shop) -> Any:
    return await data_of(await shop.get("/admin/treasury"))


async def ended(shop: Shop, withdrawal_id: str) -> Any:
    with trio.fail_after(WAIT_S):
        while True:
            data = await data_of(await shop.get(f"/withdrawals/{withdrawal_id}"))
            if data["status"] not in {"WITHDRAWAL_CREATED", "WITHDRAWAL_COMMITTED"}:
                return data
            await trio.sleep(0.5)


@pytest.mark.shows("POST /withdrawals")
async def test_what_the_platform_has_is_paid_out_and_booked(autojump_clock: object) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        outside = open_outside_account(shop.market.universe, "bank")
        answer = await shop.post("/withdrawals", wanted(shop, "60.00", outside), key="out")
        data = await data_of(answer)
        assert (201, "WITHDRAWAL_COMPLETED") == (answer.status_code, data["status"])
        assert 600_000_000 == shop.market.on_chain(outside)
        shown = await treasury(shop)
        assert ("40.0000000", "40.0000000") == (
            shown["treasury"],
            shown["wallet"]["withdrawable"],
        )
        platform = shop.market.machine.system.instance.platform_user_id
        ledger = await (await shop.get(f"/users/{platform}/ledger")).get_json()
        kinds = ["withdrawal_completed", "withdrawal_created", "treasury_deposit"]
        assert kinds == [each["kind"] for each in ledger["data"]]
        told = [event["eventType"] for event in await shop.market.events()]
        steps = ("created", "committed", "completed")
        assert [f"withdrawal.{each}" for each in steps] == told[-3:]
        # It has no balance, so no event tells of one.
        assert not [each for each in told if each.startswith("balance.")]
        (operation,) = await shop.market.operations(data["id"])
        wallets = await shop.market.storage.wallets_by_address([operation.source])
        assert WalletRole.CHANNEL is wallets[operation.source].role
        again = await shop.post("/withdrawals", wanted(shop, "60.00", outside), key="out")
        assert await answer.get_data() == await again.get_data()
        await shop.market.check_books()


async def test_what_is_owed_to_users_stays(autojump_clock: object) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        user = await shop.market.user("user")
        await shop.market.post(postings.credit_manually(user.id, Money.parse("30.00")))
        outside = open_outside_account(shop.market.universe, "bank")
        refused = await error_of(await shop.post("/withdrawals", wanted(shop, "70.01", outside)))
        assert (422, "INSUFFICIENT_FUNDS") == (refused["status"], refused["code"])
        assert {"available": "70.00", "requested": "70.01", "currency": "USDC"} == refused[
            "details"
        ]
        assert 201 == (await shop.post("/withdrawals", wanted(shop, "70.00", outside))).status_code
        # And what is left is still enough for the user.
        ended_data = await ended(shop, (await shop.market.withdraw(user, "30.00", outside)).id)
        assert "WITHDRAWAL_COMPLETED" == ended_data["status"]
        await shop.market.check_books()


async def test_fees_that_were_earned_can_be_taken_out(autojump_clock: object) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.machine.tree.bootstrap.done.wait()
        order = await shop.market.funded_order()
        await shop.market.settled(await shop.market.start_release(order))
        # 4.00 arrived; 0.24 of them are the seller's.
        shown = await treasury(shop)
        assert ("4.0000000", "0.2400000", "3.7600000") == (
            shown["wallet"]["booked"],
            shown["dues"]["owed"],
            shown["wallet"]["withdrawable"],
        )
        outside = open_outside_account(shop.market.universe, "bank")
        answer = await shop.post("/withdrawals", wanted(shop, "3.76", outside))
        assert "WITHDRAWAL_COMPLETED" == (await data_of(answer))["status"]
        assert "0.0000000" == (await treasury(shop))["treasury"]
        await shop.market.check_books()


async def test_it_is_committed_or_canceled_later(autojump_clock: object) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        outside = open_outside_account(shop.market.universe, "bank")
        made = []
        for amount in ("60.00", "40.00"):
            body = wanted(shop, amount, outside, commit=False)
            data = await data_of(await shop.post("/withdrawals", body))
            assert "WITHDRAWAL_CREATED" == data["status"]
            made.append(data["id"])
        shown = await treasury(shop)
        assert ("100.0000000", "0.0000000") == (
            shown["wallet"]["withdrawing"],
            shown["wallet"]["withdrawable"],
        )
        canceled = await data_of(await shop.post(f"/withdrawals/{made[0]}/cancel"))
        assert "WITHDRAWAL_CANCELED" == canceled["status"]
        paid = await data_of(await shop.post(f"/withdrawals/{made[1]}/commit"))
        assert "WITHDRAWAL_COMPLETED" == paid["status"]
        assert "60.0000000" == (await treasury(shop))["treasury"]
        await shop.market.check_books()


@pytest.mark.expect_errors
async def test_a_destination_that_the_network_refuses_gives_the_money_back(
    autojump_clock: object,
) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        outside = open_outside_account(shop.market.universe, "bank")
        body = wanted(shop, "60.00", outside, commit=False)
        created = await data_of(await shop.post("/withdrawals", body))
        engine = shop.market.universe.sandbox.engine
        line = engine._state.trustline(outside, engine.usdc)
        assert line is not None
        engine._state.put_trustline(evolve(line, limit=1))
        answer = await shop.post(f"/withdrawals/{created['id']}/commit")
        data = await data_of(answer)
        assert ("WITHDRAWAL_FAILED", "op_line_full") == (data["status"], data["failure"]["code"])
        assert "100.0000000" == (await treasury(shop))["wallet"]["withdrawable"]
        await shop.market.check_books()


async def test_it_needs_the_scope_of_everything_at_each_step(autojump_clock: object) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        outside = open_outside_account(shop.market.universe, "bank")
        secret = await shop.secret("read", "write", "support")
        body = wanted(shop, "10.00", outside, commit=False)
        assert (403, "INSUFFICIENT_SCOPE") == await refusal_of(
            await shop.post("/withdrawals", body, secret=secret)
        )
        withdrawal = (await data_of(await shop.post("/withdrawals", body)))["id"]
        for action in ("commit", "cancel"):
            refused = await shop.post(f"/withdrawals/{withdrawal}/{action}", secret=secret)
            assert (403, "INSUFFICIENT_SCOPE") == await refusal_of(refused)
        data = await data_of(await shop.get(f"/withdrawals/{withdrawal}", secret=secret))
        assert "WITHDRAWAL_CREATED" == data["status"]


async def test_it_has_the_same_limits_and_destinations_as_any_other(
    autojump_clock: object,
) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        outside = open_outside_account(shop.market.universe, "bank")
        platform = shop.market.platform
        for body, code in (
            (wanted(shop, "1000001.00", outside), "AMOUNT_OUT_OF_LIMITS"),
            (wanted(shop, "1.00", platform), "WITHDRAWAL_DESTINATION_INVALID"),
            (wanted(shop, "1.00", "nowhere"), "WITHDRAWAL_DESTINATION_INVALID"),
            (wanted(shop, "1.00", "x", destinationType="bank"), "WITHDRAWAL_DESTINATION_INVALID"),
            (wanted(shop, "1.00", "x", destinationType="airtm_balance"), "PROVIDER_NOT_ENABLED"),
        ):
            refused = await shop.post("/withdrawals", body)
            assert (422, code) == await refusal_of(refused)
        assert "100.0000000" == (await treasury(shop))["wallet"]["withdrawable"]


async def test_paid_to_a_user_it_is_a_deposit(autojump_clock: object) -> None:
    async with open_shop(chosen=LATER) as shop:
        await shop.market.fill_treasury("100.00")
        user = await shop.market.user("user")
        await shop.post("/withdrawals", wanted(shop, "25.00", user.public_key))
        await shop.market.wait_available(user, "25.00")
        await shop.market.check_books()


@pytest.mark.shows("POST /withdrawals/{id}/refresh")
async def test_a_refresh_looks_at_the_payment_and_shows_the_withdrawal(
    autojump_clock: object,
) -> None:
    async with open_shop() as shop:
        user = await shop.market.user("user", "10.00")
        outside = open_outside_account(shop.market.universe, "outside")
        shop.market.universe.sandbox.ledgers.pause()
        body = {
            "userId": user.id,
            "amount": "4.00",
            "destinationType": "crypto",
            "destinationRef": outside,
        }
        answer = await shop.post("/withdrawals", body, headers=ASYNC)
        withdrawal = (await data_of(answer))["id"]
        refreshed = await shop.post(f"/withdrawals/{withdrawal}/refresh")
        assert (200, "WITHDRAWAL_COMMITTED") == (
            refreshed.status_code,
            (await data_of(refreshed))["status"],
        )
        shop.market.universe.sandbox.ledgers.resume()
        assert "WITHDRAWAL_COMPLETED" == (await ended(shop, withdrawal))["status"]
        refreshed = await shop.post(f"/withdrawals/{withdrawal}/refresh")
        assert "WITHDRAWAL_COMPLETED" == (await data_of(refreshed))["status"]
        rows = shop.market.universe.database.tables.of(ChainOperation).rows.values()
        assert 1 == sum(each.subject_id == withdrawal for each in rows)
        missing = await shop.post(f"/withdrawals/{'wd_' + 21 * '0'}/refresh")
        assert (404, "WITHDRAWAL_NOT_FOUND") == await refusal_of(missing)
