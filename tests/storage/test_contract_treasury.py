"""Dues and the platform's own money: running sums that every commit keeps, the same in both stores."""

from datetime import timedelta

import pytest
from attrs import evolve

from offerhub.domain import postings
from offerhub.domain.fees import FeePolicy, FeeTerms, release
from offerhub.domain.ledger import DUE_TREASURY, TREASURY, WALLET_TREASURY, TransferKind
from offerhub.domain.money import Money
from offerhub.domain.postings import Movement
from offerhub.domain.settlement import Settlement, Standing
from offerhub.domain.unit_of_work import RefusalKind, UnitOfWork
from storage.port import Storage
from tests.storage.test_contract import commit, new_user, refused
from tests.storage.units import Hands


def moves(hands: Hands, *movements: Movement) -> UnitOfWork:
    return hands.unit(transfers=tuple(hands.transfer(movement) for movement in movements))


def usdc(text: str) -> Money:
    return Money.from_decimal_string(text)


async def test_a_balance_row_keeps_what_is_due_to_its_user(storage: Storage, hands: Hands) -> None:
    giver, receiver = await new_user(storage, hands, "50.0"), await new_user(storage, hands)
    await commit(storage, hands.reserve(giver.id, "20.00"))
    before = await storage.balance(receiver.id)
    hands.pass_time(seconds=1)
    await commit(storage, moves(hands, postings.give_hold(giver.id, receiver.id, usdc("20"))))
    assert await storage.standing(giver.id) == Standing(usdc("30"), Money(0) - usdc("20"))
    assert await storage.standing(receiver.id) == Standing(usdc("20"), usdc("20"))
    given = await storage.balance(receiver.id)
    assert before is not None
    assert given is not None
    assert (given.due, given.updated_at) == (usdc("20"), hands.now)
    hands.pass_time(seconds=1)
    await commit(storage, moves(hands, postings.settle(receiver.id, usdc("5"), "tx:1")))
    settled = await storage.balance(receiver.id)
    assert settled == evolve(given, due=usdc("15"))  # not updated: no figure that is shown moved
    assert await storage.standing("usr_none") is None
    assert settled in await storage.balances()


async def test_the_treasurys_sums_are_what_its_transfers_say(
    storage: Storage, hands: Hands
) -> None:
    platform, user = await new_user(storage, hands), await new_user(storage, hands, "200.0")
    terms = FeeTerms(500, FeePolicy.PLATFORM)
    await commit(storage, hands.reserve(user.id, "100.00"))
    await commit(storage, moves(hands, postings.deposit_to_treasury(usdc("1000"), "tx:1")))
    await commit(
        storage,
        moves(
            hands,
            postings.fund_escrow("ord_1", user.id, usdc("100"), "tx:2"),
            postings.pay_out(
                TransferKind.ESCROW_RELEASE,
                "ord_1",
                user.id,
                release(usdc("100"), terms),
                "tx:3",
            ),
            postings.create_platform_withdrawal(platform.id, usdc("40")),
            postings.complete_platform_withdrawal(platform.id, usdc("10"), "tx:4"),
            postings.return_platform_withdrawal(platform.id, usdc("5")),
        ),
    )
    await commit(storage, moves(hands, postings.debit_manually(user.id, usdc("2"))))
    treasury, books = await storage.treasury(), await storage.books()
    assert books.account(TREASURY) == treasury.treasury
    assert books.holding(WALLET_TREASURY) == treasury.wallet == usdc("995")
    assert books.account(DUE_TREASURY) == treasury.dues
    assert books.account(f"withdrawing/{platform.id}") == treasury.withdrawing == usdc("25")
    assert (usdc("5"), usdc("0.3"), usdc("4.7")) == (
        treasury.platform_fees,
        treasury.fees_borne,
        treasury.fees_earned,
    )
    assert (Money(0), usdc("1.7")) == (treasury.owed, treasury.owing)
    assert usdc("970") == treasury.withdrawable == treasury.payable


