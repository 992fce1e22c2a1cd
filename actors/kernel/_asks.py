"""Who asks whom: an ask that closes a circle is refused before it can wait for itself.

An actor that asks waits, so two that ask each other may wait for each other until both time out.
Kinds are compared, not single actors: the names of registries, and of actors that are alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_graph: ContextVar["AskGraph | None"] = ContextVar("ask_graph", default=None)
_asker: ContextVar[str | None] = ContextVar("asker", default=None)


class AskCycle(Exception):
    """An ask would close a circle: a fault of the design. The way back is a wake-up."""

    def __init__(self, circle: tuple[str, ...]) -> None:
        super().__init__(" asks ".join(circle))
        self.circle = circle


class AskGraph:
    """The asks between kinds of actors that were seen; handed to a supervisor, it watches its tree."""

    def __init__(self) -> None:
        self._asked: dict[str, set[str]] = {}

    @property
    def edges(self) -> Mapping[str, frozenset[str]]:
        """Whom each kind has asked so far."""
        return {asker: frozenset(asked) for asker, asked in self._asked.items()}

    def note(self, asker: str, asked: str) -> None:
        """Note an ask; raises `AskCycle` when the one that is asked asks the asker, if only by others."""
        known = self._asked.setdefault(asker, set())
        if asked in known:
            return
        way_back = self._way(asked, asker)
        if way_back is not None:
            raise AskCycle((asker, *way_back))
        known.add(asked)

    def _way(self, start: str, end: str) -> tuple[str, ...] | None:
        ways: list[tuple[str, ...]] = [(start,)]
        seen = {start}
        while ways:
            way = ways.pop()
            if way[-1] == end:
                return way
            for following in sorted(self._asked.get(way[-1], set()) - seen):
                seen.add(following)
                ways.append((*way, following))
        return None


@contextmanager
def watching(graph: AskGraph | None) -> Iterator[None]:
    """Has the asks of every actor that is started within noted in a graph; `None` changes nothing."""
    if graph is None:
        yield
        return
    token = _graph.set(graph)
    try:
        yield
    finally:
        _graph.reset(token)


def as_asker(kind: str) -> None:
    """What this task and its children ask from now on, an actor of this kind asks."""
    if _graph.get() is not None:
        _asker.set(kind)


def note_ask(kind: str) -> None:
    """Something of this kind is about to be asked; an ask from outside every actor counts for nothing."""
    asker = _asker.get()
    if asker is None:
        return
    graph = _graph.get()
    if graph is not None:
        graph.note(asker, kind)
