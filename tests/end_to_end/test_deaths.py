"""Deaths that no failpoint names: at any moment, by SIGTERM, and with money arriving meanwhile."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from offerhub.domain.chain import ALIVE_STATUSES
from offerhub.domain.steps import FUND
from storage.port import Storage
from tests.end_to_end import books
from tests.end_to_end.case import Case, Grounds, open_case
from tests.end_to_end.chain_view import Chain
from tests.end_to_end.process import RunningSandbox
from tests.end_to_end.purchase import MILESTONES, Lost, action_named
from tests.end_to_end.servers import postgres_pid

LIVES = 4
LONGEST_LIFE_S = 6.0
"""From its start on: about two for the start itself."""

MANY = 6
"""Purchases at once: their commits share groups, their deployments the channels."""

SIGTERM_S = 30.0
ANSWER_S = 10.0
_SHORT_S = 18.0
"""The life of an envelope that dies: the vault signs none with less than 15 s before it."""


_ACTION_OF = {"deploy": "escrow", "fund": "fund", "release": "release", "pay": "withdrawal"}


def test_a_deposit_made_while_it_was_down_is_credited_once(grounds: Grounds) -> None:
    with open_case(grounds) as case:
        with case.life() as orchestrator:
            case.purchase.register()
            orchestrator.kill()
        case.purchase.pay_deposit()
        with case.life() as orchestrator:
            case.finish(orchestrator)  # the events report one deposit, the balances its amount


def test_a_killed_process_leaves_its_servers_and_the_next_takes_them_over(
    fast_sandbox: RunningSandbox,
) -> None:
    with open_case(Grounds(None, None, fast_sandbox, Chain(fast_sandbox))) as case:
        with case.life("lane.after_submit.fund#1") as orchestrator:
            assert case.play_until_death(orchestrator)
        postmaster = postgres_pid(case.home)
        with case.life() as orchestrator:
            case.recover(orchestrator)
            assert postgres_pid(case.home) == postmaster


def test_sigterm_in_the_middle_of_chain_work_stops_it_and_the_next_life_goes_on(
    grounds: Grounds,
) -> None:
    with open_case(grounds) as case:
        # Its calls wait 2 s for the chain: a stop waits for the answers that are on their way.
        with case.life(env={"CHAIN_WAIT_SECONDS": "2"}) as orchestrator:
            case.purchase.play(before="fund")
            _ledgers(grounds.sandbox, "pause")
            try:
                asking = threading.Thread(target=_ask_fund, args=(case,), daemon=True)
                asking.start()
                books.read(case.database_url(), _envelope_alive)
                orchestrator.process.send_signal(signal.SIGTERM)
                assert orchestrator.wait_ended(SIGTERM_S) == 0, orchestrator.log_text()[-2000:]
                asking.join(ANSWER_S)
                assert not asking.is_alive()
            finally:
                _ledgers(grounds.sandbox, "resume")
        case.purchase.asking = action_named("fund")
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("step", "route", "kind"),
    [
        ("deploy", "POST /helper/send-transaction", "close_after"),
        ("deploy", "POST /helper/send-transaction", "failed_after"),
        ("deploy", "POST /helper/send-transaction", "error_before"),
        ("fund", "POST /transactions*", "close_after"),
        ("fund", "POST /transactions*", "error_before"),
        ("release", "POST /transactions*", "error_after"),
        ("pay", "POST /transactions*", "close_after"),
        ("pay", "POST /transactions*", "error_before"),
    ],
)
def test_killed_before_it_knows_what_became_of_a_submission(
    grounds: Grounds, step: str, route: str, kind: str
) -> None:
    with open_case(grounds) as case:
        with case.life(f"lane.after_submit.{step}#1") as orchestrator:
            case.purchase.play(before=_ACTION_OF[step])
            # A release submits for each milestone twice before its own turn comes.
            skip = 2 * len(MILESTONES) if step == "release" else 0
            with _fault(grounds.sandbox, kind=kind, route=route, times=1, skip=skip):
                assert case.play_until_death(orchestrator)
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.timeout(180)
@pytest.mark.parametrize("place", ["after_signed", "before_submit"])
@pytest.mark.parametrize(
    ("step", "route"),
    [
        ("deploy", "POST /deployer/single-release"),
        ("fund", "POST /escrow/single-release/fund-escrow"),
    ],
)
def test_an_envelope_that_died_while_it_was_down_is_built_anew(
    grounds: Grounds, step: str, route: str, place: str
) -> None:
    with open_case(grounds) as case:
        with case.life(f"lane.{place}.{step}#1") as orchestrator:
            case.purchase.play(before=_ACTION_OF[step])
            short = {"kind": "expired_bounds", "lifetime_s": _SHORT_S}
            with _fault(grounds.sandbox, route=route, times=1, **short):
                assert case.play_until_death(orchestrator)
        case.attempts_failed = 1
        time.sleep(_SHORT_S + 1)
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.timeout(240)
@pytest.mark.parametrize("purchases", [1, MANY])
@pytest.mark.parametrize("seed", range(1, 9))
def test_killed_at_random_moments(grounds: Grounds, seed: int, purchases: int) -> None:
    moments = random.Random(seed)
    with open_case(grounds, purchases=purchases) as case:
        for _ in range(LIVES):
            moment_s = moments.uniform(0, LONGEST_LIFE_S)
            with case.life(kill_after_s=moment_s) as orchestrator:
                case.play_until_death(orchestrator)
        with case.life() as orchestrator:
            case.recover(orchestrator)


def _ask_fund(case: Case) -> None:
    try:
        case.purchase.act(action_named("fund"))
    except Lost:
        return


async def _envelope_alive(storage: Storage) -> None:
    """Wait until a signed envelope is on its way."""
    await books.until(
        storage,
        lambda operations: any(
            each.step == FUND and each.status in ALIVE_STATUSES for each in operations
        ),
    )


@contextmanager
def _fault(sandbox: RunningSandbox, **spec: object) -> Iterator[None]:
    """Have the sandbox give trouble for the time of the block."""
    faults = f"{sandbox.url}/faults"
    httpx.post(faults, json=spec, timeout=10, trust_env=False).raise_for_status()
    try:
        yield
    finally:
        httpx.delete(faults, timeout=10, trust_env=False).raise_for_status()


def _ledgers(sandbox: RunningSandbox, verb: str) -> None:
    httpx.post(f"{sandbox.url}/ledgers/{verb}", timeout=10, trust_env=False).raise_for_status()
