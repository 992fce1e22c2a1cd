"""How often a caller may ask: counted here, known elsewhere a second later, told with every answer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
import trio

from tests.web.running import open_instance
from tests.web.test_stream import stream, streaming
from web.call import Answer, Route
from web.rate_limit import RateLimit, client_name
from web.routes import ROUTES

NAMES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class Share:
    """Counters of several processes; `away` takes them away."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, int], int] = {}
        self.away = False
        self.most = 0

    async def exchange_counts(
        self, counted: Mapping[str, int], window: int, ttl_s: int
    ) -> Mapping[str, int] | None:
        await trio.sleep(0.1)
        self.most = max(self.most, len(counted))
        if self.away:
            return None
        assert ttl_s > 60
        for name, amount in counted.items():
            self.counts[name, window] = self.counts.get((name, window), 0) + amount
        return {name: self.counts[name, window] for name in counted}


def clock_from(began_s: float):
    """A clock that goes with Trio's, from the beginning of a window on."""
    start = datetime(2026, 11, 22, tzinfo=UTC)
    return lambda: start + timedelta(seconds=trio.current_time() - began_s)


def remaining(limit: RateLimit, name: str = "key:a", *, count: bool = True) -> int:
    allowance = limit.take(name, count=count)
    assert allowance is not None
    return allowance.remaining


async def test_what_another_process_counts_is_known_within_a_second(autojump_clock):
    share, clock = Share(), clock_from(trio.current_time())
    one, two = RateLimit(10, clock, share), RateLimit(10, clock, share)
    async with trio.open_nursery() as nursery:
        await nursery.start(one.run)
        await trio.sleep(0.3)  # they do not exchange at the same moments
        await nursery.start(two.run)
        remaining(two)
        for _ in range(4):
            remaining(one)
        await trio.sleep(1)
        assert 5 == remaining(two, count=False)
        remaining(one)
        await trio.sleep(1)
        assert 4 == remaining(one, count=False)
        nursery.cancel_scope.cancel()


async def test_what_is_not_told_yet_hides_nothing_that_others_have_counted(autojump_clock):
    """A steady caller of two processes gets what one of one process gets."""
    share, clock = Share(), clock_from(trio.current_time())
    limits = RateLimit(100, clock, share), RateLimit(100, clock, share)
    let_in = 0
    async with trio.open_nursery() as nursery:
        for limit in limits:
            await nursery.start(limit.run)
        for _ in range(300):
            for limit in limits:
                allowance = limit.take("key:a")
                assert allowance is not None
                let_in += not allowance.exceeded
            await trio.sleep(0.1)
        nursery.cancel_scope.cancel()

    # Twenty a second: one second's worth may slip through.
    assert 100 <= let_in <= 120


async def test_a_new_window_begins_anew(autojump_clock):
    share, clock = Share(), clock_from(trio.current_time())
    limit = RateLimit(10, clock, share)
    async with trio.open_nursery() as nursery:
        await nursery.start(limit.run)
        for _ in range(12):
            remaining(limit)
        assert 0 == remaining(limit, count=False)
        await trio.sleep(60)
        assert 9 == remaining(limit)
        nursery.cancel_scope.cancel()


async def test_without_the_others_the_process_goes_on_alone(autojump_clock):
    share, clock = Share(), clock_from(trio.current_time())
    limit = RateLimit(10, clock, share)
    async with trio.open_nursery() as nursery:
        await nursery.start(limit.run)
        share.away = True
        for left in range(9, -1, -1):
            assert left == remaining(limit)
            await trio.sleep(0.5)
        share.away = False
        await trio.sleep(1)
        refused = limit.take("key:a")
        assert refused is not None
        assert refused.exceeded
        nursery.cancel_scope.cancel()


async def test_a_flood_of_addresses_makes_nothing_grow(autojump_clock):
    share, clock = Share(), clock_from(trio.current_time())
    limit = RateLimit(10, clock, share, names_max=100)
    async with trio.open_nursery() as nursery:
        await nursery.start(limit.run)
        remaining(limit, "key:known")
        for number in range(20_000):
            remaining(limit, client_name(f"10.{number >> 8}.{number & 255}.1"))
        assert limit.names <= 100 + 4096
        assert 8 == remaining(limit, "key:known")
        await trio.sleep(3)
        assert share.most <= 1000
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        (None, "192.0.2.2", False),
    ],
)
def test_an_ipv6_client_is_the_network_that_it_is_given(one, other, same):
    assert same == (client_name(one) == client_name(other))


