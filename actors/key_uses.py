"""When API keys were last used: noted in memory by every request, written down now and then.

A request pays for an entry in a dictionary and no more. What was noted is written in one statement
for all keys together; a process that is killed loses the last moments, which an operator who asks
whether a key is still in use does not miss.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import trio

from offerhub.domain.ids import Clock
from storage.port import Storage, StorageUnavailable

WRITE_S: Final = 15.0
"""Between two statements: so old may what another process shows be."""

_NOTED_MAX: Final = 10_000
_LAST_S: Final = 2.0


class KeyUses:
    """The last use of each key; its `run` is a service of the tree."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._noted: dict[str, datetime] = {}

    def note(self, key_id: str) -> None:
        """A key lets somebody in, now."""
        if key_id in self._noted or len(self._noted) < _NOTED_MAX:
            self._noted[key_id] = self._clock()

    async def last(self, key_ids: Sequence[str]) -> Mapping[str, datetime]:
        """The last use of those of the keys that were used, as far as it can be told now."""
        noted = {key_id: self._noted[key_id] for key_id in key_ids if key_id in self._noted}
        asked = [key_id for key_id in key_ids if key_id not in noted]
        if not asked:
            return noted
        try:
            return {**await self._storage.key_uses(asked), **noted}
        except StorageUnavailable:
            return noted

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write what was noted until cancelled, and then what is left."""
        task_status.started()
        try:
            while True:
                await trio.sleep(WRITE_S)
                await self._write()
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _LAST_S):
                await self._write()

    async def _write(self) -> None:
        noted, self._noted = self._noted, {}
        if not noted:
            return
        try:
            await self._storage.note_key_uses(noted)
        except StorageUnavailable:
            # Written with what comes next.
            self._noted = {**noted, **self._noted}
