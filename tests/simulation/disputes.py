"""One dispute: opened by a side, looked at or not, decided by the platform, with rivals."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from typing import Any

import trio
from attrs import define

from actors.order_commands import DISPUTE
from offerhub.domain.money import Money
from offerhub.domain.operator_command import CommandState
from offerhub.domain.order import Order
from tests.simulation.client import Answered, Client
from tests.simulation.history import History
from tests.simulation.operators import Operator


@define
class Quarrel:
    """A funded order whose sides do not agree.

    Args:
        decision: what the platform will decide; `None`: drawn.
        straight: whether everybody does the next thing at once.
    """

    order_id: str
    cents: int
    client: Client
    operator: Operator
    history: History
    chance: random.Random
    decision: str | None = None
    straight: bool = False

    async def run(self) -> None:
        """Open it and have it decided; now and then nobody ever decides."""
        dispute_id = await self._open()
        if dispute_id is None:
            return
        await self._pause()
        while not self.straight and self.chance.random() < 0.5:
            await self._assign(dispute_id)
            await self._pause()
        if not self.straight and self.chance.random() < 0.08:
            self.history.mark("a dispute that nobody decides")
            return
        await self._decide(dispute_id)

    async def _open(self) -> str | None:
        """By a side, or by an operator for one; the dispute's id."""
        said = {
            "openedBy": self.chance.choice(("BUYER", "SELLER")),
            "reason": self.chance.choice(("NOT_DELIVERED", "QUALITY_ISSUE", "OTHER")),
        }
        if self.chance.random() < 0.3:
            ended = await self.operator.command(DISPUTE, {"orderId": self.order_id, **said})
            if ended.state is not CommandState.DONE or ended.result is None:
                return None
            orders = self.operator.universe.database.tables.of(Order).rows
            while orders[self.order_id].process is not None:
                await trio.sleep(0.5)
            return str(ended.result["disputeId"])
        opened = await self.client.post(
            "order.dispute",
            f"/orders/{self.order_id}/resolution/dispute",
            {**said, "evidence": ["https://example.com/photo.jpg"]},
        )
        self.history.mark(f"dispute: {opened.code}")
        return str(opened.data["id"]) if opened.ok else None

    async def _pause(self) -> None:
        if not self.straight:
            await trio.sleep(self.chance.choice((0.0, self.chance.uniform(0, 20))))

    async def _assign(self, dispute_id: str) -> None:
        agent = f"agent-{self.chance.randint(1, 3)}"
        answered = await self.client.post(
            "dispute.assign", f"/disputes/{dispute_id}/assign", {"assignedTo": agent}
        )
        self.history.mark(f"assign: {answered.code}")

    async def _decide(self, dispute_id: str) -> None:
        """Decide; a second agent may decide otherwise meanwhile, and only one of them is heard."""
        answers: list[Answered] = []

        async def resolve(decision: str) -> None:
            answers.append(
                await self.client.post(
                    "dispute.resolve", f"/disputes/{dispute_id}/resolve", self._resolution(decision)
                )
            )

        async with trio.open_nursery() as nursery:
            nursery.start_soon(resolve, self.decision or self._drawn())
            if not self.straight and self.chance.random() < 0.3:
                await trio.sleep(self.chance.uniform(0, 5))
                nursery.start_soon(resolve, self._drawn())
        for answered in answers:
            self.history.mark(f"resolve: {answered.code}")
        if sum(answered.ok for answered in answers) > 1:
            self.history.violated(f"{dispute_id} was decided twice")

    def _drawn(self) -> str:
        return self.chance.choice(("FULL_RELEASE", "FULL_REFUND", "SPLIT", "SPLIT"))

    def _resolution(self, decision: str) -> dict[str, Any]:
        if decision != "SPLIT":
            return {"decision": decision}
        of_seller = self.chance.choice((0, self.cents, self.chance.randint(0, self.cents)))
        if of_seller in {0, self.cents}:
            self.history.mark("a share of 0.00")
        return {
            "decision": "SPLIT",
            "releaseAmount": Money(of_seller * 100_000).two_places(),
            "refundAmount": Money((self.cents - of_seller) * 100_000).two_places(),
            "note": "half and half",
        }
