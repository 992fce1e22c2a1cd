"""The market that Hypothesis drives: its state, and how units of work are taken into its books."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
)

from offerhub.domain import deposits, postings
from offerhub.domain.chain import ChainOperation, FailureKind
from offerhub.domain.deposits import IncomingTransfer, Known
from offerhub.domain.fees import FeePolicy, FeeTerms
from offerhub.domain.hold import Hold
from offerhub.domain.hold_decisions import HoldDecision
from offerhub.domain.money import Money
from offerhub.domain.order import Order
from offerhub.domain.order_decisions import Decision
from offerhub.domain.parked import Parked
from offerhub.domain.postings import Movement
from offerhub.domain.unit_of_work import CursorMove, UnitOfWork
from offerhub.domain.users import WalletRole
from offerhub.domain.withdrawal import Withdrawal
from offerhub.domain.withdrawal_decisions import WithdrawalDecision
from tests.domain.unit_checks import TestLedger, check_order_events
from tests.domain.world import (
    PLATFORM,
    context,
    following,
    planned_by,
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


class MarketBooks(RuleBasedStateMachine):
    """Three users, the platform, their orders and withdrawals, and the ledger of it all."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = TestLedger()
        self.orders: dict[str, Order] = {}
        self.withdrawals: dict[str, Withdrawal] = {}
        self.holds: dict[str, Hold] = {}
        self.parked: list[Parked] = []
        self.running: dict[str, ChainOperation] = {}
        self.page = 0

    def move(self, movement: Movement, debits: str | None = None) -> bool:
        """Commit a movement whose decision, with its events, is not written yet."""
        d = context()
        transfer = d.transfer(movement, reference="later", cause="test")
        return self.ledger.commit(
            UnitOfWork(
                at=d.now,
                trace=d.trace,
                transfers=(transfer,),
                audit=(d.audit("test", "Balance", "later"),),
            ),
            debits,
            reported=False,
        )

    def take_order(self, before: Order | None, decision: Decision) -> bool:
        check_order_events(before, decision.entity, decision.unit)
        if not self.ledger.commit(decision.unit, decision.debits):
            return False
        self.orders[decision.entity.id] = decision.entity
        if following(decision) is not None:
            self.running[decision.entity.id] = planned_by(decision)
        elif decision.entity.process is None:
            self.running.pop(decision.entity.id, None)
        assert (decision.entity.process is not None) == (decision.entity.id in self.running)
        return True

    def take_withdrawal(self, decision: WithdrawalDecision) -> bool:
        if not self.ledger.commit(decision.unit, decision.debits):
            return False
        self.withdrawals[decision.entity.id] = decision.entity
        self.running.pop(decision.entity.id, None)
        if following(decision) is not None:
            self.running[decision.entity.id] = planned_by(decision)
        return True

    def take_hold(self, decision: HoldDecision) -> bool:
        if not self.ledger.commit(decision.unit, decision.debits):
            return False
        self.holds[decision.entity.id] = decision.entity
        return True

    def read_page(
        self, arrivals: Sequence[IncomingTransfer], known: Known | None = None
    ) -> UnitOfWork:
        move = CursorMove("payments", str(self.page), str(self.page + 1))
        self.page += 1
        unit = deposits.page(arrivals, (), known or self.known(), move, context())
        assert self.ledger.commit(unit, None)
        self.parked += [entity for entity in unit.writes if isinstance(entity, Parked)]
        return unit

    def known(self, *operations: ChainOperation) -> Known:
        contracts = {
            order.escrow.contract_id: order.id
            for order in self.orders.values()
            if order.escrow is not None and order.escrow.contract_id is not None
        }
        payees = {
            order.id: frozenset({order.buyer_id, order.seller_id, PLATFORM})
            for order in self.orders.values()
        }
        by_hash = {str(each.tx_hash): each for each in operations}
        return Known(WALLETS, by_hash, contracts, payees)

    def treasury_has(self) -> int:
        """What the platform's wallet may pay out now (docs/spec/domain.md §1, Treasury and settlement)."""
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

    def arrival(
        self, destination: str, amount: Money, source: str = "GOUTSIDE"
    ) -> IncomingTransfer:
        return IncomingTransfer(f"{self.page}", 0, source, destination, amount, f"t{self.page}")
