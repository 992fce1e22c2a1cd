"""Decisions on settlements: what is planned together, and what the end of a transaction means (docs/spec/domain.md §1).

A settlement that is planned stays booked as due; only the chain's confirmation moves it. A payment
that the network refuses fails the whole transaction: the payments that it names are taken out and
pause, the others are free to be planned anew.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import evolve, frozen

from offerhub.domain import postings
from offerhub.domain.chain import ChainFailure, ChainOperation, ChainStatus, FailureKind, Subject
from offerhub.domain.chain_moves import (
    RetryPolicy,
    alarm,
    failure_of,
    hash_of,
    planned,
    planned_again,
)
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.errors import InvariantViolated
from offerhub.domain.intents import DuePayment, SettleDues
from offerhub.domain.money import Money
from offerhub.domain.settlement import Settlement
from offerhub.domain.unit_of_work import AuditEntry, UnitOfWork

_PAUSE_FIRST: Final = timedelta(minutes=1)
_PAUSE_MAX: Final = timedelta(hours=1)

REFUSED: Final = "settlement.refused"
"""The audit action, and the log's key, of a payment that was taken out of its transaction."""

_SUCCESS: Final = "op_success"
_LACKS_MONEY: Final = "op_underfunded"


@frozen
class Line:
    """One payment that is to be planned.

    Args:
        earlier: the user's settlement as it stands; `None`: the first one.
        amount: positive to the wallet.
    """

    user_id: str
    wallet: str
    amount: Money
    earlier: Settlement | None = None


@frozen
class Planned:
    """What was planned: the settlements in the order of the operation's payments."""

    operation: ChainOperation
    settlements: tuple[Settlement, ...]
    unit: UnitOfWork


@frozen
class Ended:
    """What the end of an operation means.

    Args:
        settlements: as they stand now.
        paid: whether the chain has confirmed them.
        again: the next attempt, which carries all of them; `None`: they are free.
        refused: those that the network refused.
    """

    settlements: tuple[Settlement, ...]
    unit: UnitOfWork
    paid: bool = False
    again: ChainOperation | None = None
    refused: tuple[Settlement, ...] = ()


def plan(lines: Sequence[Line], channel: str, platform: str, context: DecisionContext) -> Planned:
    """Plan one transaction; what wallets owe comes first, and pays what the treasury owes."""
    ordered = sorted(lines, key=lambda line: line.amount.stroops > 0)
    intent = SettleDues(
        channel, platform, tuple(DuePayment(line.wallet, line.amount) for line in ordered)
    )
    operation = planned(intent, Subject.SETTLEMENT, None, context)
    settlements = tuple(
        Settlement(
            id=line.user_id,
            version=1 if line.earlier is None else line.earlier.version + 1,
            wallet=line.wallet,
            amount=line.amount,
            updated_at=context.now,
            operation_id=operation.id,
            failures=0 if line.earlier is None else line.earlier.failures,
            last_error=None if line.earlier is None else line.earlier.last_error,
        )
        for line in ordered
    )
    unit = UnitOfWork(
        at=context.now,
        trace=context.trace.without_claim(),
        writes=(operation, *settlements),
        audit=(_entry("settlement.plan", operation, settlements, context),),
    )
    return Planned(operation, settlements, unit)


def ended(
    operation: ChainOperation,
    settlements: Sequence[Settlement],
    retry: RetryPolicy,
    context: DecisionContext,
) -> Ended:
    """Take the end of the operation that carries these settlements."""
    if operation.is_open or any(each.operation_id != operation.id for each in settlements):
        msg = f"{operation.id} is no end of these settlements"
        raise InvariantViolated(msg)
    if operation.status is ChainStatus.CONFIRMED:
        return _paid(operation, settlements, context)
    failure = failure_of(operation)
    if failure.kind is FailureKind.INCLUDED:
        return _refused(operation, settlements, failure, context)
    return _again(operation, settlements, retry, context)


def _paid(
    operation: ChainOperation, settlements: Sequence[Settlement], context: DecisionContext
) -> Ended:
    tx_hash = hash_of(operation)
    free = tuple(
        _moved(each, context, amount=Money.zero(), operation_id=None, failures=0, last_error=None)
        for each in settlements
    )
    transfers = tuple(
        context.transfer(
            postings.settle(each.id, each.amount, tx_hash),
            reference=operation.id,
            cause=operation.id,
            dedupe=f"settlement:{operation.id}:{each.id}",
        )
        for each in settlements
    )
    unit = UnitOfWork(
        at=context.now,
        trace=context.trace.without_claim(),
        writes=free,
        transfers=transfers,
        audit=(_entry("settlement.paid", operation, settlements, context),),
    )
    return Ended(free, unit, paid=True)


