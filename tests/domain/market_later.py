"""What operations do to the books whose decisions are not written yet, by their posting rules."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from offerhub.domain import postings
from offerhub.domain.money import Money
from tests.domain.market import MarketBooks, pick, stroops, users
from tests.domain.world import (
    PLATFORM,
)


class LaterFeatures(MarketBooks):
    """AirTM, settlements and the platform's own withdrawals."""

    def __init__(self) -> None:
        super().__init__()
        # Amounts by user: open AirTM payouts; the platform's own withdrawals.
        self.payouts: list[tuple[str, Money]] = []
        self.platform_payments: list[Money] = []

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

    @rule(user=users, part=st.integers(1, 4))
    def settle(self, user: str, part: int) -> None:
        """Towards zero, in either direction, as far as the paying wallet holds it."""
        due = self.ledger.account(f"due/{user}")
        amount = due // part if due > 0 else -(-due // part)
        payer = "wallet/treasury" if due > 0 else f"wallet/{user}"
        if amount and self.ledger.holding(payer) >= abs(amount):
            assert self.move(postings.settle(user, Money(amount), "tx"))

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
