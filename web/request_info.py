"""What a request's headers say: its id, its client, what it prefers; read in one pass."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from attrs import define

from offerhub.domain.ids import Ids
from web.rate_limit import Allowance

TrustedProxies = Sequence[IPv4Network | IPv6Network]

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_READ: Final = frozenset(
    {
        b"accept",
        b"authorization",
        b"content-length",
        b"content-type",
        b"idempotency-key",
        b"prefer",
        b"user-agent",
        b"x-api-key",
        b"x-forwarded-for",
        b"x-request-id",
    }
)
_USER_AGENT_MAX: Final = 200


@define(eq=False)
class RequestInfo:
    """The headers that matter, the request's id and its client; `allowance` comes later."""

    headers: dict[bytes, bytes]
    request_id: str
    ip: str | None
    allowance: Allowance | None = None

    @property
    def user_agent(self) -> str | None:
        """The client's name of itself, shortened, without what cannot be stored."""
        value = self.headers.get(b"user-agent")
        if value is None:
            return None
        return value[:_USER_AGENT_MAX].decode("latin-1").replace("\x00", "")

    @property
    def accepts_problem(self) -> bool:
        """Whether errors are wanted as RFC 9457."""
        return b"application/problem+json" in self.headers.get(b"accept", b"")

    @property
    def prefers_async(self) -> bool:
        """Whether an action on the chain is to be answered at once (RFC 7240)."""
        preferences = self.headers.get(b"prefer")
        return preferences is not None and any(
            part.split(b";")[0].strip().lower() == b"respond-async"
            for part in preferences.split(b",")
        )


def read_request_info(
    raw: Iterable[tuple[bytes, bytes]],
    client: Sequence[object] | None,
    proxies: TrustedProxies,
    ids: Ids,
) -> RequestInfo:
    """Read the headers; of one that comes twice the first counts, of forwarders all."""
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        name = name.lower()  # noqa: PLW2901 - ASGI says lower case, clients of tests do not
        if name not in _READ:
            continue
        if name not in headers:
            headers[name] = value
        elif name == b"x-forwarded-for":
            headers[name] += b"," + value
    given = headers.get(b"x-request-id")
    request_id = (
        given.decode("ascii")
        if given is not None and _REQUEST_ID.fullmatch(given)
        else ids.new("req")
    )
    peer = str(client[0]) if client else None
    if proxies and peer is not None and b"x-forwarded-for" in headers:
        peer = _behind(peer, headers[b"x-forwarded-for"].decode("latin-1"), proxies)
    return RequestInfo(headers, request_id, peer)


def _behind(peer: str, forwarded: str, proxies: TrustedProxies) -> str:
    """The nearest address that is none of our proxies: what a stranger wrote is not believed."""
    for hop in (peer, *reversed([part.strip() for part in forwarded.split(",")])):
        try:
            address = ip_address(hop)
        except ValueError:
            return peer
        peer = hop
        if not any(address in network for network in proxies):
            return hop
    return peer
