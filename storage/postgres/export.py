"""Old partitions of history as files: which are old and complete, their rows, and their sums.

Everything here reads what can no longer change: a partition is complete once its counter has passed
it. A file gets its name only when it is whole and on the disk, and the manifest comes last, so that
an export that was cut off is simply made again.
"""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from attrs import define, frozen

from storage.checkpoint import Checkpoint
from storage.postgres.checkpoints import aio_checkpoint, books_of
from storage.postgres.pool import Connection
from storage.rendering import GENESIS


class HistoryBroken(Exception):
    """History is not what it must be; it is not exported, and nothing is detached."""


_KEYS: Final = {
    "transfers": "sequence",
    "postings": "transfer_sequence, place",
    "holdings": "transfer_sequence, place",
    "events": "sequence",
    "audit": "sequence",
}
_DENSE: Final = frozenset({"transfers", "events", "audit"})
"""Tables with exactly one row a sequence."""

_LATEST: Final = {
    "transfers": "SELECT max(created_at) FROM {name}",
    "events": "SELECT max(moment) FROM {name}",
    "audit": "SELECT max(at) FROM {name}",
}

_PARTITIONS: Final = """
SELECT parent, name, first, past FROM partitions WHERE first > $2 AND parent = $1 ORDER BY first
"""

_CHAIN: Final = """
SELECT sequence FROM (
    SELECT sequence, canonical, previous_hash, hash,
        lag(hash, 1, $3::bytea) OVER (ORDER BY sequence) AS hash_before
    FROM audit WHERE sequence > $1 AND sequence <= $2) AS chained
WHERE previous_hash <> hash_before
    OR hash <> sha256(previous_hash || convert_to(canonical, 'UTF8'))
ORDER BY sequence LIMIT 1
"""

_FORGET_SUMS: Final = "DELETE FROM checkpoint_sums WHERE checkpoint > $1"
_FORGET_OWNERS: Final = "DELETE FROM detached_owners WHERE checkpoint > $1"

_SUMS: Final = """
INSERT INTO checkpoint_sums (checkpoint, side, name, amount)
SELECT $1::integer, side, name, sum(amount)::bigint FROM (
    SELECT side, name, amount FROM checkpoint_sums WHERE checkpoint = $1::integer - 1
    UNION ALL SELECT 'account', account, amount FROM postings
        WHERE transfer_sequence > $2 AND transfer_sequence <= $3
    UNION ALL SELECT 'holding', holding, amount FROM holdings
        WHERE transfer_sequence > $2 AND transfer_sequence <= $3) AS amounts
GROUP BY side, name HAVING sum(amount) <> 0
RETURNING side, name, amount
"""

_OWNERS: Final = """
INSERT INTO detached_owners (id, checkpoint)
SELECT order_id, $1::integer FROM events
    WHERE sequence > $2 AND sequence <= $3 AND order_id IS NOT NULL
UNION SELECT user_id, $1::integer FROM postings
    WHERE transfer_sequence > $4 AND transfer_sequence <= $5 AND user_id IS NOT NULL
ON CONFLICT (id) DO NOTHING
"""


@frozen
class Partition:
    """One attached partition: it takes the sequences from `first` to before `past`."""

    parent: str
    name: str
    first: int
    past: int


@frozen
class Prepared:
    """An export that is whole on the disk, and the checkpoint that is to be committed for it."""

    checkpoint: Checkpoint
    manifest: Path
    manifest_hash: str
    partitions: tuple[Partition, ...]


@define
class _File:
    """A file that gets its name when it is whole."""

    path: Path
    hash: str = ""

    async def aio_copy(self, connection: Connection, query: str) -> int:
        digest = sha256()
        part = self.path.with_name(f"{self.path.name}.part")
        with part.open("wb") as file:

            async def _aio_write(data: bytes) -> None:
                digest.update(data)
                file.write(data)

            done = await connection.copy_from_query(
                query, output=_aio_write, format="csv", header=True
            )
            _sync(file)
        self.hash = digest.hexdigest()
        part.replace(self.path)
        return int(str(done).removeprefix("COPY "))

    def write(self, text: str) -> None:
        data = text.encode()
        part = self.path.with_name(f"{self.path.name}.part")
        with part.open("wb") as file:
            file.write(data)
            _sync(file)
        self.hash = sha256(data).hexdigest()
        part.replace(self.path)


