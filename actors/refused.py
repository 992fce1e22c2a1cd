"""What a refusal of storage is to whoever asked for the unit."""

from offerhub.domain.errors import DomainError, ErrorCode
from offerhub.domain.money import BALANCE_MAX
from offerhub.domain.unit_of_work import RefusalKind, Refused


class Conflict(Exception):
    """The entity was written elsewhere again and again: this actor's state is not the latest."""


def refused(outcome: Refused) -> Exception:
    """What a refusal of storage is to the caller: a domain error, or a fault of ours."""
    if outcome.kind is RefusalKind.LIMIT:
        return balance_limit()
    if outcome.kind is RefusalKind.TAKEN and outcome.subject == "client_order_ref":
        return DomainError(
            ErrorCode.CLIENT_ORDER_REF_TAKEN, "another order already uses this clientOrderRef"
        )
    if outcome.kind is RefusalKind.TAKEN and outcome.subject == "idempotency_key":
        return DomainError(
            ErrorCode.IDEMPOTENCY_KEY_IN_PROGRESS,
            "the first request with this idempotency key is still running",
        )
    return Conflict(str(outcome))


def balance_limit() -> DomainError:
    """The refusal of a change that would make a balance too large (docs/spec/domain.md §1)."""
    return DomainError(
        ErrorCode.AMOUNT_OUT_OF_LIMITS,
        "the balance would exceed its maximum",
        {"min": "0.00", "max": BALANCE_MAX.two_places()},
    )
