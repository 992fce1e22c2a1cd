"""Malformed input over real sockets: the right refusal, nothing moved, and others are served on."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Final

import asyncpg
import h11
import pytest
from attrs import define, field, frozen

from storage.embedded import EmbeddedPostgres
from tests.end_to_end.process import Orchestrator, RunningSandbox, own_home, start_orchestrator

pytestmark = pytest.mark.timeout(240)

WAIT_S: Final = 30.0
MIB: Final = 1024 * 1024

_COUNTED: Final = ("transfers", "postings", "events", "audit", "orders", "users", "withdrawals")


@frozen
class Shop:
    """A running marketplace: a buyer with money, a seller, an order whose funds are reserved."""

    orchestrator: Orchestrator
    buyer: str
    seller: str
    order: str
    dsn: str

    def books(self) -> dict[str, Any]:
        """The balances, and how many rows every table of the books has."""

        async def read() -> dict[str, Any]:
            connection = await asyncpg.connect(self.dsn)
            try:
                counts = {
                    table: await connection.fetchval(f"SELECT count(*) FROM {table}")
                    for table in _COUNTED
                }
                balances = await connection.fetch("SELECT * FROM balances ORDER BY user_id")
            finally:
                await connection.close()
            return {**counts, "balances": [tuple(each) for each in balances]}

        return asyncio.run(read())

    def connect(self) -> socket.socket:
        port = int(self.orchestrator.url.rsplit(":", 1)[1])
        return socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)

    def head(self, line: str, *headers: str, key: bool = True) -> bytes:
        """A request's head; `\\xff` and the like go out as these bytes."""
        given = ["Host: test"]
        if key:
            given.append(f"Authorization: Bearer {self.orchestrator.master_key}")
        return "\r\n".join([f"{line} HTTP/1.1", *given, *headers, "", ""]).encode("latin-1")

    def send(self, raw: bytes, *, close: bool = False) -> "Answer":
        """Send bytes, and read one answer. `close`: tell the server that no more comes."""
        with closing(self.connect()) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(raw)
                if close:
                    connection.shutdown(socket.SHUT_WR)
            return _read(connection)

    def post(self, path: str, body: bytes, *headers: str) -> "Answer":
        """A well-framed POST."""
        given = [each for each in headers if not each.lower().startswith("content-type:")]
        kind = [each for each in headers if each.lower().startswith("content-type:")]
        return self.send(
            self.head(
                f"POST /api/v1{path}",
                *(kind or ["Content-Type: application/json"]),
                f"Content-Length: {len(body)}",
                *given,
            )
            + body
        )

    def get(self, path: str, *headers: str) -> "Answer":
        return self.send(self.head(f"GET {path}", *headers))


@frozen
class Answer:
    """What came back; status 0: the connection was closed without an answer."""

    status: int
    body: bytes

    @property
    def code(self) -> str:
        """The error's code; empty if the server refused the bytes before there was a request."""
        return str(json.loads(self.body)["error"]["code"]) if self.body else ""

    @property
    def fields(self) -> list[str]:
        details = json.loads(self.body)["error"]["details"]
        return [each["field"] for each in details.get("fields", [])]

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.code


def _read(connection: socket.socket) -> Answer:
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MIB)
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "test")]))
    parser.send(h11.EndOfMessage())
    status, body = 0, b""
    while True:
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError:  # closed without an answer, or in the middle of one
            return Answer(status, body)
        match event:
            case h11.Response():
                status = event.status_code
            case h11.Data():
                body += event.data
            case h11.EndOfMessage() | h11.ConnectionClosed():
                return Answer(status, body)
            case _ if event is h11.NEED_DATA:
                try:
                    parser.receive_data(connection.recv(65536))
                except ConnectionResetError:
                    return Answer(status, body)
            case _:
                pass


