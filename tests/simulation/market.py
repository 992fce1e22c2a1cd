"""What the marketplace and its users do: sign up, pay in, buy, sell, change their minds, cash out."""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from attrs import define, field

from actors import maintenance
from offerhub.domain.money import Money
from offerhub.domain.operator_command import CommandState
from offerhub.domain.users import Wallet, WalletRole
from offerhub.sandbox.faucet import Faucet, FaucetRefused, FaucetUnknown
from tests.simulation.cash_out import CashOut
from tests.simulation.client import Client
from tests.simulation.climate import Climate
from tests.simulation.hints import Hints
from tests.simulation.history import History
from tests.simulation.hoarders import Hoarder
from tests.simulation.lives import Lives
from tests.simulation.operators import Operator
from tests.simulation.outside import OUTSIDE, pay_counterfeit
from tests.simulation.party import Party
from tests.simulation.purchases import Course, Purchase
from tests.simulation.strangers import Stranger
from tests.simulation.teller import Teller
from tests.simulation.world import Universe, now

_PURSUITS: Final = 4
"""How often the story of an aim is played at most."""
_PURSUED: Final = 1_000
"""Even, and far from the places of everybody else: the orders of these stories have no reference."""


@define
class Market:
    """Everybody outside; each task ends by itself."""

    universe: Universe
    climate: Climate
    lives: Lives
    client: Client
    history: History
    chance: random.Random
    users: list[Party] = field(factory=list)
    teller: Teller = field(init=False)
    hints: Hints = field(init=False)
    operator: Operator = field(init=False)
    hoarder: Hoarder = field(init=False)
    _faucet: Faucet = field(init=False)
    _stranger: Stranger = field(init=False)
    _doomed: list[str] = field(factory=lambda: [name for name in OUTSIDE if "doomed" in name])

    def __attrs_post_init__(self) -> None:
        self._faucet = Faucet(self.universe.sandbox.shell, now)
        self._stranger = Stranger(self.universe, self.history, self.chance)
        self.hints = Hints(self.lives, self.universe.database, self.history, self.chance)
        self.operator = Operator(self.universe, self.lives, self.history, self.chance)
        self.hoarder = Hoarder(self.universe, self.client, self.operator, self.history, self.chance)
        self.teller = Teller(self.client, self.history, self.chance)

    async def run(self) -> None:
        """Everything that happens, begun at random moments of the safety phase."""
        climate, chance = self.climate, self.chance
        async with trio.open_nursery() as nursery:
            for place in range(climate.users):
                nursery.start_soon(self._sign_up, place)
            tasks: list[Callable[[int], Awaitable[None]]] = [
                *[self._buy] * climate.purchases,
                *[self._cash_out] * climate.withdrawals,
                *[self._pay_in] * climate.deposits,
                *[self._hold] * climate.holds,
                *[self._correct] * climate.holds,
                *[self.hints.send] * climate.hints,
                *[self._take_earnings] * climate.earnings,
                *[self._retry] * climate.retries,
                *[self._hoard] * climate.hoards,
                *[self._rotate] * climate.rotations,
                *[self._maintain] * climate.maintenances,
                self._pay_in_together,
            ]
            nursery.start_soon(self._fill_treasury)
            for aim in self.lives.aims:
                nursery.start_soon(self._pursue, aim)
            for place, task in enumerate(tasks):
                # Early enough that most of it happens while things go wrong.
                begins_s = chance.uniform(0, 0.5 * climate.safety_s)
                nursery.start_soon(self._later, begins_s, task, place)

    async def _later(
        self, pause_s: float, task: Callable[[int], Awaitable[None]], place: int
    ) -> None:
        await trio.sleep(pause_s)
        await task(place)

    # Users.

    async def _sign_up(self, place: int) -> None:
        await trio.sleep(self.chance.uniform(0, 10) * place)
        created = await self.client.user(f"user-{place}")
        user = Party(str(created["id"]), str(created["wallet"]["publicKey"]))
        self.history.note("user", user.id, user.address)
        await self._pay(user, self._amount(50, 200))
        self.users.append(user)

    async def _two(self) -> tuple[Party, Party]:
        while len(self.users) < 2:
            await trio.sleep(1)
        first, second = self.chance.sample(self.users, 2)
        return first, second

    async def _buy(self, place: int) -> None:
        buyer, seller = await self._two()
        await self._walk(place, buyer, seller, Course.ANY)

    async def _cash_out(self, place: int) -> None:
        user, other = await self._two()
        cash_out = CashOut(
            place, user, other, self.universe, self.client, self.history, self.chance
        )
        await cash_out.run(self._doomed)

    # Operators.

    async def _hold(self, _: int) -> None:
        user, other = await self._two()
        await self.teller.hold(user, other)

    async def _correct(self, _: int) -> None:
        user, _other = await self._two()
        await self.teller.correct(user)

    async def _fill_treasury(self) -> None:
        """Pay to the platform's wallet, at once or when its lack has been felt."""
        while not (self.climate.rich or self.lives.healed):
            await trio.sleep(1)
        wallet = await self._platforms()
        await self._pay(Party(wallet.user_id, wallet.public_key), Money.parse("500.00"))

    async def _platforms(self) -> Wallet:
        """The platform's wallet."""
        while True:
            for each in self.universe.database.tables.of(Wallet).rows.values():
                if each.role is WalletRole.PLATFORM:
                    return each
            await trio.sleep(1)

    async def _take_earnings(self, place: int) -> None:
        """Take some of the platform's own money out: never what it owes."""
        wallet = await self._platforms()
        platform = Party(wallet.user_id, wallet.public_key)
        cash_out = CashOut(
            place,
            platform,
            platform,
            self.universe,
            self.client,
            self.history,
            self.chance,
            kind="good",
        )
        await cash_out.run([])

    async def _maintain(self, _: int) -> None:
        """Refuse changes for a while: whoever asks for one meanwhile must come again."""
        await self._switch(maintenance.ENABLE, {})
        self.client.closed += 1
        await trio.sleep(self.chance.uniform(1, 30))
        self.client.closed -= 1
        await self._switch(maintenance.DISABLE)

    async def _switch(self, kind: str, body: object = None) -> None:
        """By the route, or by a command of the same name."""
        if self.chance.random() < 0.5:
            await self.client.post(kind, f"/admin/{kind.replace('.', '/')}", body)
            return
        ended = await self.operator.command(kind, {})
        if ended.state is not CommandState.DONE:
            self.history.violated(f"{kind} was refused: {ended.refusal}")

    async def _retry(self, _: int) -> None:
        await self.operator.retry()

    async def _hoard(self, _: int) -> None:
        await self.hoarder.overflow()

    async def _rotate(self, _: int) -> None:
        await self.operator.rotate()

    # What the plan aims at: its story is played, again if need be, until a life has died there.

    async def _pursue(self, aim: str) -> None:
        await trio.sleep(self.chance.uniform(5, 60))
        for attempt in range(_PURSUITS):
            if aim not in self.lives.aims or self.lives.healed:
                return
            await self._play(aim, attempt)
            await trio.sleep(self.chance.uniform(0, 20))

    async def _play(self, aim: str, attempt: int) -> None:
        """Play the shortest story that comes by a failpoint."""
        place = _PURSUED + 10 * attempt
        step = aim.rpartition(".")[2]
        if aim.endswith("_reseal"):
            await self.operator.rotate()
            return
        if aim.startswith("parked."):
            await self.hoarder.overflow()
            return
        if step == "activate":
            await self.client.user(f"passer-by-{aim}-{attempt}")
            return
        buyer, seller = await self._two()
        await self._pay(buyer, Money.parse("5.00"))
        if step == "pay":
            cash_out = CashOut(
                place,
                buyer,
                seller,
                self.universe,
                self.client,
                self.history,
                self.chance,
                kind="good",
                cents_max=200,
            )
            await cash_out.run([])
        elif aim.endswith("_retry"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.operator.retry)
                await self._walk(place, buyer, seller, Course.TO_RELEASE)
        elif aim.startswith("webhook."):
            await self.hints.send(place + self.chance.randint(1, 9) * 1_000)
        elif aim.endswith("_hold"):
            await self.teller.hold(buyer, seller)
        elif aim.startswith("balance.") or step == "settle":
            await self.teller.correct(buyer)
        elif not aim.startswith("watcher."):
            await self._walk(place, buyer, seller, self._course_to(aim, step))

    def _course_to(self, aim: str, step: str) -> Course:
        if aim == "order.before_deadline":
            return Course.TO_EXPIRY
        if aim == "order.before_answer.release":
            return Course.TO_OVERTAKING
        if step in {"dispute", "resolve"}:
            return self.chance.choice((Course.TO_REFUND, Course.TO_DECISION))
        return Course.TO_RELEASE

    async def _walk(self, place: int, buyer: Party, seller: Party, course: Course) -> None:
        purchase = Purchase(
            place,
            buyer,
            seller,
            self.client,
            self.history,
            self.chance,
            self._stranger,
            self.operator,
            course,
        )
        await purchase.run()

    # Deposits: nobody asks the process, it may be down.

    async def _pay_in(self, _: int) -> None:
        user, _other = await self._two()
        await self._pay(user, self._amount(0, 60))

    async def _pay_in_together(self, _: int) -> None:
        await self._two()
        async with trio.open_nursery() as nursery:
            for user in self.users:
                nursery.start_soon(self._pay, user, self._amount(0, 20))

    async def _pay(self, user: Party, amount: Money) -> None:
        while self.universe.sandbox.engine.usdc_balance(user.address) is None:
            await trio.sleep(1)
        life = self.lives.present
        if life is None or life.machine is None or life.dead:
            self.history.mark("a deposit while the process is down")
        if self.chance.random() < 0.2:
            self.history.mark("USDC of another issuer was paid")
            pay_counterfeit(self.universe, user.address, amount)
        try:
            await self._faucet.pay(user.address, amount)
        except (FaucetRefused, FaucetUnknown) as trouble:
            self.history.note("faucet", type(trouble).__name__)

    def _amount(self, least: int, most: int) -> Money:
        """Mostly whole cents; now and then with dust."""
        stroops = self.chance.randint(least * 100 + 1, most * 100) * 100_000
        dust = self.chance.choice((0, 0, 0, 1, 54_321))
        return Money(stroops + dust)
