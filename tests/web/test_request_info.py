"""Whose request it is, and what he prefers."""

from ipaddress import ip_network

import pytest

from offerhub.domain.ids import Ids
from tests.web.running import Numbered
from web.request_info import read_request_info

IDS = Ids(Numbered())
PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [b"198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [b"6.6.6.6", b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"10.0.0.3"], "10.0.0.3"),
        ("fd00::1", [b"2001:db8::1"], "2001:db8::1"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_proxy_of_ours(peer, forwarded, client):
    headers = [(b"x-forwarded-for", value) for value in forwarded]

    assert client == read_request_info(headers, (peer, 1), PROXIES, IDS).ip


def test_a_preference_is_read_among_others():
    info = read_request_info([(b"prefer", b"wait=5, Respond-Async; x=1")], None, (), IDS)

    assert info.prefers_async
