"""Faults of time: what comes due too late, too early, or again."""

from typing import Final

from tests.mutants.planting import Fault

_TIMER: Final = ("tests/actors/test_timer.py",)
_DEADLINES: Final = ("tests/domain/test_order_deadlines.py",)
_RULES: Final = "offerhub/domain/order_deadline_decisions.py"

TIME_FAULTS: Final = (
    Fault(
        "an order is expired by whoever wakes it",
        "actors/orders.py",
        "if not deadlines.is_due(order, self._core.now()):",
        "if False:",
        ("tests/actors/test_deadlines.py",),
    ),
    Fault(
        "those that stay due stand in the way of what came due later",
        "actors/timer.py",
        "            self._place = due\n",
        "",
        _TIMER,
    ),
    Fault(
        "what is due is never looked at again once it was passed",
        "actors/timer.py",
        "                self._place = None\n                ends_s",
        "                ends_s",
        _TIMER,
    ),
    Fault(
        "everything that is overdue is woken at once",
        "actors/timer.py",
        "            await trio.sleep(PACE_S)\n",
        "",
        _TIMER,
    ),
    Fault(
        "a record is deleted while its key still stands for an answer",
        "storage/postgres/due.py",
        "until - perishing.lifetime",
        "until",
        ("tests/storage/test_contract_due.py",),
    ),
    Fault(
        "a clean-up waits for whoever commits",
        "storage/postgres/due.py",
        "    SELECT key FROM idempotency WHERE created_at <= $1\n"
        "    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        "    SELECT key FROM idempotency WHERE created_at <= $1\n    ORDER BY created_at LIMIT $2)",
        ("tests/storage/test_due_plans.py",),
    ),
    Fault(
        "the stream of a key that has ended goes on",
        "actors/keys.py",
        "            end()\n",
        "            pass\n",
        ("tests/web/test_stream.py",),
    ),
    Fault(
        "an order is released in silence whose milestones are open",
        "offerhub/domain/order_deadlines.py",
        "return order.auto_release_at if completed else None",
        "return order.auto_release_at",
        _DEADLINES,
    ),
    Fault(
        "an order is released in silence as soon as it is funded",
        "offerhub/domain/order_deadlines.py",
        "funded_at < moment",
        "bool(moment)",
        _DEADLINES,
    ),
    Fault(
        "a deadline that has passed can be moved away",
        _RULES,
        "(now < standing <= asked)",
        "(standing <= asked)",
        _DEADLINES,
    ),
    Fault(
        "a deadline moves to an earlier time",
        _RULES,
        "(now < standing <= asked)",
        "(now < standing)",
        _DEADLINES,
    ),
)
