"""The notice of operators' commands, and whether a process listens to it.

Who listens holds a session's lock as long as its connection lives; so whether somebody listens is
asked of the database, which knows of a process that was killed a moment later.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from storage.postgres.pool import Connection

CHANNEL: Final = "offerhub_commands"

_HOLD: Final = f"SELECT pg_advisory_lock_shared(hashtext('{CHANNEL}'))"
# The lock of a transaction: this one's end gives it back.
_SERVED: Final = f"SELECT NOT pg_try_advisory_xact_lock(hashtext('{CHANNEL}'))"


async def aio_listen(connection: Connection, notify: Callable[[], None]) -> None:
    """Call `notify` at once and for every notice, until the connection is lost."""
    gone = asyncio.Event()
    connection.add_termination_listener(lambda _: gone.set())
    await connection.add_listener(CHANNEL, lambda *_: notify())
    await connection.execute(_HOLD)
    notify()
    await gone.wait()


async def aio_served(connection: Connection) -> bool:
    """Whether somebody listens."""
    return bool(await connection.fetchval(_SERVED))
