"""Whose request it is, and how often he may ask."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
import trio
import trio.testing

from offerhub.domain.ids import Ids
from tests.web.running import Numbered
from web.rate_limit import RateLimit
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


def left(limit, **more):
    allowance = limit.take("key:a", **more)
    assert allowance is not None
    return allowance.remaining


class Share:
    """Counters of two processes."""

    def __init__(self):
        self.counts = {}

    def add_count(self, key, window, amount=1):
        self.counts[key, window] = self.counts.get((key, window), 0) + amount

    async def shared_counts(self, places):
        await trio.lowlevel.checkpoint()
        return tuple(self.counts.get(place, 0) for place in places)


async def test_what_another_process_counts_is_known_a_second_later(autojump_clock):
    share = Share()
    began = datetime(2026, 11, 22, tzinfo=UTC)
    start_s = trio.current_time()

    def clock():
        return began + timedelta(seconds=trio.current_time() - start_s)

    one, two = RateLimit(10, clock, share), RateLimit(10, clock, share)
    async with trio.open_nursery() as nursery:
        await nursery.start(one.run)
        await nursery.start(two.run)
        for _ in range(4):
            one.take("key:a")
        for _ in range(3):
            two.take("key:a")
        await trio.sleep(1.01)
        seen = left(one), left(two, count=False)
        await trio.sleep(60)
        anew = left(one)
        nursery.cancel_scope.cancel()

    assert (2, 3) == seen
    assert 9 == anew


def test_without_a_limit_nothing_is_told():
    assert RateLimit(0, lambda: datetime(2026, 1, 1, tzinfo=UTC)).take("x") is None
