"""The log: structlog to standard error, for people or as JSON lines, without secrets.

The standard library's loggers (Hypercorn's, asyncio's) come out the same way.
"""

import logging
import sys
from collections.abc import Iterable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from offerhub.redaction import Redactor

# What a log entry says about itself; never secret, and renderers rely on its type.
_OWN_FIELDS = frozenset({"level", "timestamp", "logger", "_record", "_from_structlog"})


def configure_logging(
    *,
    level: str,
    log_format: str,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Configure structlog and the standard library's root logger; later calls replace earlier ones.

    Args:
        level: the least level shown: debug, info, warning or error.
        log_format: console for people, json for machines.
        secrets: the process's own secret values, blanked out wherever they occur.
        stream: standard error if not given.
    """
    out = sys.stderr if stream is None else stream
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # An exception becomes text first, so that its message is redacted like any other.
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_entries(Redactor(tuple(secrets))),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(least)
    # These log every request and every poll at INFO; we log what matters ourselves.
    for noisy in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(noisy).setLevel(max(least, logging.WARNING))


def redact_entries(redactor: Redactor) -> Processor:
    """A structlog processor that takes secrets out of every field, by name and by look."""

    def redact(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        return {
            name: value if name in _OWN_FIELDS else redactor.named(name, value)
            for name, value in entry.items()
        }

    return redact
