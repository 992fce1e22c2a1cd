"""Housekeeping: deletes what nobody can ask for any more, a bounded batch at a time."""

from collections.abc import Hashable
from typing import Final, Never, assert_never

from attrs import frozen

from actors.core import Core
from actors.outages import WokenActor, retry_until_available
from offerhub.domain.due import Perishable

BATCH: Final = 500
PACE_S: Final = 1.0
"""Between two batches: 500 rows a second are more than come in, and nothing next to a purchase."""


@frozen
class HousekeepingParts:
    """What housekeeping works with."""

    core: Core


class Housekeeping(WokenActor[Never]):
    """Woken by the timer with the name of what has perished (`Perishable`)."""

    def __init__(self, parts: HousekeepingParts) -> None:
        self._parts = parts

    async def handle(self, message: Never) -> Never:
        """Nothing is asked of it."""
        assert_never(message)

    async def woken(self, keys: frozenset[Hashable]) -> None:
        """Delete a batch of each, and come again for what a full one has left."""
        for what in Perishable:
            if what.value in keys and await self._clean_up(what) == BATCH:
                self.wake_later(what.value, PACE_S)

    async def _clean_up(self, what: Perishable) -> int:
        return await retry_until_available(
            lambda: self._parts.core.storage.clean_up(what, self._parts.core.now(), BATCH),
            self._parts.core.random,
        )
