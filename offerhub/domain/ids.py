"""Ids: a prefix and 21 URL-safe random characters (docs/spec/api.md, first paragraph)."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

Clock = Callable[[], datetime]
"""Gives the present moment as an aware UTC `datetime`."""

RandomBytes = Callable[[int], bytes]
"""Gives that many random bytes; cryptographically strong in production, seeded in simulation."""

_LENGTH: Final = 21
_BYTES: Final = 16
"""What 21 characters of six bits are cut from."""

_ID: Final = re.compile(r"[a-z]{2,5}_[0-9A-Za-z_-]{21}", re.ASCII)


class Ids:
    """Makes ids from the randomness that it was given."""

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes

    def new(self, prefix: str) -> str:
        """Return `prefix_` and 21 random characters: 126 bits."""
        return f"{prefix}_{urlsafe_b64encode(self._random_bytes(_BYTES))[:_LENGTH].decode()}"


def is_id(text: str, prefix: str) -> bool:
    """Tell whether a text has the form of an id with that prefix."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None


@lru_cache(maxsize=256)
def iso(moment: datetime) -> str:
    """Write a moment as the API does: UTC, milliseconds, `Z`.

    Remembered, because one commit writes its moment many times: into each event, audit entry and
    field of the answer.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
