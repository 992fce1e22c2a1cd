"""Trouble on request: which request meets which fault, per call or by rate.

A plan is a list of faults in the order in which they were added; the first that matches and fires is
the one that a request meets. Rates draw from the randomness that is passed in, so that a simulation
repeats them from its seed.
"""

from enum import Enum, unique
from fnmatch import fnmatchcase

from attrs import define, field, frozen

from offerhub.domain.ids import RandomBytes


@unique
class FaultKind(Enum):
    """What goes wrong; "before" means that nothing happened, "after" that everything did."""

    SLOW = "slow"
    ERROR_BEFORE = "error_before"
    ERROR_AFTER = "error_after"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    CLOSE_BEFORE = "close_before"
    CLOSE_AFTER = "close_after"
    RATE_LIMITED = "rate_limited"
    NOT_COMPLETE_YET = "not_complete_yet"
    FAILED_BEFORE = "failed_before"
    FAILED_AFTER = "failed_after"
    EXPIRED_BOUNDS = "expired_bounds"
    INDEX_LOST = "index_lost"
    STREAM_CUT = "stream_cut"


_DELAYS_S = {
    FaultKind.SLOW: 2.0,
    FaultKind.TIMEOUT_BEFORE: 60.0,
    FaultKind.TIMEOUT_AFTER: 60.0,
    FaultKind.STREAM_CUT: 1.0,
}
_STATUSES = {
    FaultKind.ERROR_BEFORE: 503,
    FaultKind.ERROR_AFTER: 504,
    FaultKind.FAILED_BEFORE: 500,
    FaultKind.FAILED_AFTER: 500,
}


@frozen
class FaultSpec:
    """One fault as it was ordered.

    `route` is a pattern over "METHOD /path" (`*` matches anything); exactly one of `times` (how many
    calls) and `rate` (a probability) is set; `skip` calls pass first. `delay_s`, `status`,
    `lifetime_s` and `retry_after_s` shape the kinds that use them, `None` is the kind's own.
    """

    kind: FaultKind
    route: str = "*"
    times: int | None = None
    rate: float | None = None
    skip: int = 0
    delay_s: float | None = None
    status: int | None = None
    lifetime_s: float = -60.0
    """Of envelopes built under `expired_bounds`, from now on: negative is expired at once."""
    retry_after_s: int | None = None

    @property
    def wait_s(self) -> float:
        """How long the kind waits: before it answers, hangs up or cuts the stream."""
        return _DELAYS_S.get(self.kind, 0.0) if self.delay_s is None else self.delay_s

    @property
    def answer_status(self) -> int:
        """The status of the kinds that answer with one."""
        return _STATUSES.get(self.kind, 500) if self.status is None else self.status


@define
class ActiveFault:
    """A fault with its counters."""

    id: int
    spec: FaultSpec
    matched: int = 0
    fired: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether it has fired as often as it may."""
        return self.spec.times is not None and self.fired >= self.spec.times


@define
class FaultPlan:
    """The faults in force."""

    _random_bytes: RandomBytes
    _faults: dict[int, ActiveFault] = field(factory=dict)
    _last_id: int = 0

    def add(self, spec: FaultSpec) -> ActiveFault:
        """Put a fault into force. Raises `ValueError` if its figures make no sense."""
        _check(spec)
        self._last_id += 1
        fault = ActiveFault(self._last_id, spec)
        self._faults[fault.id] = fault
        return fault

    def remove(self, fault_id: int) -> bool:
        """Take a fault away; False if there is none of that id."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def faults(self) -> tuple[ActiveFault, ...]:
        """All faults, exhausted ones too, oldest first."""
        return tuple(self._faults.values())

    def draw(self, method: str, path: str) -> FaultSpec | None:
        """Decide what this request meets; None is no trouble. Counts and draws."""
        target = f"{method} {path}"
        for fault in self._faults.values():
            spec = fault.spec
            if fault.exhausted or not fnmatchcase(target, spec.route):
                continue
            fault.matched += 1
            if fault.matched <= spec.skip:
                continue
            if spec.rate is not None and self._uniform() >= spec.rate:
                continue
            fault.fired += 1
            return spec
        return None

    def _uniform(self) -> float:
        return int.from_bytes(self._random_bytes(4), "big") / 2**32


def _check(spec: FaultSpec) -> None:
    if (spec.times is None) == (spec.rate is None):
        raise ValueError("give either times or rate")
    if spec.rate is not None and not 0 <= spec.rate <= 1:
        raise ValueError("rate is a probability from 0 to 1")
    if spec.times is not None and spec.times < 1:
        raise ValueError("times is at least 1")
    if spec.skip < 0 or spec.wait_s < 0:
        raise ValueError("skip and delay_s are not negative")
    # A FAILED body comes under a 2xx or a 5xx; every other fault's status is an error's.
    lowest = 200 if spec.kind in _FAILED else 400
    if not lowest <= spec.answer_status <= 599:
        raise ValueError(f"status is from {lowest} to 599")


_FAILED = frozenset({FaultKind.FAILED_BEFORE, FaultKind.FAILED_AFTER})
