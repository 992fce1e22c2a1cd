"""An operator's command, asked of a running machine as the command line asks it."""

from collections.abc import Mapping

from offerhub.cli.commanding import ask_and_wait
from offerhub.composition.work import Sources
from offerhub.domain.operator_command import OperatorCommand
from storage.port import Storage
from tests.simulation.world import bytes_from, now

SOURCES = Sources(now=now, random_bytes=bytes_from("operator"), random=lambda: 0.5)


async def command(storage: Storage, kind: str, arguments: Mapping[str, object]) -> OperatorCommand:
    """The command as it has ended."""
    return await ask_and_wait(storage, kind, arguments, "root", SOURCES)
