"""One withdrawal: to a good destination, to a bad one, or to one that turns bad under way."""

import random  # noqa: TID251 - seeded: the simulation owns its chance

import trio
from attrs import define, field

from actors.messages import CancelWithdrawal, CommitWithdrawal, CreateWithdrawal
from offerhub.domain.money import Money
from offerhub.domain.trace import Trace
from offerhub.domain.users import User
from tests.simulation.desk import Answered, Desk
from tests.simulation.history import History
from tests.simulation.outside import drop_trustline, keys_of
from tests.simulation.world import Machine, Universe

_KINDS = ("good", "good", "user", "doomed", "doomed", "nobody", "own", "later")


@define
class CashOut:
    """A user who takes money out; `other` is a second user."""

    place: int
    user: User
    other: User
    universe: Universe
    desk: Desk
    history: History
    chance: random.Random
    _doomed: str | None = field(init=False, default=None)

    async def run(self, doomed: list[str]) -> None:
        """Withdraw; a doomed destination drops its trustline before or after it was checked."""
        kind = self.chance.choice(_KINDS)
        destination = self._destination(kind, doomed)
        if self._doomed is not None and self.chance.random() < 0.3:
            self._drop()
            await trio.sleep(2 * self.universe.ledger_s)
        made = await self._create(kind, destination)
        self.history.mark(f"withdrawal {kind}: {made.data['status'] if made.ok else made.code}")
        if kind in {"nobody", "own"} and made.ok:
            self.history.violated(f"a withdrawal to {kind} was accepted")
        if kind == "later" and made.ok:
            await self._follow(str(made.data["id"]))

    def _destination(self, kind: str, doomed: list[str]) -> str:
        if kind == "user":
            return self.other.public_key
        if kind == "own":
            return self.user.public_key
        if kind == "doomed" and doomed:
            self._doomed = doomed.pop()
        name = "nobody" if kind == "nobody" else self._doomed
        return keys_of(name or self.chance.choice(("one", "two"))).public_key

    async def _create(self, kind: str, destination: str) -> Answered:
        amount = Money(self.chance.randint(1, 3000) * 100_000)

        async def send(machine: Machine, trace: Trace) -> object:
            withdrawal_id = machine.system.ids.new("wd")
            asked = await machine.system.withdrawals.address(withdrawal_id).ask(
                CreateWithdrawal(
                    user_id=self.user.id,
                    amount=amount,
                    destination_ref=destination,
                    destination_memo="memo" if self.place % 3 == 0 else None,
                    description=f"withdrawal {self.place}",
                    commit=kind != "later",
                    trace=trace,
                )
            )
            if self._doomed is not None:
                await trio.sleep(self.chance.choice((0.0, self.chance.uniform(0, 5))))
                self._drop()
            return asked

        made = await self.desk.call(f"withdrawal.create {kind}", send, status=201)
        while made.code == "INSUFFICIENT_FUNDS" and self.chance.random() < 0.8:
            await trio.sleep(self.chance.uniform(5, 30))
            made = await self.desk.call(f"withdrawal.create {kind}", send, status=201)
        return made

    def _drop(self) -> None:
        if self._doomed is not None:
            drop_trustline(self.universe, self._doomed)
            self._doomed = None

    async def _follow(self, withdrawal_id: str) -> None:
        await trio.sleep(self.chance.uniform(0, 5))
        following = self.chance.choice((CommitWithdrawal, CancelWithdrawal))

        async def send(machine: Machine, trace: Trace) -> object:
            address = machine.system.withdrawals.address(withdrawal_id)
            return await address.ask(following(trace))

        await self.desk.call("withdrawal.follow", send)