async def test_the_platform_takes_out_no_more_than_its_wallet_holds_beyond_its_dues(
    storage: Storage, hands: Hands
) -> None:
    """The guard is in the commit: what is due to users is safe, whoever decided meanwhile."""
    platform, user = await new_user(storage, hands), await new_user(storage, hands)
    await commit(storage, moves(hands, postings.deposit_to_treasury(usdc("100"), "tx:1")))
    group = [
        moves(hands, postings.credit_manually(user.id, usdc("30"))),
        moves(hands, postings.create_platform_withdrawal(platform.id, usdc("70.0000001"))),
        moves(hands, postings.create_platform_withdrawal(platform.id, usdc("60"))),
        moves(hands, postings.create_platform_withdrawal(platform.id, usdc("10.0000001"))),
        moves(hands, postings.create_platform_withdrawal(platform.id, usdc("10"))),
    ]
    outcomes = await storage.commit(group)
    assert [refused(outcomes[place]) for place in (1, 3)] == [(RefusalKind.FUNDS, TREASURY)] * 2
    treasury = await storage.treasury()
    assert (usdc("70"), Money(0), usdc("30")) == (
        treasury.withdrawing,
        treasury.withdrawable,
        treasury.owed,
    )


async def test_settlements_in_flight_are_counted_and_nothing_else_settles_them(
    storage: Storage, hands: Hands
) -> None:
    users = [await new_user(storage, hands) for _ in range(4)]
    one, two, three, four = (user.id for user in users)
    for user_id, amount in ((one, "1"), (two, "3"), (three, "2")):
        await commit(storage, moves(hands, postings.top_up(user_id, usdc(amount), "pi")))
    await commit(storage, hands.deposit(four, "9.0"))
    await commit(storage, moves(hands, postings.debit_manually(four, usdc("4"))))

    async def open_dues(*, owing: bool, limit: int = 9, **of) -> list[str]:
        found = await storage.unsettled(hands.now, limit, owing=owing, **of)
        return [each.user_id for each in found]

    assert await open_dues(owing=False) == [two, three, one]
    assert await open_dues(owing=False, limit=2) == [two, three]
    assert await open_dues(owing=False, users=[one, four]) == [one]
    assert await open_dues(owing=True) == [four]
    paid = hands.settlement(two, "3.0")
    collected = evolve(hands.settlement(four, "4.0"), amount=Money(0) - usdc("4"))
    await commit(storage, hands.unit(writes=(paid, collected)))
    assert await storage.settlements_in_flight() == [paid, collected]
    assert await open_dues(owing=False) == [three, one]
    assert await open_dues(owing=True) == []
    treasury = await storage.treasury()
    assert (usdc("3"), usdc("4")) == (treasury.paying, treasury.collecting)
    assert await storage.standing(two) == Standing(usdc("3"), usdc("3"), usdc("3"))
    # One that was refused pauses; its due is open again after it.
    pause = hands.now + timedelta(minutes=1)
    over: Settlement = evolve(
        paid, version=2, operation_id=None, amount=Money(0), failures=1, not_before=pause
    )
    await commit(storage, hands.unit(writes=(over,)))
    assert await open_dues(owing=False) == [three, one]
    hands.pass_time(minutes=1)
    found = await storage.unsettled(hands.now, 9, owing=False)
    assert [(each.user_id, each.due, each.available) for each in found] == [
        (user_id, usdc(amount), usdc(amount))
        for user_id, amount in ((two, "3"), (three, "2"), (one, "1"))
    ]
    assert [each.settlement for each in found] == [over, None, None]


@pytest.mark.parametrize(
    ("available", "due", "settling", "lacking"),
    [
        ("10", "0", "0", "0"),
        ("10", "10", "0", "0"),
        ("10", "10.5", "0", "0.5"),
        ("0", "0.24", "0", "0.24"),
        # What is on its way to it is not counted on; what is on its way out is gone.
        ("0", "0.24", "0.24", "0.24"),
        ("0", "-5", "-5", "0"),
        ("0", "-4", "-5", "1"),
    ],
)
def test_a_wallet_lacks_what_its_user_may_spend_and_it_does_not_hold(
    available: str, due: str, settling: str, lacking: str
) -> None:
    def signed(text: str) -> Money:
        amount = usdc(text.removeprefix("-"))
        return -amount if text.startswith("-") else amount

    standing = Standing(signed(available), signed(due), signed(settling))
    assert usdc(lacking) == standing.lacking
