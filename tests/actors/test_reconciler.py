"""The reconciler: at rest both sides are equal to the stroop, and what differs is found and told."""

import pytest
import trio
from attrs import evolve

from actors.messages import ChangeManually
from actors.reconcile_commands import RECONCILE
from actors.reconciler import Reconciler
from offerhub.domain import postings
from offerhub.domain.ledger import Posting, Transfer, TransferKind
from offerhub.domain.manual_change import ManualKind
from offerhub.domain.money import Money
from offerhub.domain.reconciliation import Holder, Report
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import User, WalletRole, WalletStatus
from offerhub.domain.withdrawal import Withdrawal
from offerhub.sandbox.fault_plan import FaultKind
from tests.actors.commanding import command
from tests.actors.purchase import Market, closing, failing_at, living, open_market
from tests.simulation.world import Universe, open_outside_account

ACCOUNTS = "GET /accounts"


def reconciler(market: Market) -> Reconciler:
    return market.machine.system.reconciler


def subjects(report: Report) -> set[str]:
    return {compared.subject for compared in report.differences}


async def set_on_chain(market: Market, address: str, stroops: int) -> None:
    """Change what the network holds behind everybody's back: no operation, no payment."""
    state = market.universe.sandbox.engine._state
    usdc = market.universe.sandbox.engine.usdc
    if address.startswith("C"):
        state.contract_balances.put(address, stroops)
    else:
        line = state.trustline(address, usdc)
        assert line is not None
        state.put_trustline(evolve(line, balance=stroops))
    state.forget_log()
    await trio.sleep(3)


async def misbook(market: Market, *postings: tuple[str, int]) -> None:
    """A transfer that no rule makes."""
    system = market.machine.system
    transfer = Transfer(
        id=system.ids.new("trf"),
        kind=TransferKind.DEPOSIT,
        reference="planted",
        cause="test",
        postings=tuple(Posting(account, Money(amount)) for account, amount in postings),
    )
    unit = UnitOfWork(
        at=system.clock(), trace=Trace.system("test", "req_test"), transfers=(transfer,)
    )
    assert isinstance(await market.machine.tree.journal.commit(unit), Committed)


