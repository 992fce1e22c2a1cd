"""Lists: a page at a time, or item by item over all pages."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, Self, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """A page, newest first."""

    data: tuple[T, ...]
    has_more: bool
    next_cursor: str | None


class One(msgspec.Struct, Generic[T], frozen=True):
    """The envelope around one resource."""

    data: T


class Pages(Generic[T]):
    """A list: iterate over its items, or take it page by page. Every iteration asks anew."""

    def __init__(self, fetch: Callable[[str | None], Page[T]], cursor: str | None) -> None:
        self._fetch = fetch
        self._cursor = cursor

    def page(self) -> Page[T]:
        """The page at the cursor; the first one without."""
        return self._fetch(self._cursor)

    def pages(self) -> Iterator[Page[T]]:
        """Page after page."""
        page = self.page()
        yield page
        while page.next_cursor is not None:
            page = self._fetch(page.next_cursor)
            yield page

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.data


class AsyncPages(Generic[T]):
    """A list: iterate over its items, or take it page by page. Every iteration asks anew."""

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[Page[T]]], cursor: str | None
    ) -> None:
        self._fetch = fetch
        self._cursor = cursor

    async def page(self) -> Page[T]:
        """The page at the cursor; the first one without."""
        return await self._fetch(self._cursor)

    def pages(self) -> AsyncIterator[Page[T]]:
        """Page after page."""
        return _PageIterator(self._fetch, self._cursor)

    def __aiter__(self) -> AsyncIterator[T]:
        return _ItemIterator(_PageIterator(self._fetch, self._cursor))


class _PageIterator(Generic[T]):
    """No generator: one that is left halfway would need an event loop to be closed."""

    def __init__(
        self, fetch: Callable[[str | None], Awaitable[Page[T]]], cursor: str | None
    ) -> None:
        self._fetch = fetch
        self._cursor = cursor
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        if self._ended:
            raise StopAsyncIteration
        page = await self._fetch(self._cursor)
        self._cursor = page.next_cursor
        self._ended = page.next_cursor is None
        return page


class _ItemIterator(Generic[T]):
    def __init__(self, pages: AsyncIterator[Page[T]]) -> None:
        self._pages = pages
        self._items: Iterator[T] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = iter((await anext(self._pages)).data)
