"""Which request meets which fault."""

import hashlib

import pytest

from offerhub.sandbox.fault_plan import FaultKind, FaultPlan, FaultSpec

SEND = ("POST", "/helper/send-transaction")


def seeded(seed: str):
    counter = iter(range(10**6))
    return lambda count: hashlib.sha256(f"{seed}{next(counter)}".encode()).digest()[:count]


def no_randomness(count: int) -> bytes:
    raise AssertionError(f"{count} random bytes were asked for")


def test_a_fault_by_calls_strikes_that_often_and_then_no_more():
    plan = FaultPlan(no_randomness)
    spec = FaultSpec(FaultKind.CLOSE_AFTER, route="POST /helper/*", times=2)
    plan.add(spec)
    assert [None, spec, spec, None] == [
        plan.draw("GET", "/helper/x"),
        plan.draw(*SEND),
        plan.draw(*SEND),
        plan.draw(*SEND),
    ]


def test_a_fault_can_let_calls_pass_first():
    plan = FaultPlan(no_randomness)
    spec = FaultSpec(FaultKind.RATE_LIMITED, times=1, skip=2)
    plan.add(spec)
    assert [None, None, spec, None] == [plan.draw(*SEND) for _ in range(4)]


def test_rates_repeat_from_the_seed_and_come_near_their_figure():
    def run(seed: str) -> list[bool]:
        plan = FaultPlan(seeded(seed))
        plan.add(FaultSpec(FaultKind.SLOW, rate=0.25))
        return [plan.draw(*SEND) is not None for _ in range(1000)]

    assert run("a") == run("a")
    assert run("a") != run("b")
    assert 200 < sum(run("a")) < 300


def test_a_removed_fault_strikes_no_more():
    plan = FaultPlan(no_randomness)
    fault = plan.add(FaultSpec(FaultKind.SLOW, times=5))
    assert plan.remove(fault.id)
    assert not plan.remove(fault.id)
    assert plan.draw(*SEND) is None


@pytest.mark.parametrize(
    "spec",
    [
        FaultSpec(FaultKind.SLOW),
        FaultSpec(FaultKind.SLOW, times=1, rate=0.5),
        FaultSpec(FaultKind.SLOW, rate=1.5),
        FaultSpec(FaultKind.SLOW, times=0),
        FaultSpec(FaultKind.SLOW, times=1, delay_s=-1),
        FaultSpec(FaultKind.ERROR_BEFORE, times=1, status=200),
    ],
)
def test_a_fault_whose_figures_make_no_sense_is_refused(spec):
    with pytest.raises(ValueError, match=r"\w"):
        FaultPlan(no_randomness).add(spec)