def test_without_a_limit_nothing_is_told():
    assert RateLimit(0, lambda: datetime(2026, 1, 1, tzinfo=UTC)).take("x") is None


def told(answer) -> bool:
    return all(answer.headers.get(name, "").isdigit() for name in NAMES)


async def test_every_answer_tells_the_limit(running_limited):
    running = running_limited
    order = await running.order()
    answers = [
        await running.get("/health"),
        await running.get("/config"),
        await running.get("/orders"),
        await running.request("HEAD", "/orders"),
        await running.post("/users", {"externalUserId": "x"}, key="k"),
        await running.post("/users", {"externalUserId": "x"}, key="k"),
        await running.get("/orders", headers={"Authorization": None}),
        await running.get("/orders", headers={"Authorization": "Bearer ohk_test_no"}),
        await running.get("/nowhere"),
        await running.request("PUT", "/orders"),
        await running.post("/users", data=b"{", headers={"Content-Type": "application/json"}),
        await running.post("/users", data=b"{}", headers={"Content-Type": "text/plain"}),
        await running.post("/users", data=b"x" * (1024 * 1024 + 1)),
        await running.post("/orders", {}),
        await running.post(f"/orders/{order}/escrow"),
        await running.post("/topups", {"userId": "usr_1", "amount": "1.00"}),
        await running.get(
            "/audit/logs", headers={"Authorization": f"Bearer {await running.key('read')}"}
        ),
    ]
    running.database.available = False
    answers.append(await running.get("/users"))
    # Also where the key itself cannot be looked up.
    answers.append(await running.get("/users", headers={"Authorization": "Bearer ohk_test_new"}))

    statuses = {answer.status_code for answer in answers}
    assert {200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 422, 503} == statuses
    assert [] == [answer.status_code for answer in answers if not told(answer)]


@pytest.mark.expect_errors
async def test_a_fault_of_ours_and_a_refusal_for_the_rate_tell_it_too():
    async def broken(_: object) -> Answer:
        raise RuntimeError("inner")

    route = Route("GET", "/broken", "breakDown", broken, "Broken", None, "Instance", public=True)
    async with open_instance(rate_limit_per_minute=2, more_routes=(route,)) as running:
        answers = [await running.get("/broken") for _ in range(3)]

    assert [500, 500, 429] == [answer.status_code for answer in answers]
    assert all(told(answer) for answer in answers)
    assert ["1", "0", "0"] == [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert int(answers[2].headers["Retry-After"]) >= 1


async def test_a_stream_tells_the_limit_and_counts_as_one_request(autojump_clock):
    async with streaming(rate_limit_per_minute=3) as running:
        for left in (2, 1, 0):
            async with stream(running) as events:
                assert str(left) == events.headers[NAMES[1].lower()]
        async with stream(running) as refused:
            assert 429 == refused.status
            assert {name.lower() for name in NAMES} <= {*refused.headers}


@pytest.fixture
async def running_limited():
    async with open_instance(rate_limit_per_minute=1000) as opened:
        yield opened


async def test_a_token_counts_as_its_key_and_a_client_without_a_key_by_its_address():
    proxies = (ip_network("127.0.0.0/8"),)
    async with open_instance(rate_limit_per_minute=5, trusted_proxies=proxies) as running:
        key = {"Authorization": f"Bearer {await running.key('read')}"}
        me = (await (await running.get("/auth/me", headers=key)).get_json())["data"]
        made = await running.post(f"/auth/api-keys/{me['id']}/token", {"ttl": 60}, headers=key)
        token = {"Authorization": f"Bearer {(await made.get_json())['data']['token']}"}
        assert "2" == (await running.get("/auth/me", headers=token)).headers[NAMES[1]]
        assert "1" == (await running.get("/auth/me", headers=key)).headers[NAMES[1]]

        async def left(address: str) -> str:
            sent = {"Authorization": None, "X-Forwarded-For": address}
            scope = {"client": ("127.0.0.1", 1)}
            answer = await running.get("/config", headers=sent, scope_base=scope)
            return answer.headers[NAMES[1]]

        assert ["4", "4", "3"] == [
            await left(each) for each in ("192.0.2.1", "192.0.2.2", "192.0.2.1")
        ]


def test_only_the_health_is_not_counted():
    assert {"GET /health", "GET /metrics"} >= {each.endpoint for each in ROUTES if not each.limited}
