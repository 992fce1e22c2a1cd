"""Secrets that a development instance makes for itself and keeps in `OFFERHUB_HOME/secrets/`."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from offerhub.domain.ids import RandomBytes

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


def kept_secret(home: Path, name: str, make: Callable[[], str], random_bytes: RandomBytes) -> str:
    """Return the stored secret of that name; make and store it first if there is none.

    The file appears whole or not at all, with mode 0600, and once there it never changes: of two
    processes that start at the same instant both get the same secret. Raises OSError.

    Args:
        home: OFFERHUB_HOME; it is created if need be.
        make: gives a new secret.
        random_bytes: for the name of the file that is linked into place.
    """
    directory = home / "secrets"
    target = directory / name
    with contextlib.suppress(FileNotFoundError):
        return _read(target)
    directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    draft = directory / f".{name}.{random_bytes(8).hex()}"
    try:
        _write_durably(draft, make())
        # link() refuses to replace, where rename() would silently take the other process's secret.
        with contextlib.suppress(FileExistsError):
            os.link(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(directory)
    return _read(target)


def _read(path: Path) -> str:
    secret = path.read_text(encoding="ascii").strip()
    if not secret:
        message = f"{path} is empty"
        raise OSError(message)
    return secret


def _write_durably(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
