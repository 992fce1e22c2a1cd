"""The orchestrator is killed on its way through a dispute and a refund, and nothing is lost.

As `tests.end_to_end.test_kill` does on the way of a purchase that is released.
"""

import pytest

from tests.end_to_end.case import Grounds, open_case
from tests.end_to_end.courses import REFUNDED, SPLIT
from tests.end_to_end.points import OF_DISPUTES, REACHED
from tests.end_to_end.purchase import Course

COURSES = {"split": SPLIT, "refund": REFUNDED}
AT_EACH_END = {
    "split": ("lane.after_submit.dispute#1", "order.before_effects.resolve#1"),
    "refund": ("order.after_effects.dispute#1", "lane.after_signed.resolve#1"),
}
"""In the order of the course: one process after the other dies at them."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", COURSES)
def test_a_dispute_and_a_refund_survive_deaths_on_their_way(grounds: Grounds, name: str) -> None:
    with open_case(grounds, course=COURSES[name]) as case:
        for point in AT_EACH_END[name]:
            with case.life(point) as orchestrator:
                assert case.play_until_death(orchestrator), f"{point} was not reached"
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_they_reach_their_end_and_pass_every_failpoint(grounds: Grounds, course: Course) -> None:
    with open_case(grounds, course=course) as case:
        record = case.home / "reached"
        with case.life(f"record:{record}") as orchestrator:
            case.finish(orchestrator)
        assert set(record.read_text().split()) - set(REACHED) == OF_DISPUTES


@pytest.mark.kill
@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", sorted(OF_DISPUTES))
@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_killed_at(grounds: Grounds, course: Course, point: str) -> None:
    with open_case(grounds, course=course) as case:
        with case.life(f"{point}#1") as orchestrator:
            assert case.play_until_death(orchestrator), f"{point} was not reached"
        with case.life() as orchestrator:
            case.recover(orchestrator)
