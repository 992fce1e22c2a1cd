"""Bootstrap: the platform's user, wallet and channel accounts, in storage and on the chain.

`ensure_platform` makes the rows and needs no network. `Bootstrap.run` puts the accounts on the
chain: XLM from the network's friendbot where there is one, else an operator pays it in.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog
import trio
from attrs import frozen

from actors.board import Board
from actors.core import Core
from actors.journal import Journal
from actors.kernel import Address, Backoff
from actors.outages import commit_with_retries, retry_until_available
from actors.user_cache import UserCache
from actors.users import PLATFORM_EXTERNAL_ID
from actors.vault import MakeKeypair
from offerhub.domain import user_decisions as decisions
from offerhub.domain.chain import ChainOperation, ChainStatus, Subject
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.deposits import CURSOR
from offerhub.domain.intents import OpenChannels, OwnIntent, TrustUsdc
from offerhub.domain.money import Money
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import User, UserType, Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import StellarNetwork, StellarUnavailable
from storage.port import Storage

log = structlog.get_logger(__name__)

_AGAIN: Final = Backoff(first_s=0.2, limit_s=30.0)
_LOOK_S: Final = 20.0
"""How often storage is asked for the end of an operation that nobody has told of."""

_RESERVE_XLM: Final = Money(100_000_000)
"""What the platform's wallet needs beside its channels before it opens them: 10 XLM."""


@frozen
class Platform:
    """The platform's user, its wallet and its channels as stored."""

    user: User
    wallet: Wallet
    channels: tuple[Wallet, ...]


class Channels:
    """The channel accounts that stand on the chain, taken in turn."""

    def __init__(self) -> None:
        self._addresses: list[str] = []
        self._next = 0

    def open(self, addresses: Sequence[str]) -> None:
        """Set the accounts that stand."""
        self._addresses = list(addresses)

    def all(self) -> Sequence[str]:
        """Every channel that stands."""
        return self._addresses

    def pick(self) -> str | None:
        """The next channel in turn; `None` while none stands."""
        if not self._addresses:
            return None
        self._next = (self._next + 1) % len(self._addresses)
        return self._addresses[self._next]


async def ensure_platform(
    storage: Storage,
    vault: Address[MakeKeypair],
    journal: Journal,
    context: DecisionContext,
    channel_count: int,
) -> Platform:
    """Make the platform's user and the missing channels' rows; what exists is left as it is."""
    user = await storage.user_by_external_id(PLATFORM_EXTERNAL_ID)
    ids = context.ids
    if user is None:
        wallet_id = ids.new("wal")
        keypair = await vault.ask(MakeKeypair(wallet_id))
        user, _, unit = decisions.create_user(
            decisions.CreateUser(
                user_id=ids.new("usr"),
                wallet_id=wallet_id,
                external_user_id=PLATFORM_EXTERNAL_ID,
                email=None,
                type=UserType.BOTH,
                metadata={},
                public_key=keypair.public_key,
                seed=keypair.seed,
            ),
            context,
            role=WalletRole.PLATFORM,
        )
        await _committed(journal, unit)
    wallets = await storage.wallets_of_platform()
    channels = [wallet for wallet in wallets if wallet.role is WalletRole.CHANNEL]
    missing = []
    for _ in range(channel_count - len(channels)):
        wallet_id = ids.new("wal")
        keypair = await vault.ask(MakeKeypair(wallet_id))
        missing.append(
            decisions.new_wallet(
                wallet_id,
                user.id,
                WalletRole.CHANNEL,
                keypair.public_key,
                keypair.seed,
                context,
            )
        )
    if missing:
        await _committed(
            journal,
            UnitOfWork(
                at=context.now,
                trace=context.trace,
                writes=tuple(missing),
                audit=tuple(
                    context.audit("wallet.create_channel", "Wallet", wallet.id)
                    for wallet in missing
                ),
            ),
        )
    platform_wallet = next(w for w in wallets if w.role is WalletRole.PLATFORM)
    return Platform(user, platform_wallet, tuple(channels + missing)[:channel_count])


async def _committed(journal: Journal, unit: UnitOfWork) -> None:
    outcome = await journal.commit(unit)
    if not isinstance(outcome, Committed):
        msg = f"the platform's rows were not stored: {outcome}"
        raise BootstrapFailed(msg)


class BootstrapFailed(Exception):
    """The platform's accounts cannot be made; says why."""


@frozen
class BootstrapParts:
    """What the bootstrap works with.

    Args:
        channel_xlm: what each channel starts with.
        fill_treasury: gives the platform's wallet USDC in the sandbox; `None` elsewhere.
    """

    core: Core
    operations: Board[ChainOperation]
    network: StellarNetwork
    user_cache: UserCache
    channels: Channels
    channel_xlm: Money
    fill_treasury: Callable[[str], Awaitable[None]] | None


