"""One statement made of parts, because each statement is a round trip that a whole group waits for.

A part is an INSERT, UPDATE or DELETE on a table of its own; parts do not see each other's rows
and need not. Together they are a `WITH` of data-modifying statements, and its text depends only
on which parts there are, so that PostgreSQL plans it once.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from attrs import define, field, frozen

from storage.postgres.pool import Connection

_PARAMETER: Final = re.compile(r"\$(\d+)")


@frozen
class Part:
    """A piece of SQL with its parameters numbered from `$1`.

    Args:
        name: the same for the same SQL, and fit to be a name in SQL.
        sql: the statement.
        returns: whether it gives one column, by `RETURNING` or `SELECT`, that is asked for.
    """

    name: str
    sql: str
    returns: bool = True


@define
class Statement:
    """Parts with their values, in the order in which they were added."""

    parts: list[Part] = field(factory=list)
    values: list[object] = field(factory=list)
    counts: list[int] = field(factory=list)

    def add(self, part: Part, values: Sequence[object]) -> None:
        """Add a part with the values of its parameters."""
        self.parts.append(part)
        self.values += values
        self.counts.append(len(values))

    async def aio_execute(self, connection: Connection) -> dict[str, list[Any]]:
        """Execute all parts at once; returns what each returned, by its name."""
        text = _text(tuple(self.parts), tuple(self.counts))
        row = await connection.fetchrow(text, *self.values)
        return dict(row)


@cache
def _text(parts: tuple[Part, ...], counts: tuple[int, ...]) -> str:
    pieces, results, offset = [], [], 0
    for part, count in zip(parts, counts, strict=True):
        columns = " (result)" if part.returns else ""
        pieces.append(f"{part.name}{columns} AS ({_shifted(part.sql, offset)})")
        if part.returns:
            results.append(f"ARRAY(SELECT result FROM {part.name}) AS {part.name}")  # noqa: S608 - our own names
        offset += count
    return f"WITH {', '.join(pieces)} SELECT {', '.join(results)}"


def _shifted(sql: str, offset: int) -> str:
    return _PARAMETER.sub(lambda match: f"${int(match.group(1)) + offset}", sql)
