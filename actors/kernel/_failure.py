"""What goes wrong with actors, how it is named, and how long it pauses a restart."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

import trio
from attrs import frozen

OnCrash: TypeAlias = Callable[[str, Exception], None]
"""Called with every crash: the actor's name and the error; for logs and metrics, must not raise."""


@runtime_checkable
class Refusal(Protocol):
    """An expected answer that is raised: it goes to the asker, and the actor lives.

    An exception says of itself that it is one, by a class attribute `is_refusal = True`: so the
    kernel needs no class of those who use it, and they none of the kernel's.
    """

    is_refusal: ClassVar[Literal[True]]


class ActorError(Exception):
    """The base of what an asker gets when the actor itself could not answer."""

    def __init__(self, actor: str, fact: str) -> None:
        super().__init__(f"{actor} {fact}")
        self.actor = actor


class ActorCrashed(ActorError):
    """The actor crashed on this message, or is quarantined; the outcome is unknown: look it up."""

    def __init__(self, actor: str) -> None:
        super().__init__(actor, "crashed")


class ActorStopped(ActorError):
    """The actor is stopped. A message that had waited in its mailbox has had no effect."""

    def __init__(self, actor: str) -> None:
        super().__init__(actor, "is stopped")


class AskTimeout(ActorError):
    """No answer in time; the message may still be handled: the outcome is unknown."""

    def __init__(self, actor: str, timeout_s: float) -> None:
        super().__init__(actor, f"did not answer within {timeout_s} s")
        self.timeout_s = timeout_s


_SECRET = re.compile(r"(?<=://)[^/@\s]+(?=@)|[A-Za-z0-9+/_=-]{32,}")


def described(error: BaseException) -> str:
    """Names an error for people: type and message, without anything like a key or password."""
    return _SECRET.sub("[redacted]", f"{type(error).__name__}: {error}"[:400])


def lone(error: BaseException) -> BaseException:
    """The one exception that a nursery's group is about, the others left on it as notes.

    An error goes before `Cancelled`: cancellation is level-triggered, so that Trio raises it
    again at the next checkpoint; an error would be lost. What is not an `Exception`
    (KeyboardInterrupt) goes before a crash, a crash before a refusal.
    """
    leaves = _leaves(error)
    errors = [leaf for leaf in leaves if not isinstance(leaf, trio.Cancelled)]
    if not errors:
        return leaves[0]
    errors.sort(key=lambda e: (isinstance(e, Exception), isinstance(e, Refusal)))
    for other in errors[1:]:
        errors[0].add_note(f"beside it: {described(other)}")
    return errors[0]


@contextmanager
def ungrouped() -> Iterator[None]:
    """The edge of a nursery: a group that reaches it goes on as its `lone` exception."""
    try:
        yield
    except BaseExceptionGroup as group:
        failure = lone(group)
        context = failure.__context__
        try:
            raise failure
        finally:
            failure.__context__ = context  # not the group, which has the failure in it


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


@frozen
class Backoff:
    """Pauses between restarts: doubling from `first_s` to `limit_s`, with jitter of ±50 %."""

    first_s: float = 0.1
    limit_s: float = 30.0

    def delay_s(self, crashes: int, random: Callable[[], float]) -> float:
        """The pause after the `crashes`-th crash in a row; `random` gives numbers in [0, 1)."""
        doubled = self.first_s * 2.0 ** min(crashes - 1, 32)
        return min(self.limit_s, doubled) * (0.5 + random())


DEFAULT_BACKOFF = Backoff()


def note_crash(crashes: deque[float], now: float, period_s: float) -> None:
    """Adds a crash to those of the last `period_s` seconds and forgets older ones."""
    crashes.append(now)
    while crashes[0] < now - period_s:
        crashes.popleft()
