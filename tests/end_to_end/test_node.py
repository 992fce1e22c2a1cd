"""What TypeScript developers do with the API: lint its document, generate a client, listen.

Runs where node and npm are; the tools are installed once into a temporary directory.
"""

import fcntl
import hashlib
import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.target import Target

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="node and npm are not installed",
    ),
]

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "node"
PACKAGES = (
    "@hey-api/openapi-ts@0.95.0",
    "@redocly/cli@2.77.0",
    "@types/eventsource@1.1.15",
    "@types/node@20",
    "eventsource@2.0.2",
    "openapi-typescript@7.13.0",
    "typescript@5.9.3",
)
INSTALL_S = 300.0
RUN_S = 120.0


def run(*command: str, directory: Path, **environment: str) -> str:
    """Run it; fails with what it printed unless it succeeded."""
    done = subprocess.run(
        command,
        cwd=directory,
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "REDOCLY_TELEMETRY": "off",
            "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=INSTALL_S if "install" in command else RUN_S,
        check=False,
    )
    assert 0 == done.returncode, f"{command}\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def tools() -> Path:
    """The directory in which the tools are installed; kept for the next run."""
    version = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"offerhub-node-{os.getuid()}-{version}"
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "installed").exists():
            (directory / "package.json").write_text('{"private": true}')
            run(
                *("npm", "install", "--no-audit", "--no-fund", "--no-package-lock"),
                *("--ignore-scripts", "--loglevel", "error", *PACKAGES),
                directory=directory,
            )
            (directory / "installed").touch()
    return directory


@pytest.fixture(scope="session")
def project(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A developer's project: the generated client, the sources, and all of it compiled."""
    directory = tmp_path_factory.mktemp("node")
    for source in SOURCES.iterdir():
        shutil.copy(source, directory)
    (directory / "package.json").write_text('{"private": true}')
    (directory / "node_modules").symlink_to(tools / "node_modules")
    document = str(ROOT / "docs/openapi.json")
    binaries = tools / "node_modules" / ".bin"
    run(
        *(str(binaries / "openapi-ts"), "-i", document, "-o", "gen", "--no-log-file"),
        directory=directory,
    )
    run(*(str(binaries / "openapi-typescript"), document, "-o", "paths.d.ts"), directory=directory)
    run(str(binaries / "tsc"), "-p", "tsconfig.json", directory=directory)
    return directory


def test_the_document_passes_the_linter(tools: Path) -> None:
    said = run(
        str(tools / "node_modules/.bin/redocly"),
        "lint",
        str(ROOT / "docs/openapi.json"),
        directory=tools,
    )
    assert "is valid" in said
    assert "warning" not in said.partition("is valid")[2], said


def test_a_generated_client_compiles_and_its_names_are_good(project: Path) -> None:
    types = (project / "gen" / "types.gen.ts").read_text()
    named = re.findall(r"^export type (\w+) ", types, re.MULTILINE)

    assert {"Order", "OrderStatus", "Wallet", "ReserveOrderConflictCode"} <= set(named)
    assert [] == [name for name in named if re.search(r"[a-z]\d+$", name)]
    assert "reserveOrder" in (project / "gen" / "sdk.gen.ts").read_text()
    assert "ReserveOrderConflictCode" in (project / "paths.d.ts").read_text()
    assert (project / "out" / "purchase.js").exists()


def test_a_caller_with_the_generated_client_buys(project: Path, target: Target) -> None:
    printed = run(
        "node",
        "out/purchase.js",
        directory=project,
        URL=target.url,
        KEY=target.key,
        BUYER=target.buyer,
        SELLER=target.seller,
    ).splitlines()

    order_id = printed[0].split()[0]
    assert printed[0] == f"{order_id} Draft undefined undefined"
    assert printed[1:3] == ["FUNDS_RESERVED", "refused 409 FUNDS_ALREADY_RESERVED"]
    with target.client() as client:
        assert printed[3] == str(client.get_balance(target.buyer).reserved)
        client.cancel_order(order_id)


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """What a process prints, as it comes; bounded, so that a silent one fails the test."""
    printed: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            printed.put(line.strip())
        printed.put("ended")

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield printed.get(timeout=60)


def test_the_listener_hears_orders_and_balances_through_onmessage(
    project: Path, target: Target
) -> None:
    process = subprocess.Popen(
        ["node", "out/listener.js"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "API": f"{target.url}/api/v1", "KEY": target.key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        lines = lines_of(process)
        assert "open" == next(lines)
        with target.client() as client:
            order = client.create_order(
                buyer_id=target.buyer, seller_id=target.seller, amount="5.00", title="Heard"
            )
            client.reserve_order(order.id)
            client.create_user(external_user_id="not-of-these-resources")
            client.cancel_order(order.id)
        heard = []
        for line in lines:
            if line == "ended":
                break
            heard.append(line.split())
    finally:
        process.kill()
        process.communicate(timeout=10)
    assert [
        ("order.created", "Order", order.id),
        ("balance.reserved", "Balance", target.buyer),
        ("order.funds_reserved", "Order", order.id),
        ("balance.released", "Balance", target.buyer),
        ("order.canceled", "Order", order.id),
        ("order.closed", "Order", order.id),
    ] == [tuple(each[1:]) for each in heard]
    places = [int(each[0]) for each in heard]
    assert sorted(set(places)) == places
