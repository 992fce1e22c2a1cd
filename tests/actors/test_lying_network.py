"""A network that lies, lags or hides: nothing is paid twice for its word alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import trio
from attrs import evolve, frozen
from stellar_sdk import Account, Asset, Keypair, TransactionBuilder

from actors.sealing import KeyRing
from offerhub.domain.chain import ChainOperation, ChainStatus, FailureKind
from offerhub.domain.resolutions import Outcome, Resolution, resolution_key
from offerhub.domain.steps import StepKind
from offerhub.domain.users import User
from offerhub.domain.withdrawal import Withdrawal, WithdrawalStatus
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import AccountState
from offerhub.sandbox.constants import SANDBOX_PASSPHRASE
from storage.memory import MemoryDatabase
from tests.actors.lies import Liar
from tests.actors.purchase import Market, closing, living
from tests.simulation.world import ENCRYPTION_KEY, Universe, bytes_from, now, open_outside_account

HOUR_S = 3600.0
LONG_S = 500.0
"""Four lifetimes of a payment."""


@frozen
class Scene:
    market: Market
    liar: Liar
    destination: str
    user: User

    async def withdraw(self, amount: str) -> Withdrawal:
        return await self.market.withdraw(self.user, amount, self.destination)

    @property
    def paid(self) -> int | None:
        return self.market.on_chain(self.destination)

    @property
    def payments(self) -> list[ChainOperation]:
        rows = self.market.universe.database.tables.of(ChainOperation).rows.values()
        return [row for row in rows if row.step.kind is StepKind.PAY]

    async def resolve(self, operation: ChainOperation, word: Resolution) -> None:
        assert await self.market.storage.put_setting(resolution_key(operation.id), word.encoded())

    async def until_held(self) -> None:
        with trio.fail_after(HOUR_S):
            while not self.liar.held:
                await trio.sleep(1)

    async def until_unclear(self) -> ChainOperation:
        with trio.fail_after(HOUR_S):
            while True:
                for operation in self.payments:
                    if operation.unclear_since is not None:
                        return operation
                await trio.sleep(1)


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    universe = Universe(seed=1)
    liar = Liar(universe)
    destination = open_outside_account(universe, "outside")
    async with closing(universe), living(universe) as market:
        yield Scene(market, liar, destination, await market.user("user", "50.00"))


async def still_waits(scene: Scene, withdrawal: Withdrawal, seconds: float = LONG_S) -> None:
    """Nothing was built again, failed or given back."""
    await trio.sleep(seconds)
    stored = await scene.market.storage.load(Withdrawal, withdrawal.id)
    assert stored is not None
    assert WithdrawalStatus.COMMITTED is stored.status
    (payment,) = scene.payments
    assert ChainStatus.SUBMITTED is payment.status


@pytest.mark.expect_errors
async def test_a_payment_whose_hash_is_hidden_is_not_paid_again(
    autojump_clock: object, no_unexpected_errors
) -> None:
    """A withdrawal of 3.00 paid 6.00: its number was used, so its envelope may have been."""
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = at.liar.hides_history = True
        withdrawal = await at.withdraw("3.00")
        await still_waits(at, withdrawal)
        assert 30_000_000 == at.paid
        (payment,) = at.payments
        assert payment.unclear_since is not None
        assert [payment.id] == list(at.market.machine.system.alarms.on)
        (entry,) = await at.market.audit("operation.unclear")
        assert payment.id == entry["resourceId"]
        reported = [
            e for e in no_unexpected_errors.entries if e["event"] == "lane.operation_unclear"
        ]
        assert 1 == len(reported)
        at.liar.hides_hashes = False
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        assert 30_000_000 == at.paid
        assert {} == at.market.machine.system.alarms.on
        await at.market.check_books()


@pytest.mark.expect_errors
async def test_the_alarm_is_given_once_over_restarts(autojump_clock: object) -> None:
    universe = Universe(seed=1)
    liar = Liar(universe)
    outside = open_outside_account(universe, "outside")
    async with closing(universe):
        async with living(universe) as market:
            user = await market.user("user", "50.00")
            liar.loses_answers = liar.hides_hashes = liar.hides_history = True
            withdrawal = await market.withdraw(user, "3.00", outside)
            await Scene(market, liar, outside, user).until_unclear()
        async with living(universe) as market:
            await trio.sleep(30)
            assert 1 == len(market.machine.system.alarms.on)
            await trio.sleep(LONG_S)
            assert 1 == len(await market.audit("operation.unclear"))
            assert 1 == len(market.machine.system.alarms.on)
            liar.hides_hashes = False
            assert WithdrawalStatus.COMPLETED is (await market.ended(withdrawal)).status


async def test_a_contradiction_that_lasts_for_a_minute_is_no_alarm(autojump_clock: object) -> None:
    """Servers behind one address lag one another."""
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = at.liar.hides_history = True
        withdrawal = await at.withdraw("3.00")
        with trio.fail_after(HOUR_S):
            while not any("number" in (each.last_error or "") for each in at.payments):
                await trio.sleep(1)
        await trio.sleep(60)
        at.liar.hides_hashes = False
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        assert [] == await at.market.audit("operation.unclear")
        assert 30_000_000 == at.paid


async def test_a_hidden_hash_is_found_in_the_accounts_history(autojump_clock: object) -> None:
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = True
        withdrawal = await at.withdraw("3.00")
        ended = await at.market.ended(withdrawal)
        assert WithdrawalStatus.COMPLETED is ended.status
        (payment,) = at.payments
        assert payment.tx_hash == ended.transaction_hash
        assert 30_000_000 == at.paid


@pytest.mark.expect_errors
@pytest.mark.parametrize("moved", [timedelta(hours=4), timedelta(days=9000)])
async def test_a_clock_that_was_moved_expires_nothing(
    autojump_clock: object, moved: timedelta
) -> None:
    """A withdrawal of 5.00 paid 25.00 and was given back: five envelopes, all of them alive."""
    async with scene() as at:
        at.liar.holds_submissions = at.liar.loses_answers = True
        withdrawal = await at.withdraw("5.00")
        await at.until_held()
        at.liar.clock_moved = moved
        await trio.sleep(60)
        (payment,) = at.payments
        assert ChainStatus.SUBMITTED is payment.status
        assert at.market.machine.system.ledger_clock.distrust is not None
        await at.liar.deliver()
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        assert 50_000_000 == at.paid


@pytest.mark.expect_errors
async def test_nothing_is_signed_by_a_clock_that_is_years_ahead(autojump_clock: object) -> None:
    async with scene() as at:
        at.liar.clock_moved = timedelta(days=9000)
        withdrawal = await at.withdraw("5.00")
        await trio.sleep(LONG_S)
        (payment,) = at.payments
        assert (ChainStatus.PLANNED, None) == (payment.status, payment.envelope)
        at.liar.clock_moved = timedelta()
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status


async def test_a_clock_that_is_minutes_ahead_does_not_shorten_an_envelopes_life(
    autojump_clock: object,
) -> None:
    """It is within the tolerance, so our own clock is asked, too."""
    async with scene() as at:
        at.liar.holds_submissions = at.liar.loses_answers = True
        withdrawal = await at.withdraw("5.00")
        await at.until_held()
        at.liar.clock_moved = timedelta(minutes=4)
        await trio.sleep(60)
        (payment,) = at.payments
        assert ChainStatus.SUBMITTED is payment.status
        await at.liar.deliver()
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        assert 50_000_000 == at.paid


@pytest.mark.parametrize("lie", ["turns_success", "forges_failures"])
async def test_a_failure_that_what_it_moved_or_its_own_result_denies_is_no_answer(
    autojump_clock: object, lie: str
) -> None:
    """A withdrawal of 2.00 paid 10.00 in 3 s, failed as `tx_success` and was given back."""
    async with scene() as at:
        setattr(at.liar, lie, True)
        withdrawal = await at.withdraw("2.00")
        await still_waits(at, withdrawal)
        assert 20_000_000 == at.paid
        setattr(at.liar, lie, False)
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        assert 20_000_000 == at.paid
        await at.market.check_books()


@pytest.mark.parametrize("lag", ["stale_accounts", "without_ledger"])
async def test_an_account_of_unknown_or_older_ledger_proves_no_death(
    autojump_clock: object, lag: str
) -> None:
    """A lagging server hides a payment as well as the number that it used."""
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = True
        at.liar.hides_sequences = lag == "without_ledger"
        setattr(at.liar, lag, True)
        withdrawal = await at.withdraw("3.00")
        await still_waits(at, withdrawal)
        assert 30_000_000 == at.paid
        setattr(at.liar, lag, False)
        at.liar.hides_hashes = at.liar.hides_sequences = False
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status


@pytest.mark.expect_errors
async def test_a_server_of_another_network_proves_no_death(autojump_clock: object) -> None:
    """What it has never seen may be in a ledger of ours."""
    async with scene() as at:
        at.liar.holds_submissions = True
        withdrawal = await at.withdraw("3.00")
        await at.until_held()
        at.liar.another_network = True
        await still_waits(at, withdrawal, 1000)
        at.liar.another_network = at.liar.holds_submissions = False
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        first, second = at.payments
        assert (ChainStatus.EXPIRED, 2) == (first.status, second.attempt)
        assert 30_000_000 == at.paid


@pytest.mark.expect_errors
async def test_a_hole_in_the_history_stops_expiry(autojump_clock: object) -> None:
    async with scene() as at:
        at.liar.holds_submissions = True
        withdrawal = await at.withdraw("3.00")
        await at.until_held()
        latest = at.market.universe.sandbox.engine.latest_ledger().sequence
        at.liar.elder_ledger = latest + 10
        await still_waits(at, withdrawal, 1000)
        at.liar.elder_ledger = None
        at.liar.holds_submissions = False
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        first, second = at.payments
        assert (ChainStatus.EXPIRED, 2) == (first.status, second.attempt)
        assert 30_000_000 == at.paid


@pytest.mark.expect_errors
async def test_a_step_is_not_built_again_until_the_attempt_before_is_proven_absent(
    autojump_clock: object,
) -> None:
    """A network hid hash and number until the first was taken for dead, and then only the hash."""
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = at.liar.hides_history = True
        at.liar.hides_sequences = True

        def tell_the_number(database: MemoryDatabase) -> None:
            if any(each.status is ChainStatus.EXPIRED for each in at.payments):
                at.liar.hides_sequences = False

        at.market.universe.database.on_commit = tell_the_number
        withdrawal = await at.withdraw("3.00")
        await trio.sleep(2 * LONG_S)
        first, second = at.payments
        assert (ChainStatus.EXPIRED, ChainStatus.PLANNED) == (first.status, second.status)
        assert second.unclear_since is not None
        assert 30_000_000 == at.paid
        at.liar.hides_hashes = False
        ended = await at.market.ended(withdrawal)
        assert WithdrawalStatus.COMPLETED is ended.status
        assert first.tx_hash == ended.transaction_hash
        assert 30_000_000 == at.paid
        await at.market.check_books()


async def test_a_number_that_another_payment_used_proves_the_first_attempt_absent(
    autojump_clock: object,
) -> None:
    async with scene() as at:
        at.liar.holds_submissions = True
        slow = await at.withdraw("3.00")
        quick = await at.withdraw("4.00")
        with trio.fail_after(HOUR_S):
            while not any(each.status is ChainStatus.EXPIRED for each in at.payments):
                await trio.sleep(0.01)
        at.liar.holds_submissions = False
        for withdrawal in (slow, quick):
            assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        assert 70_000_000 == at.paid


@pytest.mark.expect_errors
async def test_what_nobody_shows_was_included_by_an_operators_word(autojump_clock: object) -> None:
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = at.liar.hides_history = True
        withdrawal = await at.withdraw("3.00")
        unclear = await at.until_unclear()
        await at.resolve(unclear, Resolution(Outcome.INCLUDED, unclear.tx_hash, "an operator"))
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        (payment,) = at.payments
        assert ChainStatus.CONFIRMED is payment.status
        (entry,) = await at.market.audit("operation.resolved")
        assert {"outcome": "included", "by": "an operator"} == entry["after"]
        assert {} == at.market.machine.system.alarms.on


@pytest.mark.expect_errors
async def test_a_number_that_a_stranger_used_is_paid_again_by_an_operators_word_alone(
    autojump_clock: object,
) -> None:
    """Somebody else has the account's key: that is for an operator, even if the payment is lost."""
    async with scene() as at:
        at.liar.holds_submissions = True
        withdrawal = await at.withdraw("3.00")
        await at.until_held()
        await use_up_a_number(at)
        unclear = await at.until_unclear()
        await trio.sleep(LONG_S)
        assert 0 == at.paid
        assert "another transaction" in (at.payments[0].last_error or "")
        at.liar.holds_submissions = False
        await at.resolve(unclear, Resolution(Outcome.NOT_INCLUDED, None, "an operator"))
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        first, second = at.payments
        assert first.failure is not None
        assert (FailureKind.DEAD, "resolved") == (first.failure.kind, first.failure.code)
        assert ChainStatus.CONFIRMED is second.status
        assert 30_000_000 == at.paid


