"""What a run has seen: a hash over all of it, its last lines, its marks and its violations."""

import hashlib
from collections import Counter, deque
from typing import Final

import trio
from attrs import define, field

from offerhub.domain.chain_moves import ALARM

_LINES_KEPT: Final = 3000


class Violated(Exception):
    """A claim of docs/invariants.md does not hold."""


@define
class History:
    """The memory of one run; two runs of a seed have the same digest."""

    lines: deque[str] = field(factory=lambda: deque(maxlen=_LINES_KEPT))
    marks: Counter[str] = field(factory=Counter)
    violations: list[str] = field(factory=list)
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    alarms_expected: bool = False
    """Whether the network of this run lies: an alarm is then what is asked for."""
    failures_expected: bool = False
    """Whether this run makes steps fail again and again: then that alarm is asked for, too."""
    full: set[str] = field(factory=set)
    """Users whose balances can take no more: their deposits are parked, and that is told."""
    _hash: "hashlib._Hash" = field(factory=hashlib.sha256)

    def note(self, *facts: object) -> None:
        """Remember one thing that happened, at its moment."""
        line = f"{trio.current_time():.6f} " + " ".join(str(fact) for fact in facts)
        self.lines.append(line)
        self._hash.update(line.encode() + b"\n")

    def mark(self, name: str) -> None:
        """A dangerous place was reached."""
        self.marks[name] += 1

    def violated(self, claim: str) -> None:
        """A claim does not hold: the run ends here."""
        self.note("VIOLATED", claim)
        self.violations.append(claim)
        self.scope.cancel()

    def alarm(self, what: str) -> None:
        """An alarm was raised: a violation, unless a lie of the network explains it."""
        self.mark("an alarm was raised")
        self.note("alarm", what)
        if ALARM in what and self.failures_expected:
            return
        if not self.alarms_expected:
            self.violated(f"an alarm that nothing explains: {what}")

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
