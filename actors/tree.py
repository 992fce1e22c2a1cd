"""The tree: builds every actor from its parts and says in which order they start and stop.

The same tree runs in production, in tests and in the simulation; what differs is handed in.
"""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final, Never

import structlog
import trio
from attrs import evolve, field, frozen

from actors.alarms import Alarms
from actors.along import Along
from actors.answers import Answers
from actors.balances import IDLE_S, BalanceActor, BalanceMessage, BalanceParts
from actors.board import Board
from actors.bootstrap import (
    Bootstrap,
    BootstrapFailed,
    BootstrapParts,
    Channels,
    Platform,
    ensure_platform,
)
from actors.commands import Commands
from actors.comparing import ComparingParts
from actors.core import Core
from actors.coverage import Coverage
from actors.fence import Fence
from actors.housekeeping import Housekeeping, HousekeepingParts
from actors.journal import Journal
from actors.kernel import (
    Cell,
    ChildSpec,
    Node,
    Registry,
    Restart,
    Service,
    State,
    described,
)
from actors.key_commands import key_commands
from actors.key_uses import KeyUses
from actors.keys import KeyRing as ApiKeyRing
from actors.keys import Keys
from actors.lane import Lane
from actors.lane_parts import LaneParts, Planned, Wake, XlmPolicy
from actors.ledger_clock import LedgerClock
from actors.maintenance import MaintenanceActor, MaintenanceSwitch, maintenance_commands
from actors.messages import OrderMessage, WithdrawalMessage
from actors.operation_commands import operation_commands
from actors.order_commands import order_commands
from actors.orders import OrderActor, OrderParts
from actors.owner import OwnerParts
from actors.owners import Owner, Owners
from actors.parked_commands import parked_commands
from actors.publisher import EventBuffer, EventHub, Publisher
from actors.reconcile_commands import reconcile_commands
from actors.reconciler import Reconciler, ReconcilerParts
from actors.recovery import Recovery, RecoveryParts
from actors.refusals import Refusals
from actors.settlements import SettlementParts, SettlementsActor, SettlementWanted
from actors.signing import CannotSign, Signer
from actors.system import Instance, System
from actors.timer import Timer, TimerParts
from actors.user_cache import UserCache
from actors.users import UserParts, UsersActor
from actors.vault import Vault
from actors.wallet_commands import VAULT_CHECK, wallet_commands
from actors.wallets import RefillWanted, WalletParts, WalletsActor
from actors.watcher import ChainWatcher, WatcherParts
from actors.webhooks import WebhookParts, Webhooks
from actors.withdrawals import WithdrawalActor, WithdrawalParts
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.due import Due, DueKind
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.fees import FeeTerms
from offerhub.domain.ids import Clock, Ids, RandomBytes
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Balance, Entity
from offerhub.domain.users import WalletRole
from offerhub.domain.withdrawal import Withdrawal
from offerhub.providers.stellar.port import StellarNetwork
from offerhub.providers.stellar.rules import SigningRules
from offerhub.providers.trustless_work.port import EscrowProvider
from storage.port import Encode, Storage

log = structlog.get_logger(__name__)

CHANNEL_XLM: Final = XlmPolicy(minimum=Money(50_000_000), level=Money(500_000_000))
"""Channels pay deployments and activations: refilled below 5 XLM, up by 50."""

PLATFORM_XLM: Final = XlmPolicy(minimum=Money.zero(), level=Money.zero())
"""Nobody refills the platform: an operator does."""

LANE_IDLE_S: Final = 15.0
"""A lane reads its work anew whenever it is woken: there is little to keep."""

OPERATIONS_KEPT: Final = 2_000
"""Operations on the board, envelopes included: their owners come for them at once."""


class Role(Enum):
    """What a process is to the database, and so which part of the tree it runs.

    Only the `OWNER` takes up orders, withdrawals and due times by itself. An errand of the command
    line runs beside it: `BOOTSTRAP` puts accounts on the chain, `COMMAND` does what operators'
    commands ask for where no owner runs, and leaves what follows of it to the next owner.
    """

    OWNER = "owner"
    BOOTSTRAP = "bootstrap"
    COMMAND = "command"


