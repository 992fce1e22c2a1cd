"""Redis is a quick copy: what it does not know, or when it is away, PostgreSQL answers."""

import pytest
import trio

from storage.embedded import EmbeddedRedis
from storage.redis import BufferedEvent, RedisBuffer, RedisState, open_redis


def events(first: int, last: int) -> list[BufferedEvent]:
    return [BufferedEvent(n, b"payload:%d" % n) for n in range(first, last + 1)]


async def test_events_come_back_complete_and_in_order(redis_buffer: RedisBuffer) -> None:
    await redis_buffer.push_events(events(1, 7))
    await redis_buffer.push_events(events(8, 12))
    assert await redis_buffer.events_between(3, 12) == tuple(events(4, 12))
    assert await redis_buffer.events_between(12, 12) == ()


async def test_a_push_that_was_lost_is_told(redis_buffer: RedisBuffer) -> None:
    await redis_buffer.push_events(events(1, 3))
    await redis_buffer.push_events(events(5, 6))
    assert await redis_buffer.events_between(0, 6) is None
    assert await redis_buffer.events_between(4, 6) == tuple(events(5, 6))
    assert await redis_buffer.events_between(4, 7) is None


async def test_the_newest_thousand_events_are_kept(redis_buffer: RedisBuffer) -> None:
    await redis_buffer.push_events(events(1, 600))
    await redis_buffer.push_events(events(601, 1100))
    assert await redis_buffer.events_between(99, 1100) is None
    found = await redis_buffer.events_between(100, 1100)
    assert found is not None
    assert len(found) == 1000


async def test_an_answer_is_kept_for_its_time(redis_buffer: RedisBuffer) -> None:
    await redis_buffer.put_answer("key", b"answer", ttl_s=60)
    await redis_buffer.put_answer("short", b"answer", ttl_s=0.01)
    await trio.sleep(0.05)
    assert await redis_buffer.get_answer("key") == b"answer"
    assert await redis_buffer.get_answer("short") is None
    assert await redis_buffer.get_answer("other") is None


async def test_counts_of_all_processes_add_up(redis_buffer: RedisBuffer, redis_url: str) -> None:
    async with open_redis(redis_url, deadline_s=5) as other:
        assert {"a": 2, "b": 1} == await redis_buffer.exchange_counts({"a": 2, "b": 1}, 7, 60)
        assert {"a": 5} == await other.exchange_counts({"a": 3}, 7, 60)
        assert {"a": 1} == await other.exchange_counts({"a": 1}, 8, 60)
        assert {"b": 1, "a": 5} == await redis_buffer.exchange_counts({"b": 0, "a": 0}, 7, 60)


async def test_a_count_is_forgotten_after_its_time(redis_buffer: RedisBuffer) -> None:
    await redis_buffer.exchange_counts({"a": 2}, 7, 1)
    await trio.sleep(1.1)
    assert {"a": 1} == await redis_buffer.exchange_counts({"a": 1}, 7, 1)


async def test_redis_away_raises_nothing_and_is_visible(aio_loop: None, tmp_path) -> None:
    async with open_redis(f"unix://:secret@{tmp_path}/none.sock") as buffer:
        await buffer.push_events(events(1, 3))
        assert buffer.state is RedisState.DOWN
        assert await buffer.events_between(0, 3) is None
        await buffer.put_answer("key", b"answer", ttl_s=60)
        assert await buffer.get_answer("key") is None
        assert await buffer.exchange_counts({"key": 1}, 1, 60) is None
        assert await buffer.ping() is False


async def test_a_redis_that_hangs_costs_one_deadline_and_is_then_left_alone(aio_loop: None) -> None:
    async def silent(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            trio.serve_tcp,
            silent,
            0,
        )
        port = listeners[0].socket.getsockname()[1]
        async with open_redis(
            f"redis://localhost:{port}", deadline_s=0.1, retry_after_s=60
        ) as buffer:
            started = trio.current_time()
            for _ in range(50):
                assert await buffer.get_answer("key") is None
            assert trio.current_time() - started < 2
        nursery.cancel_scope.cancel()


async def test_a_redis_that_comes_back_is_used_again(aio_loop: None, server_home) -> None:
    """The address stays the same over a restart, so that the tree need not tell anyone."""
    home = server_home / "again"
    service = EmbeddedRedis(home, random_bytes=bytes)
    async with trio.open_nursery() as nursery:
        url = await nursery.start(service.run)
        async with open_redis(url, deadline_s=5, retry_after_s=0) as buffer:
            assert await buffer.ping() is True
            nursery.cancel_scope.cancel()
    async with open_redis(url, deadline_s=5, retry_after_s=0) as buffer:
        assert await buffer.ping() is False
        async with trio.open_nursery() as nursery:
            assert await nursery.start(service.run) == url
            assert await buffer.ping() is True
            assert buffer.state is RedisState.UP
            nursery.cancel_scope.cancel()


async def test_cancelling_a_call_leaves_the_buffer_usable(redis_buffer: RedisBuffer) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await redis_buffer.get_answer("key")
    assert scope.cancelled_caught
    assert await redis_buffer.ping() is True


@pytest.mark.parametrize("secret", ["hunter2"])
async def test_the_password_is_not_shown(aio_loop: None, secret: str) -> None:
    async with open_redis(f"unix://:{secret}@/nowhere.sock") as buffer:
        assert secret not in repr(buffer)
