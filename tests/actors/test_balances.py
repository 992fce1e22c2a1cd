"""Balances: what takes from one user is serialized, and a refusal tells the figures of now."""

import pytest
import trio

from actors.balances import BalanceActor, BalanceParts, CommitDebit
from actors.board import Board
from actors.core import Core
from actors.journal import Journal
from actors.kernel import Cell
from actors.publisher import EventHub
from actors.user_cache import UserCache
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import Ids
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.unit_of_work import Balance
from storage.memory import MemoryDatabase, MemoryStorage
from tests.actors.purchase import Market, open_market
from tests.storage.units import Hands


async def reserve_all(market: Market, orders: list[Order]) -> list[DomainError]:
    """Ask for all at the same instant; gives the refusals."""
    refusals: list[DomainError] = []

    async def one(order: Order) -> None:
        try:
            await market.reserve(order)
        except DomainError as refused:
            refusals.append(refused)

    async with trio.open_nursery() as nursery:
        for order in orders:
            nursery.start_soon(one, order)
    return refusals


async def test_reservations_at_one_instant_cannot_overdraw(autojump_clock: object) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        orders = [await market.order(buyer, seller, "30.00") for _ in range(5)]
        refusals = await reserve_all(market, orders)
        assert 2 == len(refusals)
        assert {ErrorCode.INSUFFICIENT_FUNDS} == {each.code for each in refusals}
        for refused in refusals:
            assert "10.00" == refused.details["available"]
            assert "30.00" == refused.details["requested"]
        assert ("10.00", "90.00") == (await market.available(buyer), await market.reserved(buyer))
        await market.check_books()


async def test_a_refusal_for_want_of_funds_leaves_the_order_as_it_was(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer"), await market.user("seller")
        order = await market.order(buyer, seller)
        with pytest.raises(DomainError) as refused:
            await market.reserve(order, market.trace("key"))
        assert {"available": "0.00", "requested": "80.00", "currency": "USDC"} == dict(
            refused.value.details
        )
        assert OrderStatus.ORDER_CREATED is (await market.stored(order)).status
        assert await market.storage.idempotency("key") is None


async def test_a_deposit_that_has_just_come_can_be_spent_at_once(autojump_clock: object) -> None:
    """Also when the actor had refused a moment before: no figure of its own stands in the way."""
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "10.00"), await market.user("seller")
        order = await market.order(buyer, seller)
        with pytest.raises(DomainError):
            await market.reserve(order)
        await market.deposit(buyer, "70.00")
        await market.wait_available(buyer, "80.00")
        assert OrderStatus.FUNDS_RESERVED is (await market.reserve(order)).status


async def test_the_snapshot_of_a_balance_is_that_of_the_last_commit(
    autojump_clock: object,
) -> None:
    async with open_market() as market:
        buyer, seller = await market.user("buyer", "100.00"), await market.user("seller")
        await market.reserve(await market.order(buyer, seller))
        snapshot = market.machine.system.balance_board.get(buyer.id)
        assert snapshot is not None
        assert snapshot == await market.storage.balance(buyer.id)
        assert "20.00" == snapshot.available.two_places()


async def test_a_slow_read_for_a_refusal_does_not_replace_a_newer_snapshot(
    autojump_clock: object,
) -> None:
    """The row was read before a deposit came; the answer arrives after it."""
    hands = Hands()
    database = MemoryDatabase()

    class Slow(MemoryStorage):
        async def balance(self, user_id: str) -> Balance | None:
            found = await super().balance(user_id)
            await trio.sleep(5)
            return found

    storage = Slow(database, hands.clock)
    board: Board[Balance] = Board()
    journal = Journal(storage, board, EventHub(storage))
    core = Core(storage, journal, hands.clock, Ids(bytes), lambda: 0.5)
    parts = BalanceParts(core, UserCache(storage), "USDC", "usr_platform")
    cell = Cell("balances/x", lambda: BalanceActor("usr_x", parts))
    async with trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        await nursery.start(cell.run)
        user = hands.user(id="usr_x")
        await journal.commit(hands.unit(writes=(user,)))
        refused = trio.Event()

        async def take() -> None:
            with pytest.raises(DomainError):
                await cell.address.ask(CommitDebit(hands.reserve("usr_x", "10.00")))
            refused.set()

        nursery.start_soon(take)
        await trio.sleep(1)
        await journal.commit(hands.deposit("usr_x", "5"))
        newest = board.get("usr_x")
        await refused.wait()
        assert newest == board.get("usr_x")
        assert newest == database.balances["usr_x"]
        nursery.cancel_scope.cancel()
