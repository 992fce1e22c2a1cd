"""`offerhub reconcile`, as a command: one pass over everything, with what it finds as its result."""

from collections import Counter

from actors.commands import CommandKind, Job
from actors.reconciler import Reconciler
from offerhub.domain.reconciliation import Comparison, Holder, Report
from offerhub.domain.unit_of_work import UnitOfWork

RECONCILE = "reconcile"

LISTED_MAX = 200
"""Of each kind of finding, in a result: it is stored."""


def reconcile_commands(reconciler: Reconciler) -> tuple[CommandKind, ...]:
    """The kinds of this part."""

    async def reconcile(job: Job) -> None:
        async def progress(compared: Counter[Holder]) -> None:
            await job.report({holder.value: number for holder, number in compared.items()})

        report = await reconciler.reconcile(progress)
        context = job.context()
        unit = UnitOfWork(
            at=context.now,
            trace=context.trace,
            audit=(
                context.audit(
                    "reconcile.run",
                    "Instance",
                    "reconcile",
                    result="ok" if report.clean else "alarm",
                    after={
                        "compared": dict(report.compared),
                        "differences": len(report.differences),
                        "surpluses": len(report.surpluses),
                        "unsettled": len(report.unsettled),
                        "skipped": sorted(report.skipped)[:LISTED_MAX],
                    },
                ),
            ),
        )
        while not await job.commit(unit, shown(report)):
            pass  # nothing but the command's own row can conflict, and that raises

    return (CommandKind(RECONCILE, reconcile),)


def shown(report: Report) -> dict[str, object]:
    """A report as JSON values."""
    return {
        "beganAt": report.began_at.isoformat(),
        "endedAt": report.ended_at.isoformat(),
        "clean": report.clean,
        "compared": dict(report.compared),
        "differences": [_finding(each) for each in report.differences[:LISTED_MAX]],
        "surpluses": [_finding(each) for each in report.surpluses[:LISTED_MAX]],
        "unsettled": list(report.unsettled[:LISTED_MAX]),
        "skipped": dict(list(report.skipped.items())[:LISTED_MAX]),
        "parked": report.parked,
        "platformXlm": None if report.platform_xlm is None else report.platform_xlm.seven_places(),
    }


def _finding(compared: Comparison) -> dict[str, object]:
    return {
        "subject": compared.subject,
        "onChain": compared.on_chain.seven_places(),
        "booked": (compared.ledger - compared.due).seven_places(),
        "inFlight": compared.in_flight.seven_places(),
        "difference": compared.difference.seven_places(),
    }
