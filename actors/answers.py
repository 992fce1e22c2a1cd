"""The answers of requests that wait in this process: the text that their commit has written.

A request with an idempotency key is answered with the very bytes that are kept under it. The commit
that ends it may be another actor's, long after the request's own message was answered; so the
journal leaves the text here for whoever waits under the key.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

from offerhub.domain.trace import IdempotencyClaim
from storage.port import Encode, no_answers


@define(eq=False)
class Awaited:
    """A request that waits; `text` is its final answer, once it is committed."""

    claim: IdempotencyClaim
    text: bytes | None = field(default=None, repr=False)


class Answers:
    """One waiting request a key.

    Args:
        encode: writes the text of final answers; the edge's.
    """

    def __init__(self, encode: Encode = no_answers) -> None:
        self.encode: Final = encode
        self._awaited: dict[str, Awaited] = {}

    def waiting(self, key: str) -> Awaited | None:
        """The request that waits under a key."""
        return self._awaited.get(key)

    @contextmanager
    def awaiting(self, claim: IdempotencyClaim) -> Iterator[Awaited]:
        """Wait under a key that nobody waits under; look with `waiting` first."""
        awaited = self._awaited[claim.key] = Awaited(claim)
        try:
            yield awaited
        finally:
            del self._awaited[claim.key]

    def put(self, key: str, fingerprint: str, text: bytes) -> None:
        """An answer is committed: leave its text for the request that waits, if one does."""
        awaited = self._awaited.get(key)
        # Another fingerprint: an old operation has ended whose key was given anew meanwhile.
        if awaited is not None and awaited.claim.fingerprint == fingerprint:
            awaited.text = text
