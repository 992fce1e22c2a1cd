"""Settlement: what is due is paid on chain, netted, in batches, at once where it is needed, and once."""

import pytest
import trio
from attrs import evolve

from actors.messages import CancelWithdrawal, CommitWithdrawal
from offerhub.domain import postings
from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.intents import SettleDues
from offerhub.domain.money import Money
from offerhub.domain.users import User, WalletRole
from offerhub.domain.withdrawal import WithdrawalStatus
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.purchase import SUBMIT, Market, closing, doomed, living, open_market
from tests.simulation.world import Universe, choices, open_outside_account

DAY_S = 86_400.0
SCHEDULED = evolve(
    choices(), fee_terms=FeeTerms(0, FeePolicy.PLATFORM), settlement_s=60.0, channel_accounts=3
)
ON_DEMAND = evolve(SCHEDULED, settlement_s=DAY_S)
"""The schedule does not come in these tests: what is settled was asked for."""


def settlements(market: Market) -> list[ChainOperation]:
    rows = market.universe.database.tables.of(ChainOperation).rows.values()
    return [row for row in rows if row.subject is Subject.SETTLEMENT]


def payments(market: Market, *, ended: ChainStatus = ChainStatus.CONFIRMED) -> list[list[int]]:
    """Stroops of each payment of each settlement that ended so, sorted."""
    return [
        sorted(payment.amount.stroops for payment in each.intent.payments)
        for each in settlements(market)
        if each.status is ended and isinstance(each.intent, SettleDues)
    ]


def usdc(text: str) -> Money:
    return Money.from_decimal_string(text)


def set_limit(market: Market, address: str, limit: int | None) -> None:
    """What a wallet's trustline may hold; `None`: anything."""
    engine = market.universe.sandbox.engine
    state = engine._state
    line = state.trustline(address, engine.usdc)
    assert line is not None
    state.put_trustline(evolve(line, limit=2**63 - 1 if limit is None else limit))


async def released(market: Market, amount: str = "80.00") -> tuple[User, User]:
    """Buyer and seller of an order that was released under the policy `platform`."""
    order = await market.funded_order()
    ended = await market.settled(await market.start_release(order))
    assert "CLOSED" == ended.status
    return await market.buyer(order), await market.seller(order)


async def test_the_treasury_pays_what_it_bears_and_the_ledger_ends_at_the_example(
    autojump_clock: object,
) -> None:
    """The worked example of docs/spec/domain.md §1, with the contract's 0.3 % in force."""
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("1000.00")
        buyer, seller = await released(market)
        assert ("20.00", "80.00") == (
            await market.available(buyer),
            await market.available(seller),
        )
        assert usdc("0.24") == await market.due(seller)
        assert 797_600_000 == market.on_chain(seller.public_key)
        await market.wait_settled(seller)
        assert 800_000_000 == market.on_chain(seller.public_key)
        assert 9_997_600_000 == market.on_chain(market.platform)
        assert [[2_400_000]] == payments(market)
        treasury = await market.storage.treasury()
        assert (usdc("999.76"), usdc("0.24")) == (treasury.treasury, treasury.fees_borne)
        (operation,) = settlements(market)
        wallets = await market.storage.wallets_by_address([operation.source])
        assert WalletRole.CHANNEL is wallets[operation.source].role
        # The watcher knows the payment: nobody is credited with it.
        await trio.sleep(120)
        assert "80.00" == await market.available(seller)
        await market.check_books()


async def test_dues_net_before_they_are_paid(autojump_clock: object) -> None:
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("100.00")
        one, two = await market.user("one", "50.00"), await market.user("two", "50.00")
        await market.post(
            postings.credit_manually(one.id, usdc("7")),
            postings.debit_manually(one.id, usdc("5")),
            postings.credit_manually(two.id, usdc("3")),
            postings.debit_manually(two.id, usdc("3")),
        )
        await market.wait_settled(one, two)
        assert [[20_000_000]] == payments(market)
        await market.check_books()


async def test_many_are_settled_in_one_transaction_both_ways(autojump_clock: object) -> None:
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("100.00")
        users = [await market.user(f"user {each}", "5.00") for each in range(12)]
        for user in users[:8]:
            await market.post(postings.credit_manually(user.id, usdc("1")))
        for user in users[8:]:
            await market.post(postings.debit_manually(user.id, usdc("2")))
        await market.wait_settled(*users)
        assert [[-20_000_000] * 4 + [10_000_000] * 8] == payments(market)
        (operation,) = settlements(market)
        assert {user.public_key for user in users[8:]} <= set(operation.intent.signers)
        await market.check_books()


