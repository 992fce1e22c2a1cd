"""Withdrawals: where money may go, and that it comes back exactly once if it cannot."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from attrs import evolve
from stellar_sdk import Keypair, MuxedAccount

from actors.messages import CancelWithdrawal, CommitWithdrawal
from offerhub.domain.chain import ChainOperation, ChainStatus
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.unit_of_work import IdempotencyState
from offerhub.domain.users import User
from offerhub.domain.withdrawal import Withdrawal, WithdrawalStatus
from offerhub.providers.stellar.horizon import HorizonClient
from offerhub.providers.stellar.port import AccountState
from offerhub.sandbox.constants import ISSUER_ADDRESS, USDC_CONTRACT_ID
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.actors.purchase import SUBMIT, Market, open_market
from tests.simulation.world import choices, open_outside_account
from web.answers import read_text
from web.statuses import STATUS


async def refusal(market: Market, user: User, destination: str, memo: str | None = None) -> str:
    """Ask for a withdrawal that is refused; gives the reason."""
    with pytest.raises(DomainError) as refused:
        await market.withdraw(user, "1.00", destination, memo)
    assert ErrorCode.WITHDRAWAL_DESTINATION_INVALID is refused.value.code
    return str(refused.value.details["reason"])


def muxed(address: str) -> str:
    return MuxedAccount(address, 7).account_muxed or ""


async def test_money_leaves_for_an_outside_account_once(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        asked = await market.withdraw(user, "20.00", outside, "an invoice")
        assert WithdrawalStatus.COMMITTED is asked.status
        assert "30.00" == await market.available(user)
        ended = await market.ended(asked)
        assert WithdrawalStatus.COMPLETED is ended.status
        assert ended.transaction_hash is not None
        row = market.universe.sandbox.engine.transaction(ended.transaction_hash)
        assert row is not None
        assert "an invoice" == row.record.get("memo")
        assert 200_000_000 == market.on_chain(outside)
        types = [event["eventType"] for event in await market.events()][-4:]
        assert "withdrawal.completed" == types[-1]
        await market.check_books()


async def test_a_muxed_address_is_paid_to_the_account_behind_it(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        ended = await market.ended(await market.withdraw(user, "20.00", muxed(outside)))
        assert WithdrawalStatus.COMPLETED is ended.status
        assert 200_000_000 == market.on_chain(outside)


NOWHERE = Keypair.from_raw_ed25519_seed(b"\x07" * 32).public_key
OURS = "account of this instance or the issuer's"

BAD: dict[str, tuple[Callable[[Market, User], str], str]] = {
    "nonsense": (lambda *_: "hello", "no Stellar account"),
    "a secret seed": (lambda *_: Keypair.random().secret, "no Stellar account"),
    "a contract": (lambda *_: USDC_CONTRACT_ID, "no Stellar account"),
    "the issuer": (lambda *_: ISSUER_ADDRESS, OURS),
    "the own wallet": (lambda _, user: user.public_key, OURS),
    "the own wallet, muxed": (lambda _, user: muxed(user.public_key), OURS),
    "the issuer, muxed": (lambda *_: muxed(ISSUER_ADDRESS), OURS),
    "the platform": (lambda market, _: platform_of(market)[0], OURS),
    "a channel": (lambda market, _: platform_of(market)[1], OURS),
    "an account that does not exist": (lambda *_: NOWHERE, "does not exist"),
}


def platform_of(market: Market) -> list[str]:
    platform = market.machine.tree.bootstrap._platform
    return [platform.wallet.public_key, *(each.public_key for each in platform.channels)]


@pytest.mark.parametrize(("destination", "reason"), BAD.values(), ids=BAD.keys())
async def test_a_destination_that_cannot_be_is_refused_and_nothing_moves(
    autojump_clock: object, destination: Callable[[Market, User], str], reason: str
) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        reported = len(await market.events())
        asked = destination(market, user)
        given = await refusal(market, user, asked)
        assert reason in given
        assert asked not in given
        assert "50.00" == await market.available(user)
        assert reported == len(await market.events())


async def test_an_account_without_a_trustline_is_refused(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        bare = Keypair.from_raw_ed25519_seed(b"\x08" * 32).public_key
        await market.machine.system.network.fund_from_friendbot(bare)
        assert "trust" in await refusal(market, user, bare)


async def test_a_muxed_address_and_a_memo_exclude_each_other(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        assert "memo" in await refusal(market, user, muxed(outside), "a memo")
        assert "28 bytes" in await refusal(market, user, outside, "é" * 15)


async def test_a_destination_that_cannot_be_checked_is_an_error_of_the_network(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        market.universe.sandbox.faults.add(
            FaultSpec(FaultKind.ERROR_BEFORE, f"GET /accounts/{outside}", rate=1.0)
        )
        with pytest.raises(DomainError) as refused:
            await market.withdraw(user, "1.00", outside)
        assert ErrorCode.STELLAR_NETWORK_ERROR is refused.value.code
        assert "50.00" == await market.available(user)


async def test_more_than_there_is_cannot_be_withdrawn(autojump_clock: object) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        with pytest.raises(DomainError) as refused:
            await market.withdraw(user, "50.01", outside)
        assert ErrorCode.INSUFFICIENT_FUNDS is refused.value.code
        assert {"available": "50.00", "requested": "50.01", "currency": "USDC"} == dict(
            refused.value.details
        )


def looks_fit(patch: pytest.MonkeyPatch, address: str) -> None:
    """The destination was fit when it was asked; by the time of the payment it is not."""
    honest = HorizonClient.account

    async def account(self: HorizonClient, asked: str) -> AccountState | None:
        found = await honest(self, asked)
        if asked == address:
            own = await honest(self, ISSUER_ADDRESS)
            assert own is not None
            return evolve(own, address=address, usdc=own.xlm)
        return found

    patch.setattr(HorizonClient, "account", account)


async def test_a_payment_that_the_network_refuses_gives_the_money_back_once(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account went away after it was checked: the payment fails in a ledger, with a fee."""
    async with open_market() as market:
        user = await market.user("user", "50.00")
        looks_fit(monkeypatch, NOWHERE)
        ended = await market.ended(
            await market.withdraw(
                user, "20.00", NOWHERE, trace=market.trace("key", "withdrawal.create")
            )
        )
        assert WithdrawalStatus.FAILED is ended.status
        assert ended.failure is not None
        assert "op_no_destination" == ended.failure.code
        (operation,) = await market.operations(ended.id)
        assert ChainStatus.FAILED is operation.status
        await trio.sleep(120)
        assert "50.00" == await market.available(user)
        back = [
            event
            for event in await market.events("balance.credited")
            if event["payload"]["source"] == "withdrawal_failed"
        ]
        assert 1 == len(back)
        record = await market.storage.idempotency("key")
        assert record is not None
        assert IdempotencyState.DONE is record.state
        assert record.answer is not None
        assert 201 == read_text(record.answer).status
        await market.check_books()


