"""A route as declared, one call of it, and its answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from attrs import define, field, frozen
from quart import Response

from actors.answers import Awaited
from actors.keys import KnownKey
from actors.system import System
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.ids import is_id
from offerhub.domain.trace import Trace
from web.errors import BODY_MAX_BYTES
from web.health import Health
from web.metrics import MetricsFace
from web.renderings import Renderings
from web.resources import Resource
from web.schema import Schema

T = TypeVar("T")


@frozen
class Caller:
    """Who calls: a key, a token of it, or the master key (`known` is `None`)."""

    actor: str
    scopes: tuple[Scope, ...]
    known: KnownKey | None


@frozen
class Answer:
    """A status and the whole body."""

    status: int
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


@define(eq=False)
class Call:
    """One request on its way to its handler, past all checks.

    Args:
        awaited: where the commit of a request with an idempotency key leaves its answer.
        webhook_secrets: what each sender of webhooks signs with; one without a secret sends none.
        raw_body, raw_headers: exactly as they came, for who checks a signature over them.
    """

    route: "Route"
    params: Mapping[str, str]
    system: System
    health: Health
    metrics: MetricsFace
    renderings: Renderings
    trace: Trace
    caller: Caller | None
    body: object = None
    query: object = None
    prefers_async: bool = False
    awaited: Awaited | None = None
    raw_body: bytes = field(default=b"", repr=False)
    raw_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    webhook_secrets: Mapping[str, bytes] = field(factory=dict, repr=False)

    @property
    def committed(self) -> bytes | None:
        """The text of the final answer, once a commit has written it."""
        return None if self.awaited is None else self.awaited.text

    def header(self, name: str) -> str | None:
        """A header of the request, as it came; of one that comes twice the first."""
        wanted = name.lower().encode()
        for each, value in self.raw_headers:
            if each.lower() == wanted:
                return value.decode("latin-1")
        return None

    def body_as(self, of: type[T]) -> T:
        """The body as its schema built it."""
        return _as(self.body, of)

    def query_as(self, of: type[T]) -> T:
        """The query string as its schema built it."""
        return _as(self.query, of)

    def id(self, name: str, prefix: str, missing: ErrorCode) -> str:
        """An id out of the path; one of another form exists nowhere."""
        text = self.params[name]
        if not is_id(text, prefix):
            raise DomainError(missing, "nothing has this id")
        return text


def _as(value: object, of: type[T]) -> T:
    if not isinstance(value, of):
        msg = f"the route does not declare {of.__name__}"
        raise TypeError(msg)
    return value


Handler = Callable[[Call], Awaitable[Answer | Response]]


@frozen
class Route:
    """An endpoint: everything that the gate checks and the documentation tells.

    Args:
        path: with `<name>` parameters.
        operation: what generated clients call it by: a verb and its object, `reserveOrder`.
        scope: `None` lets any key in; see `public`.
        or_scope: lets a key in as well, where it is the handler's to say what it allows.
        status: of a success.
        codes: what the handler itself may refuse with; the gate's own are added.
        resource: what a success shows; `None` for what is no JSON.
        body, query: their schemas; a POST without a body schema takes `{}` or nothing.
        signed: the handler itself checks and reads `Call.raw_body`, of whatever type it is: a
            webhook, which has no idempotency key of ours either.
        body_max_bytes: at most `BODY_MAX_BYTES`.
        base: whether the path is below `/api/v1`.
        limited: whether it counts against the rate limit.
        in_maintenance: whether a change is taken while maintenance is on.
        reads_key_first: look an idempotency key up before the handler runs, because the handler
            may answer without a commit that would refuse a used key.
    """

    method: str
    path: str
    operation: str
    handler: Handler
    summary: str
    resource: type[Resource] | None
    tag: str
    scope: Scope | None = None
    or_scope: Scope | None = None
    public: bool = False
    listed: bool = False
    long: bool = False
    status: int = 200
    codes: tuple[ErrorCode, ...] = ()
    body: Schema[Any] | None = None
    query: Schema[Any] | None = None
    reads_key_first: bool = False
    signed: bool = False
    body_max_bytes: int = BODY_MAX_BYTES
    action: str = ""
    media: str = "application/json"
    base: bool = True
    limited: bool = True
    in_maintenance: bool = False

    @property
    def endpoint(self) -> str:
        """Quart's name of it."""
        return f"{self.method} {self.path}"

    @property
    def waits_for_maintenance(self) -> bool:
        """Whether it is refused while maintenance is on; what signed webhooks tell is stored."""
        return self.method != "GET" and not (self.in_maintenance or self.signed)

    @property
    def name(self) -> str:
        """What the audit and idempotency keys call the request."""
        return self.action or self.endpoint


BASE_PATH: Final = "/api/v1"
