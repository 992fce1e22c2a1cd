"""Deaths that no failpoint names: at any moment, by SIGTERM, and with money arriving meanwhile."""

import random
import signal
import threading
import time

import httpx
import pytest

from offerhub.domain.chain import ALIVE_STATUSES
from storage.port import Storage
from tests.end_to_end import books
from tests.end_to_end.case import DEATH_S, Case, Grounds, open_case
from tests.end_to_end.process import RunningSandbox
from tests.end_to_end.purchase import Lost, action_named

LIVES = 4
LONGEST_LIFE_S = 2.5
SIGTERM_S = 30.0


def test_a_deposit_made_while_it_was_down_is_credited_once(grounds: Grounds) -> None:
    with open_case(grounds) as case:
        with case.life() as orchestrator:
            case.purchase.register()
            orchestrator.kill()
        case.purchase.pay_deposit()
        with case.life() as orchestrator:
            case.finish(orchestrator)  # the events tell of one deposit, the balances of its amount


def test_sigterm_in_the_middle_of_chain_work_stops_it_and_the_next_life_goes_on(
    grounds: Grounds,
) -> None:
    with open_case(grounds) as case:
        with case.life() as orchestrator:
            case.purchase.play(before="fund")
            _ledgers(grounds.sandbox, "pause")
            try:
                asking = threading.Thread(target=_ask_fund, args=(case,), daemon=True)
                asking.start()
                books.read(case.database_url(), _envelope_alive)
                began = time.monotonic()
                orchestrator.process.send_signal(signal.SIGTERM)
                assert orchestrator.wait_ended(SIGTERM_S) == 0, orchestrator.log_text()[-2000:]
                print(f"stopped within {time.monotonic() - began:.1f} s")
                asking.join(DEATH_S)
                assert not asking.is_alive()
            finally:
                _ledgers(grounds.sandbox, "resume")
        case.purchase.asking = action_named("fund")
        with case.life() as orchestrator:
            case.recover(orchestrator)


@pytest.mark.kill
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", range(1, 9))
def test_killed_at_random_moments(grounds: Grounds, seed: int) -> None:
    moments = random.Random(seed)
    with open_case(grounds) as case:
        for _ in range(LIVES):
            with case.life() as orchestrator:
                timer = threading.Timer(
                    moments.uniform(0, LONGEST_LIFE_S), orchestrator.process.kill
                )
                timer.start()
                try:
                    case.play_until_death(orchestrator)
                finally:
                    timer.join()
                    orchestrator.kill()
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
            each.step == "fund" and each.status in ALIVE_STATUSES for each in operations
        ),
    )


def _ledgers(sandbox: RunningSandbox, verb: str) -> None:
    httpx.post(f"{sandbox.url}/ledgers/{verb}", timeout=10, trust_env=False).raise_for_status()