_FOR_ALL: Final = frozenset({"publisher", "journal", "fence", "vault"})
_FOR_ERRANDS: Final = {
    Role.BOOTSTRAP: _FOR_ALL | {"lanes", "watcher", "wallets", "bootstrap"},
    Role.COMMAND: _FOR_ALL
    | {"balances", "withdrawals", "orders", "users", "keys", "maintenance", "commands"},
}


@frozen
class World:
    """Everything outside the tree: what lasts, what is far away, time and chance.

    Args:
        on_displaced: has the process end, because a newer one owns the storage.
        encode: writes the text of final answers.
        tree: the whole tree of the process at this instant; errors in it without secrets.
    """

    storage: Storage
    network: StellarNetwork
    provider: EscrowProvider
    now: Clock
    random_bytes: RandomBytes
    random: Callable[[], float]
    signer: Signer = field(repr=False)
    encode: Encode
    on_displaced: Callable[[], None] = lambda: None
    tree: Callable[[], Node] = lambda: Node("tree", State.RUNNING)


@frozen
class Choices:
    """What the operator has chosen (docs/spec/settings.md).

    Args:
        instance: as shown to callers; its `platform_user_id` is filled in.
        fill_treasury: gives the platform's wallet USDC in the sandbox; `None` elsewhere.
        settlement_s: how often dues are settled.
        poll_s: pause of the chain watcher.
        reconcile_s: pause between two passes of the reconciler.
    """

    instance: Instance
    rules: SigningRules
    fee_terms: FeeTerms
    attempts_max: int
    channel_accounts: int
    wallet_xlm: XlmPolicy
    settlement_s: float
    poll_s: float
    platform_user_id: str | None
    live_keys: bool
    reconcile_s: float = 3600.0
    fill_treasury: Callable[[str], Awaitable[None]] | None = None


@frozen
class Tree:
    """The built tree: what to run, in this order, and the system that the web asks."""

    system: System
    journal: Journal
    specs: tuple[ChildSpec, ...]
    bootstrap: Bootstrap
    watcher: ChainWatcher
    recovery: Recovery
    owners: Owners
    lanes: Registry[str, Never]
    clock: LedgerClock

    def specs_of(self, role: Role) -> tuple[ChildSpec, ...]:
        """What a process of this role runs."""
        if role is Role.OWNER:
            return self.specs
        return tuple(spec for spec in self.specs if spec.child.name in _FOR_ERRANDS[role])


async def prepare(world: World, choices: Choices) -> Platform:
    """Check the encryption key and make the platform's rows, before anything else runs.

    Raises `BootstrapFailed` when the key is not the one that this storage was begun with, or the
    platform's user is another than the one that was asked for.
    """
    await _check_signer(world)
    fence = Fence(world.storage, world.on_displaced)
    journal = Journal(world.storage, Board(), EventHub(world.storage), on_fenced=fence.trip)
    ids = Ids(world.random_bytes)
    vault = Cell("vault", lambda: _vault(world, choices))
    context = DecisionContext(world.now(), ids, Trace.system("bootstrap", ids.new("req")))
    async with trio.open_nursery() as nursery:
        await nursery.start(journal.run)
        await nursery.start(vault.run)
        platform = await ensure_platform(
            world.storage, vault.address, journal, context, choices.channel_accounts
        )
        nursery.cancel_scope.cancel()
    asked = choices.platform_user_id
    if asked is not None and asked != platform.user.id:
        msg = "PLATFORM_USER_ID is not this database's platform user"
        raise BootstrapFailed(msg)
    return platform


async def _check_signer(world: World) -> None:
    stored = await world.storage.setting(VAULT_CHECK)
    if stored is None:
        await world.storage.put_setting(VAULT_CHECK, await world.signer.mark())
        return
    try:
        await world.signer.recognise(stored)
    except CannotSign as error:
        raise BootstrapFailed(str(error)) from None


