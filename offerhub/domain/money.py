"""Money: an exact number of stroops (docs/spec/domain.md §1)."""

import re
from collections.abc import Iterable
from typing import Final, Self

from attrs import frozen

STROOPS_PER_UNIT: Final = 10_000_000
STROOPS_PER_CENT: Final = 100_000
_INT64_MAX: Final = 2**63 - 1

_TWO_PLACES: Final = re.compile(r"[0-9]{1,9}\.[0-9]{2}", re.ASCII)
_DECIMAL: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,7}))?", re.ASCII)


class InvalidAmount(ValueError):
    """A text that is no amount in the form that was asked for."""


@frozen(order=True)
class Money:
    """A signed amount in stroops, 1 USDC = 10 000 000 (also used for XLM, which has the same unit).

    A value outside a signed 64-bit integer raises `OverflowError`: the database and the network
    keep amounts in 64 bits.
    """

    stroops: int

    def __attrs_post_init__(self) -> None:
        if not -_INT64_MAX <= self.stroops <= _INT64_MAX:
            msg = "an amount must fit into 64 bits"
            raise OverflowError(msg)

    @classmethod
    def zero(cls) -> Self:
        return cls(0)

    @classmethod
    def parse(cls, text: str) -> Self:
        r"""Read an amount as the API takes it: `[0-9]{1,9}\.[0-9]{2}`, the whole string.

        Zero is read too: whether it is allowed is the caller's rule. Raises `InvalidAmount`.
        """
        if not _TWO_PLACES.fullmatch(text):
            msg = "an amount is a decimal string with exactly two places, like 12.50"
            raise InvalidAmount(msg)
        return cls(int(text.replace(".", "")) * STROOPS_PER_CENT)

    @classmethod
    def from_decimal_string(cls, text: str) -> Self:
        """Read an amount as the network writes it: at most seven places. Raises `InvalidAmount`."""
        match = _DECIMAL.fullmatch(text)
        if match is None:
            msg = "an amount on the network is a decimal string with at most seven places"
            raise InvalidAmount(msg)
        whole, fraction = match.group(1), match.group(2) or ""
        stroops = int(whole) * STROOPS_PER_UNIT + int(fraction.ljust(7, "0"))
        if stroops > _INT64_MAX:
            msg = "an amount on the network fits into 64 bits"
            raise InvalidAmount(msg)
        return cls(stroops)

    def two_places(self) -> str:
        """Two decimal places, rounded down (towards zero): what the API shows as an amount."""
        cents = abs(self.stroops) // STROOPS_PER_CENT
        sign = "-" if self.stroops < 0 and cents else ""
        return f"{sign}{cents // 100}.{cents % 100:02d}"

    def seven_places(self) -> str:
        """All seven places, exactly."""
        whole, rest = divmod(abs(self.stroops), STROOPS_PER_UNIT)
        return f"{'-' if self.stroops < 0 else ''}{whole}.{rest:07d}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.stroops + other.stroops)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.stroops - other.stroops)

    def __neg__(self) -> "Money":
        return Money(-self.stroops)

    def __bool__(self) -> bool:
        return self.stroops != 0

    def __str__(self) -> str:
        return self.seven_places()

    @staticmethod
    def total(amounts: "Iterable[Money]") -> "Money":
        """Sum of amounts; zero for none."""
        return Money(sum(amount.stroops for amount in amounts))


BALANCE_MAX: Final = Money(900_000_000_000 * STROOPS_PER_UNIT)
"""A balance that would pass this is refused with `AMOUNT_OUT_OF_LIMITS` (docs/spec/domain.md §1)."""
