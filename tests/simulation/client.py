"""The marketplace's side of a call: a key, patience, and the same call again until it has an answer."""

import json
import random  # noqa: TID251 - seeded: the simulation owns its chance
from datetime import datetime
from typing import Any, Final

import trio
from attrs import define, field, frozen

from tests.simulation.asgi_client import Front, Reply
from tests.simulation.history import History
from tests.simulation.lives import Life, Lives

_AGAIN: Final = frozenset({429, 500, 502, 503, 504})
"""Statuses that say nothing of what the call will come to."""

_AGAIN_CODES: Final = frozenset(
    {"IDEMPOTENCY_KEY_IN_PROGRESS", "WALLET_NOT_READY", "SERVICE_UNAVAILABLE"}
)
_LISTED: Final = {"ord": "orders", "wd": "withdrawals", "dsp": "disputes"}
_FALLBACKS_MAX: Final = 3
"""How often a client tries anew what fell back, before it lets the order be."""


@frozen
class Answered:
    """The final answer of a key: a body, a refusal's code, or that the operation fell back."""

    code: str
    body: bytes | None = None

    @property
    def ok(self) -> bool:
        return self.code == "ok"

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body or b"{}")["data"]
        return data


FELL_BACK: Final = "fell back"


@define
class KeyUse:
    """What a key was used for, and what was answered."""

    action: str
    answer: Answered | None = None
    tries: int = 0
    fallbacks: int = 0


@define
class Client:
    """Makes calls and remembers every key."""

    lives: Lives
    history: History
    chance: random.Random
    disconnects: float
    keys: dict[str, KeyUse] = field(factory=dict)
    closed: int = 0
    """How many operators have turned maintenance on and have not begun to turn it off."""

    async def post(self, action: str, path: str, body: object = None) -> Answered:
        """Make one call under a fresh key, as often as it takes; returns its final answer."""
        key = f"key-{len(self.keys) + 1}"
        use = self.keys[key] = KeyUse(action)
        self.history.note("call", key, action)
        while True:
            front, life = await self.lives.running()
            use.tries += 1
            reply = await self._try(front, life, path, body, key)
            answered = None if reply is None else self._final(use, reply)
            if answered is not None:
                self.history.note("answer", key, action, answered.code, use.tries)
                self.history.mark(f"answer: {answered.code}")
                use.answer = answered
                # A replay is read from storage, which may know of a commit before its process does.
                if reply is not None and "idempotency-replayed" not in reply.headers:
                    await self._read_again(front, life, answered)
                return answered
            await trio.sleep(self.chance.uniform(0.05, 2))

    async def user(self, name: str) -> dict[str, Any]:
        """Sign a user up, without a key: the external id does for one."""
        while True:
            front, life = await self.lives.running()
            reply = await self._try(front, life, "/users", {"externalUserId": name, "type": "BOTH"})
            if reply is not None and reply.ok:
                if self.chance.random() < 0.8:
                    return reply.data
                self.history.mark("a user was created twice")
            elif reply is not None and reply.status not in _AGAIN:
                self.history.violated(f"a user was refused: {reply.code}")
            await trio.sleep(self.chance.uniform(0.05, 2))

    async def _try(
        self, front: Front, life: Life, path: str, body: object, key: str | None = None
    ) -> Reply | None:
        """One request; `None` when nobody heard its answer."""
        hasty = not self.lives.healed and self.chance.random() < self.disconnects
        reply: Reply | None = None
        closed = self.closed and not path.startswith("/admin/")
        with trio.move_on_after(self.chance.uniform(0, 3) if hasty else 65) as patience:
            reply = await front.request("POST", path, body, key=key)
        if patience.cancelled_caught:
            self.history.mark("the client hung up" if hasty else "no answer in time")
            return None
        if reply is None or life.dead:
            self.history.mark("answer of a dead process")
            return None
        if reply.code == "MAINTENANCE":
            self.history.mark("maintenance refused a change")
        elif closed and self.closed and reply.status not in {429, 503}:
            self.history.violated(f"{path} was answered {reply.status} in maintenance")
        return reply

    def _final(self, use: KeyUse, reply: Reply) -> Answered | None:
        """The answer, if the call is not to be made again."""
        code = reply.code
        self.history.mark(f"status {reply.status}: {code}")
        if "idempotency-replayed" in reply.headers:
            self.history.mark("replayed before the handler")
        if reply.ok:
            return None if reply.status == 202 else Answered("ok", reply.body)
        if code == "INTERNAL_ERROR":
            # Whatever goes wrong outside, and an actor that crashes, is a 503 that may be repeated.
            self.history.violated(f"{use.action} was answered {reply.status}")
        if code == "PROVIDER_ERROR" and "attempts" in reply.details:
            self.history.mark("told of a fall-back")
            use.fallbacks += 1
            return Answered(FELL_BACK) if use.fallbacks >= _FALLBACKS_MAX else None
        if "retryable" in reply.details and not reply.details["retryable"]:
            return Answered(code)
        if reply.status in _AGAIN or code in _AGAIN_CODES:
            return None
        if "disputeId" in reply.details and use.action == "order.release":
            self.history.mark("a dispute took the place of a release")
        # A refusal that tells of work in progress passes with that work, and one that is about a
        # key is of no other key: nothing keeps them.
        kept = "progress" not in reply.details and not code.startswith("IDEMPOTENCY_KEY_")
        return Answered(code, reply.body if kept else None)

    async def _read_again(self, front: Front, life: Life, answered: Answered) -> None:
        """What is read after an answer, where it was given, is never older than the answer."""
        if answered.body is None or not answered.ok:
            return
        resource = answered.data
        kind = _LISTED.get(str(resource.get("id")).partition("_")[0])
        if kind is None:
            return
        read: Reply | None = None
        with trio.move_on_after(5):
            read = await front.request("GET", f"/{kind}/{resource['id']}")
        if read is None or read.status != 200 or life.dead:
            return
        fresh, answer = (_updated_at(each) for each in (read.data, resource))
        if fresh < answer:
            self.history.violated(f"{resource['id']} was read as of {fresh}, after {answer}")


def _updated_at(resource: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(str(resource["updatedAt"]))