@pytest.mark.expect_errors
@pytest.mark.parametrize("included", [True, False])
async def test_an_earlier_attempt_that_is_not_shown_ends_by_an_operators_word(
    autojump_clock: object, included: bool
) -> None:
    async with scene() as at:
        at.liar.loses_answers = at.liar.hides_hashes = at.liar.hides_history = True
        at.liar.hides_sequences = True

        def tell_the_number(database: MemoryDatabase) -> None:
            if any(each.status is ChainStatus.EXPIRED for each in at.payments):
                at.liar.hides_sequences = False

        at.market.universe.database.on_commit = tell_the_number
        withdrawal = await at.withdraw("3.00")
        unclear = await at.until_unclear()
        first = at.payments[0]
        assert ChainStatus.PLANNED is unclear.status
        word = (
            Resolution(Outcome.INCLUDED, first.tx_hash, "an operator")
            if included
            else Resolution(Outcome.NOT_INCLUDED, None, "an operator")
        )
        await at.resolve(unclear, word)
        if not included:
            at.liar.loses_answers = at.liar.hides_hashes = False
        assert WithdrawalStatus.COMPLETED is (await at.market.ended(withdrawal)).status
        second = at.payments[1]
        assert included is (second.tx_hash == first.tx_hash)
        # What the network goes on hiding differs from the books, and that is told by itself.
        assert unclear.id not in at.market.machine.system.alarms.on


