"""The watcher: what arrives on the chain is credited once, and what is ours already is not."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
import trio
from attrs import evolve
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder
from stellar_sdk import TransactionEnvelope as Envelope
from stellar_sdk.operation import Payment
from stellar_sdk.sep.toid import TOID

from actors.lane_parts import XlmPolicy
from actors.sealing import KeyRing
from actors.watcher import WatcherState
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.deposits import CURSOR
from offerhub.domain.intents import (
    ApproveMilestone,
    ChangeMilestoneStatus,
    EscrowIntent,
    ReleaseFunds,
)
from offerhub.domain.ledger import TREASURY, check_identities, suspense
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.users import User
from offerhub.domain.withdrawal import WithdrawalStatus
from offerhub.providers.rate import RateBudget
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import (
    AccountState,
    NetworkState,
    PaymentPage,
    UnreadableRecord,
)
from offerhub.providers.trustless_work.client import TrustlessWorkClient
from offerhub.sandbox.constants import (
    ISSUER_KEYPAIR,
    SANDBOX_PASSPHRASE,
    TRUSTLESS_WORK_API_KEY,
    USDC_ASSET,
)
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.actors.purchase import Market, closing, living, open_market
from tests.simulation.transport import SandboxTransport
from tests.simulation.world import (
    ENCRYPTION_KEY,
    URL,
    Universe,
    bytes_from,
    choices,
    now,
    open_outside_account,
    started,
)


def pay(
    universe: Universe,
    *payments: tuple[str, str],
    payer: Keypair = ISSUER_KEYPAIR,
    asset: Asset = USDC_ASSET,
) -> str:
    """One transaction of payments, in a ledger at once; gives its hash."""
    engine = universe.sandbox.engine
    account = engine.account(payer.public_key)
    assert account is not None
    builder = TransactionBuilder(
        Account(payer.public_key, account.sequence), SANDBOX_PASSPHRASE, base_fee=100
    )
    for destination, amount in payments:
        builder.append_operation(Payment(destination, asset, amount))
    builder.add_time_bounds(0, int(now().timestamp()) + 60)
    envelope = builder.build()
    envelope.sign(payer)
    engine.submit(envelope.to_xdr(), now())
    universe.sandbox.ledgers.close_now()
    return envelope.hash_hex()


async def deposits_of(market: Market, user: User) -> list[str]:
    return [
        event["payload"]["amount"]
        for event in await market.events("balance.credited")
        if event["payload"]["userId"] == user.id and event["payload"]["source"] == "stellar_deposit"
    ]


async def test_two_payments_of_one_transaction_are_two_deposits(autojump_clock: object) -> None:
    async with open_market() as market:
        user, other = await market.user("user"), await market.user("other")
        to = user.public_key
        tx_hash = pay(market.universe, (to, "10"), (other.public_key, "2"), (to, "10"))
        await market.wait_available(user, "20.00")
        assert ["10.00", "10.00"] == await deposits_of(market, user)
        assert ["2.00"] == await deposits_of(market, other)
        reported = await market.events("balance.credited")
        assert {tx_hash} == {event["payload"]["transactionHash"] for event in reported}
        assert 3 == len({event["payload"]["reference"] for event in reported})
        await market.check_books()


async def test_a_deposit_is_credited_to_the_stroop_and_shown_rounded_down(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user = await market.user("user")
        pay(market.universe, (user.public_key, "0.0199999"))
        await market.wait_available(user, "0.01")
        balance = await market.storage.balance(user.id)
        assert balance is not None
        assert 199_999 == balance.available.stroops
        await market.check_books()


async def test_other_assets_and_failed_payments_are_not_deposits(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user")
        pay(market.universe, (user.public_key, "5"), asset=Asset.native())
        outside = open_outside_account(market.universe, "poor")
        poor = Keypair.from_raw_ed25519_seed(hashlib.sha256(b"outside poor").digest())
        assert outside == poor.public_key
        failed = pay(market.universe, (user.public_key, "1"), payer=poor)
        row = market.universe.sandbox.engine.transaction(failed)
        assert row is not None
        await trio.sleep(10)
        assert [] == await deposits_of(market, user)
        assert "0.00" == await market.available(user)
        pay(market.universe, (user.public_key, "3"))
        await market.wait_available(user, "3.00")


async def test_a_payment_between_two_users_is_a_withdrawal_and_a_deposit(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        giver, taker = await market.user("giver", "30.00"), await market.user("taker")
        ended = await market.ended(await market.withdraw(giver, "12.00", taker.public_key))
        assert WithdrawalStatus.COMPLETED is ended.status
        await market.wait_available(taker, "12.00")
        assert "18.00" == await market.available(giver)
        await market.check_books()


async def test_a_payout_that_its_order_books_is_not_credited_again(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        await market.start_release(order)
        await market.settled(order)
        seller = await market.seller(order)
        await trio.sleep(20)
        assert "79.76" == await market.available(seller)
        assert [] == await deposits_of(market, seller)
        await market.check_books()


async def release_behind_our_back(market: Market, order: Order) -> None:
    """Somebody who has the seeds pays the contract out without us."""
    ring = KeyRing(ENCRYPTION_KEY, bytes_from("thief"))
    buyer, seller = await market.buyer(order), await market.seller(order)
    assert order.escrow is not None
    contract = order.escrow.contract_id or ""
    steps: tuple[tuple[EscrowIntent, User], ...] = (
        (ChangeMilestoneStatus(contract, 0, "completed", "", seller.public_key), seller),
        (ApproveMilestone(contract, 0, buyer.public_key), buyer),
        (ReleaseFunds(contract, buyer.public_key), buyer),
    )
    provider = TrustlessWorkClient(
        URL,
        api_key=TRUSTLESS_WORK_API_KEY,
        budget=RateBudget.per_minute(0),
        random=lambda: 0.5,
        transport=SandboxTransport(market.universe.sandbox.handle),
    )
    for intent, user in steps:
        wallet = await market.wallet(user)
        envelope = Envelope.from_xdr(await provider.build(intent), SANDBOX_PASSPHRASE)
        envelope.sign(ring.open(wallet.seed, wallet.id, wallet.public_key))
        market.universe.sandbox.engine.submit(envelope.to_xdr(), now())
        market.universe.sandbox.ledgers.close_now()


async def test_a_payout_of_a_contract_of_ours_that_no_order_expects_is_parked_and_alarmed(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        order = await market.funded_order()
        seller = await market.seller(order)
        await release_behind_our_back(market, order)
        await trio.sleep(10)
        assert "0.00" == await market.available(seller)
        assert [] == await deposits_of(market, seller)
        books = await market.storage.books()
        assert 797_600_000 == books.account(suspense(seller.id)).stroops
        (alarm,) = await market.audit("deposit.park")
        assert ("alarm", seller.id) == (alarm["result"], alarm["userId"])


async def test_usdc_for_the_platforms_wallet_is_the_treasurys(autojump_clock: object) -> None:
    async with open_market() as market:
        await market.user("user")
        platform = market.machine.tree.bootstrap._platform
        pay(market.universe, (platform.wallet.public_key, "500"))
        await trio.sleep(5)
        books = await market.storage.books()
        assert 5_000_000_000 == books.account(TREASURY).stroops
        balance = await market.storage.balance(platform.user.id)
        assert balance is not None
        assert not balance.total
        check_identities(books, platform.user.id)


async def test_deposits_of_the_down_time_are_credited_once(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            user = await market.user("user", "5.00")
        pay(universe, (user.public_key, "7"), (user.public_key, "8"))
        await trio.sleep(30)
        for _ in range(3):
            async with living(universe) as market:
                await market.wait_available(user, "20.00")
                await trio.sleep(5)
                assert ["5.00", "7.00", "8.00"] == await deposits_of(market, user)
                await market.check_books()


async def test_full_pages_are_followed_at_once(autojump_clock: object) -> None:
    """450 payments are three pages; only after a page that is not full the watcher pauses."""
    slow = evolve(choices(), poll_s=600.0)
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            user = await market.user("user")
        for _ in range(5):
            pay(universe, *[(user.public_key, "0.01")] * 90)
        async with living(universe, chosen=slow) as market:
            began = trio.current_time()
            await market.wait_available(user, "4.50")
            assert trio.current_time() - began < 60
            assert 450 == len(await deposits_of(market, user))


@pytest.mark.expect_errors
async def test_a_cursor_that_was_set_back_credits_nothing_twice(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    async with closing(universe):
        async with living(universe) as market:
            before = universe.database.cursors[CURSOR]
            user = await market.user("user", "5.00")
        universe.database.cursors[CURSOR] = before
        pay(universe, (user.public_key, "7"))
        async with living(universe) as market:
            await market.wait_available(user, "12.00")
            assert ["5.00", "7.00"] == await deposits_of(market, user)
            await market.deposit(user, "1.00")
            await market.wait_available(user, "13.00")
            await market.check_books()


@pytest.mark.expect_errors
async def test_a_deposit_past_the_largest_balance_waits_for_an_operator(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        rich, other = await market.user("rich"), await market.user("other")
        pay(market.universe, (rich.public_key, "900000000000"))
        await market.wait_available(rich, "900000000000.00")
        pay(market.universe, (rich.public_key, "5"), (other.public_key, "6"))
        await market.wait_available(other, "6.00")
        assert "900000000000.00" == await market.available(rich)
        books = await market.storage.books()
        assert 50_000_000 == books.account(suspense(rich.id)).stroops
        await market.check_books()


Looked = Callable[[PaymentPage], PaymentPage]


def seen_as(patch: pytest.MonkeyPatch, look: Looked) -> None:
    honest = HorizonClient.payments_after

    async def payments_after(self: HorizonClient, cursor: str, limit: int) -> PaymentPage:
        return look(await honest(self, cursor, limit))

    patch.setattr(HorizonClient, "payments_after", payments_after)


@pytest.mark.expect_errors
async def test_a_record_that_cannot_be_read_is_parked_and_the_cursor_moves_on(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        user = await market.user("user")
        first = pay(market.universe, (user.public_key, "1"))

        def look(page: PaymentPage) -> PaymentPage:
            return evolve(
                page,
                records=tuple(
                    UnreadableRecord(record.paging_token, "it is odd", '{"id": "1"}')
                    if not isinstance(record, UnreadableRecord) and record.transaction_hash == first
                    else record
                    for record in page.records
                ),
            )

        seen_as(monkeypatch, look)
        pay(market.universe, (user.public_key, "2"))
        await market.wait_available(user, "2.00")
        (parked,) = (await market.storage.parked(None, 10, open_only=True)).items
        assert ("stellar", "it is odd") == (parked.source, parked.reason)
        await market.deposit(user, "3.00")
        await market.wait_available(user, "5.00")


async def test_a_deposit_is_credited_though_accounts_re_read_themselves_all_the_time(
    autojump_clock: object,
) -> None:
    """At a rank above the watcher's, under the calls that Horizon allows: it starved for an hour."""
    universe = Universe(seed=1, ledger_s=5.0)
    async with closing(universe):
        async with living(universe) as market:
            user = await market.user("user")
        async with (
            started(universe, horizon_per_hour=3600) as machine,
            trio.open_nursery() as nursery,
        ):
            market = Market(machine, universe)

            async def re_read() -> None:
                while True:
                    await machine.system.network.account(user.public_key)

            for _ in range(8):
                nursery.start_soon(re_read)
            await trio.sleep(300)
            await market.deposit(user, "5.00")
            with trio.fail_after(60):
                await market.wait_available(user, "5.00")
            nursery.cancel_scope.cancel()


