"""The web over real kernel actors with scripted handlers, a real journal and the twin of storage."""

import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import trio
from attrs import define, evolve, field

from actors.alarms import Alarms
from actors.answers import Answers
from actors.balances import BalanceActor, BalanceMessage, BalanceParts
from actors.board import Board
from actors.comparing import ComparingParts
from actors.core import Core
from actors.journal import Journal
from actors.kernel import Actor, Cell, Node, Registry, State
from actors.key_uses import KeyUses
from actors.keys import KeyRing, Keys
from actors.ledger_clock import LedgerClock
from actors.maintenance import MaintenanceActor, MaintenanceSwitch
from actors.messages import (
    CancelOrder,
    CancelWithdrawal,
    CommitWithdrawal,
    CompleteMilestone,
    CreateOrder,
    CreateWithdrawal,
    RequestRefund,
    RequestRelease,
    ReserveFunds,
    SetDeadlines,
    StartEscrow,
    StartFunding,
)
from actors.publisher import EventHub
from actors.reconciler import Reconciler, ReconcilerParts
from actors.refusals import Refusals
from actors.system import Instance, System
from actors.user_cache import UserCache
from actors.watcher import WatcherView
from actors.webhooks import WebhookParts, Webhooks
from offerhub.domain import (
    order_chain_decisions,
    order_chain_ends,
    order_decisions,
    postings,
    user_decisions,
    withdrawal_decisions,
)
from offerhub.domain.chain import (
    ChainFailure,
    ChainOperation,
    ChainStatus,
    FailureKind,
    PayoutSeen,
)
from offerhub.domain.chain_moves import RetryPolicy
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.ids import Ids
from offerhub.domain.limits import Limits
from offerhub.domain.money import Money
from offerhub.domain.order import MilestoneOf, Order
from offerhub.domain.order_deadline_decisions import NewDeadlines, change_deadlines
from offerhub.domain.order_steps import Parties
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Balance, Committed, RefusalKind, Refused, UnitOfWork
from offerhub.domain.users import SealedSeed, User, UserCreated, Wallet, WalletStatus
from offerhub.domain.withdrawal import Withdrawal
from offerhub.providers.stellar.port import (
    AccountPayment,
    AccountState,
    NetworkState,
    PaymentPage,
    StellarUnavailable,
)
from storage.memory import MemoryDatabase, MemoryStorage
from web.answers import AnswerEncoder
from web.app import create_app
from web.health import Health
from web.rate_limit import RateLimit
from web.routes import ROUTES

MASTER_KEY = "master-key-of-a-test-instance-0123456789"
PLATFORM_USER = "usr_platform0000000000000"
START = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)
PARTIES = Parties("GBUYER", "GSELLER", "GPLATFORM", usdc_issuer="GISSUER", usdc_code="USDC")
RETRY = RetryPolicy(attempts_max=3, chance=0.5)
LIMITS = Limits(Money.parse("1.00"), Money.parse("10000.00"))
CHAIN_WAIT_S = 30.0
PLATFORM_USER = "usr_platform0000000000000"


