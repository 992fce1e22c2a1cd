"""Lists, newest first: pages by the order of creation, behind the last id of the page before."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from attrs import frozen

from storage.port import Page, UnknownCursor
from storage.postgres.pool import Connection


class HasId(Protocol):
    """An item of a list."""

    @property
    def id(self) -> str: ...


I = TypeVar("I", bound=HasId)  # noqa: E741 - an item


@frozen
class PagedList:
    """A table as a list.

    Args:
        table: its name.
        columns: what a row needs to become an item.
        scope: a condition that the cursor's row fulfils too, with its value as `$1`, or `None`.
        order: the columns that say which row is newer; together they are unique.
    """

    table: str
    columns: str
    scope: str | None = None
    order: tuple[str, ...] = ("sequence",)


async def aio_page(
    connection: Connection,
    paged: PagedList,
    item: Callable[[Any], I],
    conditions: Sequence[tuple[str, object]],
    cursor: str | None,
    limit: int,
    literals: Sequence[str] = (),
) -> Page[I]:
    """One page of a list.

    Args:
        connection: where to ask.
        paged: the list.
        item: makes an item of a row.
        conditions: SQL with `{}` for the parameter, and its value; the first is the scope's.
        cursor: the last id of the page before; need not fulfil the conditions any more.
        limit: items at most.
        literals: further conditions without a parameter: our own text only.

    Raises:
        UnknownCursor: no row of the list has that id.
    """
    wheres = [sql.format(f"${n}") for n, (sql, _) in enumerate(conditions, start=1)]
    wheres += literals
    values = [value for _, value in conditions]
    if cursor is not None:
        scope = [paged.scope.format("$2")] if paged.scope is not None else []
        where = " AND ".join(["id = $1", *scope])
        place = await connection.fetchrow(
            f"SELECT {', '.join(paged.order)} FROM {paged.table} WHERE {where}",  # noqa: S608 - our own text
            cursor,
            *values[: len(scope)],
        )
        if place is None:
            raise UnknownCursor(cursor)
        places = ", ".join(f"${len(values) + n}" for n in range(1, len(place) + 1))
        wheres.append(f"({', '.join(paged.order)}) < ({places})")
        values += place
    where = f"WHERE {' AND '.join(wheres)}" if wheres else ""
    newest_first = ", ".join(f"{column} DESC" for column in paged.order)
    rows = await connection.fetch(
        f"SELECT {paged.columns} FROM {paged.table} {where}"  # noqa: S608 - our own text
        f" ORDER BY {newest_first} LIMIT ${len(values) + 1}",
        *values,
        limit + 1,
    )
    items = tuple(item(row) for row in rows[:limit])
    return Page(items, items[-1].id if len(rows) > limit else None)
