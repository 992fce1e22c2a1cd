"""`python -m tests.bench recovery`: a start with many orders on the way, as a kill leaves them.

Each order has handed its funding in and nobody knows what became of it; its buyer's lane looks it
up, and the order takes the end. The database is an embedded PostgreSQL, the network answers from
memory after a pause, so that what is measured is ours: how soon each order moves, how long a caller
waits meanwhile, what it costs in memory.
"""

import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import trio
import trio_asyncio
from attrs import define, evolve, field
from rich.console import Console

from actors.kernel import Supervisor
from actors.messages import CreateOrder
from actors.sealing import KeyRing
from actors.signing import LocalSigner
from actors.tree import Tree, World, build, prepare
from offerhub.app import spare_the_collector
from offerhub.domain.chain import ChainStatus
from offerhub.domain.ids import Ids
from offerhub.domain.intents import EscrowIntent, FundEscrow
from offerhub.domain.money import Money
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.postings import deposit, reserve
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import Committed, UnitOfWork
from offerhub.domain.users import User, UserType, Wallet, WalletStatus
from offerhub.providers.stellar.port import (
    AccountPage,
    AccountPayment,
    AccountState,
    Applied,
    AssetTransfer,
    NetworkState,
    PaymentPage,
    SubmitResult,
    TransactionRecord,
)
from offerhub.providers.trustless_work.port import (
    EscrowRecord,
    ProviderUnavailable,
    SendResult,
    SendUnknown,
)
from offerhub.sandbox.constants import SANDBOX_PASSPHRASE
from storage.embedded import EmbeddedPostgres, discard_home
from storage.port import Storage
from storage.postgres.migrate import migrate
from storage.postgres.partitions import Partitions
from storage.postgres.pool import open_pool
from storage.postgres.storage import open_postgres_storage
from tests.domain.world import context, funding_asked, planned_by, wallet
from tests.simulation.world import choices
from web.answers import AnswerEncoder
from web.routes import ROUTES

NETWORK_S: Final = 0.2
"""How long the network takes to say that a ledger includes an envelope."""

_GROUP: Final = 50
_ASK_EVERY_S: Final = 0.25


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)


class Network:
    """A network that has included whatever it is asked about."""

    async def state(self) -> NetworkState:
        return NetworkState(SANDBOX_PASSPHRASE, int(time.time()), 1, now())

    async def account(self, address: str) -> AccountState | None:
        await trio.sleep(NETWORK_S)
        rich = Money.parse("10000.00")
        return AccountState(address, 1, rich, rich, rich)

    async def submit(self, envelope_xdr: str, tx_hash: str) -> SubmitResult:
        del envelope_xdr
        await trio.sleep(NETWORK_S)
        return Applied(TransactionRecord(tx_hash, 5, True, now(), "G", 2, 100, "tx_success", ()))

    async def transaction(self, tx_hash: str) -> TransactionRecord | None:
        del tx_hash
        return None

    async def account_transactions(self, address: str, limit: int) -> tuple[TransactionRecord, ...]:
        del address, limit
        return ()

    async def transfers(self, tx_hash: str) -> tuple[AssetTransfer, ...]:
        del tx_hash
        return ()

    async def payments_after(self, cursor: str, limit: int) -> PaymentPage:
        del limit
        return PaymentPage((), cursor, full=False)

    async def accounts_sponsored_by(self, sponsor: str, cursor: str, limit: int) -> AccountPage:
        del sponsor, limit
        return AccountPage((), cursor, full=False)

    async def account_payments_after(self, address: str, cursor: str, limit: int) -> PaymentPage:
        del address, limit
        return PaymentPage((), cursor, full=False)

    async def account_payments(self, address: str, limit: int) -> tuple[AccountPayment, ...]:
        del address, limit
        return ()

    async def fee_per_operation(self) -> int:
        return 100

    async def fund_from_friendbot(self, address: str) -> None:
        del address


class Provider:
    """A provider whose read model is told, and of which nothing else is asked here."""

    async def refresh(self, tx_hash: str) -> None:
        del tx_hash
        await trio.sleep(NETWORK_S)

    async def build(self, intent: EscrowIntent) -> str:
        raise ProviderUnavailable(type(intent).__name__)

    async def send(self, signed_xdr: str) -> SendResult:
        del signed_xdr
        return SendUnknown("nothing is sent here")

    async def escrow(self, contract_id: str) -> EscrowRecord | None:
        del contract_id
        return None

    async def balance(self, contract_id: str, *, for_step: bool = False) -> Money:
        del contract_id, for_step
        return Money.zero()

    async def balances(self, contract_ids: Sequence[str]) -> dict[str, Money]:
        return dict.fromkeys(contract_ids, Money.zero())


