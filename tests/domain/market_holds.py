"""What hypothesis does with holds, and what operators credit, debit and give of what was parked."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from offerhub.domain import hold_decisions as holds
from offerhub.domain import manual_decisions as manual
from offerhub.domain import parked_decisions
from offerhub.domain.errors import DomainError
from offerhub.domain.manual_change import ManualKind
from offerhub.domain.money import Money
from tests.domain.market import USERS, MarketBooks, pick, stroops, users
from tests.domain.market_commands import one_of
from tests.domain.world import context


class Holds(MarketBooks):
    """Holds go back, to another user or out, in parts too; operators correct balances."""

    @rule(user=users, amount=stroops)
    def hold(self, user: str, amount: Money) -> None:
        command = holds.PlaceHold(
            context().ids.new("hld"), user, amount, "USDC", "a label", None, None
        )
        self.take_hold(holds.place(command, context()))

    @precondition(lambda self: self.holds)
    @rule(
        which=pick,
        receiver=users,
        end=st.sampled_from(["give", "deduct", "back"]),
        part=st.integers(1, 3),
    )
    def a_hold_ends(self, which: int, receiver: str, end: str, part: int) -> None:
        hold = one_of(list(self.holds.values()), which)
        amount = Money(-(-hold.remaining.stroops // part) or 1)
        try:
            match end:
                case "give":
                    decision = holds.give(hold, amount, receiver, "USDC", context())
                case "deduct":
                    decision = holds.deduct(hold, amount, "USDC", context())
                case _:
                    decision = holds.give_back(hold, amount, "USDC", context())
        except DomainError:
            assert not hold.is_open or (end, receiver) == ("give", hold.user_id)
            return
        assert self.take_hold(decision)

    @rule(user=users, amount=stroops, kind=st.sampled_from(ManualKind))
    def an_operator_corrects(self, user: str, amount: Money, kind: ManualKind) -> None:
        command = manual.ChangeBalance(user, kind, amount, "USDC", "a mistake", None)
        decision = manual.change(command, context())
        committed = self.ledger.commit(decision.unit, decision.debits)
        assert committed or kind is ManualKind.DEBIT

    @precondition(lambda self: self.parked)
    @rule(which=pick)
    def give_parked_money(self, which: int) -> None:
        parked = self.parked.pop(which % len(self.parked))
        decision = parked_decisions.give(parked, "ann", None, context())
        assert self.ledger.commit(decision.unit, decision.debits)

    @invariant()
    def suspense_is_what_is_parked(self) -> None:
        for user in USERS:
            parked = sum(p.amount.stroops for p in self.parked if p.user_id == user and p.amount)
            # What AirTM has paid in is parked by its posting rule alone.
            assert parked <= self.ledger.account(f"suspense/{user}")

    @invariant()
    def what_is_held_is_reserved(self) -> None:
        for user in USERS:
            held = sum(h.remaining.stroops for h in self.holds.values() if h.user_id == user)
            assert held <= self.ledger.account(f"reserved/{user}")