async def test_a_transaction_is_no_larger_than_the_network_takes(autojump_clock: object) -> None:
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("500.00")
        users = [await market.new_user(f"user {each}") for each in range(130)]
        for user in users:
            await market.wait_active(user)
        for user in users:
            await market.post(postings.credit_manually(user.id, usdc("1")))
        await market.wait_settled(*users)
        sizes = [len(each) for each in payments(market)]
        assert (130, 100) == (sum(sizes), max(sizes))
        await market.check_books()


async def test_a_withdrawal_of_money_still_due_waits_for_its_settlement_and_no_longer(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=ON_DEMAND) as market:
        await market.fill_treasury("1000.00")
        _, seller = await released(market)
        outside = open_outside_account(market.universe, "outside")
        ended = await market.ended(await market.withdraw(seller, "80.00", outside))
        assert WithdrawalStatus.COMPLETED is ended.status
        assert [[2_400_000]] == payments(market)
        (payment,) = await market.operations(ended.id)
        assert 1 == payment.attempt
        assert 800_000_000 == market.on_chain(outside)
        assert 0 == market.on_chain(seller.public_key)
        await market.check_books()


async def test_what_the_wallet_holds_leaves_without_a_settlement(autojump_clock: object) -> None:
    async with open_market(chosen=ON_DEMAND) as market:
        await market.fill_treasury("1000.00")
        _, seller = await released(market)
        outside = open_outside_account(market.universe, "outside")
        for amount in ("40.00", "39.76"):
            ended = await market.ended(await market.withdraw(seller, amount, outside))
            assert WithdrawalStatus.COMPLETED is ended.status
        assert [] == settlements(market)
        assert usdc("0.24") == await market.due(seller)
        await market.check_books()


async def test_a_funding_with_money_still_due_waits_for_its_settlement(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=ON_DEMAND) as market:
        await market.fill_treasury("1000.00")
        buyer, seller = await released(market)
        # Now the seller buys, for all that he has.
        order = await market.reserve(await market.order(seller, buyer, "80.00"))
        await market.settled(await market.start_escrow(order))
        assert "IN_PROGRESS" == (await market.settled(await market.start_funding(order))).status
        assert [[2_400_000]] == payments(market)
        await market.check_books()


async def test_what_a_wallet_owes_is_collected_under_its_signature_for_who_waits(
    autojump_clock: object,
) -> None:
    """A hold that was given: the treasury owes it to one wallet, another owes it, and it has nothing."""
    async with open_market(chosen=ON_DEMAND) as market:
        await market.machine.tree.bootstrap.done.wait()
        giver, receiver = await market.user("giver", "30.00"), await market.user("receiver")
        await market.post(postings.reserve(giver.id, usdc("25")))
        await market.post(postings.give_hold(giver.id, receiver.id, usdc("25")))
        outside = open_outside_account(market.universe, "outside")
        ended = await market.ended(await market.withdraw(receiver, "25.00", outside))
        assert WithdrawalStatus.COMPLETED is ended.status
        assert [[-250_000_000, 250_000_000]] == payments(market)
        assert giver.public_key in settlements(market)[0].intent.signers
        assert 50_000_000 == market.on_chain(giver.public_key)
        await market.check_books()


@pytest.mark.expect_errors
async def test_an_empty_treasury_stops_nothing_but_what_needs_it(autojump_clock: object) -> None:
    async with open_market(chosen=SCHEDULED) as market:
        await market.machine.tree.bootstrap.done.wait()
        buyer, seller = await released(market)
        outside = open_outside_account(market.universe, "outside")
        events = len(await market.events())
        for amount in ("79.77", "80.00"):
            with pytest.raises(DomainError) as refused:
                await market.withdraw(seller, amount, outside)
            assert ErrorCode.WALLET_NOT_READY is refused.value.code
            assert "treasury_empty" == refused.value.details["reason"]
        assert events == len(await market.events())
        assert "80.00" == await market.available(seller)
        assert "0.2400000 USDC" in market.machine.system.alarms.on["treasury"]
        # What it does not need the treasury for goes on.
        for user, amount in ((seller, "79.76"), (buyer, "20.00")):
            ended = await market.ended(await market.withdraw(user, amount, outside))
            assert WithdrawalStatus.COMPLETED is ended.status
        assert [] == settlements(market)
        await market.fill_treasury("1.00")
        await market.wait_settled(seller)
        await trio.sleep(120)
        assert "treasury" not in market.machine.system.alarms.on
        ended = await market.ended(await market.withdraw(seller, "0.24", outside))
        assert WithdrawalStatus.COMPLETED is ended.status
        await market.check_books()