async def aio_prepare(connection: Connection, before: datetime, directory: Path) -> Prepared | None:
    """Write the files of everything that is complete and older than a moment, and its checkpoint.

    Returns `None` if there is nothing of the kind. Raises `HistoryBroken`.
    """
    last = await aio_checkpoint(connection)
    number, floors = _floors(last)
    ends, partitions = await _aio_old(connection, before, floors)
    if ends == floors:
        return None
    anchor = GENESIS if last is None else last.audit_hash
    broken = await connection.fetchval(_CHAIN, floors["audit"], ends["audit"], anchor)
    if broken is not None:
        raise HistoryBroken(f"the audit chain breaks at entry {broken}")
    files = [await _aio_export(connection, partition, directory) for partition in partitions]
    async with connection.transaction():
        await connection.execute(_FORGET_SUMS, number)
        await connection.execute(_FORGET_OWNERS, number)
        number += 1
        sums = await connection.fetch(_SUMS, number, floors["transfers"], ends["transfers"])
        await connection.execute(
            _OWNERS,
            number,
            floors["events"],
            ends["events"],
            floors["transfers"],
            ends["transfers"],
        )
    books = books_of(sums)
    if sum(books.accounts.values()) != 0:
        raise HistoryBroken("the accounts do not sum to zero")
    moment = await connection.fetchval(
        "SELECT moment FROM events WHERE sequence = $1", ends["events"]
    )
    if moment is None and last is not None:
        moment = last.event_moment
    checkpoint = Checkpoint(
        number=number,
        event_sequence=ends["events"],
        event_moment=moment,
        transfer_sequence=ends["transfers"],
        audit_sequence=ends["audit"],
        audit_moment=await _aio_audit_moment(connection, last, ends["audit"]),
        audit_hash=await connection.fetchval(
            "SELECT hash FROM audit WHERE sequence = $1", ends["audit"]
        )
        or anchor,
        books=books,
    )
    return _with_manifest(checkpoint, partitions, files, directory)


async def _aio_audit_moment(
    connection: Connection, last: Checkpoint | None, end: int
) -> datetime | None:
    """The latest moment of the entries up to a sequence; entries need not be in their order."""
    before = None if last is None else last.audit_moment
    floor = 0 if last is None else last.audit_sequence
    later: datetime | None = await connection.fetchval(
        "SELECT max(at) FROM audit WHERE sequence > $1 AND sequence <= $2", floor, end
    )
    return max((each for each in (before, later) if each is not None), default=None)


def _floors(last: Checkpoint | None) -> tuple[int, dict[str, int]]:
    if last is None:
        return 0, dict.fromkeys(("transfers", "events", "audit"), 0)
    return last.number, {
        "transfers": last.transfer_sequence,
        "events": last.event_sequence,
        "audit": last.audit_sequence,
    }


async def _aio_old(
    connection: Connection, before: datetime, floors: dict[str, int]
) -> tuple[dict[str, int], list[Partition]]:
    """How far each sequence is complete and old, and the partitions up to there."""
    counters = await connection.fetchrow(
        "SELECT transfer_sequence AS transfers, event_sequence AS events,"
        " audit_sequence AS audit FROM counters"
    )
    ends = dict(floors)
    found = {
        table: [
            Partition(*row)
            for row in await connection.fetch(
                _PARTITIONS, table, floors.get(table, floors["transfers"])
            )
        ]
        for table in _KEYS
    }
    for table, latest in _LATEST.items():
        beside = ("postings", "holdings") if table == "transfers" else ()
        for partition in found[table]:
            if partition.past - 1 > counters[table]:
                break
            at = await connection.fetchval(latest.format(name=partition.name))
            if at is None or at >= before:
                break
            # Transfers, postings and holdings share a sequence: they end where all three do.
            if all(partition.past in {each.past for each in found[other]} for other in beside):
                ends[table] = partition.past - 1
    partitions = [
        partition
        for table, several in found.items()
        for partition in several
        if partition.past - 1 <= ends.get(table, ends["transfers"])
    ]
    return ends, partitions


async def _aio_export(
    connection: Connection, partition: Partition, directory: Path
) -> dict[str, Any]:
    file = _File(directory / f"{partition.name}.csv")
    rows = await file.aio_copy(
        connection,
        f"SELECT * FROM {partition.name} ORDER BY {_KEYS[partition.parent]}",  # noqa: S608 - our own names
    )
    if partition.parent in _DENSE and rows != partition.past - partition.first:
        raise HistoryBroken(f"{partition.name} has {rows} rows; some are missing")
    return {
        "table": partition.parent,
        "partition": partition.name,
        "first": partition.first,
        "last": partition.past - 1,
        "file": file.path.name,
        "rows": rows,
        "sha256": file.hash,
    }


def _with_manifest(
    checkpoint: Checkpoint,
    partitions: Sequence[Partition],
    files: list[dict[str, Any]],
    directory: Path,
) -> Prepared:
    sums = _File(directory / f"checkpoint-{checkpoint.number:06d}.sums.csv")
    sums.write(
        "side,name,amount\n"
        + "".join(f"account,{name},{n}\n" for name, n in sorted(checkpoint.books.accounts.items()))
        + "".join(f"holding,{name},{n}\n" for name, n in sorted(checkpoint.books.holdings.items()))
    )
    manifest = _File(directory / f"checkpoint-{checkpoint.number:06d}.json")
    manifest.write(
        json.dumps(
            {
                "format": 1,
                "checkpoint": {"number": checkpoint.number, **checkpoint.facts},
                "sums": {"file": sums.path.name, "sha256": sums.hash},
                "files": files,
            },
            indent=2,
        )
        + "\n"
    )
    directory_fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
    return Prepared(checkpoint, manifest.path, manifest.hash, tuple(partitions))


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