async def test_at_rest_everything_agrees_to_the_stroop(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        closed = await market.settled(await market.start_release(order))
        user = await market.user("saver", "12.34")
        second = await market.order(
            await market.buyer(closed), await market.seller(closed), "10.00"
        )
        await market.settled(await market.start_escrow(await market.reserve(second)))
        await market.settled(await market.start_funding(second))
        report = await reconciler(market).reconcile()
        assert report.clean, report
        assert (0, 0) == (len(report.surpluses), len(report.unsettled))
        assert {"wallet": 3, "treasury": 1, "contract": 2, "airtm": 1} == report.compared
        assert user.id
        assert {} == dict(market.machine.system.alarms.on)


@pytest.mark.expect_errors
@pytest.mark.parametrize("amount", [-1, 1, 50_000_000])
async def test_a_wallet_that_differs_is_alarmed_once_and_until_it_agrees(
    autojump_clock: object, amount: int
) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        other = await market.user("other", "10.00")
        await set_on_chain(market, user.public_key, 100_000_000 + amount)
        assert {f"wallet/{user.id}"} == subjects(await reconciler(market).reconcile())
        report = await reconciler(market).reconcile()
        (found,) = report.differences
        assert (Money(100_000_000), Money(amount)) == (found.ledger, found.difference)
        assert [f"reconcile:wallet/{user.id}"] == list(market.machine.system.alarms.on)
        (entry,) = await market.audit("reconcile.difference")
        assert ("Wallet", user.id, "alarm") == (
            entry["resourceType"],
            entry["resourceId"],
            entry["result"],
        )
        await set_on_chain(market, user.public_key, 100_000_000)
        assert (await reconciler(market).reconcile()).clean
        assert {} == dict(market.machine.system.alarms.on)
        assert other.id


@pytest.mark.expect_errors
async def test_an_alarm_ends_while_another_wallet_does_not_come_to_rest(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user, busy = await market.user("saver", "10.00"), await market.user("busy", "10.00")
        alarms = market.machine.system.alarms.on
        await set_on_chain(market, user.public_key, 100_000_001)
        await reconciler(market).reconcile()
        assert f"reconcile:wallet/{user.id}" in alarms
        await set_on_chain(market, user.public_key, 100_000_000)
        await misbook(market, (f"available/{busy.id}", 1), ("external", -1))
        market.fault(FaultKind.ERROR_BEFORE, "GET /payments", times=50)
        await market.deposit(busy, "2.50")
        await trio.sleep(2)
        report = await reconciler(market).reconcile()
        assert (f"wallet/{busy.id}",) == report.unsettled
        assert f"reconcile:wallet/{user.id}" not in alarms


@pytest.mark.expect_errors
async def test_a_balance_that_was_misbooked_shows_at_its_wallet(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        await misbook(market, (f"available/{user.id}", 1), ("external", -1))
        report = await reconciler(market).reconcile()
        assert {f"wallet/{user.id}"} == subjects(report)
        assert Money(-1) == report.differences[0].difference


@pytest.mark.expect_errors
async def test_a_wallet_that_is_gone_from_the_network_differs(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        state = market.universe.sandbox.engine._state
        state.accounts.remove(user.public_key)
        state.trustlines.remove(user.public_key)
        state.forget_log()
        report = await reconciler(market).reconcile()
        assert {f"wallet/{user.id}"} == subjects(report)
        assert Money.parse("10.00") == -report.differences[0].difference


@pytest.mark.expect_errors
async def test_a_treasury_that_differs_is_alarmed(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.user("anybody")  # the platform's accounts are on the network then
        wallets = await market.storage.wallets_of_platform()
        (address,) = [w.public_key for w in wallets if w.role is WalletRole.PLATFORM]
        held = market.on_chain(address)
        assert held is not None
        await set_on_chain(market, address, held + 7)
        report = await reconciler(market).reconcile()
        (found,) = report.differences
        assert (Holder.TREASURY, Money(7)) == (found.holder, found.difference)


@pytest.mark.expect_errors
async def test_a_contract_that_lacks_its_orders_money_is_alarmed(autojump_clock: object) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        assert order.escrow is not None
        assert order.escrow.contract_id is not None
        await set_on_chain(market, order.escrow.contract_id, order.amount.stroops - 10)
        report = await reconciler(market).reconcile()
        assert {f"contract/{order.id}"} == subjects(report)
        assert Money(-10) == report.differences[0].difference


@pytest.mark.parametrize("released", [True, False])
async def test_what_somebody_sent_to_a_contract_is_a_surplus_and_no_alarm(
    autojump_clock: object, released: bool
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        assert order.escrow is not None
        assert order.escrow.contract_id is not None
        if released:
            await market.settled(await market.start_release(order))
        held = market.on_chain(order.escrow.contract_id)
        assert held == (0 if released else order.amount.stroops)
        await set_on_chain(market, order.escrow.contract_id, held + 30_000_000)
        for _ in range(2):
            report = await reconciler(market).reconcile()
            (surplus,) = report.surpluses
            assert (order.id, Money.parse("3.00")) == (surplus.owner, surplus.difference)
            assert report.clean
        assert {} == dict(market.machine.system.alarms.on)


@pytest.mark.expect_errors
async def test_a_float_at_airtm_differs_where_there_is_no_airtm(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        system = market.machine.system
        movement = postings.top_up(user.id, Money.parse("1.00"), "pi")
        context = reconciler(market)._core.deciding_as("test")
        transfer = context.transfer(movement, reference="planted", cause="test")
        await market.machine.tree.journal.commit(
            UnitOfWork(at=system.clock(), trace=context.trace, transfers=(transfer,))
        )
        report = await reconciler(market).reconcile()
        assert "airtm/airtm" in subjects(report)


async def test_money_on_its_way_is_counted_and_alarms_nobody(autojump_clock: object) -> None:
    """A deposit that the watcher has not read, and a withdrawal whose end is not taken."""
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        wallet = await market.wallet(user)
        market.fault(FaultKind.ERROR_BEFORE, "GET /payments", times=50)
        await market.deposit(user, "2.50")
        await trio.sleep(2)
        compared = await reconciler(market).comparing.wallet(wallet)
        assert (Money.parse("12.50"), Money.parse("2.50"), Money.zero()) == (
            compared.on_chain,
            compared.in_flight,
            compared.difference,
        )
        assert not compared.at_rest
        assert (await reconciler(market).reconcile()).clean
        await market.wait_available(user, "12.50")
        compared = await reconciler(market).comparing.wallet(wallet)
        assert compared.at_rest
        assert (Money.parse("12.50"), Money.zero()) == (compared.ledger, compared.in_flight)


@pytest.mark.expect_errors
async def test_a_withdrawal_on_its_way_is_never_a_difference(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        receiver = await market.user("receiver")
        wallets = [await market.wallet(each) for each in (user, receiver)]
        differences, on_its_way = set(), set()
        async with failing_at("withdrawal.before_effects.pay", times=3):
            withdrawal = await market.withdraw(user, "4.00", receiver.public_key)
            with trio.fail_after(600):
                while (await market.available(receiver)) != "4.00" or (
                    await market.storage.load_many(Withdrawal, [withdrawal.id])
                )[withdrawal.id].in_flight:
                    for wallet in wallets:
                        compared = await reconciler(market).comparing.wallet(wallet)
                        differences.add(compared.difference)
                        on_its_way.add(compared.in_flight)
                    await trio.sleep(0.1)
        await market.ended(withdrawal)
        # What the payment has done on the chain was seen before its owner had booked it.
        assert {Money.zero()} == differences
        assert -Money.parse("4.00") in on_its_way
        assert (await reconciler(market).reconcile()).clean


@pytest.mark.expect_errors
async def test_the_platforms_withdrawal_on_its_way_is_never_a_difference(
    autojump_clock: object,
) -> None:
    """A channel account is the source of its payment, and the platform's wallet pays."""
    async with open_market() as market:
        tree = market.machine.tree
        platform = await market.storage.load(User, tree.system.instance.platform_user_id)
        assert platform is not None
        wallet = await market.wallet(platform)
        await market.fill_treasury("10.00")
        outside = open_outside_account(market.universe, "outside")
        differences, on_its_way = set(), set()
        async with failing_at("withdrawal.before_effects.pay", times=3):
            withdrawal = await market.withdraw(platform, "4.00", outside)
            with trio.fail_after(600):
                while (await market.storage.load_many(Withdrawal, [withdrawal.id]))[
                    withdrawal.id
                ].in_flight:
                    compared = await reconciler(market).comparing.wallet(wallet)
                    differences.add(compared.difference)
                    on_its_way.add(compared.in_flight)
                    await trio.sleep(0.1)
        await market.ended(withdrawal)
        assert {Money.zero()} == differences
        assert -Money.parse("4.00") in on_its_way


async def test_a_settlement_on_its_way_is_never_a_difference(autojump_clock: object) -> None:
    """What is due is no money of the wallet's yet; while it is paid, both sides move at once."""
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        platform = market.machine.system.instance.platform_user_id
        wallets = await market.storage.wallets_of_platform()
        (treasury,) = [each for each in wallets if each.role is WalletRole.PLATFORM]
        await market.machine.control.faucet(treasury.public_key, Money.parse("50.00"))
        await trio.sleep(10)
        change = ChangeManually(
            ManualKind.CREDIT, Money.parse("4.00"), "sorry", None, market.trace()
        )
        await market.machine.system.balances.address(user.id).ask(change)
        compared = await reconciler(market).comparing.wallet(await market.wallet(user))
        assert Money.parse("4.00") == compared.due
        assert not compared.difference
        settled, looks = False, 0
        with trio.fail_after(600):
            while not settled:
                for wallet in (await market.wallet(user), treasury):
                    compared = await reconciler(market).comparing.wallet(wallet)
                    assert not compared.at_rest or not compared.difference, compared
                    settled = compared.owner == platform and not (
                        (await market.storage.treasury()).owed
                    )
                    looks += 1
                await trio.sleep(0.3)
        assert looks > 10
        report = await reconciler(market).reconcile()
        assert report.clean, report


async def test_an_answer_that_is_older_than_what_was_seen_proves_nothing(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        await trio.sleep(60)  # the server that lags knows the wallet, and not the second deposit
        await market.deposit(user, "5.00")
        await market.wait_available(user, "15.00")
        market.universe.sandbox._horizon.knobs.ingestion_lag_ledgers = 8
        compared = await reconciler(market).comparing.wallet(await market.wallet(user))
        assert Money.parse("10.00") == compared.on_chain
        assert not compared.at_rest
        assert (await reconciler(market).reconcile()).differences == ()


async def test_a_side_that_is_away_is_named_and_the_rest_compared(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.funded_order()
        market.fault(FaultKind.ERROR_BEFORE, "GET /helper/*", times=1000)
        report = await reconciler(market).reconcile()
        assert {"contracts", "closed contracts"} >= set(report.skipped)
        assert "contracts" in report.skipped
        assert not report.clean
        assert 2 == report.compared["wallet"]


async def test_the_service_passes_again_and_again(autojump_clock: object) -> None:
    async with open_market() as market:
        await trio.sleep(301)
        first = reconciler(market).report
        assert first is not None
        await trio.sleep(3700)
        second = reconciler(market).report
        assert second is not None
        assert second.began_at > first.ended_at


async def test_the_command_tells_what_it_found_and_leaves_an_entry(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.user("saver", "10.00")
        ended = await command(market.storage, RECONCILE, {})
        assert ended.result is not None
        assert ended.result["clean"] is True
        assert {"wallet": 1, "treasury": 1, "airtm": 1} == ended.result["compared"]
        (entry,) = await market.audit("reconcile.run")
        assert ("ok", "cli:root") == (entry["result"], entry["actor"])


@pytest.mark.expect_errors
async def test_the_command_tells_a_difference(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("saver", "10.00")
        await set_on_chain(market, user.public_key, 99_999_999)
        ended = await command(market.storage, RECONCILE, {})
        assert ended.result is not None
        assert ended.result["clean"] is False
        assert [
            {
                "subject": f"wallet/{user.id}",
                "onChain": "9.9999999",
                "booked": "10.0000000",
                "inFlight": "0.0000000",
                "difference": "-0.0000001",
            }
        ] == ended.result["differences"]
        (entry,) = await market.audit("reconcile.run")
        assert "alarm" == entry["result"]


async def test_a_wallet_that_was_never_activated_holds_nothing_and_differs_from_nothing(
    autojump_clock: object,
) -> None:
    universe = Universe(seed=1)
    async with closing(universe), living(universe) as market:
        user: User = await market.new_user("young")
        wallet = await market.wallet(user)
        compared = await reconciler(market).comparing.wallet(
            evolve(wallet, status=WalletStatus.ACTIVATING)
        )
        assert (Money.zero(), Money.zero()) == (compared.on_chain, compared.difference)
