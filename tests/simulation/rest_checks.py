"""What must hold at rest: nothing is on the way, and books and chain agree to the stroop."""

import json
from collections import Counter
from collections.abc import Collection, Mapping

from attrs import define, field

from offerhub.domain import ledger
from offerhub.domain.chain import ChainOperation
from offerhub.domain.dispute import Dispute, DisputeStatus
from offerhub.domain.hold import Hold
from offerhub.domain.ledger import WALLET_TREASURY, escrow, wallet
from offerhub.domain.order import EscrowStatus, Order, OrderStatus
from offerhub.domain.order_deadlines import due_at
from offerhub.domain.unit_of_work import IdempotencyState
from offerhub.domain.users import User, Wallet, WalletRole, WalletStatus
from offerhub.domain.webhook import Webhook, WebhookStatus
from offerhub.domain.withdrawal import ENDED, Withdrawal
from offerhub.sandbox.engine.rows import BalanceChange
from offerhub.sandbox.escrow.encoding import escrow_from_bytes
from storage.memory import MemoryDatabase
from tests.simulation.chain_history import operations
from tests.simulation.client import Answered, Client
from tests.simulation.commit_checks import WatchedDatabase
from tests.simulation.payouts import Payouts
from tests.simulation.rest_commands import open_commands
from tests.simulation.rest_deposits import uncredited, wrong_deposits
from tests.simulation.rest_dues import unsettled, wrong_settlements
from tests.simulation.rest_withdrawals import Withdrawals
from tests.simulation.world import Universe
from web.answers import read_text

_WAITING_FOR_THE_CLIENT = {
    OrderStatus.ORDER_CREATED,
    OrderStatus.FUNDS_RESERVED,
    OrderStatus.ESCROW_CREATING,
    OrderStatus.IN_PROGRESS,
    OrderStatus.DISPUTED,
    OrderStatus.CLOSED,
}
_FIRST_ACTIONS = {
    "order.create",
    "order.reserve",
    "order.cancel",
    "order.deadlines",
    "order.escrow",
    "order.fund",
    "order.release",
    "order.refund",
    "order.dispute",
    "order.resolve",
    "dispute.assign",
    "hold.place",
    "hold.cancel",
    "hold.release",
    "hold.deduct",
    "balance.credit",
    "balance.debit",
    "maintenance.enable",
    "maintenance.disable",
    "milestone.complete",
    "withdrawal.create",
    "withdrawal.commit",
    "withdrawal.cancel",
}


def unrest(database: MemoryDatabase, universe: Universe) -> list[str]:
    """What is still on the way; nothing, at rest."""
    tables = database.tables
    found = [
        f"{each.id} is {each.status} of {each.step} attempt {each.attempt}: {each.last_error}"
        for each in tables.of(ChainOperation).rows.values()
        if each.is_open
    ]
    for order in tables.of(Order).rows.values():
        if order.process is not None:
            found.append(f"{order.id} is {order.status} with {order.process.current} on its way")
        elif order.status not in _WAITING_FOR_THE_CLIENT:
            found.append(f"{order.id} is left {order.status}")
        elif due_at(order) is not None:
            # The market's deadlines all come within minutes: at rest they have been met.
            found.append(f"{order.id} is {order.status} until its deadline, {due_at(order)}")
    found += [
        f"{withdrawal.id} is left {withdrawal.status}"
        for withdrawal in tables.of(Withdrawal).rows.values()
        if withdrawal.committed and withdrawal.status not in ENDED
    ]
    found += [
        f"the wallet {each.id} of a {each.role} is {each.status}"
        for each in tables.of(Wallet).rows.values()
        if each.status is not WalletStatus.ACTIVE
    ]
    found += [
        f"the webhook {each.event_id} is {each.status}"
        for each in tables.of(Webhook).rows.values()
        if each.status is WebhookStatus.RECEIVED
    ]
    return found + uncredited(database, universe) + unsettled(database) + open_commands(database)


