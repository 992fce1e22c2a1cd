"""Whatever is asked, in whatever order, and whatever the chain answers: the books balance.

Hypothesis drives random sequences of commands through the decisions and, for operations whose
decisions come later, through the posting rules. `TestLedger` takes each unit as storage would and
checks both identities of domain.md §1, and what else a unit must keep to, after every commit.
"""

from collections.abc import Sequence

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offerhub.domain import deposits, postings
from offerhub.domain import order_chain_decisions as chain_decisions
from offerhub.domain import order_decisions as decisions
from offerhub.domain import withdrawal_decisions as withdrawals
from offerhub.domain.chain import ChainOperation, FailureKind, Subject
from offerhub.domain.deposits import Arrival, Known
from offerhub.domain.fees import FeePolicy, FeeTerms, refund, split
from offerhub.domain.ledger import TransferKind
from offerhub.domain.money import Money
from offerhub.domain.order import Order, OrderStatus
from offerhub.domain.order_decisions import CreateOrder, Decision
from offerhub.domain.postings import Movement
from offerhub.domain.unit_of_work import CursorMove, UnitOfWork
from offerhub.domain.users import WalletRole
from offerhub.domain.withdrawal import Withdrawal, WithdrawalStatus
from offerhub.domain.withdrawal_decisions import CreateWithdrawal, WithdrawalDecision
from tests.domain.market_commands import (
    Command,
    commands_of,
    lanes_of,
    next_command,
    one_of,
    outcome_of,
    payouts_in_market,
    recipients_of,
)
from tests.domain.unit_checks import TestLedger, check_order_events
from tests.domain.world import (
    ATTEMPTS_MAX,
    LIMITS,
    PLATFORM,
    confirmed,
    deciding,
    failed,
    milestones,
    wallet,
)

USERS = ("usr_a", "usr_b", "usr_c")
WALLETS = {
    **{f"G{user}": wallet(user) for user in USERS},
    f"G{PLATFORM}": wallet(PLATFORM, WalletRole.PLATFORM),
}

pick = st.integers(0, 2**16)
users = st.sampled_from(USERS)
stroops = st.one_of(st.integers(1, 10**4), st.integers(1, 500 * 10**7)).map(Money)
cents = st.integers(100, 20_000).map(lambda value: Money(value * 100_000))
kinds = st.sampled_from(FailureKind)
terms = st.builds(FeeTerms, st.sampled_from([0, 1, 250, 999]), st.sampled_from(FeePolicy))