class Bootstrap:
    """A service that ends when the platform's accounts stand; it may be repeated at will."""

    def __init__(self, platform: Platform, parts: BootstrapParts) -> None:
        self._platform = platform
        self._parts = parts
        self.done = trio.Event()
        self.waits_for: str | None = None
        """What it waits for, for people; `None` when it is done."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Repeat until the accounts stand; trouble on the way is waited out."""
        task_status.started()
        trouble = 0
        while True:
            try:
                await self._stand()
            except StellarUnavailable as away:
                self.waits_for = away.reason
            except _NotYet as not_yet:
                self.waits_for = not_yet.reason
            else:
                self.waits_for = None
                self.done.set()
                return
            trouble += 1
            log.info("bootstrap.waiting", reason=self.waits_for)
            await trio.sleep(_AGAIN.delay_s(trouble, self._parts.core.random))

    async def _stand(self) -> None:
        platform, parts = self._platform, self._parts
        if (
            await retry_until_available(
                lambda: parts.core.storage.cursor(CURSOR), parts.core.random
            )
            is None
        ):
            msg = "the chain watcher has no cursor yet"
            raise _NotYet(msg)
        address = platform.wallet.public_key
        await self._settle_earlier()
        account = await parts.network.account(address)
        if account is None:
            await parts.network.fund_from_friendbot(address)
            account = await parts.network.account(address)
        if account is None:
            msg = f"the platform's account {address} needs XLM"
            raise _NotYet(msg)
        if account.usdc is None:
            await self._execute(TrustUsdc(account=address))
        missing = [
            channel.public_key
            for channel in platform.channels
            if await parts.network.account(channel.public_key) is None
        ]
        if missing:
            needed = Money(parts.channel_xlm.stroops * len(missing)) + _RESERVE_XLM
            if account.xlm_spendable < needed:
                msg = f"the platform's account {address} needs {needed} XLM"
                raise _NotYet(msg)
            await self._execute(OpenChannels(address, tuple(missing), parts.channel_xlm))
        await self._activated()
        if parts.fill_treasury is not None and not (account.usdc or Money.zero()):
            await parts.fill_treasury(address)
        parts.channels.open([channel.public_key for channel in platform.channels])

    async def _settle_earlier(self) -> None:
        """Wait for what an earlier life has planned: the accounts are looked at after it."""
        storage = self._parts.core.storage
        open_operations = await retry_until_available(
            lambda: storage.open_operations(subject=Subject.BOOTSTRAP), self._parts.core.random
        )
        for operation in open_operations:
            await self._end_of(operation)

    async def _activated(self) -> None:
        """Mark what stands on the chain as active."""
        storage, random = self._parts.core.storage, self._parts.core.random
        waiting = [
            wallet
            for wallet in await retry_until_available(storage.wallets_of_platform, random)
            if wallet.status is WalletStatus.ACTIVATING
        ]
        if waiting:
            active, unit = decisions.activated(waiting, self._context())
            await commit_with_retries(self._parts.core.journal, unit, random)
            for wallet in active:
                if wallet.role is WalletRole.PLATFORM:
                    self._parts.user_cache.note_wallet(wallet)

    async def _execute(self, intent: OwnIntent) -> None:
        """Run one operation of the platform's own account to its end."""
        parts = self._parts
        operation, unit = decisions.plan_for_wallets(
            Subject.BOOTSTRAP, intent, (self._platform.wallet.id,), self._context()
        )
        await commit_with_retries(parts.core.journal, unit, parts.core.random)
        await self._end_of(operation)

    async def _end_of(self, planned: ChainOperation) -> None:
        """Wait for the end of an operation. Raises `_NotYet` if it failed."""
        parts = self._parts
        storage, random = parts.core.storage, parts.core.random
        operation: ChainOperation | None = planned
        while operation is not None and operation.is_open:
            await parts.operations.wait_until(planned.id, lambda each: not each.is_open, _LOOK_S)
            operation = await retry_until_available(
                lambda: storage.load(ChainOperation, planned.id), random
            )
        if operation is None or operation.status is not ChainStatus.CONFIRMED:
            failure = None if operation is None else operation.failure
            msg = f"{planned.step} failed: {failure.message if failure else 'unknown'}"
            raise _NotYet(msg)

    def _context(self) -> DecisionContext:
        trace = Trace.system("bootstrap", self._parts.core.ids.new("req"))
        return DecisionContext(self._parts.core.now(), self._parts.core.ids, trace)


class _NotYet(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
