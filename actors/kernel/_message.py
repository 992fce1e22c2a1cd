"""Messages: what may be asked of an actor, and the type of the answer."""

from typing import Generic, Protocol, Self, TypeVar

R_co = TypeVar("R_co", covariant=True)
M_co = TypeVar("M_co", covariant=True)


class Message(Generic[R_co]):
    """The base of messages; its parameter is the type of the answer to `Address.ask`."""

    __slots__ = ()

    def _asks(self) -> "_Pair[Self, R_co]":
        """Ties a message's type to its answer's, for type checkers; nobody calls it."""
        raise NotImplementedError


class _Pair(Generic[M_co, R_co]):
    """A message's type and its answer's."""


class Asks(Protocol[M_co, R_co]):
    """A message that is an `M_co` and is answered with an `R_co`: both at once.

    An address knows which messages its actor takes, a message knows its answer. Python has no
    intersection of types; this protocol stands for it, so that a type checker refuses a foreign
    message and still knows what `Address.ask` returns.
    """

    def _asks(self) -> _Pair[M_co, R_co]:
        """See `Message`."""
