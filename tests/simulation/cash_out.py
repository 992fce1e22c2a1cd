"""One withdrawal: to a good destination, to a bad one, or to one that turns bad under way."""

import random  # noqa: TID251 - seeded: the simulation owns its chance

import trio
from attrs import define, field

from offerhub.domain.money import Money
from tests.simulation.client import Answered, Client
from tests.simulation.history import History
from tests.simulation.outside import drop_trustline, keys_of
from tests.simulation.party import Party
from tests.simulation.world import Universe

_KINDS = ("good", "good", "user", "doomed", "doomed", "nobody", "own", "later")


@define
class CashOut:
    """A user who takes money out; `other` is a second user."""

    place: int
    user: Party
    other: Party
    universe: Universe
    client: Client
    history: History
    chance: random.Random
    kind: str | None = None
    """Of its destination; `None`: drawn."""
    cents_max: int = 3000
    _doomed: str | None = field(init=False, default=None)

    async def run(self, doomed: list[str]) -> None:
        """Withdraw; a doomed destination drops its trustline before or after it was checked."""
        kind = self.kind or self.chance.choice(_KINDS)
        destination = self._destination(kind, doomed)
        if self._doomed is not None and self.chance.random() < 0.3:
            self._drop()
            await trio.sleep(2 * self.universe.ledger_s)
        made = await self._create(kind, destination)
        if self.user == self.other and made.ok:
            self.history.mark("the platform's money was taken out")
        self.history.mark(f"withdrawal {kind}: {made.data['status'] if made.ok else made.code}")
        if kind in {"nobody", "own"} and made.ok:
            self.history.violated(f"a withdrawal to {kind} was accepted")
        if kind == "later" and made.ok:
            await self._follow(str(made.data["id"]))

    def _destination(self, kind: str, doomed: list[str]) -> str:
        if kind == "user":
            return self.other.address
        if kind == "own":
            return self.user.address
        if kind == "doomed" and doomed:
            self._doomed = doomed.pop()
        name = "nobody" if kind == "nobody" else self._doomed
        return keys_of(name or self.chance.choice(("one", "two"))).public_key

    async def _create(self, kind: str, destination: str) -> Answered:
        body = {
            "userId": self.user.id,
            "amount": Money(self.chance.randint(1, self.cents_max) * 100_000).two_places(),
            "destinationType": "crypto",
            "destinationRef": destination,
            "description": f"withdrawal {self.place}",
            "commit": kind != "later",
        }
        if self.place % 3 == 0:
            body["destinationMemo"] = f"memo {self.place}"
        async with trio.open_nursery() as nursery:
            if self._doomed is not None:
                nursery.start_soon(self._drop_soon)
            made = await self.client.post("withdrawal.create", "/withdrawals", body)
        while made.code == "INSUFFICIENT_FUNDS" and self.chance.random() < 0.8:
            await trio.sleep(self.chance.uniform(5, 30))
            made = await self.client.post("withdrawal.create", "/withdrawals", body)
        return made

    async def _drop_soon(self) -> None:
        await trio.sleep(self.chance.choice((0.5, self.chance.uniform(0, 8))))
        self._drop()

    def _drop(self) -> None:
        if self._doomed is not None:
            drop_trustline(self.universe, self._doomed)
            self._doomed = None

    async def _follow(self, withdrawal_id: str) -> None:
        await trio.sleep(self.chance.uniform(0, 5))
        following = self.chance.choice(("commit", "cancel"))
        path = f"/withdrawals/{withdrawal_id}/{following}"
        await self.client.post(f"withdrawal.{following}", path)
