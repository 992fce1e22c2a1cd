"""The chain watcher: one durable cursor into the network's payments, for all wallets (docs/spec/domain.md §5).

What arrived while the process was down is credited after it is up, once: credits, events and the
cursor are one commit, and the cursor moves only from where it was read.
"""

from enum import StrEnum
from typing import Final

import structlog
import trio
from attrs import evolve, frozen
from stellar_sdk.sep.toid import TOID

from actors.core import Core
from actors.failpoints import reach
from actors.kernel import Backoff
from actors.outages import commit_with_retries, retry_until_available
from offerhub.domain import deposits
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.deposits import CURSOR, IncomingTransfer, Known, Unreadable
from offerhub.domain.order import Order
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import (
    Committed,
    CursorMove,
    RefusalKind,
    Refused,
    UnitOfWork,
)
from offerhub.providers.stellar.port import (
    NetworkState,
    PaymentPage,
    PaymentRecord,
    StellarNetwork,
    StellarUnavailable,
    UnreadableRecord,
)

log = structlog.get_logger(__name__)

PAGE: Final = 200
_AGAIN: Final = Backoff(first_s=0.5, limit_s=30.0)
_LOOK_AT_NETWORK_S: Final = 10.0
"""How often the network's own state is read, to tell a quiet network from a stuck server."""

_SILENT_S: Final = 60.0
_MARGIN_LEDGERS: Final = 60
"""How far the cursor stays behind the network where no payment is shown: five minutes of ledgers.

An empty page does not say of which ledger it is; from a server that lags further than this, a
payment would be passed over for good.
"""
_LAG_S: Final = 60.0
"""How long a server may show an older ledger than the cursor's before the network counts as reset."""


class WatcherState(StrEnum):
    """How the watcher sees the network's server; all but `FOLLOWING` are told loudly."""

    STARTING = "starting"
    FOLLOWING = "following"
    SILENT = "silent"
    HOLE = "hole"
    RESET = "reset"
    UNREACHABLE = "unreachable"


@frozen
class WatcherView:
    """Where the watcher stands, for health and metrics."""

    state: WatcherState = WatcherState.STARTING
    cursor_ledger: int | None = None

    def lag_ledgers(self, latest_ledger: int | None) -> int | None:
        """Ledgers between the cursor and the network; `None` while unknown.

        Args:
            latest_ledger: as somebody else has read it: who is stuck does not read it.
        """
        if self.cursor_ledger is None or latest_ledger is None:
            return None
        return max(0, latest_ledger - self.cursor_ledger)


@frozen
class WatcherParts:
    """What the watcher works with; `poll_s` is the pause after a page that was not full."""

    core: Core
    network: StellarNetwork
    usdc_code: str
    usdc_issuer: str
    passphrase: str
    platform_user_id: str
    poll_s: float


