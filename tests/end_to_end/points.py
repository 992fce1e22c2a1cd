"""Every failpoint that a purchase or a dispute reaches, and how often; a test compares this with a record."""

from collections.abc import Iterator
from typing import Final

JOURNAL_COMMITS: Final = 60
"""Commits of a first start and a purchase: 56 to 60, as activations and notes happen to fall."""

WATCHER_PAGES: Final = 3
"""Pages with payments in them: at least the ledger of the deposit and the one of the release."""

_CHAIN_STEPS: Final = (
    "trust",
    "open_channels",
    "activate",
    "deploy",
    "fund",
    "complete:0",
    "complete:1",
    "approve:0",
    "approve:1",
    "release",
    "settle",
    "pay",
)
_ORDER_STEPS: Final = tuple(
    step
    for step in _CHAIN_STEPS
    if step not in {"trust", "open_channels", "activate", "settle", "pay"}
)
_LANE: Final = (
    "lane.before_signed",
    "lane.after_signed",
    "lane.before_submit",
    "lane.after_submit",
    "lane.before_confirmed",
    "lane.after_confirmed",
)


def _reached() -> Iterator[tuple[str, int]]:
    for edge in ("before", "after"):
        yield f"journal.{edge}_commit", JOURNAL_COMMITS
        yield f"watcher.{edge}_commit", WATCHER_PAGES
        yield f"wallets.{edge}_plan.activate", 1
        yield f"wallets.{edge}_effects.activate", 1
        yield f"settlements.{edge}_plan.settle", 1
        yield f"settlements.{edge}_effects.settle", 1
        yield f"withdrawal.{edge}_effects.pay", 1
        for step in _ORDER_STEPS:
            yield f"order.{edge}_effects.{step}", 1
    for place in _LANE:
        for step in _CHAIN_STEPS:
            yield f"{place}.{step}", 1


REACHED: Final = dict(_reached())
"""Name → how often."""

_DISPUTED: Final = ("dispute", "resolve")
"""The chain's part of a dispute, and of the refund of a funded order."""

OF_DISPUTES: Final = frozenset(
    {f"{place}.{step}" for place in _LANE for step in _DISPUTED}
    | {f"order.{edge}_effects.{step}" for edge in ("before", "after") for step in _DISPUTED}
)
"""What a dispute, and a refund, reach beside what every purchase does; each once."""

ALL: Final = tuple(f"{name}#{n}" for name, times in REACHED.items() for n in range(1, times + 1))
"""Every point as OFFERHUB_FAILPOINT names it."""

A_POINT_OF_EACH_KIND: Final = (
    "wallets.after_plan.activate#1",
    "watcher.after_commit#1",
    "journal.before_commit#3",
    "lane.before_signed.deploy#1",
    "lane.after_signed.fund#1",
    "lane.before_submit.complete:1#1",
    "lane.after_submit.release#1",
    "order.before_effects.release#1",
    "settlements.after_plan.settle#1",
    "lane.after_submit.settle#1",
    "settlements.before_effects.settle#1",
    "lane.before_confirmed.pay#1",
)
"""In the order of the purchase: one process after the other dies at them."""