@pytest.fixture(scope="module")
def shop(fast_sandbox: RunningSandbox) -> Iterator[Shop]:
    with (
        own_home() as home,
        start_orchestrator(home, sandbox=fast_sandbox) as orchestrator,
        orchestrator.client() as client,
    ):

        def call(method: str, path: str, body: object = None) -> Any:
            answer = client.request(method, path, json=body)
            assert answer.is_success, answer.text
            return answer.json()["data"]

        buyer, seller = (
            call("POST", "/users", {"externalUserId": name})["id"] for name in ("ann", "bob")
        )
        for user in (buyer, seller):
            _wait(lambda user=user: call("GET", f"/users/{user}/wallet")["isActive"])
        fast_sandbox.faucet(call("GET", f"/users/{buyer}/wallet/deposit")["address"], "100.00")
        _wait(lambda: call("GET", f"/users/{buyer}/balance")["available"] == "100.00")
        order = call("POST", "/orders", _order(buyer, seller))["id"]
        call("POST", f"/orders/{order}/reserve")
        dsn = EmbeddedPostgres(home, random_bytes=os.urandom).running_dsn()
        assert dsn is not None
        yield Shop(orchestrator, buyer, seller, order, dsn)
        assert orchestrator.alive()


@pytest.fixture
def untouched(shop: Shop) -> Iterator[Shop]:
    """The shop: at the end nothing has moved, and others were answered all the while."""
    before = shop.books()
    with served(shop) as other:
        yield shop
    assert other.faults == []
    assert other.answers > 0
    assert before == shop.books()


@define
class Other:
    """Somebody else who reads and changes all the while."""

    answers: int = 0
    faults: list[str] = field(factory=list)


@contextmanager
def served(shop: Shop) -> Iterator[Other]:
    """Have another client ask one thing after the other until the block ends."""
    other, done = Other(), threading.Event()

    def ask() -> None:
        with shop.orchestrator.client(WAIT_S) as client:
            while not done.is_set() or not other.answers:
                try:
                    read = client.get(f"/orders/{shop.order}")
                    # The same key: an answered POST that moves nothing.
                    sent = client.post(
                        "/users",
                        json={"externalUserId": "ann"},
                        headers={"Idempotency-Key": "other"},
                    )
                except Exception as error:  # noqa: BLE001 - told to the test
                    other.faults.append(repr(error))
                    return
                if (read.status_code, sent.status_code) != (200, 200):
                    other.faults.append(f"{read.text} {sent.text}")
                    return
                other.answers += 1
                done.wait(0.02)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield other
    finally:
        done.set()
        thread.join(WAIT_S)


def _order(buyer: str, seller: str, **change: object) -> dict[str, object]:
    return {"buyerId": buyer, "sellerId": seller, "amount": "10.00", "title": "A logo", **change}


def _wait(fulfilled: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while not fulfilled():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)


NO_JSON: Final[Sequence[bytes]] = (
    b"{",
    b"{}{}",
    b"{'externalUserId': 'x'}",
    b'{"externalUserId": "x",}',
    b'{"externalUserId": "x"} // a comment',
    b"\xef\xbb\xbf{}",  # a byte order mark
    b"\x00",
    b"\xff\xfe{\x00}\x00",  # UTF-16
    b'{"externalUserId": "\xff"}',
    b'{"externalUserId": "\xed\xa0\x80"}',  # a surrogate, as UTF-8 never has it
    b'{"externalUserId": "\\ud800"}',
    b'{"externalUserId": "\\udc00\\ud800"}',
    b'{"externalUserId": "\\x41"}',
    b'{"externalUserId": "a\nb"}',
    b'{"metadata": {"a": NaN}}',
    b'{"metadata": {"a": Infinity}}',
    b'{"metadata": {"a": -Infinity}}',
    b'{"metadata": {"a": 1e999}}',
    b'{"metadata": {"a": ' + b"9" * 100_000 + b"}}",
    b'{"metadata": {"a": 0x10}}',
    b'{"metadata": {"a": 01}}',
    b"[" * 500_000,
    b'{"a":' * 100_000,
    b"[" * 200_000 + b"]" * 200_000,
)


@pytest.mark.parametrize("key", [False, True], ids=["without a key", "with a key"])
def test_a_body_that_is_no_json(untouched: Shop, key: bool) -> None:
    for number, body in enumerate(NO_JSON):
        kept = [f"Idempotency-Key: no-json-{number}"] if key else []
        answer = untouched.post("/users", body, *kept)
        assert (400, "INVALID_JSON") == answer.refusal, body[:60]


