"""Exit statuses of the command line, the same for every command (docs/command-line.md)."""

from typing import Final

DONE: Final = 0
REFUSED: Final = 1
"""It cannot be done, it has failed, or what was checked is not as it should be."""
CANNOT_START: Final = 2
"""A fault in the settings or in how the command was called."""
DISPLACED: Final = 3
"""Another process has taken over the database."""
UNAVAILABLE: Final = 4
"""The database, or the process that should do it, does not answer; nothing was done: repeat it."""
UNKNOWN: Final = 5
"""It may have been done, or is still being done: look before repeating it."""
INTERRUPTED: Final = 130
"""Ctrl-C, as shells report it."""