async def test_an_envelope_that_was_signed_with_a_used_number_is_dead(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lagged told the number before: our own books know where it went."""
    universe = Universe(seed=1)
    outside = open_outside_account(universe, "outside")
    async with closing(universe):
        async with living(universe) as market:
            user = await market.user("user", "50.00")
            await market.ended(await market.withdraw(user, "3.00", outside))
        honest = HorizonClient.account
        lagged: list[str] = []

        async def account(self: HorizonClient, address: str) -> AccountState | None:
            found = await honest(self, address)
            if found is None or address != user.public_key or lagged:
                return found
            lagged.append(address)
            return evolve(found, sequence=found.sequence - 1)

        async with living(universe) as market:
            at = Scene(market, Liar(universe), outside, user)
            monkeypatch.setattr(HorizonClient, "account", account)
            second = await at.withdraw("4.00")
            assert WithdrawalStatus.COMPLETED is (await market.ended(second)).status
            assert [user.public_key] == lagged
            assert 70_000_000 == at.paid
            first, stale, _ = at.payments
            assert (ChainStatus.EXPIRED, first.sequence) == (stale.status, stale.sequence)
            assert {} == market.machine.system.alarms.on


async def use_up_a_number(at: Scene) -> None:
    """A transaction of the user's own account, past us."""
    universe = at.market.universe
    wallet = await at.market.wallet(at.user)
    ring = KeyRing(ENCRYPTION_KEY, bytes_from("reader"))
    keypair = Keypair.from_secret(ring.open(wallet.seed, wallet.id, wallet.public_key))
    account = universe.sandbox.engine.account(wallet.public_key)
    assert account is not None
    builder = TransactionBuilder(
        Account(wallet.public_key, account.sequence), SANDBOX_PASSPHRASE, base_fee=100
    )
    builder.append_payment_op(wallet.public_key, Asset.native(), "1")
    builder.add_time_bounds(0, int(now().timestamp()) + 60)
    envelope = builder.build()
    envelope.sign(keypair)
    universe.sandbox.engine.submit(envelope.to_xdr(), now())
