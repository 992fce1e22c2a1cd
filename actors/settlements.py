"""The settlements' actor: pays dues on chain, many in one transaction (docs/spec/domain.md §1).

It plans on a schedule, and at once for a user whose payment waits for money that is still due.
What it has planned is stored before it acts: after a restart it takes up every settlement that is
in flight, and nothing settles a due a second time.
"""

from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Final, Never, assert_never

import structlog
import trio
from attrs import frozen

from actors.alarms import Alarms
from actors.core import Core
from actors.failpoints import reach
from actors.kernel import Actor, Registry
from actors.lane_parts import Wake
from actors.user_cache import UserCache
from offerhub.domain import settlement_decisions as decisions
from offerhub.domain.chain import ChainOperation
from offerhub.domain.chain_moves import ALARM, RetryPolicy
from offerhub.domain.intents import SettleDues
from offerhub.domain.money import Money
from offerhub.domain.settlement import OpenDue, Settlement
from offerhub.domain.settlement_decisions import Line
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import Wallet, WalletStatus

log = structlog.get_logger(__name__)

PAYMENTS_MAX: Final = 100
"""Payments in one transaction: as many operations as one carries (docs/spec/stellar-horizon.md §1.2)."""

PAYERS_MAX: Final = 18
"""Wallets that pay in one transaction: 20 signatures less the channel's and the platform's."""

_NO_CHANNEL_S: Final = 0.2
TREASURY_ALARM: Final = "treasury"
"""What the alarm of an empty treasury is about."""


class Due(Enum):
    """Why the actor is woken, beside the ends of its operations."""

    RESUME = "something may have ended while nobody was told"
    SCHEDULE = "everything that is due is to be settled"


@frozen
class SettlementWanted:
    """The key of a wake-up: a user's payment waits for what is still due to the user's wallet."""

    user_id: str


@frozen
class SettlementParts:
    """What the settlements' actor works with.

    Args:
        channels: addresses of the channel accounts; empty until they stand.
        platform_address: of the wallet that pays and is paid.
        every_s: the schedule.
    """

    core: Core
    lanes: Registry[str, Never]
    user_cache: UserCache
    channels: Callable[[], Sequence[str]]
    platform_address: str
    alarms: Alarms
    every_s: float


class WrittenElsewhere(Exception):
    """Another process has written what this one owns: start again from storage."""


