"""The budget of requests holds, and goes to the most urgent first."""

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from offerhub.providers.rate import ONE_OF, Priority, RateBudget


async def test_a_limit_of_zero_sets_no_bound(autojump_clock):
    budget = RateBudget.per_minute(0)
    for _ in range(1_000):
        await budget.acquire(Priority.READ)
    assert trio.current_time() == 0


async def test_never_more_than_the_limit_in_any_period(autojump_clock):
    budget = RateBudget(5, 10)
    sent: list[float] = []

    async def send(delay_s: float) -> None:
        await trio.sleep(delay_s)
        await budget.acquire(Priority.READ)
        sent.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(send, number * 0.7)
    assert len(sent) == 40
    for start in sent:
        assert sum(1 for moment in sent if start <= moment < start + 10) <= 5
    assert sent[-1] == pytest.approx(72.8)


async def test_money_goes_before_reads_however_late_it_comes(autojump_clock):
    budget = RateBudget(1, 10)
    await budget.acquire(Priority.READ)
    order: list[str] = []

    async def send(name: str, priority: Priority, delay_s: float) -> None:
        await trio.sleep(delay_s)
        await budget.acquire(priority)
        order.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, "read", Priority.READ, 1)
        nursery.start_soon(send, "watch", Priority.WATCH, 2)
        nursery.start_soon(send, "confirm", Priority.CONFIRM, 3)
        nursery.start_soon(send, "submit 1", Priority.SUBMIT, 4)
        nursery.start_soon(send, "submit 2", Priority.SUBMIT, 5)
    assert order == ["submit 1", "submit 2", "confirm", "watch", "read"]


async def test_a_caller_who_gives_up_spends_nothing_and_holds_up_nobody(autojump_clock):
    budget = RateBudget(1, 10)
    await budget.acquire(Priority.SUBMIT)
    with trio.move_on_after(3):
        await budget.acquire(Priority.SUBMIT)
    assert budget.statistics().waiting == 0
    await budget.acquire(Priority.READ)
    assert trio.current_time() == 10


async def test_the_first_in_line_giving_up_lets_the_next_one_through(autojump_clock):
    budget = RateBudget(1, 10)
    await budget.acquire(Priority.SUBMIT)
    passed: list[float] = []

    async def impatient() -> None:
        with trio.move_on_after(3):
            await budget.acquire(Priority.SUBMIT)

    async def patient() -> None:
        await budget.acquire(Priority.READ)
        passed.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(impatient)
        nursery.start_soon(patient)
    assert passed == [10]


async def test_a_pause_holds_everybody(autojump_clock):
    budget = RateBudget(0, 1)
    budget.pause(7)
    assert budget.statistics().paused_s == 7
    await budget.acquire(Priority.SUBMIT)
    assert trio.current_time() == 7


@given(limit=st.integers(1, 20_000))
def test_an_hourly_budget_has_a_burst_and_refills_evenly(limit):
    async def main() -> list[float]:
        budget = RateBudget.per_hour(limit)
        for _ in range(min(limit, 90)):
            await budget.acquire(Priority.READ)
        waited = [trio.current_time()]
        for _ in range(3):
            await budget.acquire(Priority.READ)
            waited.append(trio.current_time())
        return waited

    clock = trio.testing.MockClock(autojump_threshold=0)
    waited = trio.run(main, clock=clock)
    assert waited == pytest.approx([n * 3600 / limit for n in range(4)], abs=1e-6)


@given(pauses=st.lists(st.floats(0, 120), max_size=30), limit=st.integers(90, 5_000))
def test_horizon_refuses_nothing_of_an_hourly_budget(pauses, limit):
    """Against its own count: 3 600 an hour are a token a second, and a hundred of them in store."""

    async def main() -> None:
        budget = RateBudget.per_hour(limit)
        tokens, at = 100.0, 0.0
        for pause in pauses:
            await trio.sleep(pause)
            for _ in range(40):
                await budget.acquire(Priority.READ)
                tokens = min(100.0, tokens + (trio.current_time() - at) * limit / 3600)
                at = trio.current_time()
                assert tokens >= 1
                tokens -= 1

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.mark.parametrize("rank", list(ONE_OF))
@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_every_rank_has_its_share_however_much_waits_above_it(autojump_clock, rank, limit):
    budget = RateBudget(limit, limit)
    spent: list[Priority] = []

    async def spend(priority: Priority) -> None:
        while True:
            await budget.acquire(priority)
            spent.append(priority)

    with trio.move_on_after(1000):
        async with trio.open_nursery() as nursery:
            for priority in Priority:
                for _ in range(1 if priority is rank else 10):
                    nursery.start_soon(spend, priority)
    assert len(spent) >= 1000
    assert spent.count(rank) >= len(spent) // (ONE_OF[rank] + 1)
    assert spent.count(Priority.SUBMIT) >= len(spent) // 4


async def test_a_share_is_no_debt_of_who_did_not_wait(autojump_clock):
    """Who asks after a quiet hour does not go before what is more urgent."""
    budget = RateBudget(1, 1)
    for _ in range(50):
        await budget.acquire(Priority.SUBMIT)
    order: list[Priority] = []

    async def spend(priority: Priority) -> None:
        await budget.acquire(priority)
        order.append(priority)

    async with trio.open_nursery() as nursery:
        for priority in (Priority.READ, Priority.WATCH, Priority.CONFIRM, Priority.SUBMIT):
            nursery.start_soon(spend, priority)
            await trio.testing.wait_all_tasks_blocked()
    assert order == sorted(order)


@given(
    asks=st.lists(
        st.tuples(st.sampled_from(list(Priority)), st.integers(0, 30), st.integers(1, 20)),
        max_size=40,
    ),
    limit=st.integers(1, 4),
    chance=st.random_module(),
)
def test_whoever_waits_long_enough_is_served(asks, limit, chance):
    """No waiter is forgotten, whoever comes, gives up or goes before."""

    async def play() -> None:
        budget = RateBudget(limit, limit)
        served = 0

        async def ask(priority: Priority, at: int, patience: int) -> None:
            nonlocal served
            await trio.sleep(at)
            with trio.move_on_after(patience if priority is Priority.READ else 1000):
                await budget.acquire(priority)
                served += 1

        async with trio.open_nursery() as nursery:
            for priority, at, patience in asks:
                nursery.start_soon(ask, priority, at, patience)
        assert served >= sum(1 for priority, _, _ in asks if priority is not Priority.READ)
        assert budget.statistics().waiting == 0
        assert trio.current_time() <= 30 + len(asks) + 1

    trio.run(play, clock=trio.testing.MockClock(autojump_threshold=0))
