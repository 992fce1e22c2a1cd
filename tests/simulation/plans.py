"""What a seed is to reach: where its lives die, and which steps lose their envelopes.

Without knowledge of other seeds the plan turns with the seed, so that seeds in a row aim at
different places. A run of many seeds goes round by round, and each round aims at what those before
it reached least: the plans follow from the set of seeds, and a plan is part of how a seed is
repeated.
"""

import random  # noqa: TID251 - seeded: the simulation owns its chance
from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from tests.simulation.sometimes import AIMS, WITHHELD_STEPS

ROUND: Final = 24
"""Seeds of one round."""

_AIMS_OF_A_SEED: Final = 5


@frozen
class Plan:
    """What one seed is to reach.

    Args:
        aims: failpoints at each of which a life dies once.
        withheld: steps that lose envelopes until they are dead.
    """

    aims: tuple[str, ...]
    withheld: tuple[str, ...]

    def __str__(self) -> str:
        """As the command line takes it."""
        return f"--aims '{','.join(self.aims)}' --withheld '{','.join(self.withheld)}'"


def plan_of(seed: int) -> Plan:
    """The plan of a seed that nothing is known of: neighbours aim at different places."""
    places = [(seed * _AIMS_OF_A_SEED + place) % len(AIMS) for place in range(_AIMS_OF_A_SEED)]
    withheld = [WITHHELD_STEPS[seed % len(WITHHELD_STEPS)]] if seed % 3 else []
    return Plan(tuple(AIMS[place] for place in places), tuple(withheld))


def plans_of_round(seeds: Sequence[int], reached: Counter[str]) -> dict[int, Plan]:
    """The plans of a round, from the counts of the rounds before it."""
    if not reached:
        return {seed: plan_of(seed) for seed in seeds}
    aims = sorted(AIMS, key=lambda aim: reached[f"killed: {aim}"])
    steps = sorted(WITHHELD_STEPS, key=lambda step: _least(step, reached))
    plans = {}
    for place, seed in enumerate(seeds):
        chance = random.Random(f"plan {seed}")
        # The rarest third more often than the rest: each seed aims at three of it.
        rare = aims[: len(aims) // 3]
        chosen = [rare[(3 * place + each) % len(rare)] for each in range(3)]
        others = [aim for aim in AIMS if aim not in chosen]
        chosen += chance.sample(others, _AIMS_OF_A_SEED - len(chosen))
        withheld = (steps[place % len(steps)],) if place % 3 else ()
        plans[seed] = Plan(tuple(chosen), withheld)
    return plans


def _least(step: str, reached: Counter[str]) -> int:
    """The count of the rarest thing that withholding a step is to bring about."""
    marks = [f"operation {step}: expired"]
    if step in {"deploy", "fund"}:
        marks += [f"{step} retried", f"{step} fallen back"]
    return min(reached[mark] for mark in marks)
