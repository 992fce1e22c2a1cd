"""The settlement of dues: what is owed between the treasury and a wallet, paid on chain (docs/spec/domain.md §1)."""

from datetime import datetime

from attrs import evolve, field, frozen

from offerhub.domain.money import Money
from offerhub.domain.treasury import Treasury


@frozen
class Settlement:
    """Where the settlement of one user's due stands.

    There is one a user, under the user's id: so at most one is in flight.

    Args:
        wallet: the address that is paid, or pays.
        amount: what is on its way, positive to the wallet; zero: nothing is.
        operation_id: the chain operation that carries it, together with others.
        failures: how often in a row the network has refused this very payment.
        not_before: it is not tried again earlier.
        last_error: why it was refused last, for people.
    """

    id: str
    version: int
    wallet: str
    amount: Money
    updated_at: datetime
    operation_id: str | None = None
    failures: int = 0
    not_before: datetime | None = None
    last_error: str | None = None

    @property
    def in_flight(self) -> bool:
        """Whether its payment may be on its way to the chain."""
        return self.operation_id is not None


@frozen
class OpenDue:
    """A due that is not zero, and no settlement of it is in flight.

    Args:
        due: positive: the treasury owes it to the user's wallet.
        settlement: what became of earlier ones; `None`: there was none.
    """

    user_id: str
    due: Money
    available: Money
    settlement: Settlement | None = None


@frozen
class Standing:
    """What decides whether a wallet can pay what its user asks for.

    Args:
        settling: what is on its way, positive to the wallet.
    """

    available: Money
    due: Money
    settling: Money = field(factory=Money.zero)

    @property
    def lacking(self) -> Money:
        """What has to reach the wallet before it may pay out anything more.

        A wallet holds all that its user has, less what it is still due. What has left `available`
        for a payment may leave the wallet as long as the rest of `available` covers that due:
        then the wallet holds every payment that was let go. What is on its way to the wallet does
        not count; what is on its way out of it is gone.
        """
        missing = self.due.stroops - min(0, self.settling.stroops) - self.available.stroops
        return Money(max(0, missing))

    def uncovered(self, taking: Money, treasury: Treasury) -> Money:
        """What a payment needs of the treasury that it cannot pay, its debtors' money included.

        Args:
            taking: what has yet to leave `available` for it.
        """
        rest = Money(max(0, self.available.stroops - taking.stroops))
        needed = evolve(self, available=rest).lacking.stroops - max(0, self.settling.stroops)
        payable = treasury.payable + treasury.owing - treasury.collecting
        return Money(max(0, needed - payable.stroops))
