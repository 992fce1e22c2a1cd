"""The in-memory twin of PostgreSQL: the same contract, for tests and the simulation."""

from storage.memory.database import MemoryDatabase
from storage.memory.storage import MemoryStorage

__all__ = ["MemoryDatabase", "MemoryStorage"]
