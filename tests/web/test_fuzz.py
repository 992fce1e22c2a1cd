"""Whatever is sent, the answer is an envelope with a code of the endpoint: never a 500."""

import msgspec
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.running import open_instance
from tests.web.test_treasury import stand_up_platform
from web.openapi import codes_of
from web.routes import ROUTES

_IDS = st.sampled_from(
    ["usr_000000000000000000001", "ord_000000000000000000001", "nonsense", "é", "%00", "a" * 300]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(["1.00", "0.00", "USDC", "crypto", "bank", "2026-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_NAMES = sorted(
    {
        spelling
        for route in ROUTES
        for schema in (route.body, route.query)
        if schema is not None
        for field in schema.fields
        for spelling in field.spellings
    }
)
_BODIES = st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=8), _VALUES, max_size=8)


@st.composite
def _requests(draw):
    route = draw(st.sampled_from([each for each in ROUTES if each.path != "/events"]))
    path = route.path
    for name in ("<id>", "<ref>"):
        path = path.replace(name, draw(_IDS).replace("/", ""))
    raw = draw(st.binary(max_size=50) | _BODIES.map(_encoded))
    query = draw(st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=10), max_size=3))
    key = draw(st.none() | st.sampled_from(["k1", "k2"]))
    return route, path, raw, query, key


def _encoded(body) -> bytes:
    return msgspec.json.encode(body)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(st.lists(_requests(), min_size=1, max_size=5))
def test_no_request_makes_a_500(requests):
    async def main():
        async with open_instance() as running:
            await stand_up_platform(running)
            for route, path, raw, query, key in requests:
                answer = await running.request(
                    route.method,
                    path,
                    key=key,
                    query_string=query if route.method == "GET" else None,
                    **(
                        {"data": raw, "headers": {"Content-Type": "application/json"}}
                        if route.method == "POST"
                        else {}
                    ),
                )
                assert answer.status_code < 500, (path, raw)
                if answer.status_code >= 400:
                    code = (await answer.get_json())["error"]["code"]
                    allowed = {each.value for each in codes_of(route)}
                    assert code in allowed | {"NOT_FOUND"}, (path, raw)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
