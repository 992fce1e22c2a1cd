"""Redis: quick copies of what PostgreSQL holds, best effort."""

from storage.redis.buffer import BufferedEvent, RedisBuffer, RedisState, open_redis

__all__ = ["BufferedEvent", "RedisBuffer", "RedisState", "open_redis"]