def test_json_that_is_no_request(untouched: Shop) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = {"a": deep}
    bodies = (
        b"[]",
        b"null",
        b"0",
        b'"text"',
        json.dumps({"externalUserId": "x", "metadata": deep}).encode(),
        json.dumps({"externalUserId": "x", "metadata": [deep]}).encode(),
        b'{"externalUserId": {"a": 1}}',
        b'{"externalUserId": "\\u0000"}',
        b'{"externalUserId": "x", "metadata": {"a\\u0000": 1}}',
        b'{"externalUserId": "x", "constructor": 1, "__proto__": {}}',
        b'{"externalUserId": "' + b"x" * 300 + b'"}',
        b'{"externalUserId": 1e400}'.replace(b"1e400", b"1e30"),
    )
    for number, body in enumerate(bodies):
        for more in ([], [f"Idempotency-Key: no-request-{number}"]):
            answer = untouched.post("/users", body, *more)
            assert (400, "VALIDATION_ERROR") == answer.refusal, body[:60]


def test_a_key_that_comes_twice_in_an_object(untouched: Shop) -> None:
    for body, name in (
        (b'{"externalUserId": "one", "externalUserId": "two"}', "externalUserId"),
        (b'{"externalUserId": "one", "external\\u0055serId": "two"}', "externalUserId"),
        (b'{"externalUserId": "one", "metadata": {"a": {"b": 1, "b": 1}}}', "b"),
    ):
        answer = untouched.post("/users", body)
        assert ((400, "VALIDATION_ERROR"), [name]) == (answer.refusal, answer.fields)


AMOUNTS: Final[Sequence[object]] = (
    "1e2",
    "+1.00",
    "-1.00",
    "1",
    "1.0",
    "1.000",
    ".50",
    "1.",
    "1,00",
    "1_0.00",
    "0x1.00",
    " 1.00",
    "1.00 ",
    "1.00\n",
    "1.00\x00",
    "１.00",  # noqa: RUF001 - a full-width digit
    "1.0０",  # noqa: RUF001 - likewise
    "٣.00",
    "²2.00",
    "1．00",  # noqa: RUF001 - a full-width full stop
    "1.00\u200b",
    "NaN",
    "Infinity",
    "0.00",
    "",
    "9999999999.00",
    "9" * 100_000 + ".00",
    1,
    1.0,
    1e300,
    -0.0,
    10**18,
    True,
    [],
    {},
    ["1.00"],
)


def test_an_amount_that_is_none(untouched: Shop) -> None:
    for amount in AMOUNTS:
        order = _order(untouched.buyer, untouched.seller, amount=amount)
        withdrawal = {
            "userId": untouched.buyer,
            "amount": amount,
            "destinationType": "crypto",
            "destinationRef": "G" * 56,
        }
        for path, body in (("/orders", order), ("/withdrawals", withdrawal)):
            answer = untouched.post(path, json.dumps(body).encode())
            assert (400, "INVALID_AMOUNT_FORMAT") == answer.refusal, (path, amount)
            assert ["amount"] == answer.fields


def test_a_content_type_that_is_none_of_ours(untouched: Shop) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "json",
        ";",
        "\xff",
    ):
        answer = untouched.post("/users", b'{"externalUserId": "x"}', f"Content-Type: {kind}")
        assert (415, "UNSUPPORTED_MEDIA_TYPE") == answer.refusal, kind


def test_a_body_of_ten_mebibytes(untouched: Shop) -> None:
    line = "POST /api/v1/users"
    kind = "Content-Type: application/json"
    large = bytes(10 * MIB)
    announced = untouched.head(line, kind, f"Content-Length: {len(large)}")
    chunked = untouched.head(line, kind, "Transfer-Encoding: chunked")
    chunks = b"".join(b"100000\r\n" + large[:MIB] + b"\r\n" for _ in range(10)) + b"0\r\n\r\n"

    assert (413, "BODY_TOO_LARGE") == untouched.send(announced).refusal
    assert (413, "BODY_TOO_LARGE") == untouched.send(announced + large).refusal
    assert (413, "BODY_TOO_LARGE") == untouched.send(chunked + chunks).refusal
    astronomic = untouched.head(line, kind, "Content-Length: " + "9" * 19)
    assert (413, "BODY_TOO_LARGE") == untouched.send(astronomic).refusal