@pytest.mark.expect_errors
async def test_accounts_that_wait_for_xlm_cost_no_calls_and_hold_up_no_deposit(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five of them, whose refill never comes, under the calls that Horizon allows."""
    universe = Universe(seed=1, ledger_s=5.0)
    outside = open_outside_account(universe, "outside")
    too_much = XlmPolicy(minimum=Money.parse("1000000.00"), level=Money.parse("2000000.00"))
    asked: list[str] = []
    honest = HorizonClient.account

    async def account(self: HorizonClient, address: str) -> AccountState | None:
        asked.append(address)
        return await honest(self, address)

    monkeypatch.setattr(HorizonClient, "account", account)
    async with closing(universe):
        async with living(universe) as market:
            users = [await market.user(f"user {number}", "9.00") for number in range(5)]
        async with started(
            universe, chosen=evolve(choices(), wallet_xlm=too_much), horizon_per_hour=3600
        ) as machine:
            market = Market(machine, universe)
            for user in users:
                await market.withdraw(user, "1.00", outside)
            await trio.sleep(300)
            asked.clear()
            await trio.sleep(600)
            ours = [address for address in asked if address in {u.public_key for u in users}]
            # A sweep a minute may wake each of them once.
            assert len(ours) <= 10 * 2 * len(users)
            rows = universe.database.tables.of(ChainOperation).rows.values()
            # Each that fails on the chain has cost its fee.
            assert 0 < len([row for row in rows if row.subject is Subject.REFILL]) <= 30
            await market.deposit(users[0], "5.00")
            with trio.fail_after(60):
                await market.wait_available(users[0], "13.00")


# Trouble at the server.


def state_of(market: Market) -> WatcherState:
    return market.machine.tree.watcher.view.state


def network_as(patch: pytest.MonkeyPatch, look: Callable[[NetworkState], NetworkState]) -> None:
    honest = HorizonClient.state

    async def state(self: HorizonClient) -> NetworkState:
        return look(await honest(self))

    patch.setattr(HorizonClient, "state", state)


@pytest.mark.expect_errors
@pytest.mark.parametrize(
    ("look", "seen"),
    [
        (lambda state: evolve(state, passphrase="another"), WatcherState.RESET),
        (lambda state: evolve(state, latest_ledger=1, elder_ledger=1), WatcherState.RESET),
        (lambda state: evolve(state, elder_ledger=10_000, latest_ledger=10_000), WatcherState.HOLE),
    ],
    ids=["another network", "a ledger of the past", "a hole in the history"],
)
async def test_nothing_is_credited_over_a_hole_or_from_a_reset_network(
    autojump_clock: object,
    monkeypatch: pytest.MonkeyPatch,
    look: Callable[[NetworkState], NetworkState],
    seen: WatcherState,
) -> None:
    async with open_market() as market:
        user = await market.user("user", "5.00")
        with monkeypatch.context() as patch:
            network_as(patch, look)
            await trio.sleep(15)
            pay(market.universe, (user.public_key, "7"))
            await trio.sleep(90)
            assert seen is state_of(market)
            assert "5.00" == await market.available(user)
        await market.wait_available(user, "12.00")
        assert WatcherState.FOLLOWING is state_of(market)


async def test_a_server_that_lags_a_little_is_no_reset(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of several behind one address: the cursor is ahead of it for a moment."""
    async with open_market() as market:
        user = await market.user("user", "5.00")
        with monkeypatch.context() as patch:
            network_as(patch, lambda state: evolve(state, latest_ledger=2))
            await trio.sleep(30)
            assert WatcherState.FOLLOWING is state_of(market)
        await market.deposit(user, "7.00")
        await market.wait_available(user, "12.00")


async def test_an_empty_page_of_a_server_that_lags_passes_over_no_deposit(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network's state comes from a server that does not lag: the page says nothing of its own."""
    async with open_market() as market:
        user = await market.user("user", "5.00")
        with monkeypatch.context() as patch:
            seen_as(patch, lambda page: evolve(page, records=(), full=False))
            await market.deposit(user, "7.00")
            await trio.sleep(45)
        await market.wait_available(user, "12.00")


async def test_a_silent_network_is_told_and_still_followed(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_market() as market:
        user = await market.user("user", "5.00")
        with monkeypatch.context() as patch:
            old = timedelta(seconds=100)
            network_as(
                patch, lambda state: evolve(state, latest_closed_at=state.latest_closed_at - old)
            )
            await trio.sleep(15)
            assert WatcherState.SILENT is state_of(market)
            pay(market.universe, (user.public_key, "7"))
            await market.wait_available(user, "12.00")
        await trio.sleep(15)
        assert WatcherState.FOLLOWING is state_of(market)


async def test_a_server_that_is_away_is_waited_for(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "5.00")
        faults = market.universe.sandbox.faults
        away = faults.add(FaultSpec(FaultKind.ERROR_BEFORE, "GET /*", rate=1.0))
        pay(market.universe, (user.public_key, "7"))
        await trio.sleep(120)
        assert WatcherState.UNREACHABLE is state_of(market)
        faults.remove(away.id)
        await market.wait_available(user, "12.00")
        assert WatcherState.FOLLOWING is state_of(market)


async def test_the_database_away_for_a_while_loses_no_deposit(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "5.00")
        market.universe.database.available = False
        pay(market.universe, (user.public_key, "7"))
        await trio.sleep(60)
        market.universe.database.available = True
        await market.wait_available(user, "12.00")
        assert ["5.00", "7.00"] == await deposits_of(market, user)


async def test_a_quiet_network_moves_the_cursor_too(autojump_clock: object) -> None:
    async with open_market() as market:
        before = int(market.universe.database.cursors[CURSOR])
        await trio.sleep(200)
        after = int(market.universe.database.cursors[CURSOR])
        latest = market.universe.sandbox.engine.latest_ledger().sequence
        assert after > before
        assert latest - 80 < TOID.from_int64(after).ledger_sequence < latest
        user = await market.user("user", "5.00")
        assert "5.00" == await market.available(user)
