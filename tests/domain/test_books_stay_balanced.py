"""Whatever is asked, in whatever order, and whatever the chain answers: the books balance.

Hypothesis drives random sequences of commands through the decisions and, for operations whose
decisions come later, through the posting rules. `TestLedger` takes each unit as storage would and
checks both identities of docs/spec/domain.md §1, and what else a unit must keep to, after every commit.
"""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from offerhub.domain import order_chain_ends as chain_ends
from offerhub.domain import order_decisions as decisions
from offerhub.domain import withdrawal_decisions as withdrawals
from offerhub.domain.chain import ChainOperation, FailureKind, Subject
from offerhub.domain.deposits import IncomingTransfer
from offerhub.domain.dispute import DisputeReason, Party
from offerhub.domain.dispute_decisions import OpenDispute, dispute_release
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.ledger import TransferKind
from offerhub.domain.manual_change import ManualKind
from offerhub.domain.money import Money
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.order_deadline_decisions import (
    NewDeadlines,
    auto_release,
    change_deadlines,
    expire,
    releases,
)
from offerhub.domain.order_deadlines import due_at
from offerhub.domain.order_decisions import CreateOrder, Decision
from offerhub.domain.steps import DEPLOY, FUND, RESOLVE
from offerhub.domain.withdrawal import Withdrawal, WithdrawalStatus
from offerhub.domain.withdrawal_decisions import CreateWithdrawal
from tests.domain.market import USERS, WALLETS, cents, kinds, pick, stroops, terms, users
from tests.domain.market_commands import (
    DISPUTES,
    Command,
    commands_of,
    next_command,
    one_of,
    outcome_of,
    parties_of,
    payouts_in_market,
)
from tests.domain.market_holds import Holds
from tests.domain.market_later import LaterFeatures
from tests.domain.world import (
    ATTEMPTS_MAX,
    LIMITS,
    NOW,
    PLATFORM,
    RETRY,
    confirmed,
    context,
    failed,
    milestones,
    with_surplus,
)

DEADLINES = ["expires_at", "auto_release_at"]
EARLY = {OrderStatus.ORDER_CREATED, OrderStatus.FUNDS_RESERVED, OrderStatus.ESCROW_CREATING}


