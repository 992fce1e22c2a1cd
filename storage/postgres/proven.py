"""Exported history as it lies in files, proven by what the database vouches for.

A checkpoint keeps the SHA-256 of its manifest, and the manifest that of every file: a table is
safe in its file only if both are what they were.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from storage.postgres.export import HistoryBroken


@frozen
class Proven:
    """Detached tables that are safe in files, and why others are not.

    Args:
        safe: table → the SHA-256 of its file.
        unproven: table → what is wrong.
    """

    safe: Mapping[str, str]
    unproven: Mapping[str, str]


def prove(tables: Iterable[str], directory: Path, vouched: Mapping[int, bytes]) -> Proven:
    """Compare the files of tables with what was noted of them. Reads all of them: it takes long.

    Args:
        vouched: the SHA-256 of each checkpoint's manifest, by the checkpoint's number.

    Raises:
        HistoryBroken: a manifest is not the one that its checkpoint vouches for.
    """
    noted: dict[str, Mapping[str, Any]] = {}
    for path in sorted(directory.glob("checkpoint-*.json")):
        data = path.read_bytes()
        manifest = json.loads(data)
        number = manifest["checkpoint"]["number"]
        if vouched.get(number) != sha256(data).digest():
            raise HistoryBroken(f"{path} is not the manifest that checkpoint {number} vouches for")
        noted.update({entry["partition"]: entry for entry in manifest["files"]})
    safe: dict[str, str] = {}
    unproven: dict[str, str] = {}
    for table in tables:
        entry = noted.get(table)
        if entry is None:
            unproven[table] = f"no manifest in {directory} names it"
            continue
        file = directory / entry["file"]
        if not file.is_file():
            unproven[table] = f"{file} is missing"
            continue
        with file.open("rb") as opened:
            found = file_digest(opened, "sha256").hexdigest()
        if found == entry["sha256"]:
            safe[table] = found
        else:
            unproven[table] = f"{file} has other contents than were exported"
    return Proven(safe, unproven)
