"""The core of both clients: what is sent, what an answer means, when to repeat. No I/O.

A call is repeated only where that is safe. Reads and revocations are; every other change carries an
idempotency key, under which the orchestrator does it once and tells the outcome to whoever asks
again (docs/spec/api.md, Idempotency). So an answer that was lost is asked for under the same key.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from offerhub.client.failures import (
    ApiError,
    NoAnswer,
    OutcomeUnknown,
    StillRunning,
    UnexpectedAnswer,
    error_of,
)

T = TypeVar("T")

_CENT: Final = Decimal("0.01")
_ACCEPTED: Final = 202
_POLL_S: Final = 0.5
_POLL_MAX_S: Final = 5.0
_TRANSIENT: Final = frozenset(
    {
        "RATE_LIMITED",
        "IDEMPOTENCY_KEY_IN_PROGRESS",
        "MAINTENANCE",
        "SERVICE_UNAVAILABLE",
        "PROVIDER_UNAVAILABLE",
        "PROVIDER_RATE_LIMITED",
        "PROVIDER_TIMEOUT",
        "STELLAR_NETWORK_ERROR",
    }
)
"""Nothing was done, or the same key tells what was; asking again may end otherwise."""
_INTERNAL: Final = "INTERNAL_ERROR"
_INTERNAL_MAX: Final = 2
"""A fault inside that repeats itself is no weather."""
_GATEWAY: Final = frozenset({502, 503, 504})


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a call is tried.

    Args:
        total_s: the whole call, pauses included; then it fails with what came last.
        attempt_s: one request; more than the orchestrator's `CHAIN_WAIT_SECONDS`.
        pause_s, pause_max_s: the first pause, and what doubling stops at. `Retry-After` wins.
    """

    total_s: float = 180.0
    attempt_s: float = 90.0
    pause_s: float = 0.25
    pause_max_s: float = 15.0


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One operation with its arguments.

    Args:
        of: what a success shows, as `msgspec` decodes it: the whole body.
        key: the idempotency key, of a POST.
        wait: whether an answer that the work is still running is none yet.
        prefers_async: ask to be answered at once while the work runs.
    """

    method: str
    path: str
    of: Any
    query: Mapping[str, object] = {}
    body: Mapping[str, object] | None = None
    key: str | None = None
    wait: bool = True
    prefers_async: bool = False

    def url(self, base: str) -> str:
        """Where it goes."""
        return base + self.path

    def parameters(self) -> dict[str, str]:
        """The query string's pairs."""
        return {name: _text(value) for name, value in self.query.items() if value is not None}

    def content(self) -> bytes | None:
        """The body."""
        if self.body is None:
            return None
        given = {name: each for name, each in self.body.items() if each is not None}
        return msgspec.json.encode(_plain(given))

    def headers(self) -> dict[str, str]:
        """What it needs beside the caller's own headers."""
        headers = {"Accept": "application/json"}
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        if self.prefers_async:
            headers["Prefer"] = "respond-async"
        return headers


class Exchange(Generic[T]):
    """One call until its end: told what came of each attempt, it says how long to pause.

    Args:
        now, later: a monotonic clock's reading in seconds.
        chance: a number from 0 to 1 for each pause, so that clients do not come back in step.
    """

    def __init__(self, call: Call[T], retries: Retries, now: float) -> None:
        self.call = call
        self._retries = retries
        self._ends = now + retries.total_s
        self._pause = retries.pause_s
        self._poll = _POLL_S
        self._faults = 0
        self.result: T | None = None

    def timeout(self, now: float) -> float:
        """How long the next attempt may take, in seconds."""
        return max(0.001, min(self._retries.attempt_s, self._ends - now))

    def answered(
        self, status: int, headers: Mapping[str, str], body: bytes, now: float, chance: float
    ) -> float | None:
        """`None` when `result` is there, else seconds to pause. Raises what ends the call."""
        if 200 <= status < 300:
            found: T = self._decoded(status, body)
            if status != _ACCEPTED or not self.call.wait:
                self.result = found
                return None
            pause, self._poll = self._poll, min(self._poll * 2, _POLL_MAX_S)
            return self._within(
                pause, now, StillRunning(getattr(found, "data", found), self.call.key or "")
            )
        error = error_of(status, body)
        if not self._may_end_otherwise(error):
            raise error
        return self._within(self._wait(headers, chance), now, error)

    def failed(self, reason: Exception, now: float, chance: float) -> float:
        """Seconds to pause after an attempt without an answer. Raises when time is up."""
        said = f"{self.call.method} {self.call.path}: {type(reason).__name__}"
        key = self.call.key
        gone = NoAnswer(said) if key is None else OutcomeUnknown(said, key)
        return self._within(self._wait({}, chance), now, gone)

    def _decoded(self, status: int, body: bytes) -> Any:
        if self.call.of is bytes:
            return body
        try:
            return msgspec.json.decode(body, type=self.call.of)
        except msgspec.MsgspecError as error:
            raise UnexpectedAnswer(status, f"{self.call.path}: {error}") from None

    def _may_end_otherwise(self, error: ApiError) -> bool:
        if isinstance(error, UnexpectedAnswer):
            return error.status in _GATEWAY
        if error.code == _INTERNAL:
            self._faults += 1
            return self._faults <= _INTERNAL_MAX
        return error.code in _TRANSIENT and error.details.get("retryable") is not False

    def _wait(self, headers: Mapping[str, str], chance: float) -> float:
        asked = retry_after(headers.get("retry-after"), headers.get("date"))
        pause, self._pause = self._pause, min(self._pause * 2, self._retries.pause_max_s)
        jittered = pause * (0.5 + chance / 2)
        return jittered if asked is None else asked + jittered

    def _within(self, pause: float, now: float, otherwise: Exception) -> float:
        if now + pause >= self._ends:
            raise otherwise
        return pause


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds out of a `Retry-After`: a number, or a moment measured against the answer's own."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        since = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return max(0.0, (until - since).total_seconds())


def path(*parts: str) -> str:
    """A path of fixed parts and of ids, which are quoted whole."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _plain(value: object) -> Any:
    """A value as JSON has it: amounts as text with two places, moments in ISO 8601."""
    if isinstance(value, Decimal):
        return amount_text(value)
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        named = {
            field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)
        }
        return _plain({name: each for name, each in named.items() if each is not None})
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value


def amount_text(amount: Decimal) -> str:
    """An amount as the API takes it: exactly two places. Raises `ValueError` for more of them."""
    if not amount.is_finite() or amount != amount.quantize(_CENT):
        raise ValueError(f"{amount} is no amount with two places")
    return str(amount.quantize(_CENT))


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset from UTC")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(value: object) -> str:
    """A value in a query string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(each) for each in value)
    return str(value)