class Numbered:
    """Bytes that look random and are the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, length: int) -> bytes:
        self._count += 1
        return hashlib.shake_256(str(self._count).encode()).digest(length)


class Network:
    """A Stellar network that holds what a test says."""

    def __init__(self) -> None:
        self.away = False
        self.payments: tuple[AccountPayment, ...] = ()
        self.latest_ledger = 1
        self.ahead = timedelta()

    async def state(self) -> NetworkState:
        return NetworkState("test", self.latest_ledger, 1, START + self.ahead)

    async def account(self, address: str) -> AccountState | None:
        if self.away:
            raise StellarUnavailable("secret inner text")
        return AccountState(
            address, 1, Money.parse("3.00"), Money.parse("2.00"), Money.parse("12.34")
        )

    async def account_payments_after(self, address: str, cursor: str, limit: int) -> PaymentPage:
        del address, limit
        return PaymentPage((), cursor, full=False)

    async def account_payments(self, address: str, limit: int) -> tuple[AccountPayment, ...]:
        del address
        if self.away:
            raise StellarUnavailable("secret inner text")
        return self.payments[:limit]


@define(eq=False)
class RunningInstance:
    """One instance: its parts, and a client that speaks HTTP to it."""

    system: System
    journal: Journal
    database: MemoryDatabase
    network: Network
    ring: KeyRing
    app: Any = None
    clock_offset: timedelta = timedelta()
    figures: Any = None
    tree: Node = Node("root", State.RUNNING)  # noqa: RUF009 - frozen
    asked: list[object] = field(factory=list)
    fail_next: Exception | None = None
    hold: trio.Event | None = None
    headers: dict[str, str] = field(factory=lambda: {"Authorization": f"Bearer {MASTER_KEY}"})
    refusing: trio.CancelScope = field(factory=trio.CancelScope)
    observed: list[tuple[str, int, str | None]] = field(factory=list)

    async def request(self, method, path, *, json=None, headers=None, key=None, **more):
        sent = {**self.headers, **(headers or {})}
        sent = {name: value for name, value in sent.items() if value is not None}
        if key is not None:
            sent["Idempotency-Key"] = key
        if json is not None:
            more["json"] = json
        return await self.app.test_client().open(
            f"/api/v1{path}", method=method, headers=sent, **more
        )

    async def stored(self, kind: Any, entity_id: str) -> Any:
        """An entity that is there."""
        found = await self.system.storage.load(kind, entity_id)
        assert found is not None
        return found

    async def get(self, path, **more):
        return await self.request("GET", path, **more)

    async def post(self, path, json=None, **more):
        return await self.request("POST", path, json=json, **more)

    async def user(self, name="ann", *, active=True) -> User:
        answer = await self.post("/users", {"externalUserId": name})
        user: User = await self.stored(User, (await answer.get_json())["data"]["id"])
        if active:
            wallet = await self.stored(Wallet, user.wallet_id)
            await self.journal.commit(
                UnitOfWork(
                    at=self.system.clock(),
                    trace=Trace.system("test", "req_test"),
                    writes=(evolve(wallet, version=2, status=WalletStatus.ACTIVE),),
                )
            )
        return user

    async def deposit(self, user: User, amount: str | Money) -> None:
        context = DecisionContext(
            self.system.clock(), self.system.ids, Trace.system("test", "req_t")
        )
        money = amount if isinstance(amount, Money) else Money.parse(amount)
        movement = postings.deposit(user.id, money, "1-0")
        outcome = await self.journal.commit(
            UnitOfWork(
                at=context.now,
                trace=context.trace,
                transfers=(context.transfer(movement, reference="dep", cause="test"),),
            )
        )
        assert isinstance(outcome, Committed)

    async def order(self, *, reserved=False, deposit="100.00", **fields) -> str:
        buyer, seller = await self.user("buyer"), await self.user("seller")
        await self.deposit(buyer, deposit)
        body = {
            "buyerId": buyer.id,
            "sellerId": seller.id,
            "amount": "80.00",
            "title": "A logo",
            **fields,
        }
        answer = await self.post("/orders", body)
        order_id = (await answer.get_json())["data"]["id"]
        if reserved:
            assert (await self.post(f"/orders/{order_id}/reserve")).status_code == 200
        return order_id

    async def key(self, *scopes: str, **more) -> str:
        answer = await self.post(
            "/auth/api-keys", {"name": "a key", "scopes": list(scopes), **more}
        )
        assert answer.status_code == 201
        return (await answer.get_json())["data"]["key"]

    async def end_operation(
        self,
        order_id: str,
        *,
        failure: str | None = None,
        code: str | None = None,
        payouts: tuple[PayoutSeen, ...] = (),
    ) -> Order:
        """What the chain does: the order's present operation ends, and the order takes it."""
        order = await self.stored(Order, order_id)
        found = await self.stored(ChainOperation, order.process.chain_operation_id)
        ended = evolve(
            found,
            version=found.version + 1,
            status=ChainStatus.CONFIRMED if failure is None else ChainStatus.FAILED,
            tx_hash="ab" * 32,
            payouts=payouts,
            contract_id="CCONTRACT",
            failure=None if failure is None else ChainFailure(FailureKind.REFUSED, failure, code),
        )
        context = DecisionContext(self.system.clock(), self.system.ids, order.process.trace)
        decision = order_chain_ends.operation_ended(order, ended, PARTIES, RETRY, context)
        assert decision is not None
        unit = evolve(decision.unit, writes=(ended, *decision.unit.writes))
        assert isinstance(await self.journal.commit(unit), Committed)
        self.system.order_board.put(order_id, decision.entity)
        return decision.entity

    async def end_withdrawal(self, withdrawal_id: str, *, failure: str | None = None) -> None:
        withdrawal = await self.stored(Withdrawal, withdrawal_id)
        found = await self.stored(ChainOperation, withdrawal.payment.chain_operation_id)
        ended = evolve(
            found,
            version=found.version + 1,
            status=ChainStatus.CONFIRMED if failure is None else ChainStatus.FAILED,
            tx_hash="cd" * 32,
            failure=None if failure is None else ChainFailure(FailureKind.REFUSED, failure),
        )
        context = DecisionContext(self.system.clock(), self.system.ids, withdrawal.payment.trace)
        decision = withdrawal_decisions.operation_ended(withdrawal, ended, RETRY, context)
        assert decision is not None
        unit = evolve(decision.unit, writes=(ended, *decision.unit.writes))
        assert isinstance(await self.journal.commit(unit), Committed)
        self.system.withdrawal_board.put(withdrawal_id, decision.entity)


