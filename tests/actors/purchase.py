"""The steps of a purchase through the actors, shared by the tests of the actors.

A `Market` is one life of the process on a universe whose ledgers close; its methods play what a
caller of the API would do.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import trio
from attrs import evolve, frozen

from actors import failpoints
from actors.messages import (
    CompleteMilestone,
    CreateOrder,
    CreateUser,
    CreateWithdrawal,
    RequestRelease,
    ReserveFunds,
    SetDeadlines,
    StartEscrow,
    StartFunding,
)
from actors.tree import Choices
from offerhub.domain.chain import ChainOperation
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.ledger import WALLET_TREASURY, check_identities
from offerhub.domain.ledger import wallet as holding_of
from offerhub.domain.money import Money
from offerhub.domain.order import Milestone, Order
from offerhub.domain.postings import Movement
from offerhub.domain.trace import IdempotencyClaim, Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import User, UserType, Wallet, WalletRole, WalletStatus
from offerhub.domain.withdrawal import Withdrawal, WithdrawalStatus
from offerhub.sandbox.fault_plan import FaultKind, FaultSpec
from tests.simulation.transport import Weather
from tests.simulation.world import Machine, Universe, started

WAIT_S = 3600.0
"""Long in the mock clock's time, and nothing in ours: an envelope's whole life fits in."""

BUILD = "POST /deployer/*"
SEND = "POST /helper/send-transaction"
SUBMIT = "POST /transactions"


@frozen
class Market:
    """One life of the process, played by a caller."""

    machine: Machine
    universe: Universe

    @property
    def storage(self):
        return self.machine.system.storage

    def trace(self, key: str | None = None, action: str = "order.reserve") -> Trace:
        """A request's trace; with `key` it carries an idempotency key."""
        trace = self.machine.trace()
        if key is None:
            return trace
        return evolve(trace, idempotency=IdempotencyClaim(key, f"fingerprint of {key}", action))

    def fault(self, kind: FaultKind, route: str, times: int = 1, **shape: Any) -> None:
        self.universe.sandbox.faults.add(FaultSpec(kind, route, times=times, **shape))

    # Users and money.

    async def new_user(self, name: str) -> User:
        created = await self.machine.system.users.ask(
            CreateUser(name, None, UserType.BOTH, {}, self.trace())
        )
        return created.user

    async def user(self, name: str, deposit: str | None = None) -> User:
        """A user whose wallet is active, with a deposit that is credited."""
        user = await self.new_user(name)
        await self.wait_active(user)
        if deposit is not None:
            await self.deposit(user, deposit)
            await self.wait_available(user, deposit)
        return user

    async def deposit(self, user: User, amount: str) -> None:
        await self.machine.control.faucet(user.public_key, Money.parse(amount))

    async def wait_active(self, user: User) -> Wallet:
        with trio.fail_after(WAIT_S):
            while True:
                wallet = await self.wallet(user)
                if wallet.status is WalletStatus.ACTIVE:
                    return wallet
                await trio.sleep(0.2)

    async def wait_available(self, user: User, amount: str) -> None:
        with trio.fail_after(WAIT_S):
            while await self.available(user) != amount:
                await trio.sleep(0.2)

    async def wallet(self, user: User) -> Wallet:
        wallet = await self.storage.load(Wallet, user.wallet_id)
        assert wallet is not None
        return wallet

    async def available(self, user: User) -> str:
        balance = await self.storage.balance(user.id)
        assert balance is not None
        return balance.available.two_places()

    async def reserved(self, user: User) -> str:
        balance = await self.storage.balance(user.id)
        assert balance is not None
        return balance.reserved.two_places()

    def on_chain(self, address: str) -> int | None:
        return self.universe.sandbox.engine.usdc_balance(address)

    # The platform.

    @property
    def platform(self) -> str:
        """Address of its wallet."""
        wallets = self.universe.database.tables.of(Wallet).rows.values()
        return next(each.public_key for each in wallets if each.role is WalletRole.PLATFORM)

    async def fill_treasury(self, amount: str) -> None:
        """Pay the platform's wallet from outside, and wait until it is booked."""
        await self.machine.tree.bootstrap.done.wait()
        await self.machine.control.faucet(self.platform, Money.parse(amount))
        booked = (await self.storage.treasury()).wallet
        with trio.fail_after(WAIT_S):
            while (await self.storage.treasury()).wallet == booked:
                await trio.sleep(0.2)

    async def post(self, *movements: Movement) -> None:
        """Commit transfers that nobody else in these tests makes."""
        system = self.machine.system
        context = DecisionContext(system.clock(), system.ids, self.trace())
        transfers = [context.transfer(each, reference="test", cause="test") for each in movements]
        unit = UnitOfWork(at=context.now, trace=context.trace, transfers=tuple(transfers))
        outcome = await self.machine.tree.journal.commit(unit)
        assert isinstance(outcome, Committed), outcome

    async def due(self, user: User) -> Money:
        standing = await self.storage.standing(user.id)
        assert standing is not None
        return standing.due

    async def wait_settled(self, *users: User) -> None:
        """Until nothing is due to any of them, in either direction."""
        with trio.fail_after(WAIT_S):
            while any([await self.due(user) for user in users]):
                await trio.sleep(0.2)

    # Orders.

    def order_address(self, order_id: str):
        return self.machine.system.orders.address(order_id)

    async def order(
        self,
        buyer: User,
        seller: User,
        amount: str = "80.00",
        milestones: tuple[Milestone, ...] = (),
        ref: str | None = None,
        trace: Trace | None = None,
        expires_at: datetime | None = None,
        auto_release_at: datetime | None = None,
    ) -> Order:
        order_id = self.machine.system.ids.new("ord")
        return await self.order_address(order_id).ask(
            CreateOrder(
                buyer_id=buyer.id,
                seller_id=seller.id,
                amount=Money.parse(amount),
                title="A logo",
                description=None,
                client_order_ref=ref,
                milestones=milestones,
                metadata={},
                trace=trace or self.trace(),
                expires_at=expires_at,
                auto_release_at=auto_release_at,
            )
        )

    async def set_deadlines(
        self,
        order: Order,
        expires_at: datetime | None = None,
        auto_release_at: datetime | None = None,
    ) -> Order:
        return await self.order_address(order.id).ask(
            SetDeadlines(expires_at, auto_release_at, self.trace())
        )

    async def reserve(self, order: Order, trace: Trace | None = None) -> Order:
        return await self.order_address(order.id).ask(ReserveFunds(None, trace or self.trace()))

    async def start_escrow(self, order: Order, trace: Trace | None = None) -> Order:
        return await self.order_address(order.id).ask(StartEscrow(trace or self.trace()))

    async def start_funding(self, order: Order, trace: Trace | None = None) -> Order:
        return await self.order_address(order.id).ask(StartFunding(trace or self.trace()))

    async def start_release(self, order: Order, trace: Trace | None = None) -> Order:
        return await self.order_address(order.id).ask(
            RequestRelease(None, None, trace or self.trace())
        )

    async def complete(self, order: Order, ref: str) -> Milestone:
        return await self.order_address(order.id).ask(CompleteMilestone(ref, self.trace()))

    async def stored(self, order: Order) -> Order:
        found = await self.storage.load(Order, order.id)
        assert found is not None
        return found

    async def settled(self, order: Order) -> Order:
        """The order when nothing of it is on the way any more."""
        with trio.fail_after(WAIT_S):
            while True:
                found = await self.stored(order)
                if found.process is None:
                    return found
                await trio.sleep(0.2)

    async def reserved_order(self, deposit: str = "100.00", amount: str = "80.00") -> Order:
        buyer = await self.user("buyer", deposit)
        seller = await self.user("seller")
        return await self.reserve(await self.order(buyer, seller, amount))

    async def deployed_order(self) -> Order:
        return await self.settled(await self.start_escrow(await self.reserved_order()))

    async def funded_order(self) -> Order:
        return await self.settled(await self.start_funding(await self.deployed_order()))

    async def buyer(self, order: Order) -> User:
        return await self._user(order.buyer_id)

    async def seller(self, order: Order) -> User:
        return await self._user(order.seller_id)

    async def _user(self, user_id: str) -> User:
        user = await self.storage.load(User, user_id)
        assert user is not None
        return user

    # Withdrawals.

    async def withdraw(
        self,
        user: User,
        amount: str,
        destination: str,
        memo: str | None = None,
        *,
        commit: bool = True,
        trace: Trace | None = None,
    ) -> Withdrawal:
        withdrawal_id = self.machine.system.ids.new("wd")
        return await self.machine.system.withdrawals.address(withdrawal_id).ask(
            CreateWithdrawal(
                user_id=user.id,
                amount=Money.parse(amount),
                destination_ref=destination,
                destination_memo=memo,
                description=None,
                commit=commit,
                trace=trace or self.trace(),
            )
        )

    async def ended(self, withdrawal: Withdrawal) -> Withdrawal:
        with trio.fail_after(WAIT_S):
            while True:
                found = await self.storage.load(Withdrawal, withdrawal.id)
                if found is not None and found.status is not WithdrawalStatus.COMMITTED:
                    return found
                await trio.sleep(0.2)

    # What is reported and kept.

    async def events(self, *types: str) -> list[dict[str, Any]]:
        """Bodies of the events of these types, in their order."""
        return [
            json.loads(event.body)
            for event in await self.storage.events_after(0, 10_000)
            if not types or event.type in types
        ]

    async def audit(self, *actions: str) -> list[dict[str, Any]]:
        found = [json.loads(entry.canonical) for entry in await self.storage.audit_after(0, 10_000)]
        return [entry for entry in found if not actions or entry["action"] in actions]

    async def operations(self, subject_id: str) -> list[ChainOperation]:
        rows = self.universe.database.tables.of(ChainOperation).rows.values()
        return [row for row in rows if row.subject_id == subject_id]

    async def check_books(self) -> None:
        """The two identities, and every user's wallet on the chain against the books."""
        books = await self.storage.books()
        check_identities(books, self.machine.system.instance.platform_user_id)
        for user in self.universe.database.tables.of(User).rows.values():
            wallet = await self.wallet(user)
            if wallet.role is WalletRole.USER and wallet.status is WalletStatus.ACTIVE:
                booked = books.holding(holding_of(user.id)).stroops
                assert booked == self.on_chain(wallet.public_key)
        assert books.holding(WALLET_TREASURY).stroops == (self.on_chain(self.platform) or 0)


