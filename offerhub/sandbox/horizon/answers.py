"""What all of Horizon's answers share: headers and the encoding of bodies."""

from typing import Final

import msgspec

from offerhub.sandbox.http import Response

STANDING_HEADERS: Final = (
    ("cache-control", "no-cache, no-store, max-age=0"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "Date, Latest-Ledger"),
)


def hal(body: object, *, latest_ledger: int | None = None) -> Response:
    """Give a 200 in hal+json; state endpoints also name their ledger (docs/spec/stellar-horizon.md §2.1)."""
    headers = [
        ("content-type", "application/hal+json; charset=utf-8"),
        ("content-disposition", "inline"),
        *STANDING_HEADERS,
    ]
    if latest_ledger is not None:
        headers.append(("latest-ledger", str(latest_ledger)))
    return Response(200, tuple(headers), msgspec.json.encode(body))


def plain(status: int, body: object) -> Response:
    """Give a body that is neither resource nor problem: the async endpoint's (docs/spec/stellar-horizon.md §2.5)."""
    headers = (("content-type", "application/json; charset=utf-8"), *STANDING_HEADERS)
    return Response(status, headers, msgspec.json.encode(body))