@pytest.mark.expect_errors
async def test_the_treasury_pays_whom_it_can_and_no_more_than_it_has(
    autojump_clock: object,
) -> None:
    """A batch that its wallet cannot pay would fail on chain, and nobody would be paid."""
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("5.00")
        one, two = await market.user("one", "1.00"), await market.user("two", "1.00")
        # Top-ups are dues that the platform's wallet need not back when they arise.
        await market.post(
            postings.top_up(one.id, usdc("4"), "payin-1"),
            postings.top_up(two.id, usdc("3"), "payin-2"),
        )
        await market.wait_settled(one)
        await trio.sleep(120)
        assert usdc("3") == await market.due(two)
        assert "treasury" in market.machine.system.alarms.on
        assert [] == payments(market, ended=ChainStatus.FAILED)
        await market.fill_treasury("2.00")
        await market.wait_settled(two)
        assert [[40_000_000], [30_000_000]] == payments(market)
        await market.check_books()


@pytest.mark.expect_errors
async def test_a_funding_is_refused_where_the_treasury_cannot_pay_and_its_money_stays_reserved(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=ON_DEMAND) as market:
        await market.machine.tree.bootstrap.done.wait()
        buyer, seller = await released(market)
        order = await market.reserve(await market.order(seller, buyer, "80.00"))
        await market.settled(await market.start_escrow(order))
        with pytest.raises(DomainError) as refused:
            await market.start_funding(order)
        assert ErrorCode.WALLET_NOT_READY is refused.value.code
        assert "80.00" == await market.reserved(seller)
        await market.check_books()


async def test_what_could_not_be_paid_anyway_is_refused_for_that_and_alarms_no_treasury(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=ON_DEMAND) as market:
        await market.machine.tree.bootstrap.done.wait()
        _, seller = await released(market)
        outside = open_outside_account(market.universe, "outside")
        with pytest.raises(DomainError) as refused:
            await market.withdraw(seller, "80.01", outside)
        assert ErrorCode.INSUFFICIENT_FUNDS is refused.value.code
        withdrawals = market.machine.system.withdrawals
        canceled = await market.withdraw(seller, "5.00", outside, commit=False)
        await withdrawals.address(canceled.id).ask(CancelWithdrawal(market.trace()))
        await market.withdraw(seller, "80.00", outside, commit=False)
        with pytest.raises(DomainError) as refused:
            await withdrawals.address(canceled.id).ask(CommitWithdrawal(market.trace()))
        assert ErrorCode.WITHDRAWAL_NOT_COMMITTABLE is refused.value.code
        assert "treasury" not in market.machine.system.alarms.on


