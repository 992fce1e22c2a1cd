"""The unprivileged user that embedded servers run as when we are root.

PostgreSQL refuses to run as root, and Redis has no need to. So a process of root gives its
servers away to an existing unprivileged user; a plain user's servers run as that user.
"""

import os
import pwd
import stat
from pathlib import Path
from typing import Any

from attrs import frozen

# A user made for us comes first, then PostgreSQL's own, then the one that every system has.
_CANDIDATES = ("offerhub", "postgres", "nobody")


@frozen
class Account:
    """A user and group id that is not root's, and has an entry in the user database.

    The entry is needed: initdb asks for the name of its user and stops without one.
    """

    uid: int
    gid: int

    def popen_options(self) -> dict[str, Any]:
        """What makes `subprocess` drop every privilege between fork and exec."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account(data: Path) -> Account | None:
    """The account to run the server of `data` as; None means as ourselves (we are not root).

    A data directory that exists already decides: it goes on as the user that owns it, even if a
    better candidate has been created meanwhile.
    """
    if os.geteuid() != 0:
        return None
    try:
        owner = data.stat().st_uid
    except FileNotFoundError:
        owner = 0
    if owner != 0:
        entry = pwd.getpwuid(owner)
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise RuntimeError(
        "running as root, but there is no unprivileged user for the embedded servers: "
        f"create one of {', '.join(_CANDIDATES)}, or run as a plain user"
    )


def can_traverse(path: Path, account: Account) -> bool:
    """Whether `account` may walk through every directory of `path`, itself included."""
    return all(_may(directory, account, 0o1) for directory in (path, *path.parents))


def can_execute(path: Path, account: Account) -> bool:
    """Whether `account` can reach, read and execute the file `path`."""
    return can_traverse(path.parent, account) and _may(path, account, 0o5)


def _may(path: Path, account: Account, bits: int) -> bool:
    found = path.stat()
    if found.st_uid == account.uid:
        shift = 6
    elif found.st_gid == account.gid:
        shift = 3
    else:
        shift = 0
    return stat.S_IMODE(found.st_mode) >> shift & bits == bits