@define
class Rest:
    """Compares the database with the chain."""

    database: WatchedDatabase
    universe: Universe
    client: Client
    hinted: Collection[str]
    """Webhooks that were answered, by their event ids."""
    held: Mapping[str, int]
    """By user, in cents: what holds have left, by their answers."""
    wrong: list[str] = field(factory=list)

    def check(self) -> list[str]:
        """Every claim that does not hold."""
        self._wallets()
        self._orders()
        self._reserved_and_withdrawing()
        self._disputes()
        self._holds()
        self._demand_equal(
            sorted(self.hinted),
            sorted(each.event_id for each in self.database.tables.of(Webhook).rows.values()),
            "webhooks that were kept",
        )
        self._keys()
        self.wrong += Withdrawals(self.database, self.universe).check()
        self.wrong += wrong_deposits(self.database, self.universe)
        self.wrong += wrong_settlements(self.database, self.universe)
        payouts = Payouts(self.database, self.universe)
        self.wrong += payouts.check()
        if payouts.surpluses:
            self.client.history.mark("a surplus was paid out")
        return self.wrong

    def _demand_equal(self, expected: object, actual: object, claim: str) -> None:
        if expected != actual:
            self.wrong.append(f"{claim}: {expected} expected, {actual} found")

    def _wallets(self) -> None:
        books = self.database.replay()
        engine = self.universe.sandbox.engine
        for each in self.database.tables.of(Wallet).rows.values():
            if each.role is WalletRole.CHANNEL:
                continue
            name = WALLET_TREASURY if each.role is WalletRole.PLATFORM else wallet(each.user_id)
            self._demand_equal(
                books.holding(name).stroops,
                engine.usdc_balance(each.public_key) or 0,
                f"{name} on the chain",
            )

    def _orders(self) -> None:
        engine = self.universe.sandbox.engine
        books = self.database.replay()
        contracts: dict[str, list[str]] = {}
        for contract_id in engine.contract_ids():
            data = engine.contract_data(contract_id)
            if data is None:
                continue
            contracts.setdefault(escrow_from_bytes(data).engagement_id, []).append(contract_id)
        into: dict[str | None, list[BalanceChange]] = {}
        out: dict[str | None, set[str]] = {}
        for row in operations(self.universe):
            for change in row.balance_changes:
                into.setdefault(change.destination, []).append(change)
                out.setdefault(change.source, set()).add(row.transaction.hash)
        addresses = {
            each.user_id: each.public_key for each in self.database.tables.of(Wallet).rows.values()
        }
        orders = self.database.tables.of(Order).rows
        self.wrong += [f"a contract of the unknown {key}" for key in contracts if key not in orders]
        for order in orders.values():
            standing = contracts.get(order.id, [])
            stands = [order.escrow.contract_id] if order.escrow is not None else []
            self._demand_equal(stands, standing, f"contracts of {order.id} ({order.status})")
            for contract_id in standing:
                funded = order.escrow is not None and order.escrow.funded_at is not None
                ended = funded and order.status is OrderStatus.CLOSED
                paid_in = into.get(contract_id, [])
                ours = [each.amount for each in paid_in if each.source == addresses[order.buyer_id]]
                self._demand_equal([order.amount.stroops] * funded, ours, f"fundings of {order.id}")
                self._demand_equal(
                    int(ended), len(out.get(contract_id, ())), f"payouts of {order.id}"
                )
                if not ended:
                    strangers = sum(each.amount for each in paid_in) - sum(ours)
                    self._demand_equal(
                        books.account(escrow(order.id)).stroops + strangers,
                        engine.usdc_balance(contract_id),
                        f"the balance of {order.id}'s contract",
                    )
            if order.status is OrderStatus.ESCROW_CREATING:
                status = None if order.escrow is None else order.escrow.status
                self._demand_equal(EscrowStatus.CREATED, status, f"the escrow of {order.id}")
        told = Counter(
            (event.order_id, event.type)
            for event in self.database.events
            if event.type in {"order.created", "order.released", "order.closed", "escrow.created"}
        )
        for order in orders.values():
            closed = order.status is OrderStatus.CLOSED
            self._demand_equal(1, told[order.id, "order.created"], f"order.created of {order.id}")
            self._demand_equal(int(closed), told[order.id, "order.closed"], f"ends of {order.id}")

    def _reserved_and_withdrawing(self) -> None:
        """What is set aside is set aside for something that still stands."""
        books = self.database.replay()
        tables = self.database.tables
        reserved: Counter[str] = Counter()
        for order in tables.of(Order).rows.values():
            if order.status in {OrderStatus.FUNDS_RESERVED, OrderStatus.ESCROW_CREATING}:
                reserved[order.buyer_id] += order.amount.stroops
        for hold in tables.of(Hold).rows.values():
            reserved[hold.user_id] += hold.remaining.stroops
        withdrawing: Counter[str] = Counter()
        for withdrawal in tables.of(Withdrawal).rows.values():
            if withdrawal.status not in ENDED:
                withdrawing[withdrawal.user_id] += withdrawal.amount.stroops
        for user_id in tables.of(User).rows:
            for expected, account in (
                (reserved[user_id], ledger.reserved(user_id)),
                (withdrawing[user_id], ledger.withdrawing(user_id)),
            ):
                self._demand_equal(expected, books.account(account).stroops, account)

    def _disputes(self) -> None:
        """A dispute is its order's; it is open as long as that is DISPUTED, and its contract frozen."""
        tables = self.database.tables
        for dispute in tables.of(Dispute).rows.values():
            order = tables.of(Order).rows[dispute.order_id]
            self._demand_equal(dispute, order.dispute, f"the dispute of {order.id}")
            resolved = dispute.status is DisputeStatus.RESOLVED
            closed = order.status is OrderStatus.CLOSED
            self._demand_equal(closed, resolved, f"the end of {dispute.id}")
            if not closed and order.escrow is not None:
                self._demand_equal(
                    EscrowStatus.DISPUTED, order.escrow.status, f"the escrow of {order.id}"
                )
            told = Counter(
                event.type for event in self.database.events if event.aggregate_id == dispute.id
            )
            self._demand_equal(
                (1, int(resolved)),
                (told["dispute.opened"], told["dispute.resolved"]),
                f"events of {dispute.id}",
            )

    def _holds(self) -> None:
        """What the holds of a user have left is what the answers to its tellers came to."""
        held: Counter[str] = Counter()
        for hold in self.database.tables.of(Hold).rows.values():
            held[hold.user_id] += hold.remaining.stroops
        told = Counter({user: cents * 100_000 for user, cents in self.held.items()})
        self._demand_equal(+told, +held, "what is left of holds")

    def _keys(self) -> None:
        effects: Counter[str] = Counter()
        for entry in self.database.audit:
            canonical = json.loads(entry.canonical)
            if canonical["action"] in _FIRST_ACTIONS and canonical["result"] == "ok":
                effects[canonical["idempotencyKey"]] += 1
        for key, use in self.client.keys.items():
            answer = use.answer
            if answer is None:
                self.wrong.append(f"{key} ({use.action}) has no answer")
                continue
            record = self.database.idempotency.get(key)
            lasting = effects[key] - self.database.times_released(key)
            if use.action.endswith(".again"):
                lasting += answer.ok  # its effect was the first one's
            if use.action == "order.release" and _superseded(answer):
                lasting -= 1
            self._demand_equal(
                int(answer.ok), lasting, f"effects of {key}: {use.action} {answer.code}"
            )
            if answer.body is not None:
                if record is None or record.state is not IdempotencyState.DONE:
                    self.wrong.append(f"{key} has lost its answer")
                else:
                    kept = None if record.answer is None else read_text(record.answer).body
                    self._demand_equal(answer.body, kept, f"the replay of {key}")


def _superseded(answer: Answered) -> bool:
    """Whether it says that a dispute took the place of a release that had been accepted."""
    refused = {} if answer.ok or answer.body is None else json.loads(answer.body)["error"]
    return (refused.get("details") or {}).get("disputeId") is not None and (
        refused["code"] == "INVALID_STATE_TRANSITION"
    )
