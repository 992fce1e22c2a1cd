"""The one place where a failure becomes a code of the API."""

from typing import Final

import structlog
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    RequestTimeout,
)

from actors.journal import JournalClosed
from actors.kernel import ActorCrashed, ActorStopped, AskTimeout
from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.providers.stellar.port import StellarUnavailable
from storage.errors import StorageUnavailable
from storage.port import HistoryDetached

BODY_MAX_BYTES: Final = 1024 * 1024
WEBHOOK_MAX_BYTES: Final = 256 * 1024

_log = structlog.get_logger("web")


def unavailable() -> DomainError:
    """The service cannot do it now; the outcome, if anything was begun, can be looked up."""
    return DomainError(
        ErrorCode.SERVICE_UNAVAILABLE, "the service is temporarily unavailable; try again"
    )


def outcome_unknown() -> DomainError:
    """It may or may not have been done; the same idempotency key never does it twice."""
    return DomainError(
        ErrorCode.SERVICE_UNAVAILABLE,
        "the outcome is not known; repeat the request with the same Idempotency-Key to learn it",
    )


def body_too_large(maximum: int = BODY_MAX_BYTES) -> DomainError:
    """More than 1 MiB, or than the endpoint takes."""
    return DomainError(
        ErrorCode.BODY_TOO_LARGE,
        f"the body is larger than {maximum // 1024} KiB",
        {"maxBytes": maximum},
    )


def refusal_of(error: Exception, request_id: str, endpoint: str) -> DomainError:
    """What the caller is told of a failure: never an inner text."""
    match error:
        case DomainError():
            return error
        case StorageUnavailable() | ActorStopped():
            _warn(error, request_id, endpoint)
            return unavailable()
        case ActorCrashed() | AskTimeout() | JournalClosed():
            _warn(error, request_id, endpoint)
            return outcome_unknown()
        case HistoryDetached():
            return DomainError(
                ErrorCode.HISTORY_DETACHED,
                "this reaches into history that was exported and is no longer served",
            )
        case StellarUnavailable():
            return DomainError(
                ErrorCode.STELLAR_NETWORK_ERROR, "the Stellar network did not respond; try again"
            )
        case HTTPException():
            return _of_http(error)
        case _:
            _log.error(
                "request.failed",
                request_id=request_id,
                endpoint=endpoint,
                error=type(error).__name__,
                exc_info=error,
            )
            return _internal()


def _warn(error: Exception, request_id: str, endpoint: str) -> None:
    _log.warning(
        "request.unavailable",
        request_id=request_id,
        endpoint=endpoint,
        error=type(error).__name__,
    )


def _internal() -> DomainError:
    return DomainError(
        ErrorCode.INTERNAL_ERROR, "an internal error occurred; give the operator the request id"
    )


def _of_http(error: HTTPException) -> DomainError:
    match error:
        case NotFound():
            return DomainError(ErrorCode.NOT_FOUND, "no endpoint has this path")
        case MethodNotAllowed():
            return DomainError(
                ErrorCode.METHOD_NOT_ALLOWED,
                "this endpoint does not support this method",
                {"allowed": sorted(error.valid_methods or ())},
            )
        case RequestEntityTooLarge():
            return body_too_large()
        case RequestTimeout():
            return DomainError(ErrorCode.INVALID_JSON, "the body did not arrive in time")
        case _ if error.code is None or error.code >= 500:
            return _internal()  # Quart has logged what it was
        case _:
            return DomainError(ErrorCode.VALIDATION_ERROR, "the request is malformed")
