"""OFFERHUB_FAILPOINT: where a test has this process die, or the record of where it could.

    name#n           the process kills itself with SIGKILL when it reaches `name` the n-th time
    record:PATH      every failpoint that is reached is appended to PATH, one a line, in order

The settings allow it only in development on the sandbox.
"""

import os
import re
import signal
from collections.abc import Callable
from typing import Final

from actors import failpoints

_NAMED: Final = re.compile(r"(?P<name>[A-Za-z0-9_.:]+)#(?P<reach>[1-9][0-9]{0,8})", re.ASCII)
_RECORD: Final = "record:"


class BadFailpoint(Exception):
    """The setting is in none of the two forms."""


def watch_failpoints(setting: str | None) -> None:
    """Install what the setting asks for; nothing without one. Raises `BadFailpoint`."""
    if setting is None:
        return
    if setting.startswith(_RECORD):
        failpoints.watch(_recorder(setting.removeprefix(_RECORD)))
        return
    found = _NAMED.fullmatch(setting)
    if found is None:
        msg = "OFFERHUB_FAILPOINT must be name#n or record:path"
        raise BadFailpoint(msg)
    failpoints.watch(_killer(found["name"], int(found["reach"])))


def _killer(name: str, reach: int) -> Callable[[str], None]:
    left = reach

    def watch(reached: str) -> None:
        nonlocal left
        if reached == name:
            left -= 1
            if left == 0:
                # Nothing of ours runs after this line: no finally, no flush, no goodbye.
                os.kill(os.getpid(), signal.SIGKILL)

    return watch


def _recorder(path: str) -> Callable[[str], None]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def watch(reached: str) -> None:
        os.write(descriptor, reached.encode() + b"\n")

    return watch
