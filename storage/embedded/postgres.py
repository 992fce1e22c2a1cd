"""A private PostgreSQL as a service of the supervisor tree.

It listens on a Unix socket in a private directory only, with a generated password. It runs as an
unprivileged user if we are root (`storage.embedded.account`), with data where that user can
reach it (`storage.embedded.home`).

PostgreSQL lives on when we are killed. The next start finds it by its postmaster.pid and goes on
with it, if it answers to our password at the place that we would give it; otherwise it is stopped
and started anew.
"""

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import asyncpg
import trio
from trio_asyncio import aio_as_trio

from storage.embedded.binaries import postgres_major, postgres_programs
from storage.embedded.home import Place, RandomBytes, find_place, hold_lock, prepare_place
from storage.embedded.process import (
    CLEAN_ENVIRONMENT,
    EmbeddedServerDied,
    ServerProcess,
    any_runs_in,
    is_alive,
    last_lines,
    launch,
    read_pid,
    runs_in,
)

_ROLE = "offerhub"
_START_DEADLINE_S = 60.0  # recovery after a crash reads the log since the last checkpoint
_ADOPT_DEADLINE_S = 10.0
_CONNECT_TIMEOUT_S = 2.0
_DYING_S = 2.0  # a killed process has left its directory a moment before it is gone
_POLL_S = 0.02
# Fast shutdown disconnects clients and checkpoints; immediate needs recovery at the next start.
_STOP = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 2.0))

