"""What holds for every test: an ERROR in the log that the test did not expect fails it."""

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings
from structlog.testing import LogCapture

pytest_plugins = ["tests.storage.fixtures", "tests.contract"]

# No deadline: two cores that are busy with other things prove nothing about the code.
settings.register_profile("offerhub", deadline=None, print_blob=True)
# CI judges a change, so the same change gets the same examples; elsewhere new ones are looked for.
settings.register_profile("ci", settings.get_profile("offerhub"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "offerhub")


@pytest.fixture(autouse=True)
def no_unexpected_errors(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[LogCapture]:
    """Collect structlog's entries; `@pytest.mark.expect_errors` allows ERROR and worse."""
    captured = LogCapture()
    configured = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, captured],
        cache_logger_on_first_use=False,
    )
    try:
        yield captured
    finally:
        structlog.configure(**configured)
    if request.node.get_closest_marker("expect_errors") is not None:
        return
    errors = [
        entry
        for entry in captured.entries
        if entry["log_level"] in {"error", "critical", "exception"}
    ]
    errors += [
        {"logger": record.name, "event": record.getMessage()}
        for record in caplog.get_records("call")
        if record.levelno >= logging.ERROR
    ]
    if errors:
        pytest.fail(f"unexpected ERROR in the log: {errors}", pytrace=False)