class Market(Holds, LaterFeatures):
    """Orders and withdrawals, every command of theirs, and every answer of the chain."""

    # The parties bring money.

    @initialize(
        standing=st.lists(
            st.tuples(st.permutations(USERS), cents, terms, st.integers(0, 14)), max_size=4
        )
    )
    def begin(self, standing: list[tuple[list[str], Money, FeeTerms, int]]) -> None:
        """A market where some orders stand somewhere on their way already."""
        self.read_page([self.arrival(f"G{PLATFORM}", Money(10**9))])
        for user in USERS:
            self.read_page([self.arrival(f"G{user}", Money(300 * 10**7))])
        for parties, amount, fixed, steps in standing:
            self.create_order(parties, amount, [amount] * (steps // 5))
            self.walk(len(self.orders) - 1, fixed, steps)

    @rule(amounts=st.lists(st.tuples(users, stroops), min_size=1, max_size=3))
    def deposit(self, amounts: list[tuple[str, Money]]) -> None:
        unit = self.read_page(
            [
                IncomingTransfer(
                    f"{self.page}", index, "GOUTSIDE", f"G{user}", amount, f"t{self.page}"
                )
                for index, (user, amount) in enumerate(amounts)
            ]
        )
        assert len(amounts) == len(unit.transfers) == len(unit.events)

    @rule(amount=stroops)
    def deposit_to_the_platform(self, amount: Money) -> None:
        self.read_page([self.arrival(f"G{PLATFORM}", amount)])

    @rule(user=users, amount=stroops, which=pick)
    def a_contract_pays_what_nobody_expects(self, user: str, amount: Money, which: int) -> None:
        contracts = list(self.known().contracts)
        if not contracts:
            return
        unit = self.read_page([self.arrival(f"G{user}", amount, one_of(contracts, which))])
        assert [TransferKind.PARKED] == [transfer.kind for transfer in unit.transfers]

    # Orders.

    @rule(parties=st.permutations(USERS), amount=cents, parts=st.lists(cents, max_size=3))
    def create_order(self, parties: list[str], amount: Money, parts: list[Money]) -> None:
        command = CreateOrder(
            order_id=context().ids.new("ord"),
            buyer_id=parties[0],
            seller_id=parties[1],
            amount=Money.total(parts) or amount,
            currency="USDC",
            title="A logo",
            description=None,
            client_order_ref=None,
            milestones=milestones(*(part.two_places() for part in parts)),
            metadata={},
        )
        decision = decisions.create(command, LIMITS, PLATFORM, context())
        assert self.take_order(None, decision)

    @precondition(lambda self: self.orders)
    @rule(which=pick, command=st.integers(0, 14), fixed=terms)
    def ask_anything_of_an_order(self, which: int, command: int, fixed: FeeTerms) -> None:
        order = one_of(list(self.orders.values()), which)
        self.ask(order, commands_of(order, fixed)[command])

    @precondition(lambda self: self.orders)
    @rule(which=pick, in_h=st.integers(1, 100), field=st.sampled_from(DEADLINES))
    def set_a_deadline(self, which: int, in_h: int, field: str) -> None:
        order = one_of(list(self.orders.values()), which)
        asked = NewDeadlines(**{field: NOW + timedelta(hours=in_h)})
        self.ask(order, lambda: change_deadlines(order, asked, context()))

    @rule(which=pick)
    def a_deadline_comes(self, which: int) -> None:
        """What is due is never refused: the timer has nobody to tell it to."""
        coming = [order for order in self.orders.values() if due_at(order) is not None]
        if not coming:
            return
        order = one_of(coming, which)
        at = context(at=due_at(order) or NOW)
        decision = (
            auto_release(order, parties_of(order), at) if releases(order) else expire(order, at)
        )
        assert self.take_order(order, decision)

    @precondition(lambda self: self.orders)
    @rule(which=pick, fixed=terms, steps=st.integers(1, 6))
    def walk(self, which: int, fixed: FeeTerms, steps: int) -> None:
        """Bring an order nearer to its release, the chain and its callers willing."""
        order_id = one_of(list(self.orders), which)
        for _ in range(steps):
            order = self.orders[order_id]
            if order.process is not None:
                self.confirm_order(order, self.running[order_id], 0)
            elif order.status is not OrderStatus.CLOSED:
                if order.status is OrderStatus.ESCROW_CREATING:
                    self.settled_at_once(order.buyer_id)
                self.ask(order, next_command(order, fixed))

    def ask(self, order: Order, command: Command) -> None:
        snapshot = repr(order)
        decision, details = outcome_of(command)
        if decision is None:
            assert order.id == details["orderId"]
        else:
            self.take_order(order, decision)
        assert snapshot == repr(order)

    @precondition(lambda self: self.running)
    @rule(which=pick, net_off=st.integers(-1000, 1000), odd=st.booleans())
    def the_chain_confirms(self, which: int, net_off: int, odd: bool) -> None:
        subject_id, operation = one_of(list(self.running.items()), which)
        if operation.subject is Subject.ORDER:
            self.confirm_order(self.orders[subject_id], operation, net_off if odd else 0)
        else:
            self.confirm_withdrawal(self.withdrawals[subject_id], operation)

    @precondition(lambda self: self.running)
    @rule(which=pick, kind=kinds, times=st.integers(1, ATTEMPTS_MAX))
    def the_chain_refuses(self, which: int, kind: FailureKind, times: int) -> None:
        subject_id = one_of(list(self.running), which)
        for _ in range(times):
            if subject_id not in self.running:
                return
            end = failed(self.running[subject_id], kind)
            if end.subject is Subject.ORDER:
                assert self.order_ended(self.orders[subject_id], end)
            else:
                assert self.withdrawal_ended(self.withdrawals[subject_id], end)

    def confirm_order(self, order: Order, operation: ChainOperation, net_off: int) -> None:
        if operation.step == FUND:
            self.settled_at_once(order.buyer_id)
        if operation.step == RESOLVE:
            # A stranger may have paid into the contract.
            operation = with_surplus(operation, Money(abs(net_off) * 1000))
        paid = payouts_in_market(order, operation, net_off)
        contract_id = f"C-{order.id}" if operation.step == DEPLOY else None
        end = confirmed(operation, paid, contract_id)
        assert self.order_ended(order, end)
        # The watcher reads the same transfers, before or after: the order books them, not it.
        arrivals = [
            IncomingTransfer(
                f"{self.page}", index, seen.source, seen.destination, seen.amount, str(end.tx_hash)
            )
            for index, seen in enumerate(paid)
        ]
        assert () == self.read_page(arrivals, self.known(end)).transfers

    def order_ended(self, order: Order, end: ChainOperation) -> bool:
        def take_end(of: Order) -> Decision | None:
            return chain_ends.operation_ended(of, end, parties_of(of), RETRY, context())

        decision = take_end(order)
        assert decision is not None
        committed = self.take_order(order, decision)
        assert take_end(self.orders[order.id]) is None
        return committed

    @precondition(lambda self: self.orders)
    @rule(which=pick)
    def give_an_order_up(self, which: int) -> None:
        """Cancel it before its escrow, refund it before its funding; else it is refused."""
        early = [o for o in self.orders.values() if o.status in EARLY and o.process is None]
        order = one_of(early or list(self.orders.values()), which)
        commands = commands_of(order, FeeTerms(0, FeePolicy.PAYEE))
        cancel, refund = commands[1], commands[6]
        self.ask(order, cancel if order.escrow is None else refund)

    @precondition(lambda self: self.orders)
    @rule(which=pick, command=st.integers(DISPUTES.start, DISPUTES.stop - 1))
    def dispute(self, which: int, command: int) -> None:
        """Open a dispute about a funded order, or bring one nearer to its end."""
        open_to_it = [
            order
            for order in self.orders.values()
            if order.status in {OrderStatus.IN_PROGRESS, OrderStatus.DISPUTED}
        ]
        order = one_of(open_to_it or list(self.orders.values()), which)
        self.ask(order, commands_of(order, FeeTerms(0, FeePolicy.PAYEE))[command])

    @precondition(lambda self: self.orders)
    @rule(which=pick, fails=st.booleans())
    def an_operator_disputes_a_release(self, which: int, fails: bool) -> None:
        releasing = [
            order for order in self.orders.values() if order.status is OrderStatus.RELEASE_REQUESTED
        ]
        if not releasing:
            return
        order = one_of(releasing, which)
        step = self.running[order.id]
        step = failed(step, FailureKind.INCLUDED) if fails else step
        said = OpenDispute(Party.SELLER, DisputeReason.OTHER)
        decision = dispute_release(order, said, step, parties_of(order), context())
        assert self.take_order(order, decision)

    # Withdrawals.

    @rule(user=users, amount=cents, to=st.sampled_from([None, *USERS]), commit=st.booleans())
    def withdraw(self, user: str, amount: Money, to: str | None, commit: bool) -> None:
        if to == user:
            return
        self.settled_at_once(user)
        command = CreateWithdrawal(
            context().ids.new("wd"),
            user,
            amount,
            "USDC",
            f"G{to}" if to else "GOUTSIDE",
            None,
            None,
            commit,
        )
        self.take_withdrawal(withdrawals.create(command, LIMITS, f"G{user}", context()))

    @precondition(lambda self: self.withdrawals)
    @rule(which=pick, cancel=st.booleans())
    def commit_or_cancel_a_withdrawal(self, which: int, cancel: bool) -> None:
        fresh = [w for w in self.withdrawals.values() if w.status is WithdrawalStatus.CREATED]
        withdrawal = one_of(fresh or list(self.withdrawals.values()), which)
        self.settled_at_once(withdrawal.user_id)
        decision, details = outcome_of(
            lambda: (
                withdrawals.cancel(withdrawal, context())
                if cancel
                else withdrawals.commit(withdrawal, f"G{withdrawal.user_id}", context())
            )
        )
        assert (decision is not None) == (withdrawal.status is WithdrawalStatus.CREATED)
        if decision is None:
            assert withdrawal.id == details["withdrawalId"]
        else:
            assert self.take_withdrawal(decision)

    def confirm_withdrawal(self, withdrawal: Withdrawal, operation: ChainOperation) -> None:
        end = confirmed(operation)
        assert self.withdrawal_ended(withdrawal, end)
        source, destination = f"G{withdrawal.user_id}", withdrawal.destination_ref
        arrival = IncomingTransfer(
            f"{self.page}", 0, source, destination, withdrawal.amount, str(end.tx_hash)
        )
        unit = self.read_page([arrival], self.known(end))
        assert (1 if destination in WALLETS else 0) == len(unit.transfers)
        if unit.transfers:
            self.ledger.marks.add("deposit of a withdrawal")

    def withdrawal_ended(self, withdrawal: Withdrawal, end: ChainOperation) -> bool:
        decision = withdrawals.operation_ended(withdrawal, end, RETRY, context())
        assert decision is not None
        committed = self.take_withdrawal(decision)
        now = self.withdrawals[withdrawal.id]
        assert withdrawals.operation_ended(now, end, RETRY, context()) is None
        return committed

    # What is true at every moment.

    @invariant()
    def escrow_accounts_hold_what_their_contracts_do(self) -> None:
        for order in self.orders.values():
            stands = order.status in {
                OrderStatus.IN_PROGRESS,
                OrderStatus.RELEASE_REQUESTED,
                OrderStatus.REFUND_REQUESTED,
                OrderStatus.DISPUTED,
            }
            expected = order.amount.stroops if stands else 0
            assert expected == self.ledger.account(f"escrow/{order.id}")

    def teardown(self) -> None:
        self.ledger.replayed()
        for order in self.orders.values():
            reported = [
                event.type
                for event in self.ledger.events
                if event.order_id == order.id and event.type.startswith("order.")
            ]
            assert "order.created" == reported[0]
            assert (reported[-1] == "order.closed") == (order.status is OrderStatus.CLOSED)


MarketTest = Market.TestCase
MarketTest.settings = settings(max_examples=100, stateful_step_count=50)

DANGEROUS = {
    "order.released",
    "order.canceled",
    "order.refunded",
    "escrow.attempt_failed",
    "escrow.milestone_completed",
    "withdrawal.completed",
    "withdrawal.failed",
    "withdrawal.canceled",
    "deposit of a withdrawal",
    "alarm",
    "refused by the ledger",
    "escrow_refund",
    "escrow_split",
    "escrow_surplus",
    "dispute.resolved",
    "escrow.disputed",
    "hold_given",
    "hold_deducted",
    "manual_debit",
    "payout_completed",
    "parked",
    "unparked",
    "settlement",
    "withdrawal_returned",
}


def test_every_rule_of_the_market_reaches_its_dangerous_place() -> None:
    """By hand, the same in every run: that nothing broke proves little if nothing was tried."""
    market = Market()
    five, terms = Money.parse("5.00"), FeeTerms(250, FeePolicy.PLATFORM)
    a, b, c = USERS
    # One released with an alarm, one canceled, one refunded before funding, two by a dispute.
    parties = [a, b, c]
    market.begin([(parties, five, terms, steps) for steps in (9, 1, 3, 5, 5)])
    market.the_chain_confirms(one_running(market, "release"), 7, odd=True)
    market.give_an_order_up(0)
    market.give_an_order_up(0)
    refunded, split = len(market.orders) - 2, len(market.orders) - 1
    market.ask(order_at(market, refunded), commands_of(order_at(market, refunded), terms)[7])
    market.walk(refunded, terms, 2)
    market.dispute(0, DISPUTES.start)
    market.walk(split, terms, 2)
    market.the_chain_confirms(one_running(market, "resolve"), 7, odd=True)
    # A release that an operator takes back, before it is decided all the same.
    market.create_order(parties, five, [])
    market.walk(len(market.orders) - 1, terms, 6)
    market.an_operator_disputes_a_release(0, fails=False)
    market.walk(len(market.orders) - 1, terms, 3)
    # A funding that falls back, and one withdrawal for each of its ends.
    market.create_order(parties, five, [])
    market.walk(len(market.orders) - 1, terms, 4)
    market.the_chain_refuses(one_running(market, "fund"), FailureKind.INCLUDED, ATTEMPTS_MAX)
    for kind in (FailureKind.REFUSED, None):
        market.withdraw(c, five, b, commit=True)
        if kind is None:
            market.the_chain_confirms(one_running(market, "pay"), 0, odd=False)
        else:
            market.the_chain_refuses(one_running(market, "pay"), kind, 1)
    market.withdraw(c, five, None, commit=False)
    market.commit_or_cancel_a_withdrawal(0, cancel=True)
    market.withdraw(c, Money.parse("9999.00"), None, commit=True)
    for end in ("give", "deduct", "back"):
        market.hold(c, five)
        market.a_hold_ends(len(market.holds) - 1, a, end, 2)
        market.a_hold_ends(len(market.holds) - 1, a, end, 1)
    market.an_operator_corrects(c, five, ManualKind.DEBIT)
    market.pay_out_at_airtm(c, five)
    market.a_payout_ends(0, arrives=True)
    market.a_contract_pays_what_nobody_expects(b, five, 0)
    market.give_parked_money(0)
    market.settle(a, 1)
    market.teardown()
    reached = {event.type for event in market.ledger.events} | market.ledger.marks
    reached |= {transfer.kind.value for transfer in market.ledger.transfers}
    assert set() == DANGEROUS - reached


def order_at(market: Market, place: int) -> Order:
    return list(market.orders.values())[place]


def one_running(market: Market, step: str) -> int:
    """Which of the operations that run is at this step: the latest of them."""
    return max(
        place for place, running in enumerate(market.running.values()) if str(running.step) == step
    )
