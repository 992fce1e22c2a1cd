"""The orchestrator is killed with SIGKILL on its way through a purchase, and nothing is lost.

Each case runs the real process with its failpoint armed, plays the purchase until it dies, starts
it again and finds every promise kept (`tests.end_to_end.checks`). `make test` has one purchase
whose process dies at a point of each kind; `make kill` kills a purchase of its own at every point.
"""

import pytest

from tests.end_to_end.case import Grounds, open_case
from tests.end_to_end.points import A_POINT_OF_EACH_KIND, ALL, REACHED


def test_a_purchase_reaches_its_end_and_passes_every_failpoint(grounds: Grounds) -> None:
    with open_case(grounds) as case:
        record = case.home / "reached"
        with case.life(f"record:{record}") as orchestrator:
            case.finish(orchestrator)
        assert set(record.read_text().split()) == set(REACHED)


@pytest.mark.timeout(240)
def test_a_purchase_survives_a_death_at_a_point_of_each_kind(grounds: Grounds) -> None:
    with open_case(grounds) as case:
        for point in A_POINT_OF_EACH_KIND:
            with case.life(point) as orchestrator:
                assert case.play_until_death(orchestrator), f"{point} was not reached"
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.timeout(180)
@pytest.mark.parametrize("point", ALL)
def test_killed_at(grounds: Grounds, point: str) -> None:
    with open_case(grounds) as case:
        with case.life(point) as orchestrator:
            if not case.play_until_death(orchestrator):
                pytest.skip("not reached this time")
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.timeout(180)
@pytest.mark.parametrize("step", ["deploy", "fund", "release", "settle", "pay"])
def test_killed_again_while_it_recovers(grounds: Grounds, step: str) -> None:
    with open_case(grounds) as case:
        for point in ("lane.after_signed", "lane.before_submit", "lane.after_submit"):
            with case.life(f"{point}.{step}#1") as orchestrator:
                assert case.play_until_death(orchestrator), point
        with case.life() as orchestrator:
            case.recover(orchestrator)