_ALWAYS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # a DETAIL line would show rows
    "log_line_prefix": "%m [%p] ",
}
# For tests: nothing here survives a power cut, and nothing needs to.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One PostgreSQL server for one home.

    Args:
        home: OFFERHUB_HOME; created if missing.
        random_bytes: source of the generated password.
        database: the database that the DSN names; created if missing.
        durable: False trades safety for speed (tests only).
    """

    def __init__(
        self,
        home: Path,
        *,
        random_bytes: RandomBytes,
        database: str = "offerhub",
        durable: bool = True,
    ) -> None:
        self._home = home
        self._random_bytes = random_bytes
        self._database = database
        self._durable = durable

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server until cancelled; reports its DSN (a secret) when it accepts connections.

        Needs trio-asyncio's loop around it. Cancelling stops the server cleanly, within 15 s.

        Raises:
            HomeInUse: another orchestrator runs a server on this home.
            EmbeddedServerDied: the server ended by itself or did not start.
        """
        place = prepare_place(self._home, "postgres", self._random_bytes)
        with hold_lock(place.lock):
            server = await self._adopt(place)
            if server is None:
                await _clear_after_kill(place)
                await self._initialise(place)
                server = await self._launch(place)
            try:
                await self._wait_ready(place, server, _START_DEADLINE_S)
                await _ensure_database(_dsn(place, "postgres"), self._database)
                task_status.started(_dsn(place, self._database))
                await server.wait_ended()
            finally:
                await server.stop(_STOP)
            raise EmbeddedServerDied("postgres", f"{server.describe_end()}, see {place.log}")

    def running_dsn(self) -> str | None:
        """The DSN (a secret) if the server of this home runs already, whoever started it.

        The command line uses it: it talks to the running server, or starts one for itself.
        """
        place = find_place(self._home, "postgres")
        if place is None:
            return None
        cluster = _cluster(place)
        pid = read_pid(cluster / "postmaster.pid")
        return _dsn(place, self._database) if pid is not None and runs_in(pid, cluster) else None

    async def _adopt(self, place: Place) -> ServerProcess | None:
        """Go on with a server that outlived its orchestrator, or stop it if it is not as ours."""
        cluster = _cluster(place)
        pid = read_pid(cluster / "postmaster.pid")
        if pid is None or not is_alive(pid) or not runs_in(pid, cluster):
            return None
        server = ServerProcess(pid)
        if self._is_ours(place, pid):
            try:
                await self._wait_ready(place, server, _ADOPT_DEADLINE_S)
            except EmbeddedServerDied:
                pass
            else:
                return server
        await server.stop(_STOP)
        return None

    def _is_ours(self, place: Place, pid: int) -> bool:
        """Whether it listens where ours would, and is the program that we would start."""
        lines = (_cluster(place) / "postmaster.pid").read_text().splitlines()
        if len(lines) < 5 or lines[4] != str(place.run):
            return False
        try:
            program = Path(f"/proc/{pid}/exe").readlink()
        except OSError:
            return True
        return program == (postgres_programs(place.account) / "postgres").resolve()

    async def _initialise(self, place: Place) -> None:
        """Create the cluster if there is none; killed in the middle, it leaves none."""
        cluster = _cluster(place)
        if cluster.is_dir():
            found = (cluster / "PG_VERSION").read_text().strip()
            if found != str(postgres_major()):
                raise RuntimeError(
                    f"{cluster} was created by PostgreSQL {found}, but {postgres_major()} is "
                    f"installed: dump it with {found} and restore it into {postgres_major()}"
                )
            return
        fresh = place.data / "initialising"
        password = place.data / "initialising.password"
        _prepare_initdb(fresh, password, place)
        command = [
            str(postgres_programs(place.account) / "initdb"),
            f"--pgdata={fresh}",
            f"--username={_ROLE}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *([] if self._durable else ["--no-sync"]),
        ]
        try:
            with trio.fail_after(_START_DEADLINE_S):
                done = await trio.run_process(
                    command,
                    capture_stdout=True,
                    stderr=subprocess.STDOUT,
                    check=False,
                    cwd=place.data,
                    env=CLEAN_ENVIRONMENT,
                    start_new_session=True,
                    umask=0o077,
                    **(place.account.popen_options() if place.account is not None else {}),
                )
        finally:
            password.unlink()
        if done.returncode != 0:
            tail = done.stdout.decode(errors="replace").strip().splitlines()[-3:]
            raise EmbeddedServerDied("postgres", f"could not be initialised: {' / '.join(tail)}")
        fresh.rename(cluster)

    async def _launch(self, place: Place) -> ServerProcess:
        settings = _ALWAYS | ({} if self._durable else _NOT_DURABLE)
        return await launch(
            [
                str(postgres_programs(place.account) / "postgres"),
                *("-D", str(_cluster(place)), "-k", str(place.run)),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            log=place.log,
            cwd=_cluster(place),
            account=place.account,
        )

    async def _wait_ready(self, place: Place, server: ServerProcess, seconds: float) -> None:
        with trio.move_on_after(seconds):
            while server.alive():
                if await _answers(_dsn(place, "postgres")):
                    return
                await trio.sleep(_POLL_S)
        detail = "does not answer" if server.alive() else server.describe_end()
        raise EmbeddedServerDied("postgres", f"{detail} while starting:\n{last_lines(place.log)}")


def _cluster(place: Place) -> Path:
    return place.data / "data"


async def _clear_after_kill(place: Place) -> None:
    """Wait for the rest of a postmaster that was killed, and remove the locks that it left.

    Its backends end by themselves as soon as they notice. It may stay a zombie for a while, or
    for ever where process 1 collects no children (containers), and PostgreSQL takes a zombie for
    a living postmaster. The locks are removed only when nothing works in the directory any more.
    """
    cluster = _cluster(place)
    locks = (cluster / "postmaster.pid", place.run / ".s.PGSQL.5432.lock")
    pids = {lock: pid for lock in locks if (pid := read_pid(lock)) is not None}
    if not pids:
        return
    with trio.move_on_after(_ADOPT_DEADLINE_S):
        while any_runs_in(cluster):  # noqa: ASYNC110 - there is no event to wait for
            await trio.sleep(_POLL_S)
    with trio.move_on_after(_DYING_S):
        while any(map(is_alive, pids.values())):  # noqa: ASYNC110 - as above
            await trio.sleep(_POLL_S)
    for lock, pid in pids.items():
        if not is_alive(pid) and not any_runs_in(cluster):
            lock.unlink(missing_ok=True)


def _dsn(place: Place, database: str) -> str:
    return f"postgresql://{_ROLE}:{place.password}@/{quote(database)}?host={quote(str(place.run))}"


def _prepare_initdb(fresh: Path, password: Path, place: Place) -> None:
    shutil.rmtree(fresh, ignore_errors=True)
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(f"{place.password}\n")
    if place.account is not None:
        shutil.chown(password, place.account.uid, place.account.gid)


async def _answers(dsn: str) -> bool:
    with trio.move_on_after(_CONNECT_TIMEOUT_S):
        try:
            await aio_as_trio(_aio_select_one)(dsn)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
            return False
        return True
    return False


async def _ensure_database(dsn: str, database: str) -> None:
    with trio.fail_after(_START_DEADLINE_S):
        await aio_as_trio(_aio_ensure_database)(dsn, database)


async def _aio_select_one(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S)
    try:
        await connection.fetchval("SELECT 1")
    finally:
        await _aio_close(connection)


async def _aio_ensure_database(dsn: str, database: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S)
    try:
        known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database)
        if known is None:
            quoted = database.replace('"', '""')
            await connection.execute(f'CREATE DATABASE "{quoted}"')
    finally:
        await _aio_close(connection)


async def _aio_close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=_CONNECT_TIMEOUT_S)
    except (OSError, asyncio.CancelledError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()
        raise
