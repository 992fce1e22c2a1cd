"""The marketplace's side of a call: a key, patience, and the same call again until it has an answer.

It does with idempotency keys what the web's gate does, without HTTP.
"""

import json
import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from attrs import define, field, frozen

from actors.journal import JournalClosed
from actors.kernel import ActorError
from actors.patience import is_unavailable
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.trace import IdempotencyClaim, Trace
from offerhub.domain.unit_of_work import (
    Committed,
    IdempotencyRecord,
    IdempotencyState,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from storage.port import StorageUnavailable
from tests.simulation.history import History
from tests.simulation.lives import Lives
from tests.simulation.world import Machine

Send = Callable[[Machine, Trace], Awaitable[object]]

_TRANSIENT: Final = {
    ErrorCode.SERVICE_UNAVAILABLE,
    ErrorCode.STELLAR_NETWORK_ERROR,
    ErrorCode.PROVIDER_ERROR,
    ErrorCode.WALLET_NOT_READY,
}
_KEPT_STATUSES: Final = frozenset({400, 404, 409, 422})
_RELEASES_MAX: Final = 3


@frozen
class Answered:
    """The final answer of a key: a body, a refusal's code, or that the key was given back."""

    code: str
    body: bytes | None = None

    @property
    def ok(self) -> bool:
        return self.code == "ok"

    @property
    def data(self) -> dict[str, object]:
        data: dict[str, object] = json.loads(self.body or b"{}")["data"]
        return data


@define
class KeyUse:
    """What a key was used for, and what was answered."""

    action: str
    answer: Answered | None = None
    tries: int = 0
    releases: int = 0


@define
class Desk:
    """Makes calls and remembers every key."""

    lives: Lives
    history: History
    chance: random.Random
    disconnects: float
    keys: dict[str, KeyUse] = field(factory=dict)

    async def call(self, action: str, send: Send, *, status: int = 200) -> Answered:
        """Make one call under a fresh key, as often as it takes; returns its final answer."""
        key = f"key-{len(self.keys) + 1}"
        use = self.keys[key] = KeyUse(action)
        claim = IdempotencyClaim(key, f"of {action} {key}", status)
        self.history.note("call", key, action)
        while True:
            machine, life = await self.lives.running()
            use.tries += 1
            answered = await self._try(machine, claim, use, send)
            if answered is not None and life.dead:
                self.history.mark("answer of a dead process")
                answered = None
            if answered is not None and answered.code == "released":
                use.releases += 1
                if use.releases < _RELEASES_MAX:
                    answered = None
            if answered is not None:
                self.history.note("answer", key, action, answered.code, use.tries)
                self.history.mark(f"answer: {answered.code}")
                use.answer = answered
                return answered
            await trio.sleep(self.chance.uniform(0.05, 2))

    async def _try(
        self, machine: Machine, claim: IdempotencyClaim, use: KeyUse, send: Send
    ) -> Answered | None:
        """One request; `None` when nobody heard its answer."""
        healed = self.lives.healed
        hasty = not healed and self.chance.random() < self.disconnects
        with trio.move_on_after(self.chance.uniform(0, 3) if hasty else 65):
            try:
                return await self._request(machine, claim, use, send)
            except (ActorError, DomainError, JournalClosed, StorageUnavailable) as error:
                if isinstance(error, DomainError) and not is_unavailable(error):
                    raise
                self.history.mark(f"no answer: {type(error).__name__}")
                return None
        if hasty:
            self.history.mark("the client hung up")
        return None

    async def _request(
        self, machine: Machine, claim: IdempotencyClaim, use: KeyUse, send: Send
    ) -> Answered | None:
        if use.tries > 1 and self.chance.random() < 0.5:
            standing = await self._standing(machine, claim)
            if standing is not None:
                self.history.mark("replayed before the handler")
                return standing
        trace = Trace(
            correlation_id=machine.system.ids.new("req"), actor="key:sim", idempotency=claim
        )
        try:
            await send(machine, trace)
        except DomainError as refusal:
            return await self._refused(machine, claim, trace, refusal)
        standing = await self._standing(machine, claim)
        return standing or Answered("released")

    async def _standing(self, machine: Machine, claim: IdempotencyClaim) -> Answered | None:
        """What stands under a key, once it is final; `None` if nothing does."""
        while True:
            record = await machine.system.storage.idempotency(claim.key)
            if record is None:
                return None
            if record.state is IdempotencyState.DONE:
                code = "ok" if record.status is not None and record.status < 400 else ""
                return Answered(code or (record.body or b"").decode(), record.body)
            await trio.sleep(0.5)

    async def _refused(
        self, machine: Machine, claim: IdempotencyClaim, trace: Trace, refusal: DomainError
    ) -> Answered | None:
        """Keep a definitive refusal under its key, as the web does."""
        code = refusal.code
        if code in _TRANSIENT and "currentState" not in refusal.details:
            self.history.mark(f"transient: {code.value}")
            return None
        progress = refusal.details.get("progress") is not None
        in_progress = code is ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS
        if in_progress:
            self.history.mark("key taken at the commit")
        if code.status not in _KEPT_STATUSES or progress or in_progress:
            standing = await self._standing(machine, claim)
            if standing is None and in_progress:
                return None
            return standing or Answered(code.value)
        at = machine.system.clock()
        record = IdempotencyRecord(
            key=claim.key,
            fingerprint=claim.fingerprint,
            state=IdempotencyState.DONE,
            created_at=at,
            first=True,
            status=code.status,
            body=code.value.encode(),
        )
        outcome = await machine.system.journal.commit(
            UnitOfWork(at=at, trace=trace, idempotency=record)
        )
        match outcome:
            case Committed():
                return Answered(code.value, record.body)
            case Refused(RefusalKind.TAKEN):
                self.history.mark("refused, but the key had had its effect")
                return await self._standing(machine, claim)
            case Refused():
                return None