def test_a_length_that_lies(untouched: Shop) -> None:
    body = b'{"externalUserId": "x"}'

    def framed(*headers: str) -> bytes:
        line = "POST /api/v1/users"
        return untouched.head(line, "Content-Type: application/json", *headers) + body

    shorter = untouched.send(framed("Content-Length: 10"))
    assert (400, "INVALID_JSON") == shorter.refusal
    # Nobody is there any more to be answered.
    longer = untouched.send(framed("Content-Length: 1000"), close=True)
    assert longer.status in {0, 400}
    for lengths in (
        ["-1"],
        ["+23"],
        ["0x17"],
        ["23.0"],
        ["twenty"],
        ["23 23"],
        ["9" * 5000],
        ["5", "23"],
        ["23, 5"],
    ):
        answer = untouched.send(framed(*[f"Content-Length: {each}" for each in lengths]))
        assert 400 == answer.status, lengths


def test_two_ways_to_frame_a_body(untouched: Shop) -> None:
    """Content-Length beside Transfer-Encoding is how requests are smuggled past a proxy."""
    body = b"5\r\n{}   \r\n0\r\n\r\n"
    for coding in ("chunked", "gzip, chunked", "identity", "chunked, chunked", "xchunked"):
        raw = untouched.head(
            "POST /api/v1/users",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"Transfer-Encoding: {coding}",
        )
        assert untouched.send(raw + body).status in {400, 501}, coding


