"""The reconciler: goes over all wallets, contracts and the treasury, and alarms what differs.

It reads in batches (200 wallets, 20 contracts a call), asks our storage for a page at a time, and
looks closer only at what does not agree at once: then it counts what is on its way. A difference is
one that was at rest and the same in two looks. `offerhub reconcile` and `POST …/balance/sync` use
the same code.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog
import trio
from attrs import define, field, frozen

from actors.alarms import Alarms
from actors.comparing import Comparing, ComparingParts
from actors.outages import is_outage
from actors.refused import refused
from offerhub.domain.errors import DomainError
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.reconciliation import Comparison, Holder, Report, contract_must_hold
from offerhub.domain.trace import Trace
from offerhub.domain.unit_of_work import AuditEntry, Refused, UnitOfWork
from offerhub.domain.users import Wallet
from offerhub.providers.stellar.port import AccountPage, AccountState, StellarUnavailable
from offerhub.providers.trustless_work.port import BALANCES_MAX, ProviderUnavailable
from storage.errors import StorageUnavailable

log = structlog.get_logger(__name__)

WALLETS_PAGE: Final = 200
CLOSED_MAX: Final = 1_000
"""Contracts of closed orders that one pass looks at; the next goes on behind them."""

CLOSER_MAX: Final = 300
"""Holders that one pass looks at closely; more of them wait for the next."""

SECOND_LOOK_S: Final = 10.0
SYNC_S: Final = 20.0
"""How long a request waits for what is on its way: a few ledgers."""

_SYNC_PAUSE_S: Final = 1.0
FIRST_PASS_S: Final = 300.0
"""The first pass after a start, at the latest: recovery has the calls to the outside first."""

_OUTSIDE: Final = (StellarUnavailable, ProviderUnavailable, StorageUnavailable)

Progress = Callable[[Counter[Holder]], Awaitable[None]]


async def _no_progress(compared: Counter[Holder]) -> None:
    del compared


@frozen
class ReconcilerParts:
    """What the reconciler works with; `every_s` is the pause between two passes."""

    comparing: ComparingParts
    alarms: Alarms
    every_s: float


@define
class _Pass:
    """One pass under way."""

    began_at: datetime
    compared: Counter[Holder] = field(factory=Counter)
    closer: list[Wallet | Order] = field(factory=list)
    skipped: dict[str, str] = field(factory=dict)
    left_over: int = 0
    platform_xlm: Money | None = None

    def look_closer(self, holder: Wallet | Order) -> None:
        if len(self.closer) < CLOSER_MAX:
            self.closer.append(holder)
        else:
            self.left_over += 1


class Reconciler:
    """A service of the tree; `report` is what the last pass has found."""

    def __init__(self, parts: ReconcilerParts) -> None:
        self._parts = parts
        self._core = parts.comparing.core
        self._storage = parts.comparing.core.storage
        self._network = parts.comparing.network
        self._platform = parts.comparing.platform
        self.comparing = Comparing(parts.comparing)
        self.report: Report | None = None
        self._one_at_a_time = trio.Lock()
        self._closed_until = 0
        self._alarmed: dict[str, Money] = {}
        self._surpluses: set[str] = set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Go over everything again and again, until cancelled."""
        task_status.started()
        pause_s = min(self._parts.every_s, FIRST_PASS_S)
        while True:
            await trio.sleep(pause_s)
            pause_s = self._parts.every_s
            try:
                await self.reconcile()
            except (StorageUnavailable, DomainError) as error:
                if not is_outage(error):
                    raise
                # The database is away, which others report; the next pass looks at everything.

    async def reconcile(self, progress: Progress = _no_progress) -> Report:
        """One pass; what a side that is away leaves out is named in the report.

        Cancelled, it leaves nothing but alarms that it has sounded.
        """
        async with self._one_at_a_time:
            now = _Pass(self._core.now())
            for part, compare in (
                ("treasury", self._treasury),
                ("wallets", self._wallets),
                ("contracts", self._open_contracts),
                ("closed contracts", self._closed_contracts),
            ):
                try:
                    await compare(now)
                except _OUTSIDE as away:
                    now.skipped[part] = str(away)
                await progress(now.compared)
            report = await self._looked_closer(now)
            await self._tell(report)
            self.report = report
            return report

    async def sync(self, wallet: Wallet, trace: Trace) -> Comparison:
        """Compare a wallet once what is on its way to it is booked, or as it is after a while.

        A difference at rest is alarmed. The request is audited, and its answer kept under its key.
        Raises what comparing does, and what `refused` makes of the commit.
        """
        compared = await self.comparing.wallet(wallet)
        with trio.move_on_after(SYNC_S):
            while not compared.at_rest:
                await trio.sleep(_SYNC_PAUSE_S)
                compared = await self.comparing.wallet(wallet)
        await self.note(compared)
        context = self._core.context(trace)
        entry = context.audit(
            "balance.sync",
            "Balance",
            wallet.user_id,
            after={"difference": compared.difference.seven_places()},
            user_id=wallet.user_id,
        )
        unit = UnitOfWork(
            at=context.now,
            trace=context.trace,
            audit=(entry,),
            idempotency=context.final_answer(compared),
        )
        outcome = await self._core.journal.commit(unit)
        if isinstance(outcome, Refused):
            raise refused(outcome)
        return compared

    async def note(self, compared: Comparison) -> None:
        """Tell of one holder that was compared by itself."""
        differs = compared.at_rest and bool(compared.difference) and not compared.is_surplus
        if differs:
            await self._alarm([compared])
        elif compared.at_rest:
            self._end_alarm(compared.subject)

    # What is compared.

    async def _treasury(self, now: _Pass) -> None:
        account = await self._network.account(self._platform.public_key)
        now.platform_xlm = None if account is None else account.xlm_spendable
        now.compared[Holder.TREASURY] += 1
        now.look_closer(self._platform)
        now.compared[Holder.AIRTM] += 1

    async def _wallets(self, now: _Pass) -> None:
        listing = _Listing(self._network.accounts_sponsored_by, self._platform.public_key)
        after = ""
        while True:
            wallets = await self._storage.active_wallets(after, WALLETS_PAGE)
            if not wallets:
                return
            after = wallets[-1].public_key
            accounts = await listing.up_to(after)
            claims = await self._storage.wallet_claims([wallet.user_id for wallet in wallets])
            for wallet in wallets:
                account, mine = accounts.get(wallet.public_key), claims.get(wallet.user_id)
                if account is None or mine is None or not self.comparing.listed(account, mine):
                    now.look_closer(wallet)
            now.compared[Holder.WALLET] += len(wallets)

    async def _open_contracts(self, now: _Pass) -> None:
        after = 0
        while True:
            found = await self._storage.contracts(after, BALANCES_MAX, closed=False)
            if not found:
                return
            after = found[-1].place
            await self._contracts(now, [each.order for each in found])

    async def _closed_contracts(self, now: _Pass) -> None:
        left = CLOSED_MAX
        while left > 0:
            found = await self._storage.contracts(self._closed_until, BALANCES_MAX, closed=True)
            if not found:
                self._closed_until = 0
                return
            await self._contracts(now, [each.order for each in found])
            self._closed_until = found[-1].place
            left -= len(found)

    async def _contracts(self, now: _Pass, orders: Sequence[Order]) -> None:
        by_contract = {
            order.escrow.contract_id: order
            for order in orders
            if order.escrow is not None and order.escrow.contract_id is not None
        }
        balances = await self._parts.comparing.provider.balances(list(by_contract))
        for contract_id, order in by_contract.items():
            if balances[contract_id] != contract_must_hold(order):
                now.look_closer(order)
        now.compared[Holder.CONTRACT] += len(by_contract)

    # What did not agree at once.

    async def _looked_closer(self, now: _Pass) -> Report:
        first = await self._compare_each(now, now.closer)
        doubtful = [holder for holder, compared in first if compared.difference]
        suspects = [
            holder for holder, compared in first if compared.difference and compared.at_rest
        ]
        second: dict[str, Comparison] = {}
        if suspects:
            await trio.sleep(SECOND_LOOK_S)
            again = await self._compare_each(now, suspects)
            second = {compared.subject: compared for _, compared in again}
        found = {compared.subject: compared for _, compared in first}
        sure = [
            after
            for subject, after in second.items()
            if after.at_rest and after.difference == found[subject].difference
        ]
        differences = [compared for compared in sure if not compared.is_surplus]
        surpluses = [compared for compared in sure if compared.is_surplus]
        treasury = await self._storage.treasury()
        if treasury.airtm_float:
            differences.append(_airtm(treasury.airtm_float))
        settled = {compared.subject for compared in sure}
        unsettled = [
            compared.subject
            for holder, compared in first
            if holder in doubtful
            and compared.subject not in settled
            and not _agrees(second.get(compared.subject))
        ]
        if now.left_over:
            now.skipped["closer looks"] = f"{now.left_over} more wait for the next pass"
        return Report(
            began_at=now.began_at,
            ended_at=self._core.now(),
            compared={holder.value: number for holder, number in now.compared.items()},
            differences=tuple(differences),
            surpluses=tuple(surpluses),
            unsettled=tuple(unsettled),
            skipped=dict(now.skipped),
            parked=await self._storage.parked_open(),
            platform_xlm=now.platform_xlm,
        )

    async def _compare_each(
        self, now: _Pass, holders: Sequence[Wallet | Order]
    ) -> list[tuple[Wallet | Order, Comparison]]:
        found = []
        for holder in holders:
            try:
                compared = (
                    await self.comparing.wallet(holder)
                    if isinstance(holder, Wallet)
                    else await self.comparing.contract(holder)
                )
            except _OUTSIDE as away:
                now.skipped[holder.id] = str(away)
            else:
                found.append((holder, compared))
        return found

    # Telling.

    async def _tell(self, report: Report) -> None:
        await self._alarm(report.differences)
        standing = {*report.unsettled, *(compared.subject for compared in report.differences)}
        if not report.skipped:
            for subject in [each for each in self._alarmed if each not in standing]:
                self._end_alarm(subject)
        for surplus in report.surpluses:
            if surplus.subject not in self._surpluses:
                self._surpluses.add(surplus.subject)
                log.warning(
                    "reconcile.surplus", order=surplus.owner, amount=str(surplus.difference)
                )
        if report.skipped:
            log.warning("reconcile.incomplete", skipped=dict(report.skipped))
        if report.parked:
            self._parts.alarms.sound(
                "parked", f"{report.parked} parked records wait: see `offerhub parked list`"
            )
        else:
            self._parts.alarms.end("parked")

    async def _alarm(self, differences: Sequence[Comparison]) -> None:
        """Sound an alarm for each; log and audit those that are new, or differ otherwise than before."""
        new = [each for each in differences if self._alarmed.get(each.subject) != each.difference]
        for each in differences:
            self._alarmed[each.subject] = each.difference
            self._parts.alarms.sound(
                f"reconcile:{each.subject}",
                f"the chain holds {each.on_chain}, the books explain "
                f"{each.ledger - each.due + each.in_flight}: a difference of {each.difference}",
            )
        for each in new:
            log.error(
                "reconcile.difference",
                subject=each.subject,
                on_chain=str(each.on_chain),
                booked=str(each.ledger - each.due),
                in_flight=str(each.in_flight),
                difference=str(each.difference),
            )
        if not new:
            return
        context = self._core.deciding_as("reconciler")
        entries: list[AuditEntry] = [
            context.audit(
                "reconcile.difference",
                each.holder.value.capitalize(),
                each.owner,
                result="alarm",
                after={
                    "onChain": each.on_chain.seven_places(),
                    "booked": (each.ledger - each.due).seven_places(),
                    "inFlight": each.in_flight.seven_places(),
                    "difference": each.difference.seven_places(),
                },
            )
            for each in new
        ]
        unit = UnitOfWork(at=context.now, trace=context.trace, audit=tuple(entries))
        await self._core.commit_with_retries(unit)

    def _end_alarm(self, subject: str) -> None:
        if self._alarmed.pop(subject, None) is not None:
            self._parts.alarms.end(f"reconcile:{subject}")
            log.info("reconcile.agrees", subject=subject)


class _Listing:
    """Accounts of a sponsor, read on as far as they are needed, in the order of their addresses."""

    def __init__(
        self, read: Callable[[str, str, int], Awaitable[AccountPage]], sponsor: str
    ) -> None:
        self._read = read
        self._sponsor = sponsor
        self._cursor = ""
        self._more = True
        self._accounts: dict[str, AccountState] = {}

    async def up_to(self, address: str) -> dict[str, AccountState]:
        """Those up to an address; each is given once."""
        while self._more and self._cursor < address:
            page = await self._read(self._sponsor, self._cursor, WALLETS_PAGE)
            self._accounts |= {account.address: account for account in page.accounts}
            self._cursor, self._more = page.cursor, page.full
        given = {at: each for at, each in self._accounts.items() if at <= address}
        self._accounts = {at: each for at, each in self._accounts.items() if at > address}
        return given


def _airtm(booked: Money) -> Comparison:
    """The AirTM float: nothing is there without AirTM."""
    zero = Money.zero()
    return Comparison(Holder.AIRTM, "airtm", booked, zero, zero, zero, at_rest=True)


def _agrees(compared: Comparison | None) -> bool:
    return compared is not None and not compared.difference