class ChainWatcher:
    """A service of the tree: `run` follows the network until it is cancelled."""

    def __init__(self, parts: WatcherParts) -> None:
        self._parts = parts
        self._looked_at = -float("inf")
        self._behind_since = float("inf")
        self.view = WatcherView()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Follow the payments from the stored cursor, or from now on at the very first start."""
        task_status.started()
        cursor = await self._first_cursor()
        self._at(cursor)
        trouble = 0
        while True:
            try:
                looked = await self._look_at_network(cursor)
                if self.view.state in {WatcherState.HOLE, WatcherState.RESET}:
                    # Crediting on would hide what may be missing: an operator decides.
                    await trio.sleep(_LOOK_AT_NETWORK_S)
                    continue
                if self._is_behind:
                    await trio.sleep(self._parts.poll_s)
                    continue
                page = await self._parts.network.payments_after(cursor, PAGE)
            except StellarUnavailable as away:
                trouble += 1
                self._see(WatcherState.UNREACHABLE, reason=away.reason)
                await trio.sleep(_AGAIN.delay_s(trouble, self._parts.core.random))
                continue
            trouble = 0
            if self.view.state is WatcherState.UNREACHABLE:
                self._see(WatcherState.FOLLOWING)
            if page.records:
                cursor = await self._work(cursor, page)
            elif looked is not None:
                cursor = await self._advance(cursor, looked)
            if not page.full:
                await trio.sleep(self._parts.poll_s)

    async def _first_cursor(self) -> str:
        """The stored cursor; at the very first start "now" is resolved to a number and stored."""
        storage, random = self._parts.core.storage, self._parts.core.random
        trouble = 0
        while True:
            cursor = await retry_until_available(lambda: storage.cursor(CURSOR), random)
            if cursor is not None:
                return cursor
            try:
                state = await self._parts.network.state()
            except StellarUnavailable as away:
                trouble += 1
                self._see(WatcherState.UNREACHABLE, reason=away.reason)
                await trio.sleep(_AGAIN.delay_s(trouble, random))
                continue
            first = str(TOID.after_ledger(state.latest_ledger).to_int64())
            context = self._context()
            unit = UnitOfWork(
                at=context.now,
                trace=context.trace,
                audit=(
                    context.audit(
                        "watcher.begin", "Cursor", CURSOR, after={"ledger": state.latest_ledger}
                    ),
                ),
                cursor=CursorMove(CURSOR, None, first),
            )
            await commit_with_retries(self._parts.core.journal, unit, random)

    async def _advance(self, cursor: str, looked: NetworkState) -> str:
        """Move the cursor over ledgers without payments, so that quiet never looks like a hole.

        Safe because the network's state was read before the page that was empty; the margin is
        for servers behind one address that lag one another (docs/spec/stellar-horizon.md §7.2, 4).
        """
        ledger = max(0, looked.latest_ledger - _MARGIN_LEDGERS)
        after = TOID.after_ledger(ledger).to_int64()
        if after <= int(cursor):
            return cursor
        context = self._context()
        unit = UnitOfWork(
            at=context.now,
            trace=context.trace,
            cursor=CursorMove(CURSOR, cursor, str(after)),
        )
        outcome = await commit_with_retries(self._parts.core.journal, unit, self._parts.core.random)
        if not isinstance(outcome, Committed):
            return await self._first_cursor()
        self._at(str(after))
        return str(after)

    async def _look_at_network(self, cursor: str) -> NetworkState | None:
        """Tell a hole, a reset and silence apart (docs/spec/stellar-horizon.md §7.2); `None` between looks."""
        looked_s = trio.current_time() - self._looked_at
        if looked_s < _LOOK_AT_NETWORK_S and not self._is_behind:
            return None
        state = await self._parts.network.state()
        self._looked_at = trio.current_time()
        ledger = TOID.from_int64(int(cursor)).ledger_sequence
        seen = self._judged(state, ledger)
        self.view = evolve(self.view, cursor_ledger=ledger)
        self._see(seen, latest_ledger=state.latest_ledger, cursor_ledger=ledger)
        return state

    def _judged(self, state: NetworkState, ledger: int) -> WatcherState:
        if state.passphrase != self._parts.passphrase:
            return WatcherState.RESET
        if ledger > state.latest_ledger:
            # One server behind the address lags, or the network began anew: that one stays behind.
            self._behind_since = min(self._behind_since, trio.current_time())
            lasts_s = trio.current_time() - self._behind_since
            return WatcherState.RESET if lasts_s >= _LAG_S else self.view.state
        self._behind_since = float("inf")
        if ledger < state.elder_ledger - 1:
            return WatcherState.HOLE
        silence = self._parts.core.now() - state.latest_closed_at
        if silence.total_seconds() > _SILENT_S:
            return WatcherState.SILENT
        return WatcherState.FOLLOWING

    @property
    def _is_behind(self) -> bool:
        """Whether the last look showed an older ledger than the cursor's: nothing is credited then."""
        return self._behind_since < float("inf")

    def _see(self, state: WatcherState, **facts: object) -> None:
        if state is self.view.state:
            return
        tell = log.info if state is WatcherState.FOLLOWING else log.warning
        if state in {WatcherState.HOLE, WatcherState.RESET}:
            tell = log.error
        tell("watcher.state", state=state.value, before=self.view.state.value, **facts)
        self.view = evolve(self.view, state=state)

    async def _work(self, cursor: str, page: PaymentPage) -> str:
        """Commit a page; a page that was committed elsewhere is read again from there."""
        arrivals = [
            arrival
            for record in page.records
            if isinstance(record, PaymentRecord) and record.successful
            for arrival in self._arrivals(record)
        ]
        unreadable = [
            Unreadable(record.paging_token, record.reason, {"raw": record.raw})
            for record in page.records
            if isinstance(record, UnreadableRecord)
        ]
        for record in unreadable:
            log.error("watcher.record_parked", record=record.reference, reason=record.reason)
        known = await self._known(arrivals)
        context = self._context()
        move = CursorMove(CURSOR, cursor, page.cursor)
        while True:
            unit = deposits.page(arrivals, unreadable, known, move, context)
            reach("watcher.before_commit")
            outcome = await commit_with_retries(
                self._parts.core.journal, unit, self._parts.core.random
            )
            reach("watcher.after_commit")
            match outcome:
                case Committed():
                    self._at(page.cursor)
                    return page.cursor
                case Refused(RefusalKind.TAKEN):
                    # Some of it was credited before, under a cursor that was set back.
                    log.error("watcher.already_credited", cursor=cursor)
                    arrivals = await self._credit_singly(arrivals, known, move)
                case Refused(RefusalKind.LIMIT):
                    # What a balance cannot take is kept apart for an operator.
                    log.error("watcher.balance_limit", user=outcome.subject)
                    known = evolve(known, full=known.full | {outcome.subject})
                case Refused():
                    stored = await self._first_cursor()
                    log.warning("watcher.page_refused", kind=outcome.kind.value, cursor=stored)
                    return stored

    async def _credit_singly(
        self, arrivals: list[IncomingTransfer], known: Known, move: CursorMove
    ) -> list[IncomingTransfer]:
        """Credit each arrival that was not credited before; what is refused otherwise is left.

        The cursor stays: an arrival is known by its own reference, so a kill repeats nothing.
        """
        left = []
        for arrival in arrivals:
            unit = deposits.page([arrival], (), known, move, self._context())
            if not unit.transfers:
                continue
            outcome = await commit_with_retries(
                self._parts.core.journal, evolve(unit, cursor=None), self._parts.core.random
            )
            if isinstance(outcome, Refused) and outcome.kind is not RefusalKind.TAKEN:
                left.append(arrival)
        return left

    def _arrivals(self, record: PaymentRecord) -> list[IncomingTransfer]:
        return [
            IncomingTransfer(
                operation_id=transfer.operation_id,
                index=transfer.index,
                source=transfer.source,
                destination=transfer.destination,
                amount=transfer.amount,
                tx_hash=transfer.transaction_hash,
            )
            for transfer in record.transfers
            if transfer.destination is not None
            and transfer.asset_code == self._parts.usdc_code
            and transfer.asset_issuer == self._parts.usdc_issuer
        ]

    async def _known(self, arrivals: list[IncomingTransfer]) -> Known:
        """What is ours in a page: three queries, and only if something of ours is in it."""
        storage, random = self._parts.core.storage, self._parts.core.random
        addresses = sorted({arrival.destination for arrival in arrivals})
        wallets = (
            await retry_until_available(lambda: storage.wallets_by_address(addresses), random)
            if addresses
            else {}
        )
        ours = [arrival for arrival in arrivals if arrival.destination in wallets]
        if not ours:
            return Known(wallets={}, operations={}, contracts={})
        hashes = sorted({arrival.tx_hash for arrival in ours})
        sources = sorted({arrival.source for arrival in ours if arrival.source is not None})
        contracts = [source for source in sources if source.startswith("C")]
        operations = await retry_until_available(lambda: storage.operations_by_hash(hashes), random)
        orders = (
            await retry_until_available(lambda: storage.order_ids_by_contract(contracts), random)
            if contracts
            else {}
        )
        payees = await self._payees(sorted(set(orders.values())))
        return Known(wallets=wallets, operations=operations, contracts=orders, payees=payees)

    async def _payees(self, order_ids: list[str]) -> dict[str, frozenset[str]]:
        if not order_ids:
            return {}
        storage = self._parts.core.storage
        orders = await retry_until_available(
            lambda: storage.load_many(Order, order_ids), self._parts.core.random
        )
        platform = self._parts.platform_user_id
        return {
            order_id: frozenset({order.buyer_id, order.seller_id, platform})
            for order_id, order in orders.items()
        }

    def _at(self, cursor: str) -> None:
        ledger = TOID.from_int64(int(cursor)).ledger_sequence
        self.view = evolve(self.view, cursor_ledger=ledger)

    def _context(self) -> DecisionContext:
        trace = Trace.system("watcher", self._parts.core.ids.new("req"))
        return DecisionContext(self._parts.core.now(), self._parts.core.ids, trace)
