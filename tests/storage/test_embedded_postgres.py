"""The embedded PostgreSQL: started, stopped, found again, and never twice on one home."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from storage.embedded import EmbeddedPostgres, EmbeddedServerDied, HomeInUse, discard_home
from storage.embedded.process import is_alive, read_pid
from storage.postgres.pool import Connection, open_pool

# An orchestrator in a process of its own, to be killed.
_PROGRAM = """
import sys, trio, trio_asyncio
from pathlib import Path
from storage.embedded import EmbeddedPostgres

async def main():
    async with trio_asyncio.open_loop(), trio.open_nursery() as nursery:
        service = EmbeddedPostgres(Path(sys.argv[1]), random_bytes=bytes, durable=False)
        await nursery.start(service.run)
        print("started", flush=True)

trio.run(main)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that unprivileged servers can reach."""
    path = Path(tempfile.mkdtemp(prefix="offerhub-home-"))
    yield path
    if path.exists():
        discard_home(path)


def service_of(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(home, random_bytes=bytes, durable=False)


async def _aio_user(connection: Connection) -> str:
    return str(await connection.fetchval("SELECT current_user"))


async def _aio_create(connection: Connection) -> None:
    await connection.execute("CREATE TABLE kept (id int)")


async def _aio_count(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM kept"))


async def test_data_outlives_a_clean_restart(aio_loop: None, home: Path) -> None:
    addresses = []
    for unit in (_aio_create, _aio_count):
        async with trio.open_nursery() as nursery:
            dsn = await nursery.start(service_of(home).run)
            addresses.append(dsn)
            async with open_pool(dsn) as pool:
                await pool.commit(unit)
            assert service_of(home).running_dsn() == dsn
            nursery.cancel_scope.cancel()
        assert service_of(home).running_dsn() is None
    assert addresses[0] == addresses[1]
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()


async def test_a_second_orchestrator_on_the_home_is_refused(aio_loop: None, home: Path) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(service_of(home).run)
        with pytest.raises(HomeInUse, match=f"process {os.getpid()}"):
            await service_of(home).run()
        nursery.cancel_scope.cancel()


async def test_the_server_outlives_a_killed_orchestrator_and_is_taken_over(
    aio_loop: None, home: Path
) -> None:
    killed = await trio.to_thread.run_sync(start_and_kill, home)
    assert is_alive(killed)
    async with trio.open_nursery() as nursery:
        dsn = await nursery.start(service_of(home).run)
        assert pid_of(home) == killed
        async with open_pool(dsn) as pool:
            assert await pool.read(_aio_user) == "offerhub"
        nursery.cancel_scope.cancel()
    assert not is_alive(killed)


async def test_a_server_that_outlived_both_but_was_killed_later_is_started_anew(
    aio_loop: None, home: Path
) -> None:
    """A postmaster.pid that nobody removed, and data that needs recovery."""
    killed = await trio.to_thread.run_sync(start_and_kill, home)
    os.kill(killed, signal.SIGKILL)
    async with trio.open_nursery() as nursery:
        await nursery.start(service_of(home).run)
        nursery.cancel_scope.cancel()


async def test_a_server_that_dies_is_told_to_the_supervisor(aio_loop: None, home: Path) -> None:
    async def run_and_kill() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(service_of(home).run)
            os.kill(pid_of(home), signal.SIGKILL)
            with trio.fail_after(10):
                await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await run_and_kill()
    died = caught.value.exceptions[0]
    assert isinstance(died, EmbeddedServerDied)
    assert "signal 9" in died.detail
    async with trio.open_nursery() as nursery:
        await nursery.start(service_of(home).run)
        nursery.cancel_scope.cancel()


async def test_an_initialisation_that_was_cut_off_leaves_no_half_cluster(
    aio_loop: None, home: Path
) -> None:
    with trio.move_on_after(0.2) as scope:
        await service_of(home).run()
    assert scope.cancelled_caught
    assert not (home / "postgres" / "data").exists()
    async with trio.open_nursery() as nursery:
        await nursery.start(service_of(home).run)
        nursery.cancel_scope.cancel()


async def test_a_path_too_long_for_a_socket_still_works(aio_loop: None, home: Path) -> None:
    deep = open_directory(home, "a home with spaces & more", "d" * 120)
    async with trio.open_nursery() as nursery:
        dsn = await nursery.start(service_of(deep).run)
        async with open_pool(dsn) as pool:
            assert await pool.read(_aio_user) == "offerhub"
        nursery.cancel_scope.cancel()
    discard_home(deep)


async def test_a_home_below_a_closed_directory_works(aio_loop: None, home: Path) -> None:
    """As root the data then lies elsewhere, and the closed directory stays closed."""
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    async with trio.open_nursery() as nursery:
        dsn = await nursery.start(service_of(closed / "offerhub").run)
        async with open_pool(dsn) as pool:
            assert await pool.read(_aio_user) == "offerhub"
        nursery.cancel_scope.cancel()
    assert mode_of(closed) == 0o700
    record = closed / "offerhub" / "servers.location"
    assert record.exists() is (os.geteuid() == 0)
    elsewhere = Path(record.read_text().strip()) if record.exists() else closed / "offerhub"
    discard_home(closed / "offerhub")
    assert not elsewhere.exists()


async def test_only_the_owner_reaches_the_socket_and_the_password(
    aio_loop: None, home: Path
) -> None:
    async with trio.open_nursery() as nursery:
        dsn = await nursery.start(service_of(home).run)
        assert mode_of(Path(dsn.partition("host=")[2])) == 0o700
        assert mode_of(home / "postgres.password") == 0o600
        assert not seen_by_ps(pid_of(home), "0" * 48)
        assert owner_of(pid_of(home)) != 0
        nursery.cancel_scope.cancel()


def open_directory(*parts: str | Path) -> Path:
    """A directory below the first part that anyone can reach."""
    path = Path(parts[0])
    path.chmod(0o755)
    for part in parts[1:]:
        path /= part
        path.mkdir()
        path.chmod(0o755)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def pid_of(home: Path) -> int:
    pid = read_pid(home / "postgres" / "data" / "postmaster.pid")
    assert pid is not None
    return pid


def seen_by_ps(pid: int, text: str) -> bool:
    """Whether `text` is in the command line or the environment of the process."""
    return any(
        text.encode() in Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")
    )


def start_and_kill(home: Path) -> int:
    """Start an orchestrator, SIGKILL it; returns the process id of the server it leaves behind."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(home)], stdout=subprocess.PIPE
    ) as orchestrator:
        assert orchestrator.stdout is not None
        assert orchestrator.stdout.readline() == b"started\n"
        orchestrator.kill()
    return pid_of(home)
