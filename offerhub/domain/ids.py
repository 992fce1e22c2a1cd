"""Ids: a prefix and 21 URL-safe random characters (api.md, first paragraph)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

Clock = Callable[[], datetime]
"""Gives the present moment as an aware UTC `datetime`."""

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes; cryptographically strong in production, seeded in simulation."""

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_LENGTH: Final = 21
_ID: Final = re.compile(r"[a-z]{2,5}_[0-9A-Za-z_-]{21}", re.ASCII)


class Ids:
    """Makes ids from the randomness that it was given."""

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes

    def new(self, prefix: str) -> str:
        """Return `prefix_` and 21 random characters: 126 bits."""
        return f"{prefix}_" + "".join(_ALPHABET[byte & 63] for byte in self._random_bytes(_LENGTH))


def is_id(text: str, prefix: str) -> bool:
    """Tell whether a text has the form of an id with that prefix."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None


def iso(moment: datetime) -> str:
    """Write a moment as the API does: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{moment.microsecond // 1000:03d}Z"
    )