async def test_a_withdrawal_ends_when_its_attempts_are_used_up(autojump_clock: object) -> None:
    """Each attempt's envelope is proven dead before the next is built, and before money returns."""
    async with open_market(chosen=evolve(choices(), attempts_max=2)) as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        market.universe.sandbox.faults.add(FaultSpec(FaultKind.CLOSE_BEFORE, SUBMIT, rate=1.0))
        ended = await market.ended(await market.withdraw(user, "20.00", outside))
        assert WithdrawalStatus.FAILED is ended.status
        attempts = await market.operations(ended.id)
        assert [(1, ChainStatus.EXPIRED), (2, ChainStatus.EXPIRED)] == [
            (each.attempt, each.status) for each in attempts
        ]
        assert "50.00" == await market.available(user)
        assert 0 == market.on_chain(outside)
        await market.check_books()


async def test_money_is_not_given_back_while_a_payment_may_still_arrive(
    autojump_clock: object,
) -> None:
    async with open_market(chosen=evolve(choices(), attempts_max=1)) as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        market.universe.sandbox.ledgers.pause()
        withdrawal = await market.withdraw(user, "20.00", outside)
        await trio.sleep(600)
        assert "30.00" == await market.available(user)
        stored = await market.storage.load(Withdrawal, withdrawal.id)
        assert stored is not None
        assert WithdrawalStatus.COMMITTED is stored.status


async def test_a_withdrawal_that_was_not_committed_can_be_committed_or_canceled_once(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        first = await market.withdraw(user, "20.00", outside, commit=False)
        second = await market.withdraw(user, "10.00", outside, commit=False)
        assert "20.00" == await market.available(user)
        registry = market.machine.system.withdrawals
        canceled = await registry.address(first.id).ask(CancelWithdrawal(market.trace()))
        assert WithdrawalStatus.CANCELED is canceled.status
        assert "40.00" == await market.available(user)
        for message in (CancelWithdrawal(market.trace()), CommitWithdrawal(market.trace())):
            with pytest.raises(DomainError) as refused:
                await registry.address(first.id).ask(message)
            assert 409 == STATUS[refused.value.code]
        await registry.address(second.id).ask(CommitWithdrawal(market.trace()))
        assert WithdrawalStatus.COMPLETED is (await market.ended(second)).status
        assert "40.00" == await market.available(user)
        assert 100_000_000 == market.on_chain(outside)
        await market.check_books()


async def test_a_wallet_that_is_not_active_cannot_pay(autojump_clock: object) -> None:
    async with open_market() as market:
        outside = open_outside_account(market.universe, "outside")
        user = await market.new_user("user")
        with pytest.raises(DomainError) as refused:
            await market.withdraw(user, "1.00", outside)
        assert ErrorCode.WALLET_NOT_READY is refused.value.code


async def test_the_users_payments_leave_in_the_order_in_which_they_were_asked(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        user = await market.user("user", "50.00")
        outside = open_outside_account(market.universe, "outside")
        asked: list[Any] = [await market.withdraw(user, "1.00", outside) for _ in range(3)]
        for withdrawal in asked:
            await market.ended(withdrawal)
        rows = market.universe.database.tables.of(ChainOperation).rows.values()
        ledgers = [row.ledger for row in rows if str(row.step) == "pay"]
        assert sorted(ledgers, key=lambda each: each or 0) == ledgers
        assert 3 == len(set(ledgers))