class SettlementsActor(Actor[Never]):
    """See the module."""

    def __init__(self, parts: SettlementParts) -> None:
        self._parts = parts
        self._in_flight: dict[str, tuple[Settlement, ...]] = {}
        self._wanted: dict[str, None] = {}
        self._all = False

    async def start(self) -> None:
        """Take up what an earlier life left in flight."""
        core = self._parts.core
        for each in await core.retry_until_available(core.storage.settlements_in_flight):
            if each.operation_id is not None:
                carried = self._in_flight.get(each.operation_id, ())
                self._in_flight[each.operation_id] = (*carried, each)
        await self._sound_again()
        self.spawn(self._wake_on_schedule)
        self.self_address.wake(Due.RESUME)

    async def _sound_again(self) -> None:
        """Alarm whoever an earlier life has seen refused and not paid since."""
        storage = self._parts.core.storage
        whenever = self._parts.core.now() + timedelta(days=1)
        for owing in (False, True):
            for due in await self._parts.core.retry_until_available(
                partial(storage.unsettled, whenever, PAYMENTS_MAX, owing=owing)
            ):
                if due.settlement is not None and _failed_before(due):
                    reason = due.settlement.last_error or ""
                    self._parts.alarms.sound(_alarm_of(due.settlement), reason)

    async def _wake_on_schedule(self) -> None:
        while True:
            await trio.sleep(self._parts.every_s)
            self.self_address.wake(Due.SCHEDULE)

    async def handle(self, message: Never) -> Never:
        """Nothing is asked of it: it is woken."""
        assert_never(message)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Take the ends of operations, then plan what is wanted or what the schedule asks for."""
        self._wanted.update(
            (key.user_id, None) for key in keys if isinstance(key, SettlementWanted)
        )
        self._all = self._all or Due.SCHEDULE in keys
        ids = [key for key in keys if isinstance(key, str) and key in self._in_flight]
        if Due.RESUME in keys:
            ids = list(self._in_flight)
        if ids:
            core = self._parts.core
            operations = await core.retry_until_available(
                lambda: core.storage.load_many(ChainOperation, ids)
            )
            for operation in operations.values():
                await self._take_end(operation)
        await self._plan()

    # What has ended.

    async def _take_end(self, operation: ChainOperation) -> None:
        if operation.is_open:
            return
        settlements = self._in_payment_order(operation)
        reach(f"settlements.before_effects.{operation.step}")
        retry = RetryPolicy(attempts_max=0, chance=self._parts.core.random())
        end = decisions.ended(
            operation, settlements, retry, self._parts.core.deciding_as("settlements")
        )
        await self._committed(end.unit)
        reach(f"settlements.after_effects.{operation.step}")
        del self._in_flight[operation.id]
        if end.again is not None:
            self._in_flight[end.again.id] = end.settlements
            if any(entry.action == ALARM for entry in end.unit.audit):
                log.error(ALARM, operation=operation.id, step=str(operation.step))
            return
        if not end.paid:
            self._tell_failure(operation, end)
        for each in end.settlements:
            if end.paid:
                self._parts.alarms.end(_alarm_of(each))
            if end.paid or each in end.refused:
                self._wanted.pop(each.id, None)
                self._parts.lanes.wake(each.wallet, Wake.SETTLED)

    def _in_payment_order(self, operation: ChainOperation) -> list[Settlement]:
        """The operation's settlements as its payments stand: results come in that order."""
        carried = {each.wallet: each for each in self._in_flight[operation.id]}
        intent = operation.intent
        payments = intent.payments if isinstance(intent, SettleDues) else ()
        return [carried[payment.wallet] for payment in payments]

    def _tell_failure(self, operation: ChainOperation, end: decisions.Ended) -> None:
        for each in end.refused:
            reason = each.last_error or ""
            log.error("settlement.refused", user=each.id, wallet=each.wallet, reason=reason)
            self._parts.alarms.sound(_alarm_of(each), reason)
        if not end.refused:
            failure = operation.failure
            log.error(
                "settlement.failed",
                operation=operation.id,
                reason="" if failure is None else failure.message,
            )

    # What is planned.

    async def _plan(self) -> None:
        """Plan transactions while something is to be settled and a channel carries none of ours."""
        while self._all or self._wanted:
            channels = self._parts.channels()
            if not channels:
                self.spawn(self._resume_later)
                return
            busy = await self._busy()
            free = next((each for each in channels if each not in busy), None)
            if free is None:
                return  # the end of one of them wakes it
            lines = await self._next_lines()
            if not lines:
                self._all = False
                return
            planned = decisions.plan(
                lines,
                free,
                self._parts.platform_address,
                self._parts.core.deciding_as("settlements"),
            )
            reach(f"settlements.before_plan.{planned.operation.step}")
            await self._committed(planned.unit)
            reach(f"settlements.after_plan.{planned.operation.step}")
            self._in_flight[planned.operation.id] = planned.settlements
            for each in planned.settlements:
                self._wanted.pop(each.id, None)

    async def _resume_later(self) -> None:
        await trio.sleep(_NO_CHANNEL_S)
        self.self_address.wake("later")

    async def _busy(self) -> set[str]:
        """Channels that carry one of ours."""
        core = self._parts.core
        ids = list(self._in_flight)
        if not ids:
            return set()
        operations = await core.retry_until_available(
            lambda: core.storage.load_many(ChainOperation, ids)
        )
        return {each.source for each in operations.values()}

    async def _next_lines(self) -> list[Line]:
        """The next transaction's payments.

        Whoever the network has refused before is tried alone, so that nobody waits with him.
        """
        owing, owed = await self._open_dues()
        wallets = await self._active_wallets([*owing, *owed])
        dues = [each for each in (*owing, *owed) if each.user_id in wallets]
        capacity = await self._capacity()
        lines, short = _affordable([each for each in dues if not _failed_before(each)], capacity)
        if not lines:
            for each in filter(_failed_before, dues):
                lines, lacks = _affordable([each], capacity)
                short += lacks
                if lines:
                    break
        self._tell_shortage(short)
        return [
            Line(due.user_id, wallets[due.user_id].public_key, amount, due.settlement)
            for due, amount in lines
        ]

    async def _open_dues(self) -> tuple[list[OpenDue], list[OpenDue]]:
        """What wallets owe and what they are owed, as far as it is to be settled now.

        For those who wait, debtors are asked only where the treasury cannot pay without them.
        """
        storage, now = self._parts.core.storage, self._parts.core.now()
        retry = self._parts.core.retry_until_available
        users = None if self._all else list(self._wanted)
        owed = list(
            await retry(lambda: storage.unsettled(now, PAYMENTS_MAX, owing=False, users=users))
        )
        if not self._all:
            for user_id in set(self._wanted) - {each.user_id for each in owed}:
                del self._wanted[user_id]  # settled meanwhile, on its way, or it pauses
            needed = Money.total(each.due for each in owed)
            if not owed or needed <= await self._capacity():
                return [], owed
        owing = list(await retry(lambda: storage.unsettled(now, PAYERS_MAX, owing=True)))
        return owing, owed

    async def _capacity(self) -> Money:
        core = self._parts.core
        return (await core.retry_until_available(core.storage.treasury)).payable

    async def _active_wallets(self, dues: Sequence[OpenDue]) -> dict[str, Wallet]:
        if not dues:
            return {}
        user_ids = [each.user_id for each in dues]
        cache = self._parts.user_cache
        found = await self._parts.core.retry_until_available(lambda: cache.wallets(user_ids))
        return {
            user_id: wallet
            for user_id, wallet in found.items()
            if wallet.status is WalletStatus.ACTIVE
        }

    def _tell_shortage(self, short: Sequence[OpenDue]) -> None:
        """Alarm once that the treasury cannot pay what it owes; what needs nothing of it goes on."""
        if not short:
            if self._all:
                self._parts.alarms.end(TREASURY_ALARM)
            return
        self._wanted.clear()  # their lanes ask again
        sound_shortage(self._parts.alarms, Money.total(each.due for each in short))

    async def _committed(self, unit: UnitOfWork) -> None:
        outcome = await self._parts.core.commit_with_retries(unit)
        if not isinstance(outcome, Committed):
            raise WrittenElsewhere(f"the settlements were written elsewhere: {outcome}")


