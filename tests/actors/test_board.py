"""Boards: the snapshot of the last commit, and who waits for the next."""

import trio
from trio.testing import wait_all_tasks_blocked

from actors.board import Board


async def test_a_waiter_gets_the_first_snapshot_that_holds(autojump_clock: object) -> None:
    board: Board[int] = Board()
    found: list[int | None] = []

    async def wait() -> None:
        found.append(await board.wait_until("a", lambda each: each >= 2, 10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)
        for snapshot in (1, 2):
            await wait_all_tasks_blocked()
            board.put("a", snapshot)
    assert [2, 2] == found


async def test_a_snapshot_that_holds_already_is_given_at_once(autojump_clock: object) -> None:
    board: Board[int] = Board()
    board.put("a", 5)
    assert 5 == await board.wait_until("a", lambda each: each > 2, 0.001)


async def test_a_wait_ends_with_its_time_and_leaves_nothing_behind(
    autojump_clock: object,
) -> None:
    board: Board[int] = Board()
    began = trio.current_time()
    assert await board.wait_until("a", lambda _: True, 7) is None
    assert 7 == trio.current_time() - began
    assert {} == board._waiting
    board.put("a", 1)


async def test_only_waiters_of_the_same_id_are_woken(autojump_clock: object) -> None:
    board: Board[int] = Board()
    async with trio.open_nursery() as nursery:
        results: dict[str, int | None] = {}

        async def wait(name: str) -> None:
            results[name] = await board.wait_until(name, lambda _: True, 5)

        nursery.start_soon(wait, "a")
        nursery.start_soon(wait, "b")
        await wait_all_tasks_blocked()
        board.put("a", 1)
    assert {"a": 1, "b": None} == results


def test_a_dropped_snapshot_is_not_shown() -> None:
    board: Board[int] = Board()
    board.put("a", 1)
    board.drop("a")
    board.drop("never there")
    assert board.get("a") is None


def test_a_full_board_forgets_what_was_written_longest_ago() -> None:
    board: Board[int] = Board(kept_max=2)
    for name in ("a", "b", "a", "c"):
        board.put(name, 1)
    assert (1, None, 1) == (board.get("a"), board.get("b"), board.get("c"))


async def test_a_board_that_lets_go_ends_every_wait_at_once(autojump_clock: object) -> None:
    board: Board[int] = Board()
    board.put("a", 1)
    found: list[int | None] = []

    async def wait() -> None:
        found.append(await board.wait_until("a", lambda value: value > 1, 60))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        board.release_waiters()
    assert [None] == found
    assert trio.current_time() < 1
    assert await board.wait_until("a", lambda value: value > 1, 60) is None
    board.hold()
    assert 1 == await board.wait_until("a", lambda value: value == 1, 60)