@asynccontextmanager
async def closing(universe: Universe) -> AsyncIterator[None]:
    """The chain's ledgers close while the context is open."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(universe.sandbox.close_ledgers, universe.ledger_s)
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def living(
    universe: Universe, *, weather: Weather | None = None, chosen: Choices | None = None
) -> AsyncIterator[Market]:
    """One life of the process; leaving the context kills it."""
    async with started(universe, weather=weather, chosen=chosen) as machine:
        yield Market(machine, universe)


@asynccontextmanager
async def open_market(
    seed: int = 1, *, weather: Weather | None = None, chosen: Choices | None = None
) -> AsyncIterator[Market]:
    """A first life on a new universe whose ledgers close."""
    universe = Universe(seed=seed)
    async with closing(universe), living(universe, weather=weather, chosen=chosen) as market:
        yield market


@asynccontextmanager
async def doomed(
    universe: Universe, failpoint: str, *, skip: int = 0, chosen: Choices | None = None
) -> AsyncIterator[Market]:
    """A life that is killed when it reaches a failpoint; the context then ends quietly."""
    left = skip

    with trio.CancelScope() as life:

        def look(reached: str) -> None:
            nonlocal left
            if reached == failpoint and not life.cancel_called:
                left -= 1
                if left < 0:
                    life.cancel()

        failpoints.watch(look)
        try:
            async with living(universe, chosen=chosen) as market:
                yield market
                await trio.sleep(WAIT_S)
        finally:
            failpoints.watch(None)
    assert life.cancelled_caught, f"{failpoint} was never reached"


@asynccontextmanager
async def failing_at(failpoint: str, times: int = 1) -> AsyncIterator[Callable[[], int]]:
    """Whoever reaches the failpoint crashes there, so many times; gives how often it did."""
    crashed = 0

    def fail(reached: str) -> None:
        nonlocal crashed
        if reached == failpoint and crashed < times:
            crashed += 1
            msg = f"provoked at {failpoint}"
            raise RuntimeError(msg)

    failpoints.watch(fail)
    try:
        yield lambda: crashed
    finally:
        failpoints.watch(None)
