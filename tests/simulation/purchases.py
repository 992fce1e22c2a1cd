"""One purchase as a marketplace drives it: to its end, or dropped on the way, with rivals."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, unique
from typing import Any, Final

import trio
from attrs import define, frozen

from offerhub.domain.ids import iso
from offerhub.domain.money import Money
from tests.simulation.client import FELL_BACK, Answered, Client
from tests.simulation.disputes import Quarrel
from tests.simulation.history import History
from tests.simulation.operators import Operator
from tests.simulation.party import Party
from tests.simulation.strangers import Stranger
from tests.simulation.world import now


@frozen
class Action:
    """What may be asked of an order."""

    name: str
    path: str
    body: dict[str, Any] | None = None


CANCEL: Final = Action("order.cancel", "cancel", {"reason": "a change of mind"})
RESERVE: Final = Action("order.reserve", "reserve")
ESCROW: Final = Action("order.escrow", "escrow")
FUND: Final = Action("order.fund", "escrow/fund")
RELEASE: Final = Action("order.release", "resolution/release")
REFUND: Final = Action("order.refund", "resolution/refund", {"reason": "no longer wanted"})
DISPUTE: Final = Action(
    "order.dispute", "resolution/dispute", {"openedBy": "BUYER", "reason": "NOT_DELIVERED"}
)
_RIVALS: Final = (ESCROW, FUND, CANCEL, RESERVE, REFUND)
_RIVALS_OF_A_PAYOUT: Final = (RELEASE, REFUND, DISPUTE, CANCEL)


@frozen
class Deadlines:
    """The deadlines of a purchase.

    Args:
        at_creation, later: those that the order is created with, and those that are set then.
        silent: the buyer leaves the release to the deadline.
    """

    at_creation: dict[str, str]
    later: dict[str, str]
    silent: bool


@unique
class Course(Enum):
    """What is known beforehand of how a purchase goes."""

    ANY = "any"
    """Nothing: its clients are as they are."""
    TO_RELEASE = "to release"
    TO_REFUND = "to refund"
    TO_DECISION = "to decision"
    """A dispute is opened and decided."""
    TO_OVERTAKING = "to overtaking"
    """A release is asked for, and a dispute before anything of it is signed."""
    TO_EXPIRY = "to expiry"
    """It is created, with a deadline, and left alone."""


@define
class Purchase:
    """A buyer, a seller and what they will do."""

    place: int
    buyer: Party
    seller: Party
    client: Client
    history: History
    chance: random.Random
    stranger: Stranger
    operator: Operator
    course: Course = Course.ANY

    async def run(self) -> None:
        """Walk as far as this purchase goes; where it stops is a state that waits for a client."""
        cents = self.chance.randint(5, 6000 if self.course is Course.ANY else 200)
        milestones = self._milestones(cents)
        deadlines = self._deadlines()
        order_id = await self._create(cents, milestones, deadlines.at_creation)
        if order_id is None:
            return
        if deadlines.later:
            await self._ask(Action("order.deadlines", "deadlines", deadlines.later), order_id)
        if self.course is Course.TO_EXPIRY:
            return
        if await self._dropped(order_id) or not await self._reserved(order_id):
            return
        if await self._dropped(order_id) or not await self._deployed(order_id):
            return
        refs = [str(each["ref"]) for each in milestones]
        await self._fund_and_end(order_id, cents, refs, silent=deadlines.silent)

    def _deadlines(self) -> "Deadlines":
        """Drawn apart, from ids that follow from the seed: a life without deadlines is as it was."""
        if self.course is Course.TO_EXPIRY:
            soon = {"expiresAt": iso(now() + timedelta(seconds=self.chance.uniform(8, 20)))}
            return Deadlines(soon, {}, silent=False)
        if self.course is not Course.ANY:
            return Deadlines({}, {}, silent=False)
        chance = random.Random(f"deadlines {self.place} {self.buyer.id}")
        expires, releases = chance.random() < 0.3, chance.random() < 0.3
        drawn = {}
        if expires:
            drawn["expiresAt"] = iso(now() + timedelta(seconds=chance.uniform(2, 200)))
        if releases:
            drawn["autoReleaseAt"] = iso(now() + timedelta(seconds=chance.uniform(60, 600)))
        silent = releases and chance.random() < 0.5
        if chance.random() < 0.5:
            return Deadlines(drawn, {}, silent)
        return Deadlines({}, drawn, silent)

    async def _create(
        self, cents: int, milestones: list[dict[str, Any]], deadlines: dict[str, str]
    ) -> str | None:
        """Create the order; `None` when its deadline had passed before the call came through."""
        body = {
            "buyerId": self.buyer.id,
            "sellerId": self.seller.id,
            "amount": _amount(cents),
            "title": f"Purchase {self.place}",
            "milestones": milestones,
            "metadata": {"place": self.place},
            **deadlines,
        }
        if self.place % 2:
            body["clientOrderRef"] = f"ref-{self.place}"
        made = await self.client.post("order.create", "/orders", body)
        if deadlines and made.code == "VALIDATION_ERROR":
            self.history.mark("a deadline had passed before its order")
            return None
        return str(made.data["id"])

    async def _dropped(self, order_id: str) -> bool:
        """Whether the client cancels, or never comes back."""
        if self.course is not Course.ANY:
            return False
        fate = self.chance.random()
        if fate < 0.08:
            await self._ask(CANCEL, order_id)
        return fate < 0.12

    async def _reserved(self, order_id: str) -> bool:
        """Reserve, again from time to time while the money is not there."""
        for _ in range(6):
            answered = await self._ask(RESERVE, order_id)
            if answered.code != "INSUFFICIENT_FUNDS":
                return answered.ok
            await trio.sleep(self.chance.uniform(5, 40))
        return False

    async def _deployed(self, order_id: str) -> bool:
        for _ in range(3):
            planned = await self._with_a_rival(ESCROW, order_id, _RIVALS)
            if planned.ok:
                return True
            if planned.code != FELL_BACK:
                return False
        return False

    async def _fund_and_end(
        self, order_id: str, cents: int, milestones: list[str], *, silent: bool
    ) -> None:
        straight = self.course is not Course.ANY
        fate = 1.0 if straight else self.chance.random()
        if fate < 0.15:
            await self._ask(REFUND, order_id)
        if fate < 0.2:
            return
        funded = await self._with_a_rival(FUND, order_id, _RIVALS)
        if not funded.ok or (not straight and self.chance.random() < 0.08):
            return
        async with trio.open_nursery() as nursery:
            if not straight and self.chance.random() < 0.25:
                contract_id = str(funded.data["escrow"]["contractId"])
                nursery.start_soon(self.stranger.pay_into, contract_id)
            await self._ended(order_id, cents, milestones, silent=silent)

    async def _ended(
        self, order_id: str, cents: int, milestones: list[str], *, silent: bool
    ) -> None:
        """A release, a refund, or a dispute; before either of those some work may be done."""
        course = self._drawn_course() if self.course is Course.ANY else self.course
        done = len(milestones)
        if course in {Course.TO_REFUND, Course.TO_DECISION}:
            done = self.chance.randint(0, done)
        for ref in milestones[:done]:
            await self._ask(Action("milestone.complete", f"milestones/{ref}/complete"), order_id)
        if silent:
            return
        match course:
            case Course.TO_REFUND:
                await self._with_a_rival(REFUND, order_id, _RIVALS_OF_A_PAYOUT)
            case Course.TO_DECISION:
                straight = self.course is not Course.ANY
                quarrel = Quarrel(
                    order_id,
                    cents,
                    self.client,
                    self.operator,
                    self.history,
                    self.chance,
                    straight=straight,
                )
                await quarrel.run()
            case Course.TO_OVERTAKING:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._ask, RELEASE, order_id)
                    await trio.sleep(self.chance.uniform(0, 1))
                    await self._ask(DISPUTE, order_id)
            case _:
                await self._with_a_rival(RELEASE, order_id, _RIVALS_OF_A_PAYOUT)

    def _drawn_course(self) -> Course:
        return self.chance.choices(
            (Course.TO_RELEASE, Course.TO_REFUND, Course.TO_DECISION, Course.TO_OVERTAKING),
            (6, 2, 4, 1),
        )[0]

    def _milestones(self, cents: int) -> list[dict[str, Any]]:
        count = self.chance.choice((0, 0, 1, 2, 3)) if self.course is Course.ANY else 1
        if not count:
            return []
        parts = [cents // count] * count
        parts[-1] += cents - sum(parts)
        return [
            {"ref": f"m{index}", "title": f"Part {index}", "amount": _amount(part)}
            for index, part in enumerate(parts)
        ]

    async def _with_a_rival(
        self, action: Action, order_id: str, rivals: Sequence[Action]
    ) -> Answered:
        """Make a call; sometimes another client asks for something of the same order meanwhile."""
        answers: list[Answered] = []

        async def ask() -> None:
            answers.append(await self._ask(action, order_id))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            if self.course is Course.ANY and self.chance.random() < 0.3:
                await trio.sleep(self.chance.uniform(0, 5))
                rival = await self._ask(self.chance.choice(rivals), order_id)
                self.history.mark(f"a second action: {rival.code}")
        return answers[0]

    async def _ask(self, action: Action, order_id: str) -> Answered:
        path = f"/orders/{order_id}/{action.path}"
        return await self.client.post(action.name, path, action.body)


def _amount(cents: int) -> str:
    return Money(cents * 100_000).two_places()
