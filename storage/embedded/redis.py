"""A private Redis as a service of the supervisor tree.

It keeps nothing on disk: all that it holds can be had from PostgreSQL. It listens on a Unix
socket in a private directory only, with a generated password, which it reads with its settings
from standard input: neither its command line nor its environment shows it.
"""

import signal
from pathlib import Path
from urllib.parse import quote

import trio

from storage.embedded.binaries import redis_server
from storage.embedded.home import Place, RandomBytes, find_place, hold_lock, prepare_place
from storage.embedded.process import (
    EmbeddedServerDied,
    ServerProcess,
    last_lines,
    launch,
    read_pid,
    runs_in,
)

_START_DEADLINE_S = 20.0
_ANSWER_TIMEOUT_S = 1.0
_POLL_S = 0.01
_STOP = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0))

_SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
save ""
appendonly no
maxmemory {memory_bytes}
maxmemory-policy volatile-ttl
daemonize no
supervised no
pidfile "{pid_file}"
dir "{data}"
loglevel warning
proc-title-template "{{title}} in {data}"
"""


class EmbeddedRedis:
    """One Redis server for one home.

    Args:
        home: OFFERHUB_HOME; created if missing.
        random_bytes: source of the generated password.
        memory_bytes: beyond this, what would expire first is dropped first.
    """

    def __init__(
        self, home: Path, *, random_bytes: RandomBytes, memory_bytes: int = 128 * 1024 * 1024
    ) -> None:
        self._home = home
        self._random_bytes = random_bytes
        self._memory_bytes = memory_bytes

    async def run(self, *, task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the server until cancelled; reports its URL (a secret) when it answers.

        Cancelling stops the server, within 5 s.

        Raises:
            HomeInUse: another orchestrator runs a server on this home.
            EmbeddedServerDied: the server ended by itself or did not start.
        """
        place = prepare_place(self._home, "redis", self._random_bytes)
        with hold_lock(place.lock):
            await _stop_leftover(place)
            server = await self._launch(place)
            try:
                await _wait_ready(place, server)
                task_status.started(_url(place))
                await server.wait_ended()
            finally:
                await server.stop(_STOP)
            raise EmbeddedServerDied("redis", f"{server.describe_end()}, see {place.log}")

    def running_url(self) -> str | None:
        """The URL (a secret) if the server of this home runs, whoever started it."""
        place = find_place(self._home, "redis")
        if place is None:
            return None
        pid = read_pid(_pid_file(place))
        return _url(place) if pid is not None and runs_in(pid, place.data) else None

    async def _launch(self, place: Place) -> ServerProcess:
        settings = _SETTINGS.format(
            socket=_socket(place),
            password=place.password,
            memory_bytes=self._memory_bytes,
            pid_file=_pid_file(place),
            data=place.data,
        )
        return await launch(
            [str(redis_server(place.account)), "-"],
            log=place.log,
            cwd=place.data,
            account=place.account,
            stdin=settings.encode(),
        )


def _url(place: Place) -> str:
    return f"unix://:{place.password}@{quote(str(_socket(place)))}"


def _socket(place: Place) -> Path:
    return place.run / "redis.sock"


def _pid_file(place: Place) -> Path:
    return place.data / "redis.pid"


async def _stop_leftover(place: Place) -> None:
    """Stop the one that outlived its orchestrator: what it holds is only a copy."""
    pid = read_pid(_pid_file(place))
    if pid is not None and runs_in(pid, place.data):
        await ServerProcess(pid).stop(_STOP)


async def _wait_ready(place: Place, server: ServerProcess) -> None:
    with trio.move_on_after(_START_DEADLINE_S):
        while server.alive():
            if await _answers(place):
                return
            await trio.sleep(_POLL_S)
    detail = "does not answer" if server.alive() else server.describe_end()
    raise EmbeddedServerDied("redis", f"{detail} while starting:\n{last_lines(place.log)}")


async def _answers(place: Place) -> bool:
    expected = b"+OK\r\n+PONG\r\n"
    received = b""
    with trio.move_on_after(_ANSWER_TIMEOUT_S):
        try:
            async with await trio.open_unix_socket(str(_socket(place))) as stream:
                await stream.send_all(f"AUTH {place.password}\r\nPING\r\n".encode())
                while len(received) < len(expected):
                    more = await stream.receive_some()
                    if not more:
                        break
                    received += more
        except (OSError, trio.BrokenResourceError):
            return False
    return received == expected
