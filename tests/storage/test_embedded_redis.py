"""The embedded Redis: private, without a trace on disk, replaced when it was left behind."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from storage.embedded import EmbeddedRedis, EmbeddedServerDied, HomeInUse, discard_home
from storage.embedded.process import is_alive, read_pid
from storage.redis import open_redis


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="offerhub-home-"))
    yield path
    discard_home(path)


def service_of(home: Path) -> EmbeddedRedis:
    return EmbeddedRedis(home, random_bytes=bytes)


async def test_it_needs_its_password(aio_loop: None, home: Path) -> None:
    async with trio.open_nursery() as nursery:
        url = await nursery.start(service_of(home).run)
        async with open_redis(url, deadline_s=5) as known:
            assert await known.ping() is True
        async with open_redis(url.replace("0" * 48, "wrong"), deadline_s=5) as unknown:
            assert await unknown.ping() is False
        nursery.cancel_scope.cancel()
    assert not list((home / "redis").glob("*.rdb"))


async def test_its_password_is_in_no_command_line(aio_loop: None, home: Path) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(service_of(home).run)
        assert not seen_by_ps(pid_of(home), "0" * 48)
        nursery.cancel_scope.cancel()


async def test_a_second_orchestrator_on_the_home_is_refused(aio_loop: None, home: Path) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(service_of(home).run)
        with pytest.raises(HomeInUse):
            await service_of(home).run()
        nursery.cancel_scope.cancel()


async def test_one_that_dies_is_told_to_the_supervisor(aio_loop: None, home: Path) -> None:
    async def run_and_kill() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(service_of(home).run)
            os.kill(pid_of(home), signal.SIGKILL)
            with trio.fail_after(10):
                await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await run_and_kill()
    assert isinstance(caught.value.exceptions[0], EmbeddedServerDied)
    assert not is_alive(pid_of(home))


def pid_of(home: Path) -> int:
    pid = read_pid(home / "redis" / "redis.pid")
    assert pid is not None
    return pid


def seen_by_ps(pid: int, text: str) -> bool:
    """Whether `text` is in the command line or the environment of the process."""
    return any(
        text.encode() in Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")
    )
