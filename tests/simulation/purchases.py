"""One purchase as a marketplace drives it: to its end, or dropped on the way, with rivals."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Callable

import trio
from attrs import define

from actors.kernel import Message
from actors.messages import (
    CancelOrder,
    CompleteMilestone,
    CreateOrder,
    RequestRefund,
    RequestRelease,
    ReserveFunds,
    StartEscrow,
    StartFunding,
)
from offerhub.domain.money import Money
from offerhub.domain.order import Milestone, Order
from offerhub.domain.trace import Trace
from offerhub.domain.users import User
from tests.simulation.desk import Answered, Desk
from tests.simulation.history import History
from tests.simulation.world import Machine

Command = Callable[[Trace], Message[object]]


def _cancel(trace: Trace) -> CancelOrder:
    return CancelOrder(None, "a change of mind", trace)


def _reserve(trace: Trace) -> ReserveFunds:
    return ReserveFunds(None, trace)


def _refund(trace: Trace) -> RequestRefund:
    return RequestRefund(None, "no longer wanted", trace)


def _release(trace: Trace) -> RequestRelease:
    return RequestRelease(None, None, trace)


@define
class Purchase:
    """A buyer, a seller and what they will do."""

    place: int
    buyer: User
    seller: User
    desk: Desk
    history: History
    chance: random.Random

    async def run(self) -> None:
        """Walk as far as this purchase goes; where it stops is a state that waits for a client."""
        cents = self.chance.randint(5, 6000)
        milestones = self._milestones(cents)
        order_id = await self._create(Money(cents * 100_000), milestones)
        if await self._dropped(order_id) or not await self._reserved(order_id):
            return
        if await self._dropped(order_id) or not await self._deployed(order_id):
            return
        await self._fund_and_release(order_id, milestones)

    async def _create(self, amount: Money, milestones: tuple[Milestone, ...]) -> str:
        async def send(machine: Machine, trace: Trace) -> Order:
            order_id = machine.system.ids.new("ord")
            return await machine.system.orders.address(order_id).ask(
                CreateOrder(
                    buyer_id=self.buyer.id,
                    seller_id=self.seller.id,
                    amount=amount,
                    title=f"Purchase {self.place}",
                    description=None,
                    client_order_ref=f"ref-{self.place}" if self.place % 2 else None,
                    milestones=milestones,
                    metadata={"place": self.place},
                    trace=trace,
                )
            )

        made = await self.desk.call("order.create", send, status=201)
        return str(made.data["id"])

    async def _dropped(self, order_id: str) -> bool:
        """Whether the client cancels, or never comes back."""
        fate = self.chance.random()
        if fate < 0.08:
            await self._ask("order.cancel", order_id, _cancel)
        return fate < 0.12

    async def _reserved(self, order_id: str) -> bool:
        """Reserve, again from time to time while the money is not there."""
        for _ in range(6):
            answered = await self._ask("order.reserve", order_id, _reserve)
            if answered.code != "INSUFFICIENT_FUNDS":
                return answered.ok
            await trio.sleep(self.chance.uniform(5, 40))
        return False

    async def _deployed(self, order_id: str) -> bool:
        for _ in range(3):
            planned = await self._with_a_rival("order.escrow", order_id, StartEscrow)
            if planned.ok:
                return True
            if planned.code != "released":
                return False
        return False

    async def _fund_and_release(self, order_id: str, milestones: tuple[Milestone, ...]) -> None:
        fate = self.chance.random()
        if fate < 0.15:
            await self._ask("order.refund", order_id, _refund)
        if fate < 0.2:
            return
        funded = await self._with_a_rival("order.fund", order_id, StartFunding)
        if not funded.ok or self.chance.random() < 0.08:
            return
        for milestone in milestones:

            def complete(trace: Trace, ref: str = milestone.ref) -> CompleteMilestone:
                return CompleteMilestone(ref, trace)

            await self._ask("milestone.complete", order_id, complete)
        await self._with_a_rival("order.release", order_id, _release)

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

    async def _with_a_rival(self, action: str, order_id: str, command: Command) -> Answered:
        """Make a call; sometimes another client asks for something of the same order meanwhile."""
        answers: list[Answered] = []

        async def ask() -> None:
            answers.append(await self._ask(action, order_id, command))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            if self.chance.random() < 0.3:
                await trio.sleep(self.chance.uniform(0, 5))
                rivals: tuple[Command, ...] = (
                    StartEscrow,
                    StartFunding,
                    _cancel,
                    _reserve,
                    _refund,
                )
                rival = await self._ask("a rival", order_id, self.chance.choice(rivals))
                self.history.mark(f"a second action: {rival.code}")
        return answers[0]

    async def _ask(self, action: str, order_id: str, command: Command) -> Answered:
        async def send(machine: Machine, trace: Trace) -> object:
            return await machine.system.orders.address(order_id).ask(command(trace))

        return await self.desk.call(action, send)
