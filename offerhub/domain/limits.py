"""Limits: the smallest and largest amount of one kind (docs/spec/settings.md)."""

from attrs import frozen

from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import Money


@frozen
class Limits:
    """Smallest and largest amount of one kind (docs/spec/settings.md)."""

    minimum: Money
    maximum: Money

    def check(self, amount: Money) -> None:
        """Raise `AMOUNT_OUT_OF_LIMITS` when the amount is outside."""
        if not self.minimum <= amount <= self.maximum:
            raise DomainError(
                ErrorCode.AMOUNT_OUT_OF_LIMITS,
                "the amount is outside the limits of this instance",
                {"min": self.minimum.two_places(), "max": self.maximum.two_places()},
            )
