"""Who asked for a change, and the ids under which it is reported.

Source: docs/spec/domain.md §7; docs/spec/api.md, Envelopes.
"""

from attrs import evolve, frozen


@frozen
class IdempotencyClaim:
    """The caller's idempotency key and the request that it belongs to.

    Args:
        key: as sent, unquoted.
        fingerprint: a hash of method, path and the body as parsed JSON.
        action: what is asked for, as the edge names it: it finds the form of the answer by it.
    """

    key: str
    fingerprint: str
    action: str


@frozen
class Trace:
    """Who acts, and the ids that all consequences carry.

    Args:
        correlation_id: the request id of the request that began it.
        actor: `key:<id>`, `master`, `system:<name>`, `webhook:<name>` or `cli:<user>`.
        causation_id: the event or operation that led to it, if any.
        idempotency: the claim of the request, if it carried a key.
    """

    correlation_id: str
    actor: str
    causation_id: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    idempotency: IdempotencyClaim | None = None

    def without_claim(self) -> "Trace":
        """The same trace for consequences that do not answer the request."""
        return evolve(self, idempotency=None)

    @staticmethod
    def system(name: str, correlation_id: str) -> "Trace":
        """Trace of what the process does by itself."""
        return Trace(correlation_id=correlation_id, actor=f"system:{name}")
