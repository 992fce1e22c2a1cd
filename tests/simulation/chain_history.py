"""The sandbox's own history of its chain, past everything of ours."""

from collections.abc import Iterator

from offerhub.sandbox.engine.rows import OperationRow
from tests.simulation.world import Universe


def operations(universe: Universe) -> Iterator[OperationRow]:
    """Every operation of a transaction that succeeded, in the order of the chain."""
    history = universe.sandbox.engine.history.operations
    return (
        history[place] for place in range(len(history)) if history[place].transaction.successful
    )
