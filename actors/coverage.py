"""Whether a user's payment can be made: before it is accepted, not when its wallet turns out to lack the money.

What is still due to a wallet is settled before the payment (`actors.settlements`). An empty treasury
refuses only what it would have to pay for (docs/spec/domain.md §1, Treasury and settlement).
"""

from attrs import frozen

from actors.alarms import Alarms
from actors.board import Board
from actors.core import Core
from actors.settlements import sound_shortage
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money
from offerhub.domain.unit_of_work import Balance


@frozen
class Coverage:
    """See the module.

    Args:
        balances: the figures of the last commits, so that nobody asks who is due nothing.
    """

    core: Core
    balances: Board[Balance]
    alarms: Alarms

    async def check(self, user_id: str, taking: Money) -> None:
        """Refuse a payment that needs more of the treasury than there is.

        Args:
            taking: what has yet to leave the user's `available` for it.

        Raises:
            DomainError: `WALLET_NOT_READY`.
        """
        known = self.balances.get(user_id)
        if known is not None and not known.due:
            return
        storage = self.core.storage
        standing = await storage.standing(user_id)
        if standing is None or standing.due.stroops <= 0:
            return
        if taking > standing.available:
            return  # its commit is refused for the user's own lack of money
        missing = standing.uncovered(taking, await storage.treasury())
        if not missing:
            return
        sound_shortage(self.alarms, missing)
        raise DomainError(
            ErrorCode.WALLET_NOT_READY,
            "the user's wallet does not hold the money yet, and the platform's wallet lacks what it "
            "owes to it; nothing was moved",
            {"userId": user_id, "reason": "treasury_empty", "lacking": missing.seven_places()},
        )