def _vault(world: World, choices: Choices) -> Vault:
    return Vault(world.storage, world.signer, choices.rules, world.now)


def build(  # noqa: C901, PLR0915 - the wiring is one list, read from top to bottom
    world: World, choices: Choices, platform: Platform, buffer: EventBuffer | None = None
) -> Tree:
    """Build the tree around a prepared storage.

    Args:
        buffer: Redis' quick copy of the newest events; `None` does without.
    """
    hub = EventHub(world.storage, buffer)
    publisher = Publisher(hub, world.storage, buffer)
    ids = Ids(world.random_bytes)
    crashes = _Crashes()
    balance_board: Board[Balance] = Board()
    order_board: Board[Order] = Board()
    withdrawal_board: Board[Withdrawal] = Board()
    operations: Board[ChainOperation] = Board(OPERATIONS_KEPT)

    def wake_due(due: Due) -> None:
        match due.kind:
            case DueKind.ORDER:
                orders.wake(due.owner, due.kind)
            case DueKind.LANE:
                lanes.wake(due.owner, Wake.WORK)
            case DueKind.API_KEY:
                keys.address.wake(due.owner)
            case DueKind.WEBHOOK:
                webhooks.address.wake(due.owner)
            case DueKind.CLEAN_UP:
                housekeeping.address.wake(due.owner)

    answers = Answers(world.encode)

    def note_write(entity: Entity) -> None:
        """An entity was committed: it is shown, and whoever waits for it is woken."""
        owners.show(entity)
        timer.note(entity)
        if not isinstance(entity, ChainOperation):
            return
        operations.put(entity.id, entity)
        if not entity.is_open:
            owners.ended(entity)
        elif entity.version == 1 and entity.not_before is None:
            lanes.wake(entity.source, Planned(entity.id))

    fence = Fence(world.storage, world.on_displaced)
    journal = Journal(
        world.storage,
        balance_board,
        hub,
        on_write=note_write,
        on_fenced=fence.trip,
        answers=answers,
    )
    core = Core(world.storage, journal, world.now, ids, world.random)
    timer = Timer(TimerParts(core, wake_due))
    user_cache = UserCache(world.storage)
    channels = Channels()
    clock = LedgerClock(world.network, world.now)
    alarms = Alarms()
    xlm = {
        WalletRole.USER: choices.wallet_xlm,
        WalletRole.CHANNEL: CHANNEL_XLM,
        WalletRole.PLATFORM: PLATFORM_XLM,
    }
    instance = evolve(choices.instance, platform_user_id=platform.user.id)
    platform_address = platform.wallet.public_key
    closed = frozenset(
        {
            platform_address,
            choices.rules.usdc_issuer,
            *(channel.public_key for channel in platform.channels),
        }
    )

    vault = Cell("vault", lambda: _vault(world, choices), capacity=256)

    lane_parts = LaneParts(
        core=core,
        operations=operations,
        vault=vault.address,
        network=world.network,
        provider=world.provider,
        clock=clock,
        rules=choices.rules,
        want_refill=lambda address: wallets.address.wake(RefillWanted(address)),
        want_settlement=lambda user_id: settlements.address.wake(SettlementWanted(user_id)),
        xlm=xlm,
        alarms=alarms,
        attempts_max=choices.attempts_max,
    )
    lanes: Registry[str, Never] = Registry(
        "lanes",
        lambda source: Lane(source, lane_parts),
        random=world.random,
        on_crash=crashes.on_crash,
        idle_s=LANE_IDLE_S,
        crashes_max=20,
    )
    balance_parts = BalanceParts(core, user_cache, instance.currency, platform.user.id)
    balances: Registry[str, BalanceMessage] = Registry(
        "balances",
        lambda user_id: BalanceActor(user_id, balance_parts),
        random=world.random,
        on_crash=crashes.on_crash,
        idle_s=IDLE_S,
    )

    def pick_channel() -> str:
        channel = channels.pick()
        if channel is None:
            raise DomainError(
                ErrorCode.WALLET_NOT_READY,
                "the platform's channel accounts are not on the network yet",
                {"reason": bootstrap.waits_for},
            )
        return channel

    coverage = Coverage(core, balance_board, alarms)
    owner_parts = OwnerParts(core, balances, operations, user_cache, coverage, choices.attempts_max)
    order_parts = OrderParts(
        owner=owner_parts,
        board=order_board,
        limits=instance.order_limits,
        currency=instance.currency,
        fee_terms=choices.fee_terms,
        platform_user_id=platform.user.id,
        platform_address=platform_address,
        usdc_issuer=choices.rules.usdc_issuer,
        usdc_code=choices.rules.usdc_code,
        pick_channel=pick_channel,
    )
    orders: Registry[str, OrderMessage | Along] = Registry(
        "orders",
        lambda order_id: OrderActor(order_id, order_parts),
        random=world.random,
        on_crash=crashes.on_crash,
    )
    withdrawal_parts = WithdrawalParts(
        owner=owner_parts,
        board=withdrawal_board,
        network=world.network,
        limits=instance.withdrawal_limits,
        currency=instance.currency,
        closed_addresses=closed,
        platform_user_id=platform.user.id,
        pick_channel=pick_channel,
    )
    withdrawals: Registry[str, WithdrawalMessage | Along] = Registry(
        "withdrawals",
        lambda withdrawal_id: WithdrawalActor(withdrawal_id, withdrawal_parts),
        random=world.random,
        on_crash=crashes.on_crash,
    )
    wallet_parts = WalletParts(
        core=core,
        lanes=lanes,
        network=world.network,
        user_cache=user_cache,
        channels=channels.all,
        platform_address=platform_address,
        xlm=xlm,
    )
    wallets = Cell("wallets", lambda: WalletsActor(wallet_parts), capacity=256)
    settlement_parts = SettlementParts(
        core=core,
        lanes=lanes,
        user_cache=user_cache,
        channels=channels.all,
        platform_address=platform_address,
        alarms=alarms,
        every_s=choices.settlement_s,
    )
    settlements = Cell("settlements", lambda: SettlementsActor(settlement_parts), capacity=256)
    user_parts = UserParts(
        core=core,
        vault=vault.address,
        user_cache=user_cache,
        activate=wallets.address.wake,
    )
    users = Cell("users", lambda: UsersActor(user_parts), capacity=256)
    api_keys = ApiKeyRing(world.storage)
    key_uses = KeyUses(world.storage, world.now)
    keys = Cell(
        "keys",
        lambda: Keys(
            world.storage,
            journal,
            api_keys,
            clock=world.now,
            ids=ids,
            random_bytes=world.random_bytes,
            live=choices.live_keys,
        ),
    )
    maintenance_switch = MaintenanceSwitch()
    maintenance = Cell("maintenance", lambda: MaintenanceActor(core, maintenance_switch))
    reconciler = Reconciler(
        ReconcilerParts(
            ComparingParts(
                core=core,
                network=world.network,
                provider=world.provider,
                usdc_code=choices.rules.usdc_code,
                usdc_issuer=choices.rules.usdc_issuer,
                platform=platform.wallet,
                latest_ledger=lambda: clock.latest_ledger,
            ),
            alarms,
            choices.reconcile_s,
        )
    )
    commands = Cell(
        "commands",
        lambda: Commands(
            core,
            (
                *key_commands(core, keys.address),
                *wallet_commands(core, vault.address, world.signer),
                *maintenance_commands(maintenance.address),
                *operation_commands(core),
                *reconcile_commands(reconciler),
                *parked_commands(core),
                *order_commands(
                    core,
                    lambda order_id: orders.wake(order_id, "retry"),
                    lambda source: lanes.wake(source, Wake.WORK),
                    lambda order_id, along: orders.address(order_id).ask(along),
                ),
            ),
        ),
    )
    housekeeping_parts = HousekeepingParts(core)
    housekeeping = Cell("housekeeping", lambda: Housekeeping(housekeeping_parts))
    watcher = ChainWatcher(
        WatcherParts(
            core=core,
            network=world.network,
            usdc_code=choices.rules.usdc_code,
            usdc_issuer=choices.rules.usdc_issuer,
            passphrase=choices.rules.passphrase,
            platform_user_id=platform.user.id,
            poll_s=choices.poll_s,
        )
    )
    bootstrap = Bootstrap(
        platform,
        BootstrapParts(
            core=core,
            operations=operations,
            network=world.network,
            user_cache=user_cache,
            channels=channels,
            channel_xlm=CHANNEL_XLM.level,
            fill_treasury=choices.fill_treasury,
        ),
    )
    owners = Owners(
        (
            Owner(Subject.ORDER, orders.wake, Order, order_board),
            Owner(Subject.WITHDRAWAL, withdrawals.wake, Withdrawal, withdrawal_board),
            Owner(Subject.ACTIVATION, lambda _, key: wallets.address.wake(key)),
            Owner(Subject.REFILL, lambda _, key: wallets.address.wake(key)),
            Owner(Subject.SETTLEMENT, lambda _, key: settlements.address.wake(key)),
            Owner(Subject.BOOTSTRAP, lambda _, __: None),  # it waits at the board
        )
    )
    recovery = Recovery(RecoveryParts(core, lanes, owners, wallets.address, settlements.address))
    crashes.recovery = recovery
    refusals = Refusals(journal, world.now, ids)

    def look(order_id: str, source: str) -> None:
        lanes.wake(source, Wake.WORK)
        orders.wake(order_id, "webhook")

    webhook_parts = WebhookParts(core, world.provider, look)
    webhooks = Cell("webhooks", lambda: Webhooks(webhook_parts), capacity=256)
    system = System(
        instance=instance,
        storage=world.storage,
        users=users.address,
        keys=keys.address,
        api_keys=api_keys,
        key_uses=key_uses,
        answers=answers,
        refusals=refusals,
        webhooks=webhooks.address,
        balances=balances,
        orders=orders,
        withdrawals=withdrawals,
        order_board=order_board,
        withdrawal_board=withdrawal_board,
        balance_board=balance_board,
        hub=hub,
        network=world.network,
        watcher=watcher,
        bootstrap=bootstrap,
        clock=world.now,
        ids=ids,
        alarms=alarms,
        ledger_clock=clock,
        wake_lane=lambda source: lanes.wake(source, Wake.WORK),
        maintenance=maintenance.address,
        maintenance_switch=maintenance_switch,
        tree=world.tree,
        reconciler=reconciler,
    )
    specs = (
        ChildSpec(Service("publisher", publisher.run)),
        ChildSpec(Service("journal", journal.run)),
        ChildSpec(Service("fence", fence.run)),
        ChildSpec(Service("refusals", refusals.run)),
        ChildSpec(vault),
        ChildSpec(lanes),
        ChildSpec(balances),
        ChildSpec(withdrawals),
        ChildSpec(orders),
        ChildSpec(Service("watcher", watcher.run)),
        ChildSpec(wallets),
        ChildSpec(settlements),
        ChildSpec(users),
        ChildSpec(keys),
        ChildSpec(Service("key_uses", key_uses.run)),
        ChildSpec(housekeeping),
        ChildSpec(webhooks),
        ChildSpec(Service("timer", timer.run)),
        ChildSpec(Service("bootstrap", bootstrap.run), restart=Restart.TRANSIENT),
        ChildSpec(Service("recovery", recovery.run)),
        ChildSpec(maintenance),
        ChildSpec(Service("reconciler", reconciler.run)),
        ChildSpec(commands),
    )
    return Tree(system, journal, specs, bootstrap, watcher, recovery, owners, lanes, clock)


class _Crashes:
    """Tells every crash, and has what it may have left behind woken."""

    def __init__(self) -> None:
        self.recovery: Recovery | None = None

    def on_crash(self, name: str, error: Exception) -> None:
        log.error("actor.crashed", actor=name, error=described(error), exc_info=error)
        if self.recovery is not None:
            self.recovery.sweep_soon()