class _Scripted(Actor[Any]):
    def __init__(self, running: RunningInstance) -> None:
        self.running = running

    def context(self, trace: Trace) -> DecisionContext:
        return DecisionContext(self.running.system.clock(), self.running.system.ids, trace)

    async def note(self, message: object) -> None:
        self.running.asked.append(message)
        if self.running.hold is not None:
            await self.running.hold.wait()
        if self.running.fail_next is not None:
            failure, self.running.fail_next = self.running.fail_next, None
            raise failure

    async def commit(self, unit: UnitOfWork) -> None:
        outcome = await self.running.journal.commit(unit)
        if not isinstance(outcome, Refused):
            return
        match outcome.kind, outcome.subject:
            case RefusalKind.TAKEN, "idempotency_key":
                raise DomainError(ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS, "taken")
            case RefusalKind.TAKEN, "client_order_ref":
                raise DomainError(ErrorCode.CLIENT_ORDER_REF_TAKEN, "taken")
            case RefusalKind.FUNDS, _:
                raise DomainError(ErrorCode.INSUFFICIENT_FUNDS, "not enough")
            case _:
                raise RuntimeError(outcome)


class Orders(_Scripted):
    def __init__(self, running: RunningInstance, order_id: str) -> None:
        super().__init__(running)
        self.id = order_id

    async def handle(self, message: Any):
        await self.note(message)
        context = self.context(message.trace)
        if isinstance(message, CreateOrder):
            users = await self.running.system.storage.load_many(
                User, [message.buyer_id, message.seller_id]
            )
            if len(users) != len({message.buyer_id, message.seller_id}):
                raise DomainError(ErrorCode.USER_NOT_FOUND, "no user has this id")
            decision = order_decisions.create(
                order_decisions.CreateOrder(
                    self.id,
                    message.buyer_id,
                    message.seller_id,
                    message.amount,
                    "USDC",
                    message.title,
                    message.description,
                    message.client_order_ref,
                    message.milestones,
                    message.metadata,
                    message.expires_at,
                    message.auto_release_at,
                ),
                LIMITS,
                PLATFORM_USER,
                context,
            )
            return await self.decided(decision)
        order = await self.running.system.storage.load(Order, self.id)
        if order is None:
            raise DomainError(ErrorCode.ORDER_NOT_FOUND, "no order has this id")
        match message:
            case ReserveFunds():
                decision = order_decisions.reserve(order, message.amount, context)
            case CancelOrder():
                decision = order_decisions.cancel(
                    order, message.canceled_by, message.reason, context
                )
            case SetDeadlines():
                asked = NewDeadlines(message.expires_at, message.auto_release_at)
                decision = change_deadlines(order, asked, context)
            case StartEscrow():
                terms = FeeTerms(0, FeePolicy.PAYEE)
                decision = order_chain_decisions.start_escrow(
                    order, terms, "GCHANNEL", PARTIES, context
                )
            case StartFunding():
                decision = order_chain_decisions.start_funding(order, PARTIES, context)
            case RequestRelease():
                decision = order_chain_decisions.request_release(
                    order, message.requested_by, message.reason, PARTIES, context
                )
            case RequestRefund():
                decision = order_decisions.refund_unfunded(
                    order, message.requested_by, message.reason, context
                )
            case CompleteMilestone():
                decision = order_decisions.complete_milestone(order, message.ref, context)
                after = await self.decided(decision)
                found = next(each for each in after.milestones if each.ref == message.ref)
                return MilestoneOf(after.id, found)
            case _:
                raise TypeError(message)
        return await self.decided(decision)

    async def decided(self, decision) -> Order:
        await self.commit(decision.unit)
        self.running.system.order_board.put(self.id, decision.entity)
        return decision.entity


