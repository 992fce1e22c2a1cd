"""Where embedded servers keep their files, and who may use them.

A plain user's servers live in OFFERHUB_HOME. A root process gives its servers to an unprivileged
user (see `storage.embedded.account`), who must be able to walk to the data:

- OFFERHUB_HOME itself is ours, so it gets search permission (`o+x`: no listing, no reading; what
  lies in it keeps its own modes, and secrets are 0600).
- Its parents are not ours, and a closed one (root's 0700 home, say) stays closed. Then the data
  lies in a fresh directory under /var/lib/offerhub, and OFFERHUB_HOME remembers which one.
  /var/tmp is only the last resort: it is cleaned by age, and anyone may create names in it.

Sockets lie in `run/` beside the data, or, where that path would exceed the 107 bytes of a Unix
socket's address, in a fresh private directory under /tmp that is remembered likewise.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import field, frozen

from storage.embedded.account import Account, can_traverse, server_account
from storage.embedded.process import stop_leftover

RandomBytes = Callable[[int], bytes]

_OUTSIDE = (Path("/var/lib/offerhub"), Path("/var/tmp/offerhub"))  # noqa: S108
_SOCKET_ADDRESS_MAX = 103  # bytes; 107 on Linux, 103 on macOS
_LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"


class HomeInUse(Exception):
    """Another process holds the home, or a server in it."""

    def __init__(self, path: Path, holder: str) -> None:
        """Args: path: the lock file; holder: the process id written in it, or empty."""
        self.path = path
        self.holder = holder
        process = f"process {holder}" if holder else "another process"
        super().__init__(
            f"{path.parent} is in use by {process} (it holds {path.name}); "
            "stop that one first, or choose another OFFERHUB_HOME"
        )


@frozen
class Place:
    """The files of one embedded server."""

    data: Path  # owned by the account, 0700
    run: Path  # sockets; owned by the account, 0700
    lock: Path
    log: Path
    account: Account | None
    password: str = field(repr=False)


def prepare_place(home: Path, name: str, random_bytes: RandomBytes) -> Place:
    """Create what is missing of the place for the server `name` and return it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = home.resolve()
    base = _find_base(home) or _create_base(home, server_account(home / name))
    data = base / name
    account = server_account(data)
    _own_directory(data, account)
    return Place(
        data=data,
        run=_run_directory(base, account),
        lock=base / f"{name}.lock",
        log=base / f"{name}.log",
        account=account,
        password=_password(home / f"{name}.password", random_bytes),
    )


def find_place(home: Path, name: str) -> Place | None:
    """The place of the server `name` if it has been prepared before; creates nothing."""
    home = home.resolve()
    base = _find_base(home)
    secret = home / f"{name}.password"
    if base is None or not (base / name).is_dir() or not secret.is_file():
        return None
    run = _remembered(base / "run.location") or base / "run"
    return Place(
        data=base / name,
        run=run,
        lock=base / f"{name}.lock",
        log=base / f"{name}.log",
        account=server_account(base / name),
        password=secret.read_text().strip(),
    )


@contextmanager
def hold_home(home: Path, name: str = "orchestrator") -> Iterator[None]:
    """Hold `home` (or one server in it) for this process alone; the system lets go if we die.

    Raises:
        HomeInUse: another process holds it.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_lock(home.resolve() / f"{name}.lock"):
        yield


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`. Children do not inherit it, so they never keep it alive."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeInUse(path, os.pread(descriptor, 20, 0).decode().strip()) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def discard_home(home: Path) -> None:
    """Remove a home and all that its servers kept outside of it; for demonstrations and tests.

    A server that lives on after its orchestrator was killed is stopped first.

    Raises:
        HomeInUse: a living orchestrator holds one of its servers.
    """
    if not home.exists():
        return
    home = home.resolve()
    base = _find_base(home) or home
    for name in ("postgres", "redis"):
        with hold_lock(base / f"{name}.lock"):
            stop_leftover(base / name / "data" / "postmaster.pid")
            stop_leftover(base / name / "redis.pid")
    elsewhere = _remembered(base / "run.location")
    if elsewhere is not None:
        shutil.rmtree(elsewhere, ignore_errors=True)
    if base != home:
        shutil.rmtree(base)
    shutil.rmtree(home)


def _find_base(home: Path) -> Path | None:
    remembered = _remembered(home / "servers.location")
    if remembered is not None:
        if not remembered.is_dir():
            raise RuntimeError(
                f"{home / 'servers.location'} points to {remembered}, which does not exist: the "
                "database of this home was lost or moved; restore it, or delete the file to start "
                "with an empty one"
            )
        return remembered
    return home if (home / "postgres").is_dir() or (home / "redis").is_dir() else None


def _create_base(home: Path, account: Account | None) -> Path:
    if account is None:
        return home
    if can_traverse(home.parent, account):
        home.chmod(stat.S_IMODE(home.stat().st_mode) | stat.S_IXOTH)
        return home
    for parent in _OUTSIDE:
        try:
            parent.mkdir(mode=0o711, exist_ok=True)
            if parent.is_symlink() or parent.stat().st_uid != 0:
                continue
            base = Path(tempfile.mkdtemp(prefix=f"{home.name.lstrip('.')}-", dir=parent))
        except OSError:
            continue
        base.chmod(0o711)
        (base / "belongs-to").write_text(f"{home}\n")
        (home / "servers.location").write_text(f"{base}\n")
        return base
    raise RuntimeError(
        f"{home} cannot be reached by an unprivileged user, and none of "
        f"{', '.join(map(str, _OUTSIDE))} is writable: choose another OFFERHUB_HOME"
    )


def _run_directory(base: Path, account: Account | None) -> Path:
    near = base / "run"
    if len(os.fsencode(near)) + len(_LONGEST_SOCKET_NAME) <= _SOCKET_ADDRESS_MAX:
        _own_directory(near, account)
        return near
    record = base / "run.location"
    remembered = _remembered(record)
    owner = os.geteuid() if account is None else account.uid
    if remembered is not None and remembered.is_dir():
        found = remembered.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == owner:
            return remembered
    fresh = Path(tempfile.mkdtemp(prefix="offerhub-", dir="/tmp"))
    _own_directory(fresh, account)
    record.write_text(f"{fresh}\n")
    return fresh


def _own_directory(path: Path, account: Account | None) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink():
        raise RuntimeError(f"{path} must be a directory, not a symbolic link")
    if account is not None:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def _remembered(record: Path) -> Path | None:
    try:
        return Path(record.read_text().strip())
    except FileNotFoundError:
        return None


def _password(path: Path, random_bytes: RandomBytes) -> str:
    """The password in `path`; made on first use, whole or not at all, the first maker wins."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{random_bytes(6).hex()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(random_bytes(24).hex())
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text().strip()
