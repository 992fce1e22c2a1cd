"""How a call fails. `offerhub.client.errors` has a class for every code of the API."""

from typing import Any, ClassVar

import msgspec


class ClientError(Exception):
    """The base of everything that a client raises of its own."""


class ApiError(ClientError):
    """The orchestrator refused, and says why; nothing has moved unless `outcome_unknown`.

    Args:
        status: the HTTP status.
        message: for people.
        details: for programs; what is in it depends on the code.
        request_id: names the request in the orchestrator's log.
    """

    code: ClassVar[str] = ""
    by_code: ClassVar[dict[str, type["ApiError"]]] = {}

    def __init__(
        self, status: int, message: str, details: dict[str, Any], request_id: str | None
    ) -> None:
        super().__init__(f"{self.code or status}: {message}")
        self.status = status
        self.message = message
        self.details = details
        self.request_id = request_id

    def __init_subclass__(cls) -> None:
        """Register the class under its code."""
        if cls.code:
            ApiError.by_code[cls.code] = cls


class UnexpectedAnswer(ApiError):
    """Something answered that is not the orchestrator, or not of a version that this client knows."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message, {}, None)


class UnknownCode(ApiError):
    """A refusal with a code that is newer than this client; see `given`."""

    def __init__(
        self, status: int, message: str, details: dict[str, Any], request_id: str | None, given: str
    ) -> None:
        super().__init__(status, f"{given}: {message}", details, request_id)
        self.given = given


class NoAnswer(ClientError):
    """No answer came in the time that the call has."""


class OutcomeUnknown(NoAnswer):
    """No answer to a change came in time; the same call with `idempotency_key` tells its outcome."""

    def __init__(self, message: str, idempotency_key: str) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class StillRunning(ClientError):
    """The work on the chain was not done in the time that the call has, and goes on.

    Args:
        resource: as it stood last.
        idempotency_key: the same call with it waits on.
    """

    def __init__(self, resource: Any, idempotency_key: str) -> None:
        super().__init__("still running on the chain; repeat with the same idempotency key")
        self.resource = resource
        self.idempotency_key = idempotency_key


class _Detail(msgspec.Struct):
    code: str
    message: str
    details: dict[str, Any] = {}


class _Meta(msgspec.Struct, rename="camel"):
    request_id: str | None = None


class _Envelope(msgspec.Struct):
    error: _Detail
    meta: _Meta = msgspec.field(default_factory=_Meta)


def error_of(status: int, body: bytes) -> ApiError:
    """The error that an answer carries."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except msgspec.MsgspecError:
        return UnexpectedAnswer(status, "the answer is none of the orchestrator's")
    error, request_id = envelope.error, envelope.meta.request_id
    of = ApiError.by_code.get(error.code)
    if of is None:
        return UnknownCode(status, error.message, error.details, request_id, error.code)
    return of(status, error.message, error.details, request_id)