@define
class Report:
    """What a start did, by seconds since it began."""

    moved_s: list[float] = field(factory=list)
    served_s: list[tuple[float, float]] = field(factory=list)
    """When a caller asked, and how long it waited."""
    crashes: list[str] = field(factory=list)
    up_s: float = 0.0
    memory_before_mb: float = 0.0
    memory_peak_mb: float = 0.0

    def rates(self, window_s: int = 5) -> list[float]:
        """Orders that moved a second, by windows from the start on."""
        last = max(self.moved_s, default=0.0)
        return [
            sum(begin <= at < begin + window_s for at in self.moved_s) / window_s
            for begin in range(0, int(last) + 1, window_s)
        ]


def units(count: int, ids: Ids) -> list[UnitOfWork]:
    """Orders whose funding was handed in, each between two users of its own."""
    template = funding_asked()
    funding = planned_by(template).intent
    if not isinstance(funding, FundEscrow):
        raise TypeError(type(funding))
    made = []
    for _ in range(count):
        buyer, seller = (_user(ids) for _ in range(2))
        order = evolve(
            template.entity,
            id=ids.new("ord"),
            version=1,
            buyer_id=buyer[0].id,
            seller_id=seller[0].id,
            created_at=now(),
        )
        operation = evolve(
            planned_by(template),
            id=ids.new("cop"),
            subject_id=order.id,
            intent=evolve(funding, signer=buyer[1].public_key),
            status=ChainStatus.SUBMITTED,
            tx_hash=ids.new("txh"),
            envelope="AAAA" * 300,
            sequence=2,
            signed_after=4,
            max_time=int((now() + timedelta(hours=1)).timestamp()),
        )
        process = order.process
        if process is None:
            msg = "the order is not on the way"
            raise RuntimeError(msg)
        order = evolve(order, process=evolve(process, chain_operation_id=operation.id))
        decide = context()
        movements = (
            deposit(order.buyer_id, order.amount, order.id),
            reserve(order.buyer_id, order.amount),
        )
        made.append(
            UnitOfWork(
                at=now(),
                trace=decide.trace,
                writes=(*buyer, *seller, order, operation),
                transfers=tuple(
                    evolve(
                        decide.transfer(each, reference=order.id, cause=order.id),
                        id=ids.new("trf"),
                        dedupe=None,
                    )
                    for each in movements
                ),
            )
        )
    return made


def _user(ids: Ids) -> tuple[User, Wallet]:
    user_id, address = ids.new("usr"), ids.new("G")
    held = evolve(
        wallet(user_id),
        id=ids.new("wal"),
        version=1,
        public_key=address,
        status=WalletStatus.ACTIVE,
    )
    user = User(user_id, 1, user_id, None, UserType.BOTH, {}, held.id, address, now(), now())
    return user, held


async def measure(dsn: str, orders: int) -> Report:
    """Fill a database, start on it, and watch until nothing is on the way any more."""
    report = Report()
    chance = random.Random(1)
    async with open_pool(dsn) as pool:
        await migrate(dsn)
        await Partitions(pool).keep_ahead()
        ids = Ids(chance.randbytes)

        async def opened() -> Storage:
            return await open_postgres_storage(pool, random_bytes=chance.randbytes, clock=now)

        storage = await opened()
        async with _tree(storage, chance, report.crashes.append) as (tree, _):
            pass  # the platform's rows
        for begin in range(0, orders, _GROUP):
            group = units(min(_GROUP, orders - begin), ids)
            outcomes = await storage.commit(group, AnswerEncoder(ROUTES))
            if not all(isinstance(each, Committed) for each in outcomes):
                msg = f"the orders were not stored: {outcomes[0]}"
                raise RuntimeError(msg)
        some = await storage.in_flight(Order, 0, 1)
        first = await storage.load(Order, some[0].id)
        report.memory_before_mb = _memory_mb("VmRSS")
        began = trio.current_time()
        async with _tree(await opened(), chance, report.crashes.append) as (tree, moved):
            report.up_s = trio.current_time() - began
            spare_the_collector()
            moved.append(lambda: report.moved_s.append(trio.current_time() - began))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_serve, tree, first, began, report)
                while len(report.moved_s) < orders:
                    await trio.sleep(0.5)
                nursery.cancel_scope.cancel()
        report.memory_peak_mb = _memory_mb("VmHWM")
    return report


