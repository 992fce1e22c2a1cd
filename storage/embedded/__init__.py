"""Private PostgreSQL and Redis servers, from wheels, as children of the supervisor tree."""

from storage.embedded.home import HomeInUse, discard_home, hold_home
from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.process import EmbeddedServerDied
from storage.embedded.redis import EmbeddedRedis

__all__ = [
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServerDied",
    "HomeInUse",
    "discard_home",
    "hold_home",
]
