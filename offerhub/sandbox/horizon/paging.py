"""Pages: cursor, order, limit and the links between them (docs/spec/stellar-horizon.md §2.2, §2.6)."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

from attrs import frozen
from stellar_sdk import StrKey

from offerhub.sandbox.engine.parsed import INT64_MAX
from offerhub.sandbox.engine.toid import toid
from offerhub.sandbox.horizon.problems import before_history, invalid
from offerhub.sandbox.horizon.view import View
from offerhub.sandbox.http import Request

LIMIT_DEFAULT: Final = 10
LIMIT_MAX: Final = 200
_INTEGER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


class _Row(Protocol):
    @property
    def id(self) -> int: ...


_R = TypeVar("_R", bound=_Row)
_R_co = TypeVar("_R_co", bound=_Row, covariant=True)


class Listing(Protocol[_R_co]):
    """Rows that can be walked from a TOID in either direction."""

    def ascending(self, after: int, until: int) -> Iterator[_R_co]: ...

    def descending(self, after: int, before: int) -> Iterator[_R_co]: ...


@frozen
class Span(Listing[_R]):
    """The part of a listing with first <= id <= last: a ledger's, or a transaction's."""

    listing: Listing[_R]
    first: int
    last: int

    def ascending(self, after: int, until: int) -> Iterator[_R]:
        return self.listing.ascending(max(after, self.first - 1), min(until, self.last))

    def descending(self, after: int, before: int) -> Iterator[_R]:
        return self.listing.descending(max(after, self.first - 1), min(before, self.last + 1))


@frozen
class PageQuery:
    """One page as asked for; `cursor_text` is what the client wrote, `cursor` what it means."""

    cursor_text: str
    cursor: int | None
    descending: bool
    limit: int

    def beyond(self, token: str) -> bool:
        """Whether a token of text lies behind the cursor in the order that was asked for."""
        return token < self.cursor_text if self.descending else token > self.cursor_text

    @classmethod
    def of(
        cls, request: Request, view: View, tokens: Callable[[str], bool] | None = None
    ) -> "PageQuery":
        """Read the parameters; raises Problem 400 for bad ones, 410 for a page before history.

        Args:
            request: with them.
            view: what is kept.
            tokens: what tells the list's paging tokens, where they are no numbers of history.
        """
        # Last-Event-ID wins over the query: the Python SDK reconnects with the old query (§8).
        text = request.headers.get("last-event-id") or request.parameter("cursor") or ""
        order = request.parameter("order") or "asc"
        if order not in {"asc", "desc"}:
            raise invalid("order", "order: invalid value")
        if tokens is not None:
            if text and not tokens(text):
                raise invalid("cursor", "cursor: invalid value")
            return cls(text, None, order == "desc", _limit(request.parameter("limit")))
        cursor = _cursor(text, view)
        if order == "desc" and cursor is not None and cursor <= toid(view.elder):
            raise before_history()
        return cls(text, cursor, order == "desc", _limit(request.parameter("limit")))


def is_address(text: str) -> bool:
    """Tell an account's paging token: its id (docs/spec/stellar-horizon.md §1.4)."""
    return StrKey.is_valid_ed25519_public_key(text)


def _cursor(text: str, view: View) -> int | None:
    if not text:
        return None
    if text == "now":
        return view.highest
    if not _INTEGER.fullmatch(text) or int(text) > INT64_MAX:
        raise invalid("cursor", "cursor: invalid value")
    return int(text)


def _limit(text: str | None) -> int:
    if not text:
        return LIMIT_DEFAULT
    if not _INTEGER.fullmatch(text) or not 1 <= int(text) <= LIMIT_MAX:
        raise invalid("limit", f"limit: must be from 1 to {LIMIT_MAX}")
    return int(text)


def select(
    view: View, listing: Listing[_R], query: PageQuery, keep: Callable[[_R], bool]
) -> list[_R]:
    """Give the rows of one page: only what is ingested and kept.

    An ascending cursor that is older than what is kept moves forward without a word (§2.6).
    """
    if query.descending:
        before = view.highest + 1 if query.cursor is None else min(query.cursor, view.highest + 1)
        rows = listing.descending(view.lowest, before)
    else:
        rows = listing.ascending(max(query.cursor or 0, view.lowest), view.highest)
    return list(islice(filter(keep, rows), query.limit))


def page(
    request: Request, query: PageQuery, tokens: Sequence[object], records: Sequence[object]
) -> dict[str, object]:
    """Give the body of a page; on an empty one, next is self, so that a poller can go on with it."""
    order, opposite = ("desc", "asc") if query.descending else ("asc", "desc")
    here = _href(request, query.cursor_text, order, query.limit)
    following = _href(request, str(tokens[-1]), order, query.limit) if tokens else here
    previous = _href(
        request, str(tokens[0]) if tokens else query.cursor_text, opposite, query.limit
    )
    return {
        "_links": {"self": {"href": here}, "next": {"href": following}, "prev": {"href": previous}},
        "_embedded": {"records": list(records)},
    }


def _href(request: Request, cursor: str, order: str, limit: int) -> str:
    kept = {
        name: value for name, value in request.query if name not in {"cursor", "order", "limit"}
    }
    query = kept | {"cursor": cursor, "limit": str(limit), "order": order}
    return f"{request.base_url}{request.path}?{urlencode(sorted(query.items()))}"
