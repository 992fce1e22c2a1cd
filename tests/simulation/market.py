"""What the marketplace and its users do: sign up, pay in, buy, sell, change their minds, cash out."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from attrs import define, field

from actors.kernel import ActorError
from actors.messages import (
    CancelOrder,
    CancelWithdrawal,
    CommitWithdrawal,
    CompleteMilestone,
    CreateOrder,
    CreateUser,
    CreateWithdrawal,
    RequestRefund,
    RequestRelease,
    ReserveFunds,
    StartEscrow,
    StartFunding,
)
from actors.kernel import Message
from offerhub.domain.errors import DomainError
from offerhub.domain.money import Money
from offerhub.domain.order import Milestone, Order
from offerhub.domain.trace import Trace
from offerhub.domain.users import User, UserType
from offerhub.sandbox.faucet import Faucet, FaucetRefused, FaucetUnknown
from storage.port import StorageUnavailable
from tests.simulation.climate import Climate
from tests.simulation.desk import Answered, Desk
from tests.simulation.history import History
from tests.simulation.lives import Lives
from tests.simulation.outside import drop_trustline, keys_of
from tests.simulation.world import Machine, Universe, now

OUTSIDE: Final = ("one", "two", "doomed-1", "doomed-2", "doomed-3")


@define
class Market:
    """Everybody outside; each task ends by itself."""

    universe: Universe
    climate: Climate
    lives: Lives
    desk: Desk
    history: History
    chance: random.Random
    users: list[User] = field(factory=list)
    _faucet: Faucet = field(init=False)
    _doomed: list[str] = field(factory=lambda: [name for name in OUTSIDE if "doomed" in name])

    def __attrs_post_init__(self) -> None:
        self._faucet = Faucet(self.universe.sandbox.shell, now)

    async def run(self) -> None:
        """Everything that happens, begun at random moments of the safety phase."""
        climate, chance = self.climate, self.chance
        async with trio.open_nursery() as nursery:
            for place in range(climate.users):
                nursery.start_soon(self._sign_up, place)
            tasks: list[Callable[[int], Awaitable[None]]] = [
                *[self._purchase] * climate.purchases,
                *[self._withdraw] * climate.withdrawals,
                *[self._pay_in] * climate.deposits,
                self._pay_in_together,
            ]
            for place, task in enumerate(tasks):
                nursery.start_soon(self._later, chance.uniform(0, climate.safety_s), task, place)

    async def _later(
        self, pause_s: float, task: Callable[[int], Awaitable[None]], place: int
    ) -> None:
        await trio.sleep(pause_s)
        await task(place)

    # Users.

    async def _sign_up(self, place: int) -> None:
        await trio.sleep(self.chance.uniform(0, 10) * place)
        while True:
            machine, life = await self.lives.running()
            message = CreateUser(f"user-{place}", None, UserType.BOTH, {}, machine.trace())
            try:
                created = await machine.system.users.ask(message)
            except (DomainError, ActorError, StorageUnavailable):
                await trio.sleep(0.5)
                continue
            if life.dead or self.chance.random() < 0.2:
                self.history.mark("a user was created twice")
                continue
            break
        user = created.user
        self.history.note("user", user.id, user.public_key)
        await self._pay(user, self._amount(50, 200))
        self.users.append(user)

    async def _two(self) -> tuple[User, User]:
        while len(self.users) < 2:
            await trio.sleep(1)
        first, second = self.chance.sample(self.users, 2)
        return first, second

    # Deposits: nobody asks the process, it may be down.

    async def _pay_in(self, _: int) -> None:
        user, _other = await self._two()
        await self._pay(user, self._amount(0, 60))

    async def _pay_in_together(self, _: int) -> None:
        await self._two()
        async with trio.open_nursery() as nursery:
            for user in self.users:
                nursery.start_soon(self._pay, user, self._amount(0, 20))

    async def _pay(self, user: User, amount: Money) -> None:
        while self.universe.sandbox.engine.usdc_balance(user.public_key) is None:
            await trio.sleep(1)
        life = self.lives.present
        if life is None or life.machine is None or life.dead:
            self.history.mark("a deposit while the process is down")
        try:
            await self._faucet.pay(user.public_key, amount)
        except (FaucetRefused, FaucetUnknown) as trouble:
            self.history.note("faucet", type(trouble).__name__)

    def _amount(self, least: int, most: int) -> Money:
        """Mostly whole cents; now and then with dust."""
        stroops = self.chance.randint(least * 100 + 1, most * 100) * 100_000
        dust = self.chance.choice((0, 0, 0, 1, 54_321))
        return Money(stroops + dust)

    # Purchases.

    async def _purchase(self, place: int) -> None:
        buyer, seller = await self._two()
        cents = self.chance.randint(5, 6000)
        milestones = self._milestones(cents)
        amount = Money(cents * 100_000)
        desk, chance = self.desk, self.chance

        async def create(machine: Machine, trace: Trace) -> Order:
            order_id = machine.system.ids.new("ord")
            return await machine.system.orders.address(order_id).ask(
                CreateOrder(
                    buyer_id=buyer.id,
                    seller_id=seller.id,
                    amount=amount,
                    title=f"Purchase {place}",
                    description=None,
                    client_order_ref=f"ref-{place}" if place % 2 else None,
                    milestones=milestones,
                    metadata={"place": place},
                    trace=trace,
                )
            )

        made = await desk.call("order.create", create, status=201)
        if not made.ok:
            self.history.violated(f"an order was not created: {made.code}")
            return
        order_id = str(made.data["id"])
        fate = chance.random()
        if fate < 0.08:
            await self._order("order.cancel", order_id, lambda t: CancelOrder(None, None, t))
            return
        if fate < 0.12:
            return
        if not await self._reserve(order_id):
            return
        fate = chance.random()
        if fate < 0.08:
            await self._order("order.cancel", order_id, lambda t: CancelOrder(None, "mind", t))
            return
        if fate < 0.12:
            return
        for _ in range(3):
            planned = await self._with_a_rival("order.escrow", order_id, StartEscrow)
            if planned.ok or planned.code != "released":
                break
        if not planned.ok:
            return
        fate = chance.random()
        if fate < 0.15:
            await self._order("order.refund", order_id, lambda t: RequestRefund(None, "no", t))
            return
        if fate < 0.2:
            return
        funded = await self._with_a_rival("order.fund", order_id, StartFunding)
        if not funded.ok or chance.random() < 0.08:
            return
        for milestone in milestones:
            ref = milestone.ref
            await self._order(
                "milestone.complete", order_id, lambda t, ref=ref: CompleteMilestone(ref, t)
            )
        await self._with_a_rival(
            "order.release", order_id, lambda trace: RequestRelease(None, None, trace)
        )

    def _milestones(self, cents: int) -> tuple[Milestone, ...]:
        count = self.chance.choice((0, 0, 1, 2, 3))
        if not count:
            return ()
        parts = [cents // count] * count
        parts[-1] += cents - sum(parts)
        return tuple(
            Milestone(f"m{index}", f"Part {index}", Money(part * 100_000))
            for index, part in enumerate(parts)
        )

    async def _reserve(self, order_id: str) -> bool:
        """Reserve, again from time to time while the money is not there."""
        for _ in range(6):
            answered = await self._order(
                "order.reserve", order_id, lambda trace: ReserveFunds(None, trace)
            )
            if answered.code != "INSUFFICIENT_FUNDS":
                return answered.ok
            await trio.sleep(self.chance.uniform(5, 40))
        return False

    async def _with_a_rival(
        self, action: str, order_id: str, message: Callable[[Trace], Message[Order]]
    ) -> Answered:
        """Make a call; sometimes another client asks for something of the same order meanwhile."""
        answers: list[Answered] = []

        async def ask() -> None:
            answers.append(await self._order(action, order_id, message))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            if self.chance.random() < 0.3:
                await trio.sleep(self.chance.uniform(0, 5))
                other = self.chance.choice(
                    (
                        StartEscrow,
                        StartFunding,
                        lambda trace: CancelOrder(None, None, trace),
                        lambda trace: ReserveFunds(None, trace),
                    )
                )
                rival = await self._order("rival", order_id, other)
                self.history.mark(f"a second action: {rival.code}")
        return answers[0]

    async def _order(
        self, action: str, order_id: str, message: Callable[[Trace], Message[object]]
    ) -> Answered:
        async def send(machine: Machine, trace: Trace) -> object:
            return await machine.system.orders.address(order_id).ask(message(trace))

        return await self.desk.call(action, send)

    # Withdrawals.

    async def _withdraw(self, place: int) -> None:
        user, other = await self._two()
        chance, desk = self.chance, self.desk
        kind = chance.choice(("good", "good", "user", "doomed", "doomed", "nobody", "own", "later"))
        doomed = self._doomed.pop() if kind == "doomed" and self._doomed else None
        destination = {
            "user": other.public_key,
            "own": user.public_key,
            "nobody": keys_of("nobody").public_key,
        }.get(kind, keys_of(doomed or chance.choice(("one", "two"))).public_key)
        amount = Money(chance.randint(1, 3000) * 100_000)
        commit = kind != "later"
        doom_s = chance.choice((None, 0.0, chance.uniform(0, 5)))
        if doomed is not None and doom_s is None:
            drop_trustline(self.universe, doomed)
            await trio.sleep(2 * self.climate.ledger_s)

        async def create(machine: Machine, trace: Trace) -> object:
            withdrawal_id = machine.system.ids.new("wd")
            asked = await machine.system.withdrawals.address(withdrawal_id).ask(
                CreateWithdrawal(
                    user_id=user.id,
                    amount=amount,
                    destination_ref=destination,
                    destination_memo="memo" if place % 3 == 0 else None,
                    description=f"withdrawal-{place}",
                    commit=commit,
                    trace=trace,
                )
            )
            nonlocal doom_s
            if doomed is not None and doom_s is not None:
                await trio.sleep(doom_s)
                doom_s = None
                drop_trustline(self.universe, doomed)
            return asked

        for _ in range(3):
            made = await desk.call(f"withdrawal.create {kind}", create, status=201)
            if made.code != "INSUFFICIENT_FUNDS":
                break
            await trio.sleep(chance.uniform(5, 30))
        self.history.mark(f"withdrawal {kind}: {made.data['status'] if made.ok else made.code}")
        if kind in {"nobody", "own"} and made.ok:
            self.history.violated(f"a withdrawal to {kind} was accepted")
        if kind != "later" or not made.ok:
            return
        withdrawal_id = str(made.data["id"])
        await trio.sleep(chance.uniform(0, 5))
        following: Callable[[Trace], Message[object]] = chance.choice(
            (CommitWithdrawal, CancelWithdrawal)
        )

        async def follow(machine: Machine, trace: Trace) -> object:
            return await machine.system.withdrawals.address(withdrawal_id).ask(following(trace))

        await desk.call("withdrawal.follow", follow)