def sound_shortage(alarms: Alarms, lacking: Money) -> None:
    """Alarm that the platform's wallet lacks money for what it owes; logged when it begins."""
    reason = f"the platform's wallet lacks {lacking} USDC for what it owes to users' wallets"
    if TREASURY_ALARM not in alarms.on:
        log.error("treasury.short", lacking=str(lacking))
    alarms.sound(TREASURY_ALARM, reason)


def _affordable(
    dues: Sequence[OpenDue], capacity: Money
) -> tuple[list[tuple[OpenDue, Money]], list[OpenDue]]:
    """What of some dues is to be paid now, in their order, and those that the treasury lacks money for.

    Args:
        capacity: what the platform's wallet can pay; what wallets owe comes first and adds to it.
    """
    lines: list[tuple[OpenDue, Money]] = []
    short: list[OpenDue] = []
    for due in dues[:PAYMENTS_MAX]:
        amount = due.due if due.due.stroops < 0 else _payable(due, capacity)
        if not amount:
            short.append(due)
            continue
        capacity -= amount
        lines.append((due, amount))
    return lines, short


def _payable(due: OpenDue, capacity: Money) -> Money:
    """All of a due if the treasury can pay it; else what its user's payment cannot do without."""
    if due.due <= capacity:
        return due.due
    needed = due.due - due.available
    enough = needed.stroops > 0 and needed <= capacity
    return capacity if enough else Money.zero()


def _failed_before(due: OpenDue) -> bool:
    return due.settlement is not None and due.settlement.failures > 0


def _alarm_of(settlement: Settlement) -> str:
    return f"settlement of {settlement.id}"