class Withdrawals(_Scripted):
    def __init__(self, running: RunningInstance, withdrawal_id: str) -> None:
        super().__init__(running)
        self.id = withdrawal_id

    async def handle(self, message: Any):
        await self.note(message)
        context = self.context(message.trace)
        if isinstance(message, CreateWithdrawal):
            decision = withdrawal_decisions.create(
                withdrawal_decisions.CreateWithdrawal(
                    self.id,
                    message.user_id,
                    message.amount,
                    "USDC",
                    message.destination_ref,
                    message.destination_memo,
                    message.description,
                    message.commit,
                ),
                LIMITS,
                "GUSER",
                context,
            )
        else:
            found = await self.running.system.storage.load(Withdrawal, self.id)
            if found is None:
                raise DomainError(ErrorCode.WITHDRAWAL_NOT_FOUND, "no withdrawal has this id")
            match message:
                case CommitWithdrawal():
                    decision = withdrawal_decisions.commit(found, "GUSER", context)
                case CancelWithdrawal():
                    decision = withdrawal_decisions.cancel(found, context)
                case _:
                    raise TypeError(message)
        await self.commit(decision.unit)
        self.running.system.withdrawal_board.put(self.id, decision.entity)
        return decision.entity


class Users(_Scripted):
    async def handle(self, message: Any):
        await self.note(message)
        storage = self.running.system.storage
        found = await storage.user_by_external_id(message.external_user_id)
        if found is not None:
            existing = UserCreated(
                found, await self.running.stored(Wallet, found.wallet_id), new=False
            )
            kept = user_decisions.keep_existing(existing, self.context(message.trace))
            if kept is not None:
                await self.commit(kept)
            return existing
        context = self.context(message.trace)
        user, wallet, unit = user_decisions.create_user(
            user_decisions.CreateUser(
                user_id=context.ids.new("usr"),
                wallet_id=context.ids.new("wal"),
                external_user_id=message.external_user_id,
                email=message.email,
                type=message.type,
                metadata=message.metadata,
                public_key="G" + context.ids.new("k")[2:],
                seed=SealedSeed("1", b"nonce", b"ciphertext"),
            ),
            context,
        )
        await self.commit(unit)
        return UserCreated(user, wallet, True)


def _within(scope: trio.CancelScope, run: Any) -> Any:
    """The service, so that a test can have it stopped before the others."""

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        with scope:
            await run(task_status=task_status)

    return service


def _constant() -> float:
    return 0.5


def _ignore(name: str, error: Exception) -> None:
    del name, error