def test_chunks_that_are_garbage(untouched: Shop) -> None:
    head = untouched.head(
        "POST /api/v1/users", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    for chunks in (
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"ffffffffffffffffffffffff\r\n{}",
        b"2\r\n{}XX0\r\n\r\n",
        b"2;" + b"x" * 100_000,
        b"\r\n\r\n",
        b"\x00\x01\x02",
    ):
        answer = untouched.send(head + chunks, close=True)
        assert answer.status in {0, 400, 431}, chunks[:40]


def test_who_does_not_finish_holds_nobody_up(untouched: Shop) -> None:
    """A body that never comes, a head that never ends, silence: all open at the same time."""
    length = untouched.head(
        "POST /api/v1/users", "Content-Type: application/json", "Content-Length: 1000"
    )
    chunked = untouched.head(
        "POST /api/v1/users", "Content-Type: application/json", "Transfer-Encoding: chunked"
    )
    halves = (length + b"{", chunked + b"5\r\n{", b"GET /api/v1/orders HTTP/1.1\r\nHos", b"")
    waiting = [untouched.connect() for _ in range(40)]
    try:
        for number, connection in enumerate(waiting):
            connection.sendall(halves[number % len(halves)])
        assert 200 == untouched.get(f"/api/v1/orders/{untouched.order}").status
    finally:
        for connection in waiting:
            connection.close()


def test_heads_that_are_absurd(untouched: Shop) -> None:
    good = "GET /api/v1/orders"
    assert 431 == untouched.get("/api/v1/orders", "X-Long: " + "x" * 100_000).status
    assert 431 == untouched.get("/api/v1/orders", *(f"X-{n}: y" for n in range(20_000))).status
    assert 431 == untouched.get("/api/v1/orders?a=" + "x" * 100_000).status
    for raw in (
        untouched.head(good, "No colon"),
        untouched.head(good, "Bad name: x"),
        untouched.head(good, ": nameless"),
        untouched.head(good, "X-Nul: a\x00b"),
        untouched.head(good).replace(b"Host: test\r\n", b""),
        untouched.head(good, "Host: second"),
        untouched.head(good).replace(b"HTTP/1.1", b"HTTP/11"),
        untouched.head(good).replace(b"HTTP/1.1", b""),
        untouched.head("GET"),
        untouched.head("GET /api/v1/orders extra"),
        untouched.head("G\x00T /api/v1/orders"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # TLS
        b"\r\n" * 50_000,
        os.urandom(1000).replace(b"\n", b"") + b"\r\n\r\n",
    ):
        answer = untouched.send(raw, close=True)
        assert answer.status in {0, 400, 431}, raw[:80]
    # A folded line belongs to the header before it (RFC 9112, section 5.2): here to the key, which is none then.
    folded = untouched.send(untouched.head(good, " folded: first"))
    assert (401, "INVALID_API_KEY") == folded.refusal


def test_paths_and_methods_that_are_absurd(untouched: Shop) -> None:
    for line in (
        "GET /",
        "GET /api/v1",
        "GET /api/v1/%00",
        "GET /api/v1/%ff%fe",
        "GET /api/v1/..%2f..%2fetc%2fpasswd",
        "GET /../../etc/passwd",
        "GET /api/v1/%2e%2e/%2e%2e",
        "GET /api/v1/" + "a/" * 5_000,
        "GET http://elsewhere/api/v2",
        "GET *",
        "BREW /api/v1/tea",
    ):
        answer = untouched.send(untouched.head(line))
        assert (404, "NOT_FOUND") == answer.refusal, line[:60]
    for line in ("PUT /api/v1/orders", "BREW /api/v1/orders", "TRACE /api/v1/orders"):
        answer = untouched.send(untouched.head(line))
        assert (405, "METHOD_NOT_ALLOWED") == answer.refusal, line
    for line in ("GET /api/v1/\xff", "CONNECT test:443", "GET /api/v1/orders?a=\xff"):
        answer = untouched.send(untouched.head(line), close=True)
        assert 400 <= answer.status < 500, line


def test_queries_that_are_absurd(untouched: Shop) -> None:
    for query in (
        "limit=1e1",
        "limit=%2B1",
        "limit=+1",
        "limit=1.0",
        "limit=-1",
        "limit=%EF%BC%91",
        "limit=%D9%A1",
        "limit=" + "9" * 5000,
        "limit=1%0A",
        "limit=1&limit=1",
        "limit[]=1",
        "cursor=%00",
        "cursor=" + "x" * 5000,
        "status=%F0%9F%92%A9",
        "buyerId=%ff",
        "buyerId=%ED%A0%80",
        "%ff=1",
        "createdAfter=-1",
        "createdAfter=99999-01-01T00:00:00Z",
        "createdAfter=2026-02-30T00:00:00Z",
        "createdAfter=NaN",
        "&".join(f"a{number}=1" for number in range(1000)),
        "=",
    ):
        answer = untouched.get(f"/api/v1/orders?{query}")
        assert (400, "VALIDATION_ERROR") == answer.refusal, query[:60]


def test_headers_that_we_read_and_that_make_no_sense(untouched: Shop) -> None:
    body = b'{"externalUserId": "x"}'
    for key in ("", '""', "x" * 256, "a\tb", "\xff", "a,\x7fb"):
        answer = untouched.post("/users", body, f"Idempotency-Key: {key}")
        assert (400, "VALIDATION_ERROR") == answer.refusal, repr(key)
    plain = {"key": False}
    for header in (
        "Authorization: Bearer " + "x" * 20_000,
        "Authorization: Bearer \xff\xfe",
        "Authorization: Bearer",
        "Authorization: Bearer a b",
        "Authorization: Basic eDp5",
        "x-api-key: \xff",
    ):
        answer = untouched.send(untouched.head("GET /api/v1/orders", header, **plain))
        assert answer.status == 401, header[:60]
    for place in ("-1", "nonsense", "9" * 100, "evt_\xff", "2026-13-01T00:00:00Z", "1e3"):
        answer = untouched.get("/api/v1/events", f"Last-Event-ID: {place}")
        assert (400, "VALIDATION_ERROR") == answer.refusal, place
    for header in (
        "X-Request-ID: " + "x" * 10_000,
        "X-Forwarded-For: " + "1.2.3.4," * 2000,
        "Accept: " + "a/b," * 5000,
        "Prefer: " + "respond-async;" * 1000,
        "User-Agent: \xff\xfe",
    ):
        assert 200 == untouched.get("/api/v1/orders", header).status, header[:60]


def test_another_protocol_on_the_same_port(untouched: Shop) -> None:
    for protocol, status in (("websocket", b"403"), ("h2c", b"101"), ("smtp", b"200")):
        raw = untouched.head(
            "GET /api/v1/orders",
            "Connection: Upgrade",
            f"Upgrade: {protocol}",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        )
        with closing(untouched.connect()) as connection:
            connection.sendall(raw)
            assert connection.recv(1000).split()[1] == status, protocol
