"""Webhooks: hints that are signed, sent twice, and about contracts that are nobody's."""

import hmac
import json
import random  # noqa: TID251 - seeded: the simulation owns its chance
from hashlib import sha256

import trio
from attrs import define, field

from offerhub.domain.order import Order
from storage.memory import MemoryDatabase
from tests.simulation.asgi_client import WEBHOOK_SECRET
from tests.simulation.history import History
from tests.simulation.lives import Lives


@define
class Hints:
    """Somebody's indexer. Whatever it says, only the chain is believed."""

    lives: Lives
    database: MemoryDatabase
    history: History
    chance: random.Random
    kept: set[str] = field(factory=set)
    """Events that were answered: each is kept once."""

    async def send(self, number: int) -> None:
        """Tell of one event until it is answered, and now and then again."""
        event_id = f"event-{number}"
        body = json.dumps(
            {
                "type": "escrow.updated",
                "event_id": event_id,
                "data": {"contract_id": self._contract()},
            }
        ).encode()
        for _ in range(self.chance.randint(1, 3)):
            await self._until_answered(event_id, body)
            await trio.sleep(self.chance.uniform(0, 20))

    def _contract(self) -> str:
        """Of an order, or nobody's."""
        found = [
            order.escrow.contract_id
            for order in self.database.tables.of(Order).rows.values()
            if order.escrow is not None and order.escrow.contract_id is not None
        ]
        return self.chance.choice(found) if found and self.chance.random() < 0.8 else "CNOBODY"

    async def _until_answered(self, event_id: str, body: bytes) -> None:
        signature = hmac.new(WEBHOOK_SECRET, body, sha256).hexdigest()
        while True:
            front, life = await self.lives.running()
            reply = None
            with trio.move_on_after(65):
                reply = await front.request(
                    "POST", "/webhooks/trustless-work", body, headers={"x-tw-signature": signature}
                )
            if reply is not None and not life.dead:
                if reply.ok:
                    self._answered(event_id, duplicate=bool(reply.data["duplicate"]))
                    return
                if reply.status not in {429, 503}:
                    self.history.violated(f"a webhook was refused: {reply.code}")
            await trio.sleep(self.chance.uniform(0.05, 2))

    def _answered(self, event_id: str, *, duplicate: bool) -> None:
        self.history.mark("a webhook came again" if duplicate else "a webhook came")
        if event_id in self.kept and not duplicate:
            self.history.violated(f"the webhook {event_id} was taken twice")
        self.kept.add(event_id)
