"""Which events a subscriber wants (docs/spec/api.md, Event stream)."""

import re
from collections.abc import Iterable
from typing import Final

from attrs import frozen

_PATTERN: Final = re.compile(r"\*|[A-Za-z_]+(\.[A-Za-z_]+)*(\.\*)?", re.ASCII)


class NoPattern(ValueError):
    """A text that is none of `*`, `prefix.*` and a name."""


@frozen
class Names:
    """Names and prefixes of names; nothing at all means every name."""

    exact: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    every: bool = True

    @classmethod
    def parse(cls, patterns: Iterable[str]) -> "Names":
        """Read `*`, `prefix.*` and plain names. Raises `NoPattern`."""
        given = tuple(patterns)
        for pattern in given:
            if not _PATTERN.fullmatch(pattern):
                raise NoPattern(pattern)
        return cls(
            exact=frozenset(each for each in given if not each.endswith("*")),
            prefixes=tuple(sorted({each[:-1] for each in given if each.endswith(".*")})),
            every="*" in given or not given,
        )

    def have(self, name: str) -> bool:
        """Tell whether a name is one of them."""
        return self.every or name in self.exact or name.startswith(self.prefixes)


@frozen
class EventFilter:
    """Types and resource types; an event fits if it fits both."""

    types: Names = Names()
    resource_types: Names = Names()

    def fits(self, type: str, aggregate_type: str) -> bool:
        """Tell whether an event is wanted."""
        return self.types.have(type) and self.resource_types.have(aggregate_type)


EVERYTHING: Final = EventFilter()
