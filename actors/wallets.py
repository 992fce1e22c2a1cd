"""The wallets' actor: puts wallets on the chain, many in one transaction, and refills their XLM.

Everything it owes survives a restart: wallets that are not active and operations that are open are
read from storage when it starts (docs/spec/domain.md §4).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final, Never, assert_never

import structlog
import trio
from attrs import define, evolve, field, frozen

from actors.core import Core
from actors.failpoints import reach
from actors.kernel import Actor, Registry
from actors.lane_parts import Wake, XlmPolicy
from actors.outages import commit_with_retries, retry_until_available
from actors.user_cache import UserCache
from offerhub.domain import user_decisions as decisions
from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.chain_moves import ALARM, RetryPolicy, failure_of
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.deposits import CURSOR
from offerhub.domain.intents import (
    ActivateWallets,
    Intent,
    OwnIntent,
    RefillWallets,
    XlmRefill,
)
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import StellarNetwork, StellarUnavailable

log = structlog.get_logger(__name__)

ACTIVATIONS_MAX: Final = 18
"""Wallets in one activation: 20 signatures less the channel's and the platform's
(docs/spec/stellar-horizon.md §5.4)."""

REFILLS_MAX: Final = 50
_LOOKED_FOR_MAX: Final = 200
RESUME: Final = "resume"


@frozen
class RefillWanted:
    """The key of a wake-up: an address lacks XLM."""

    address: str


@frozen
class WalletParts:
    """What the wallets' actor works with.

    Args:
        channels: addresses of the channel accounts; empty until they stand.
        platform_address: of the wallet that sponsors and pays.
    """

    core: Core
    lanes: Registry[str, Never]
    network: StellarNetwork
    user_cache: UserCache
    channels: Callable[[], Sequence[str]]
    platform_address: str
    xlm: dict[WalletRole, XlmPolicy]


@define
class _Work:
    """What waits, in order of arrival, and the operations that carry the rest, paused ones too."""

    activate: dict[str, Wallet] = field(factory=dict)
    refill: dict[str, Wallet] = field(factory=dict)
    under_way: dict[str, ChainOperation] = field(factory=dict)

    def refill_to_repeat(self, besides: str | None = None) -> bool:
        """Whether a refill that failed, another than `besides`, pauses for its next attempt."""
        return any(
            each.subject is Subject.REFILL and each.not_before is not None and each.id != besides
            for each in self.under_way.values()
        )


class WrittenElsewhere(Exception):
    """Another process has written what this one owns: start again from storage."""


class WalletsActor(Actor[Never]):
    """See the module."""

    def __init__(self, parts: WalletParts) -> None:
        self._parts = parts
        self._work = _Work()
        self._cursor_stands = False

    async def start(self) -> None:
        """Take up what an earlier life left."""
        storage, random = self._parts.core.storage, self._parts.core.random
        for subject in (Subject.ACTIVATION, Subject.REFILL):
            operations = await retry_until_available(
                lambda subject=subject: storage.open_operations(subject=subject),  # type: ignore[misc]
                random,
            )
            for operation in operations:
                self._work.under_way[operation.id] = operation
        self._take_up(await retry_until_available(storage.wallets_activating, random))
        await self._find_standing()
        self.self_address.wake(RESUME)

    async def _find_standing(self) -> None:
        """Book accounts that stand already: a kill may have come between the chain and the books."""
        standing = []
        for wallet in list(self._work.activate.values())[:_LOOKED_FOR_MAX]:
            try:
                account = await self._parts.network.account(wallet.public_key)
            except StellarUnavailable:
                break  # The activation finds it out, at the price of a failed transaction.
            if account is not None and account.usdc is not None:
                standing.append(self._work.activate.pop(wallet.id))
        await self._activated(standing)

    async def handle(self, message: Never) -> Never:
        """Nothing is asked of it: it is woken."""
        assert_never(message)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Take wallets to activate, addresses to refill, and operations that have ended."""
        storage, random = self._parts.core.storage, self._parts.core.random
        ids = [key for key in keys if isinstance(key, str)]
        wallet_ids = [each for each in ids if each.startswith("wal_")]
        if wallet_ids:
            found = await retry_until_available(
                lambda: storage.load_many(Wallet, wallet_ids), random
            )
            self._take_up(found.values())
        resuming = RESUME in ids
        if resuming:
            # A crash may have come between a commit and the wake-up that it asked for.
            self._take_up(await retry_until_available(storage.wallets_activating, random))
        wanted = [key.address for key in keys if isinstance(key, RefillWanted)]
        if wanted:
            await self._want_refills(wanted)
        operation_ids = [each for each in ids if each.startswith("cop_")]
        if resuming:
            operation_ids.extend(self._work.under_way)
        if operation_ids:
            ended = await retry_until_available(
                lambda: storage.load_many(ChainOperation, operation_ids), random
            )
            for operation in ended.values():
                await self._take_end(operation)
        await self._plan()

    def _take_up(self, wallets: Iterable[Wallet]) -> None:
        """Activate those that nothing is under way for, and that do not pause after a failure."""
        taken = self._in_progress()
        for wallet in wallets:
            if (
                wallet.status is WalletStatus.ACTIVATING
                and wallet.role is WalletRole.USER
                and wallet.public_key not in taken
            ):
                self._work.activate[wallet.id] = wallet

    async def _want_refills(self, addresses: Sequence[str]) -> None:
        storage, random = self._parts.core.storage, self._parts.core.random
        unfinished = self._in_progress()
        found = await retry_until_available(lambda: storage.wallets_by_address(addresses), random)
        for wallet in found.values():
            if wallet.public_key not in unfinished:
                self._work.refill[wallet.id] = wallet

    def _in_progress(self) -> set[str]:
        """Addresses that an operation on the way is for."""
        operations = self._work.under_way.values()
        return {address for operation in operations for address in _addresses(operation.intent)}

    async def _plan(self) -> None:
        """Plan transactions while there is work and a channel that carries none of ours."""
        if not (self._work.activate or self._work.refill) or not await self._ready():
            return
        busy = {each.source for each in self._work.under_way.values() if each.not_before is None}
        for channel in [each for each in self._parts.channels() if each not in busy]:
            if self._work.activate:
                batch = list(self._work.activate.values())[:ACTIVATIONS_MAX]
                intent = ActivateWallets(
                    channel=channel,
                    sponsor=self._parts.platform_address,
                    wallets=tuple(wallet.public_key for wallet in batch),
                    xlm_float=self._parts.xlm[WalletRole.USER].level,
                )
                await self._start(Subject.ACTIVATION, intent, batch)
                for wallet in batch:
                    del self._work.activate[wallet.id]
            elif self._work.refill and not self._work.refill_to_repeat():
                await self._start_refill(channel)
        refilling = any(each.subject is Subject.REFILL for each in self._work.under_way.values())
        if self._work.refill and not refilling:
            # What the channels carry may itself wait for this refill: it goes beside it.
            await self._start_refill(self._parts.channels()[0])

    async def _start_refill(self, channel: str) -> None:
        batch = self._next_refill()
        intent = RefillWallets(channel, self._parts.platform_address, self._refills(batch))
        await self._start(Subject.REFILL, intent, batch)

    def _next_refill(self) -> list[Wallet]:
        """Take those who have waited longest; should planning crash, their lanes ask again."""
        batch = list(self._work.refill.values())[:REFILLS_MAX]
        for wallet in batch:
            del self._work.refill[wallet.id]
        return batch

    def _refills(self, wallets: Sequence[Wallet]) -> tuple[XlmRefill, ...]:
        return tuple(
            XlmRefill(wallet.public_key, self._parts.xlm[wallet.role].level) for wallet in wallets
        )

    async def _ready(self) -> bool:
        """Whether channels and the watcher's cursor stand: no address is opened unwatched."""
        if not self._cursor_stands:
            storage = self._parts.core.storage
            cursor = await retry_until_available(
                lambda: storage.cursor(CURSOR), self._parts.core.random
            )
            self._cursor_stands = cursor is not None
        if self._parts.channels() and self._cursor_stands:
            return True
        self.spawn(self._resume_later, 0.2)
        return False

    async def _resume_later(self, pause_s: float) -> None:
        await trio.sleep(pause_s)
        self.self_address.wake("later")

    async def _start(self, subject: Subject, intent: OwnIntent, wallets: Sequence[Wallet]) -> None:
        operation, unit = decisions.plan_for_wallets(
            subject, intent, [wallet.id for wallet in wallets], self._context()
        )
        reach(f"wallets.before_plan.{operation.step}")
        await self._committed(unit)
        reach(f"wallets.after_plan.{operation.step}")
        self._work.under_way[operation.id] = operation

    async def _take_end(self, operation: ChainOperation) -> None:
        if operation.is_open or operation.id not in self._work.under_way:
            return
        reach(f"wallets.before_effects.{operation.step}")
        wallets = await self._targets(operation)
        if operation.status is not ChainStatus.CONFIRMED:
            await self._try_again(operation, wallets)
        elif operation.subject is Subject.ACTIVATION:
            await self._activated(wallets)
        reach(f"wallets.after_effects.{operation.step}")
        del self._work.under_way[operation.id]
        if operation.subject is Subject.REFILL and operation.status is ChainStatus.CONFIRMED:
            for address in _addresses(operation.intent):
                self._parts.lanes.wake(address, Wake.REFILLED)

    async def _try_again(self, failed: ChainOperation, wallets: Sequence[Wallet]) -> None:
        """Plan the next attempt, after a pause that is stored with it and grows."""
        failure = failure_of(failed)
        log.warning("wallets.attempt_failed", operation=failed.id, reason=failure.message)
        intent, existing = failed.intent, []
        if isinstance(intent, RefillWallets):
            # A refill fails because the platform cannot pay it, and others fail alike: one attempt
            # at a time is made, for all who wait, and each costs one fee.
            self._work.refill.update({wallet.id: wallet for wallet in wallets})
            if self._work.refill_to_repeat(besides=failed.id):
                return
            wallets = self._next_refill()
            intent = evolve(intent, refills=self._refills(wallets))
        elif isinstance(intent, ActivateWallets):
            existing = await self._existing(wallets)
            missing = [wallet for wallet in wallets if wallet not in existing]
            intent = evolve(intent, wallets=tuple(wallet.public_key for wallet in missing))
            wallets = missing
        if wallets:
            retry = RetryPolicy(attempts_max=0, chance=self._parts.core.random())
            again, unit = decisions.plan_again_for_wallets(
                evolve(failed, intent=intent), [each.id for each in wallets], retry, self._context()
            )
            await self._committed(unit)
            if any(entry.action == ALARM for entry in unit.audit):
                log.error(ALARM, operation=failed.id, step=str(failed.step))
            self._work.under_way[again.id] = again
        await self._activated(existing)

    async def _existing(self, wallets: Sequence[Wallet]) -> list[Wallet]:
        """Those of a failed activation whose accounts exist all the same."""
        found = []
        for wallet in wallets:
            try:
                account = await self._parts.network.account(wallet.public_key)
            except StellarUnavailable:
                continue
            if account is not None and account.usdc is not None:
                found.append(wallet)
        return found

    async def _activated(self, wallets: Sequence[Wallet]) -> None:
        waiting = [wallet for wallet in wallets if wallet.status is WalletStatus.ACTIVATING]
        if not waiting:
            return
        active, unit = decisions.activated(waiting, self._context())
        await self._committed(unit)
        for wallet in active:
            self._parts.user_cache.note_wallet(wallet)

    async def _targets(self, operation: ChainOperation) -> list[Wallet]:
        storage, addresses = self._parts.core.storage, _addresses(operation.intent)
        found = await retry_until_available(
            lambda: storage.wallets_by_address(addresses), self._parts.core.random
        )
        return [found[address] for address in addresses if address in found]

    async def _committed(self, unit: UnitOfWork) -> None:
        outcome = await commit_with_retries(self._parts.core.journal, unit, self._parts.core.random)
        if not isinstance(outcome, Committed):
            msg = f"the wallets were written elsewhere: {outcome}"
            raise WrittenElsewhere(msg)

    def _context(self) -> DecisionContext:
        trace = Trace.system("wallets", self._parts.core.ids.new("req"))
        return DecisionContext(self._parts.core.now(), self._parts.core.ids, trace)


def _addresses(intent: Intent) -> tuple[str, ...]:
    """Whose accounts an activation or a refill is for."""
    match intent:
        case ActivateWallets():
            return intent.wallets
        case RefillWallets():
            return tuple(refill.wallet for refill in intent.refills)
        case _:
            msg = f"{type(intent).__name__} is not handled by the wallets' actor"
            raise TypeError(msg)
