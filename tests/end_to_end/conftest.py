"""One PostgreSQL, one Redis and one sandbox for all cases: what does not die in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.case import Grounds
from tests.end_to_end.chain_view import Chain
from tests.end_to_end.process import RunningSandbox, own_home, start_sandbox
from tests.end_to_end.target import Target, start_target
from tests.storage.fixtures import (
    database_dsn,
    migrated_template,
    postgres_server,
    redis_server,
    redis_url,
)

__all__ = [
    "database_dsn",
    "migrated_template",
    "postgres_server",
    "redis_server",
    "redis_url",
]

LEDGER_S = 0.05


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A home of this session alone: two sessions may run beside each other."""
    with own_home("offerhub-e2e-servers-") as home:
        yield home


@pytest.fixture(scope="session")
def fast_sandbox() -> Iterator[RunningSandbox]:
    """The sandbox as a process of its own, closing a ledger every 0.05 s."""
    with own_home() as home, start_sandbox(home, ledger_seconds=LEDGER_S) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """A running orchestrator for clients that are not ours."""
    with start_target() as started:
        yield started


@pytest.fixture
def grounds(database_dsn: str, redis_url: str, fast_sandbox: RunningSandbox) -> Grounds:
    """A fresh database, an empty Redis and the chain."""
    return Grounds(database_dsn, redis_url, fast_sandbox, Chain(fast_sandbox))
