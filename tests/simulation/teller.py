"""Money moved by hand, set aside and parted with, and what it must come to.

The model here is kept from the answers alone. At rest every call has its answer, and the books
must say the same.
"""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections import Counter
from typing import Any

import trio
from attrs import define, field

from offerhub.domain.money import Money
from tests.simulation.client import Answered, Client
from tests.simulation.history import History
from tests.simulation.party import Party


@define
class Teller:
    """An operator of the marketplace, with scope `support`."""

    client: Client
    history: History
    chance: random.Random
    held: Counter[str] = field(factory=Counter)
    """What the holds of a user have left, in cents."""
    by_hand: Counter[str] = field(factory=Counter)
    """Credits less debits by user, in cents."""
    _numbers: Counter[str] = field(factory=Counter)

    async def correct(self, user: Party) -> None:
        """Credit or debit a user, now and then twice under one reference."""
        side = self.chance.choice(("credit", "debit"))
        cents = self.chance.randint(1, 400)
        reference = self._reference(f"by-hand-{side}")
        body = {"amount": _amount(cents), "description": "a correction", "reference": reference}
        path = f"/users/{user.id}/balance/{side}"
        answered = await self.client.post(f"balance.{side}", path, body)
        self.history.mark(f"{side} by hand: {answered.code}")
        if answered.ok:
            self.by_hand[user.id] += cents if side == "credit" else -cents
        if not answered.ok or self.chance.random() < 0.5:
            return
        again = await self.client.post(f"balance.{side}.again", path, body)
        self.history.mark(f"{side} repeated by reference: {again.code}")
        if not again.ok or again.data != answered.data:
            self.history.violated(f"a repeated {side} was answered otherwise: {again.code}")
        other = {**body, "amount": _amount(cents + 1)}
        refused = await self.client.post(f"balance.{side}.again", path, other)
        if refused.code != "IDEMPOTENCY_KEY_REUSED":
            self.history.violated(f"a used reference took another amount: {refused.code}")

    async def hold(self, user: Party, other: Party) -> None:
        """Set money aside and part with it in parts: back, to another user, or out."""
        cents = self.chance.randint(2, 400)
        reference = self._reference("hold")
        held = await self._of("reserve", user, {"amount": _amount(cents), "reference": reference})
        self.history.mark(f"hold: {held.code}")
        if not held.ok:
            return
        self.held[user.id] += cents
        left = cents
        while left and self.chance.random() < 0.85:
            await trio.sleep(self.chance.choice((0.0, self.chance.uniform(0, 20))))
            part = self.chance.choice((left, self.chance.randint(1, left), left + 1))
            done = await self._part(user, other, part, reference)
            if part > left:
                if done.code != "RESERVE_MISMATCH_AMOUNT":
                    self.history.violated(f"more than a hold had left: {done.code}")
                continue
            if not done.ok:
                self.history.violated(f"a part of a hold was refused: {done.code}")
                return
            left -= part

    async def _part(self, user: Party, other: Party, part: int, reference: str) -> Answered:
        body: dict[str, Any] = {"amount": _amount(part), "reference": reference}
        way = self.chance.choice(("cancel-reservation", "release", "deduct-reserved"))
        if way == "release":
            body["recipientId"] = other.id
        done = await self._of(way, user, body)
        self.history.mark(f"hold {way}: {done.code}")
        if done.ok:
            self.held[user.id] -= part
        return done

    async def _of(self, way: str, user: Party, body: dict[str, Any]) -> Answered:
        return await self.client.post(f"balance.{way}", f"/users/{user.id}/balance/{way}", body)

    def _reference(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}-{self._numbers[kind]}"


def _amount(cents: int) -> str:
    return Money(cents * 100_000).two_places()