@pytest.mark.expect_errors
async def test_a_recipient_that_breaks_a_batch_is_taken_out_and_alarmed(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("100.00")
        users = [await market.user(f"user {each}") for each in range(4)]
        broken = users[1]
        set_limit(market, broken.public_key, 0)
        for user in users:
            await market.post(postings.credit_manually(user.id, usdc("2")))
        await market.wait_settled(users[0], *users[2:])
        assert usdc("2") == await market.due(broken)
        assert [[20_000_000] * 4] == payments(market, ended=ChainStatus.FAILED)[:1]
        assert [[20_000_000] * 3] == payments(market)
        (entry, *_) = await market.audit("settlement.refused")
        assert ("alarm", broken.id) == (entry["result"], entry["userId"])
        assert "op_line_full" in entry["error"]
        assert f"settlement of {broken.id}" in market.machine.system.alarms.on
        # It is tried again, alone, and the others do not wait with it.
        await market.post(postings.credit_manually(users[0].id, usdc("1")))
        await market.wait_settled(users[0])
        set_limit(market, broken.public_key, None)
        await market.wait_settled(broken)
        assert all(len(each) == 1 for each in payments(market, ended=ChainStatus.FAILED)[1:])
        assert f"settlement of {broken.id}" not in market.machine.system.alarms.on
        assert 20_000_000 == market.on_chain(broken.public_key)
        await market.check_books()


@pytest.mark.expect_errors
async def test_who_was_refused_is_tried_again_while_others_wait_for_the_treasury(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=SCHEDULED) as market:
        await market.fill_treasury("2.00")
        broken, greedy = await market.user("broken"), await market.user("greedy")
        set_limit(market, broken.public_key, 0)
        await market.post(postings.credit_manually(broken.id, usdc("2")))
        with trio.fail_after(600):
            while not await market.audit("settlement.refused"):
                await trio.sleep(1)
        await market.post(postings.top_up(greedy.id, usdc("50"), "pay-in"))
        set_limit(market, broken.public_key, None)
        await market.wait_settled(broken)
        assert usdc("50") == await market.due(greedy)
        assert "treasury" in market.machine.system.alarms.on
        await market.check_books()


async def test_a_user_has_one_settlement_in_flight(autojump_clock: object) -> None:
    """What becomes due while one is on its way is settled after it, and is not counted on."""
    async with open_market(chosen=ON_DEMAND) as market:
        await market.fill_treasury("100.00")
        user = await market.user("user", "1.00")
        outside = open_outside_account(market.universe, "outside")
        await market.post(postings.credit_manually(user.id, usdc("2")))
        market.universe.sandbox.ledgers.pause()
        first = await market.withdraw(user, "3.00", outside)
        with trio.fail_after(60):
            while not settlements(market):
                await trio.sleep(0.2)
        await market.post(postings.credit_manually(user.id, usdc("4")))
        second = await market.withdraw(user, "4.00", outside)
        await trio.sleep(60)
        assert 1 == len(settlements(market))
        market.universe.sandbox.ledgers.resume()
        for each in (first, second):
            assert WithdrawalStatus.COMPLETED is (await market.ended(each)).status
        assert 70_000_000 == sum(sum(each) for each in payments(market)) + 10_000_000
        await market.check_books()


async def test_a_settlement_that_dies_is_proven_dead_and_paid_once(autojump_clock: object) -> None:
    async with open_market(chosen=ON_DEMAND) as market:
        await market.fill_treasury("100.00")
        user = await market.user("user", "1.00")
        await market.post(postings.credit_manually(user.id, usdc("2")))
        outside = open_outside_account(market.universe, "outside")
        market.fault(FaultKind.ERROR_BEFORE, SUBMIT, times=60)
        ended = await market.ended(await market.withdraw(user, "3.00", outside))
        assert WithdrawalStatus.COMPLETED is ended.status
        attempts = [(each.attempt, each.status) for each in settlements(market)]
        assert (1, ChainStatus.EXPIRED) == attempts[0]
        assert ChainStatus.CONFIRMED is attempts[-1][1]
        assert [[20_000_000]] == payments(market)
        await market.check_books()


@pytest.mark.expect_errors
async def test_a_restart_forgets_no_alarm_of_who_was_refused(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe, chosen=SCHEDULED) as market:
            await market.fill_treasury("10.00")
            broken = await market.user("broken")
            set_limit(market, broken.public_key, 0)
            await market.post(postings.credit_manually(broken.id, usdc("2")))
            with trio.fail_after(600):
                while not await market.audit("settlement.refused"):
                    await trio.sleep(1)
        async with living(universe, chosen=ON_DEMAND) as market:
            await trio.sleep(1)
            reason = market.machine.system.alarms.on[f"settlement of {broken.id}"]
            assert "op_line_full" in reason


POINTS = (
    "settlements.before_plan.settle",
    "settlements.after_plan.settle",
    "lane.before_signed.settle",
    "lane.after_signed.settle",
    "lane.before_submit.settle",
    "lane.after_submit.settle",
    "lane.before_confirmed.settle",
    "lane.after_confirmed.settle",
    "settlements.before_effects.settle",
    "settlements.after_effects.settle",
)


@pytest.mark.parametrize("point", POINTS)
async def test_a_settlement_survives_a_kill(autojump_clock: object, point: str) -> None:
    """The due is paid once and booked once, and the payment that waited for it goes out."""
    universe = Universe(seed=1)
    outside = open_outside_account(universe, "outside")
    async with closing(universe):
        async with doomed(universe, point, chosen=ON_DEMAND) as market:
            await market.fill_treasury("100.00")
            user = await market.user("user", "1.00")
            other = await market.user("other", "9.00")
            await market.post(
                postings.credit_manually(user.id, usdc("2")),
                postings.debit_manually(other.id, usdc("4")),
            )
            asked = await market.withdraw(user, "3.00", outside)
        async with living(universe, chosen=ON_DEMAND) as market:
            ended = await market.ended(asked)
            assert WithdrawalStatus.COMPLETED is ended.status
            await market.wait_settled(user)
            assert [[20_000_000]] == payments(market)
            assert 30_000_000 == market.on_chain(outside)
            await market.check_books()