def _refused(
    operation: ChainOperation,
    settlements: Sequence[Settlement],
    failure: ChainFailure,
    context: DecisionContext,
) -> Ended:
    """A ledger has it and it failed: those that it failed for pause, and the others are free.

    If it failed for none of them, all pause.
    """
    culprits = _culprits(settlements, failure)
    after, refused = [], []
    for each in settlements:
        free = _moved(each, context, amount=Money.zero(), operation_id=None)
        if not culprits:
            free = evolve(free, not_before=context.now + _PAUSE_FIRST, last_error=failure.message)
        if each.id in culprits:
            failures = each.failures + 1
            pause = min(_PAUSE_FIRST * 2 ** min(failures - 1, 10), _PAUSE_MAX)
            free = evolve(
                free,
                failures=failures,
                not_before=context.now + pause,
                last_error=culprits[each.id],
            )
            refused.append(free)
        after.append(free)
    unit = UnitOfWork(
        at=context.now,
        trace=context.trace.without_claim(),
        writes=tuple(after),
        audit=(
            *(
                context.audit(
                    REFUSED,
                    "Wallet",
                    each.wallet,
                    result="alarm",
                    error=each.last_error,
                    after={"operation": operation.id, "failures": each.failures},
                    user_id=each.id,
                )
                for each in refused
            ),
            _entry(
                "settlement.failed",
                operation,
                settlements,
                context,
                result="failed",
                error=failure.message,
            ),
        ),
    )
    return Ended(tuple(after), unit, refused=tuple(refused))


def _again(
    operation: ChainOperation,
    settlements: Sequence[Settlement],
    retry: RetryPolicy,
    context: DecisionContext,
) -> Ended:
    """Nothing was included: the same payments are tried again, once it is proven again."""
    again = planned_again(operation, retry, context)
    failure = failure_of(operation)
    alarmed = alarm(operation, operation.attempt, failure.message, context)
    carried = tuple(_moved(each, context, operation_id=again.id) for each in settlements)
    entry = _entry(
        "settlement.attempt_failed",
        operation,
        settlements,
        context,
        result="retry",
        error=failure.message,
    )
    unit = UnitOfWork(
        at=context.now,
        trace=context.trace.without_claim(),
        writes=(again, *carried),
        audit=(entry,) if alarmed is None else (entry, alarmed),
    )
    return Ended(carried, unit, again=again)


def _culprits(settlements: Sequence[Settlement], failure: ChainFailure) -> dict[str, str]:
    """Whose payments made the transaction fail, and why.

    That the platform's wallet lacks the money is no payee's fault, nor is what the platform's
    wallet cannot receive the fault of who pays.
    """
    return {
        settlement.id: f"the network refused its payment: {code}"
        for settlement, code in zip(settlements, failure.operations, strict=False)
        if code != _SUCCESS and _is_its_own(settlement, code)
    }


def _is_its_own(settlement: Settlement, code: str) -> bool:
    of_the_source = code.startswith("op_src_") or code in {
        _LACKS_MONEY,
        "op_no_source_account",
        "op_bad_auth",
    }
    return of_the_source == (settlement.amount.stroops < 0)


def _moved(settlement: Settlement, context: DecisionContext, **fields: object) -> Settlement:
    evolved: Settlement = evolve(
        settlement,
        version=settlement.version + 1,
        updated_at=context.now,
        not_before=None,
        **fields,  # type: ignore[arg-type]  # attrs checks the names when it runs
    )
    return evolved


def _entry(
    action: str,
    operation: ChainOperation,
    settlements: Sequence[Settlement],
    context: DecisionContext,
    *,
    result: str = "ok",
    error: str | None = None,
) -> AuditEntry:
    return context.audit(
        action,
        "Settlement",
        operation.id,
        after={
            "transactionHash": operation.tx_hash,
            "amounts": {each.id: each.amount.seven_places() for each in settlements},
        },
        result=result,
        error=error,
    )