@asynccontextmanager
async def _tree(
    storage: Storage, chance: random.Random, on_crash: Callable[[str], None]
) -> AsyncIterator[tuple[Tree, list[Callable[[], None]]]]:
    """A process on the storage, and who is called when an order has moved."""
    moved: list[Callable[[], None]] = []
    world = World(
        storage=storage,
        network=Network(),
        provider=Provider(),
        now=now,
        random_bytes=chance.randbytes,
        random=chance.random,
        signer=LocalSigner(KeyRing(b"k" * 32, chance.randbytes), chance.randbytes),
        encode=AnswerEncoder(ROUTES),
    )
    operator = choices(channel_accounts=0)
    platform = await prepare(world, operator)
    tree = build(world, operator, platform)
    put = tree.system.order_board.put

    def note(entity_id: str, snapshot: Order) -> None:
        put(entity_id, snapshot)
        if snapshot.process is None and snapshot.status is OrderStatus.IN_PROGRESS:
            for each in moved:
                each()

    tree.system.order_board.put = note  # type: ignore[method-assign]
    supervisor = Supervisor(
        "root",
        tree.specs,
        random=chance.random,
        on_crash=lambda name, error: on_crash(f"{name}: {error!r}"),
        restarts_max=50,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        yield tree, moved
        nursery.cancel_scope.cancel()


async def _serve(tree: Tree, like: Order | None, began: float, report: Report) -> None:
    """A caller who makes an order again and again, and notes how long each takes."""
    if like is None:
        msg = "there is no order to be made again"
        raise RuntimeError(msg)
    while True:
        asked = trio.current_time()
        message = CreateOrder(
            buyer_id=like.buyer_id,
            seller_id=like.seller_id,
            amount=like.amount,
            title="A logo",
            description=None,
            client_order_ref=None,
            milestones=(),
            metadata={},
            expires_at=None,
            auto_release_at=None,
            trace=Trace.system("bench", tree.system.ids.new("req")),
        )
        await tree.system.orders.address(tree.system.ids.new("ord")).ask(message, timeout_s=60)
        report.served_s.append((asked - began, trio.current_time() - asked))
        await trio.sleep(_ASK_EVERY_S)


def _memory_mb(name: str) -> float:
    """A figure of this process from the kernel, in MiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def run(orders: int, console: Console) -> None:
    """Measure a start and print what it did."""
    with tempfile.TemporaryDirectory(prefix="offerhub-bench-") as place:
        home = Path(place) / "home"
        home.mkdir(mode=0o755)
        Path(place).chmod(0o755)
        try:
            report = trio.run(_on_a_server, home, orders)
        finally:
            discard_home(home)
    console.print(shown(report, orders))


async def _on_a_server(home: Path, orders: int) -> Report:
    service = EmbeddedPostgres(home, random_bytes=os.urandom, durable=False)
    async with trio_asyncio.open_loop(), trio.open_nursery() as nursery:
        report = await measure(await nursery.start(service.run), orders)
        nursery.cancel_scope.cancel()
    return report


def shown(report: Report, orders: int) -> str:
    """The report in words."""
    moved = sorted(report.moved_s)
    rates = report.rates()
    steady = sorted(rates)[len(rates) // 2]
    later = rates[1:-1] or rates
    waits = sorted(wait for _, wait in report.served_s)
    lines = (
        f"{orders} orders on the way",
        f"up after {report.up_s:.2f} s, first caller answered after {sum(report.served_s[0]):.2f} s",
        f"moved after: first {moved[0]:.1f} s, half {moved[len(moved) // 2]:.1f} s, all {moved[-1]:.1f} s",
        f"a second, by windows of 5 s: {', '.join(f'{rate:.0f}' for rate in rates)}",
        f"slowest full window from second 5 on: {min(later) / steady:.0%} of the median",
        f"a caller waits: median {waits[len(waits) // 2] * 1000:.0f} ms, at most {waits[-1] * 1000:.0f} ms",
        f"crashes: {len(report.crashes)} {report.crashes[:3]}",
        f"memory: {report.memory_before_mb:.0f} MiB before, {report.memory_peak_mb:.0f} MiB peak",
    )
    return "\n".join(lines)