class Market(RuleBasedStateMachine):
    """Three users, the platform, and everything that may happen to their money."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = TestLedger()
        self.orders: dict[str, Order] = {}
        self.withdrawals: dict[str, Withdrawal] = {}
        self.running: dict[str, ChainOperation] = {}
        self.page = 0
        # Amounts by user: open AirTM payouts; holds; the platform's own withdrawals.
        self.payouts: list[tuple[str, Money]] = []
        self.holds: list[tuple[str, Money]] = []
        self.platform_payments: list[Money] = []

    # How units are taken.

    def move(self, movement: Movement, debits: str | None = None) -> bool:
        """Commit a movement whose decision, with its events, is not written yet."""
        d = deciding()
        transfer = d.transfer(movement, reference="later", cause="test")
        return self.ledger.commit(
            UnitOfWork(
                at=d.now,
                trace=d.trace,
                transfers=(transfer,),
                audit=(d.audit("test", "Balance", "later"),),
            ),
            debits,
            told=False,
        )

    def take_order(self, before: Order | None, decision: Decision) -> bool:
        check_order_events(before, decision.order, decision.unit)
        if not self.ledger.commit(decision.unit, decision.debits):
            return False
        self.orders[decision.order.id] = decision.order
        self.running.pop(decision.order.id, None)
        if decision.next_operation is not None:
            self.running[decision.order.id] = decision.next_operation
        assert (decision.order.process is not None) == (decision.order.id in self.running)
        return True

    def take_withdrawal(self, decision: WithdrawalDecision) -> bool:
        if not self.ledger.commit(decision.unit, decision.debits):
            return False
        self.withdrawals[decision.withdrawal.id] = decision.withdrawal
        self.running.pop(decision.withdrawal.id, None)
        if decision.next_operation is not None:
            self.running[decision.withdrawal.id] = decision.next_operation
        return True

    def read_page(self, arrivals: Sequence[Arrival], known: Known | None = None) -> UnitOfWork:
        move = CursorMove("payments", str(self.page), str(self.page + 1))
        self.page += 1
        unit = deposits.page(arrivals, (), known or self.known(), move, deciding())
        assert self.ledger.commit(unit, None)
        return unit

    def known(self, *operations: ChainOperation) -> Known:
        contracts = {
            order.escrow.contract_id: order.id
            for order in self.orders.values()
            if order.escrow is not None and order.escrow.contract_id is not None
        }
        return Known(WALLETS, {str(each.tx_hash): each for each in operations}, contracts)

    def treasury_has(self) -> int:
        """What the platform's wallet may pay out now (domain.md §1, Treasury and settlement)."""
        dues = sum(max(0, self.ledger.account(f"due/{user}")) for user in USERS)
        committed = self.ledger.account(f"withdrawing/{PLATFORM}")
        return self.ledger.holding("wallet/treasury") - committed - dues

    def settled_at_once(self, user: str) -> None:
        """Pay what is due before the wallet is needed, out of a treasury that has it."""
        due = self.ledger.account(f"due/{user}")
        if due > 0:
            held = self.ledger.holding("wallet/treasury")
            lacks = due + self.ledger.account(f"withdrawing/{PLATFORM}") - held
            if lacks > 0:
                self.read_page([self.arrival(f"G{PLATFORM}", Money(lacks))])
            assert self.move(postings.settle(user, Money(due), "tx"))

    def arrival(self, destination: str, amount: Money, source: str = "GOUTSIDE") -> Arrival:
        return Arrival(f"{self.page}", 0, source, destination, amount, f"t{self.page}")

    # The parties bring money.

    @initialize()
    def begin(self) -> None:
        self.read_page([self.arrival(f"G{PLATFORM}", Money(10**9))])
        for user in USERS:
            self.read_page([self.arrival(f"G{user}", Money(300 * 10**7))])

    @rule(amounts=st.lists(st.tuples(users, stroops), min_size=1, max_size=3))
    def deposit(self, amounts: list[tuple[str, Money]]) -> None:
        unit = self.read_page(
            [
                Arrival(f"{self.page}", index, "GOUTSIDE", f"G{user}", amount, f"t{self.page}")
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
        assume(contracts)
        unit = self.read_page([self.arrival(f"G{user}", amount, one_of(contracts, which))])
        assert [TransferKind.PARKED] == [transfer.kind for transfer in unit.transfers]

    # Orders.

    @rule(parties=st.permutations(USERS), amount=cents, parts=st.lists(cents, max_size=3))
    def create_order(self, parties: list[str], amount: Money, parts: list[Money]) -> None:
        command = CreateOrder(
            order_id=deciding().ids.new("ord"),
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
        decision = decisions.create(command, LIMITS, PLATFORM, deciding())
        assert self.take_order(None, decision)

    @precondition(lambda self: self.orders)
    @rule(which=pick, command=st.integers(0, 6), fixed=terms)
    def ask_anything_of_an_order(self, which: int, command: int, fixed: FeeTerms) -> None:
        order = one_of(list(self.orders.values()), which)
        self.ask(order, commands_of(order, fixed)[command])

    @precondition(lambda self: self.going_on())
    @rule(which=pick, fixed=terms)
    def ask_an_order_to_go_on(self, which: int, fixed: FeeTerms) -> None:
        order = one_of(self.going_on(), which)
        if order.status is OrderStatus.ESCROW_CREATING:
            self.settled_at_once(order.buyer_id)
        self.ask(order, next_command(order, fixed))

    def going_on(self) -> list[Order]:
        return [
            order
            for order in self.orders.values()
            if order.process is None and order.status is not OrderStatus.CLOSED
        ]

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
    @rule(which=pick)
    def the_chain_confirms_as_it_should(self, which: int) -> None:
        self.the_chain_confirms(which, 0, odd=False)

    @precondition(lambda self: self.running)
    @rule(which=pick, kind=kinds)
    def the_chain_refuses(self, which: int, kind: FailureKind) -> None:
        subject_id, operation = one_of(list(self.running.items()), which)
        end = failed(operation, kind)
        if operation.subject is Subject.ORDER:
            assert self.order_ended(self.orders[subject_id], end)
        else:
            assert self.withdrawal_ended(self.withdrawals[subject_id], end)

    def confirm_order(self, order: Order, operation: ChainOperation, net_off: int) -> None:
        if operation.step == "fund":
            self.settled_at_once(order.buyer_id)
        paid = payouts_in_market(order, net_off) if operation.step == "release" else ()
        contract_id = f"C-{order.id}" if operation.step == "deploy" else None
        end = confirmed(operation, paid, contract_id)
        assert self.order_ended(order, end)
        # The watcher reads the same transfers, before or after: the order books them, not it.
        arrivals = [
            Arrival(
                f"{self.page}", index, seen.source, seen.destination, seen.amount, str(end.tx_hash)
            )
            for index, seen in enumerate(paid)
        ]
        assert () == self.read_page(arrivals, self.known(end)).transfers

    def order_ended(self, order: Order, end: ChainOperation) -> bool:
        def take_end(of: Order) -> Decision | None:
            return chain_decisions.operation_ended(
                of, end, lanes_of(of), recipients_of(of), ATTEMPTS_MAX, deciding()
            )

        decision = take_end(order)
        assert decision is not None
        committed = self.take_order(order, decision)
        assert take_end(self.orders[order.id]) is None
        return committed

    @precondition(lambda self: self.funded())
    @rule(which=pick, fixed=terms, seller_part=st.integers(0, 100), is_split=st.booleans())
    def a_dispute_decides_an_order(
        self, which: int, fixed: FeeTerms, seller_part: int, is_split: bool
    ) -> None:
        """Refund and split have no decision yet: their posting rules do."""
        order = one_of(self.funded(), which)
        del self.orders[order.id]
        if is_split:
            seller = Money(order.amount.stroops * seller_part // 100)
            shares = split(seller, order.amount - seller, fixed)
            movement = postings.pay_split(order.id, order.seller_id, order.buyer_id, shares, "tx")
        else:
            payout = refund(order.amount, fixed)
            kind = TransferKind.ESCROW_REFUND
            movement = postings.pay_out(kind, order.id, order.buyer_id, payout, "tx")
        assert self.move(movement)

    def funded(self) -> list[Order]:
        return [o for o in self.orders.values() if o.status is OrderStatus.IN_PROGRESS]

    # Withdrawals.

    @rule(user=users, amount=cents, to=st.sampled_from([None, *USERS]), commit=st.booleans())
    def withdraw(self, user: str, amount: Money, to: str | None, commit: bool) -> None:
        assume(to != user)
        self.settled_at_once(user)
        command = CreateWithdrawal(
            deciding().ids.new("wd"),
            user,
            amount,
            "USDC",
            f"G{to}" if to else "GOUTSIDE",
            None,
            None,
            commit,
        )
        self.take_withdrawal(withdrawals.create(command, LIMITS, f"G{user}", deciding()))

    @precondition(lambda self: self.withdrawals)
    @rule(which=pick, cancel=st.booleans())
    def commit_or_cancel_a_withdrawal(self, which: int, cancel: bool) -> None:
        withdrawal = one_of(list(self.withdrawals.values()), which)
        self.settled_at_once(withdrawal.user_id)
        decision, details = outcome_of(
            lambda: (
                withdrawals.cancel(withdrawal, deciding())
                if cancel
                else withdrawals.commit(withdrawal, f"G{withdrawal.user_id}", deciding())
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
        arrival = Arrival(
            f"{self.page}", 0, source, destination, withdrawal.amount, str(end.tx_hash)
        )
        unit = self.read_page([arrival], self.known(end))
        assert (1 if destination in WALLETS else 0) == len(unit.transfers)

    def withdrawal_ended(self, withdrawal: Withdrawal, end: ChainOperation) -> bool:
        decision = withdrawals.operation_ended(withdrawal, end, ATTEMPTS_MAX, deciding())
        assert decision is not None
        committed = self.take_withdrawal(decision)
        now = self.withdrawals[withdrawal.id]
        assert withdrawals.operation_ended(now, end, ATTEMPTS_MAX, deciding()) is None
        return committed

    # What later features will do, by their posting rules.

    @rule(user=users, amount=stroops, parked=st.booleans())
    def pay_in_at_airtm(self, user: str, amount: Money, parked: bool) -> None:
        make = postings.park_pay_in if parked else postings.top_up
        assert self.move(make(user, amount, "pi"))

    @rule(user=users, amount=stroops)
    def pay_out_at_airtm(self, user: str, amount: Money) -> None:
        if self.move(postings.create_withdrawal(user, amount), user):
            self.payouts.append((user, amount))

    @precondition(lambda self: self.payouts)
    @rule(which=pick, arrives=st.booleans())
    def a_payout_ends(self, which: int, arrives: bool) -> None:
        user, amount = self.payouts.pop(which % len(self.payouts))
        if arrives:
            assert self.move(postings.complete_payout(user, amount, "po"))
        else:
            assert self.move(postings.return_withdrawal(user, amount))

    @rule(user=users, amount=stroops)
    def hold(self, user: str, amount: Money) -> None:
        if self.move(postings.reserve(user, amount), user):
            self.holds.append((user, amount))

    @precondition(lambda self: self.holds)
    @rule(which=pick, receiver=users, end=st.sampled_from(["give", "deduct", "back"]))
    def a_hold_ends(self, which: int, receiver: str, end: str) -> None:
        user, amount = self.holds.pop(which % len(self.holds))
        if end == "give" and receiver != user:
            assert self.move(postings.give_hold(user, receiver, amount), user)
        elif end == "deduct":
            assert self.move(postings.deduct_hold(user, amount), user)
        else:
            assert self.move(postings.unreserve(user, amount), user)

    @rule(user=users, amount=stroops, credit=st.booleans())
    def an_operator_corrects(self, user: str, amount: Money, credit: bool) -> None:
        if credit:
            assert self.move(postings.credit_manually(user, amount))
        else:
            self.move(postings.debit_manually(user, amount), user)

    @rule(user=users, part=st.integers(1, 4))
    def settle(self, user: str, part: int) -> None:
        """Towards zero, in either direction, as far as the paying wallet holds it."""
        due = self.ledger.account(f"due/{user}")
        amount = due // part if due > 0 else -(-due // part)
        payer = "wallet/treasury" if due > 0 else f"wallet/{user}"
        if amount and self.ledger.holding(payer) >= abs(amount):
            assert self.move(postings.settle(user, Money(amount), "tx"))

    @rule(user=users, amount=stroops)
    def give_parked_money(self, user: str, amount: Money) -> None:
        parked = Money(min(amount.stroops, self.ledger.account(f"suspense/{user}")))
        if parked:
            assert self.move(postings.unpark(user, parked))

    @rule(amount=stroops)
    def the_platform_withdraws(self, amount: Money) -> None:
        if amount.stroops <= self.treasury_has():
            self.platform_payments.append(amount)
            assert self.move(postings.create_platform_withdrawal(PLATFORM, amount))

    @precondition(lambda self: self.platform_payments)
    @rule(arrives=st.booleans())
    def the_platforms_withdrawal_ends(self, arrives: bool) -> None:
        amount = self.platform_payments.pop()
        if arrives:
            assert self.move(postings.complete_platform_withdrawal(PLATFORM, amount, "tx"))
        else:
            assert self.move(postings.return_platform_withdrawal(PLATFORM, amount))

    # What is true at every moment.

    @invariant()
    def escrow_accounts_hold_what_their_contracts_do(self) -> None:
        for order in self.orders.values():
            stands = order.status in {
                OrderStatus.IN_PROGRESS,
                OrderStatus.RELEASE_REQUESTED,
            }
            expected = order.amount.stroops if stands else 0
            assert expected == self.ledger.account(f"escrow/{order.id}")

    def teardown(self) -> None:
        self.ledger.replayed()
        for order in self.orders.values():
            told = [
                event.type
                for event in self.ledger.events
                if event.order_id == order.id and event.type.startswith("order.")
            ]
            assert "order.created" == told[0]
            assert (told[-1] == "order.closed") == (order.status is OrderStatus.CLOSED)


MarketTest = Market.TestCase
MarketTest.settings = settings(max_examples=60, stateful_step_count=60)
