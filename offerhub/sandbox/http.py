"""HTTP as values: what a face takes and what it gives, without a socket anywhere.

The server, the in-memory transport of the simulation and the tests all speak to the faces through
these two types, so a face cannot know which of them is calling.
"""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qsl

from attrs import frozen


@frozen
class Request:
    """One request, complete.

    `path` is percent-decoded and begins with a slash; `query` is decoded, in order, duplicates kept;
    `headers` has lower-case names; `base_url` is scheme and authority without a trailing slash, as
    the client addressed us (Horizon builds its absolute links from it).
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    def parameter(self, name: str) -> str | None:
        """Give the last value of a query parameter, or None if it is absent."""
        found = None
        for key, value in self.query:
            if key == name:
                found = value
        return found

    def form(self) -> dict[str, str]:
        """Give the fields of a form-encoded body; undecodable bytes are replaced, never raised."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@frozen
class Response:
    """One answer; `body` is an iterator of chunks only for a stream, which the server must `aclose`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | AsyncIterator[bytes]
