"""Why a process does not start, in one message for people."""

from typing import Final

import asyncpg

from actors.bootstrap import BootstrapFailed
from actors.kernel import TooManyRestarts, described
from offerhub.composition.failpoints import BadFailpoint
from offerhub.domain.errors import DomainError
from offerhub.settings import Settings
from storage.embedded import EmbeddedServerDied, HomeInUse
from storage.errors import OutcomeUnknown, StorageUnavailable
from storage.postgres.migrate import MigrationFailed, SchemaOutdated, SchemaTooNew

_SAYS_ITSELF: Final = (
    BadFailpoint,
    BootstrapFailed,
    EmbeddedServerDied,
    HomeInUse,
    MigrationFailed,
    SchemaOutdated,
    SchemaTooNew,
    RuntimeError,
)


def for_people(settings: Settings, child: str, error: Exception) -> str:
    """Why it does not start, and what can be done about it; without secrets."""
    match error:
        case OSError() if child == "web":
            http = settings.http
            return f"the API cannot listen on {http.host}:{http.port} (PORT): {_reason(error)}"
        case OSError() if child == "metrics":
            bind = settings.metrics.bind
            return f"the metrics cannot listen on {bind} (METRICS_BIND): {_reason(error)}"
        case OSError() if child == "sandbox":
            port = settings.sandbox.port
            return f"the sandbox cannot listen on 127.0.0.1:{port} (SANDBOX_PORT): {_reason(error)}"
        case OSError() if error.filename is not None:
            return f"{error.filename}: {_reason(error)}"
        case StorageUnavailable() | OutcomeUnknown() | asyncpg.PostgresError():
            return f"cannot use the database of DATABASE_URL: {described(error)}"
        case TooManyRestarts() | DomainError():
            return described(error)
        case _ if isinstance(error, _SAYS_ITSELF):
            return str(error)
        case _:
            return f"{child} failed: {described(error)} (LOG_LEVEL=debug shows more)"


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