@asynccontextmanager
async def open_instance(
    *,
    rate_limit_per_minute: int = 0,
    health: Health | None = None,
    refusal_windows_max: int = 100,
    hub_options: dict[str, int] | None = None,
    **options,
):
    """An instance that runs until the block ends."""
    random_bytes = Numbered()
    ids = Ids(random_bytes)
    began = trio.current_time()
    running: RunningInstance

    def clock() -> datetime:
        return START + timedelta(seconds=trio.current_time() - began) + running.clock_offset

    database = MemoryDatabase()
    storage = MemoryStorage(database, clock)
    balances: Board[Balance] = Board()
    order_board: Board[Order] = Board()
    withdrawal_board: Board[Withdrawal] = Board()
    hub = EventHub(storage, None, **(hub_options or {}))
    answers = Answers(AnswerEncoder(ROUTES))
    journal = Journal(storage, balances, hub, answers=answers)
    ring = KeyRing(storage)
    key_uses = KeyUses(storage, clock)
    keys = Cell(
        "keys",
        lambda: Keys(
            storage,
            journal,
            ring,
            clock=clock,
            ids=ids,
            random_bytes=random_bytes,
            live=False,
        ),
    )
    users = Cell("users", lambda: Users(running))
    orders: Registry[str, Any] = Registry(
        "orders", lambda key: Orders(running, key), random=_constant, on_crash=_ignore
    )
    withdrawals: Registry[str, Any] = Registry(
        "withdrawals", lambda key: Withdrawals(running, key), random=_constant, on_crash=_ignore
    )
    core = Core(storage, journal, clock, ids, _constant)
    balance_parts = BalanceParts(core, UserCache(storage), "USDC", PLATFORM_USER)
    holders: Registry[str, BalanceMessage] = Registry(
        "balances",
        lambda key: BalanceActor(key, balance_parts),
        random=_constant,
        on_crash=_ignore,
    )
    provider: Any = None  # nothing here makes a webhook due
    webhook_parts = WebhookParts(
        Core(storage, journal, clock, ids, _constant), provider, lambda *_: None
    )
    webhooks = Cell("webhooks", lambda: Webhooks(webhook_parts))
    refusals = Refusals(journal, clock, ids, windows_max=refusal_windows_max)
    maintenance_switch = MaintenanceSwitch()
    maintenance = Cell("maintenance", lambda: MaintenanceActor(core, maintenance_switch))
    network: Any = Network()
    watcher: Any = SimpleNamespace(view=WatcherView())
    bootstrap: Any = None
    alarms = Alarms()
    system = System(
        instance=Instance(
            version="0.0.0",
            network="sandbox",
            payment_provider="crypto",
            currency="USDC",
            usdc_code="USDC",
            usdc_issuer="GISSUER",
            order_limits=LIMITS,
            withdrawal_limits=LIMITS,
            topup_limits=LIMITS,
            platform_user_id=PLATFORM_USER,
            chain_wait_s=CHAIN_WAIT_S,
            features={"disputes": True},
        ),
        storage=storage,
        users=users.address,
        keys=keys.address,
        api_keys=ring,
        key_uses=key_uses,
        answers=answers,
        refusals=refusals,
        webhooks=webhooks.address,
        balances=holders,
        orders=orders,
        withdrawals=withdrawals,
        order_board=order_board,
        withdrawal_board=withdrawal_board,
        balance_board=balances,
        hub=hub,
        network=network,
        maintenance=maintenance.address,
        maintenance_switch=maintenance_switch,
        tree=lambda: running.tree,
        watcher=watcher,
        bootstrap=bootstrap,
        alarms=alarms,
        ledger_clock=LedgerClock(network, clock),
        reconciler=Reconciler(
            ReconcilerParts(
                ComparingParts(
                    core,
                    network,
                    provider=None,  # type: ignore[arg-type]  # no contract is compared here
                    usdc_code="USDC",
                    usdc_issuer="GISSUER",
                    platform=None,  # type: ignore[arg-type]  # nor the platform's wallet
                    latest_ledger=lambda: network.latest_ledger,
                ),
                alarms,
                3600.0,
            )
        ),
        clock=clock,
        ids=ids,
    )
    running = RunningInstance(system, journal, database, network, ring)

    def observe(endpoint: str, status: int, code: str | None, seconds: float) -> None:
        running.observed.append((endpoint, status, code))
        face = options.get("metrics")
        if face is not None and face.metrics is not None:
            face.metrics.answered(endpoint, status, code, seconds)

    running.app = create_app(
        system,
        master_key=MASTER_KEY,
        rate_limit=RateLimit(rate_limit_per_minute, clock),
        health=health,
        observe=observe,
        **options,
    )
    async with trio.open_nursery() as nursery:
        services = (
            journal.run,
            _within(running.refusing, refusals.run),
            keys.run,
            key_uses.run,
            users.run,
            webhooks.run,
            holders.run,
            orders.run,
            withdrawals.run,
            maintenance.run,
        )
        for service in services:
            await nursery.start(service)
        yield running
        nursery.cancel_scope.cancel()
