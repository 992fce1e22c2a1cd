"""Answers and the envelopes around them (docs/spec/api.md, Envelopes)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

import attrs
import msgspec

from offerhub.domain.answers import OpenAnswer
from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.dispute import Dispute
from offerhub.domain.errors import DomainError, InvariantViolated
from offerhub.domain.hold import HoldChanged
from offerhub.domain.ids import iso
from offerhub.domain.ledger import Side
from offerhub.domain.maintenance import Maintenance
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.money import Money
from offerhub.domain.order import MilestoneOf, Order
from offerhub.domain.order_transitions import Progress
from offerhub.domain.reconciliation import Comparison
from offerhub.domain.unit_of_work import Balance, BalanceAfter
from offerhub.domain.users import UserCreated
from offerhub.domain.withdrawal import Withdrawal
from web import rendering
from web.call import Answer, Call, Route
from web.resources import Error, ErrorDetail, Listed, Meta, One, Problem, Resource, Token
from web.statuses import STATUS

PROBLEM_TYPE: Final = "application/problem+json"
_STATUS_LENGTH: Final = 3


_encoder: Final = msgspec.json.Encoder()


class AnswerEncoder:
    """Writes the text of final answers: the status, then the whole body. A port of the journal's.

    Args:
        routes: everything that a key can be used for.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._successes: Mapping[str, int] = {route.name: route.status for route in routes}

    def __call__(self, answer: OpenAnswer, figure: Callable[[BalanceAfter], Money]) -> bytes:
        """The text; `figure` gives balances after the commit."""
        shows = answer.shows
        if isinstance(shows, DomainError):
            return _text(STATUS[shows.code], error_body(shows, answer.correlation_id, answer.at))
        status = 200
        if not isinstance(shows, UserCreated) or shows.new:
            # A name that only an older version knew must not hold up the effect that it answers.
            status = self._successes.get(answer.action, status)
        return _text(
            status, body_of(_rendered(shows, answer.at, figure), answer.correlation_id, answer.at)
        )


def _rendered(
    shows: Order
    | Dispute
    | MilestoneOf
    | Withdrawal
    | HoldChanged
    | ManualChange
    | Comparison
    | UserCreated
    | ApiKey
    | ApiToken
    | Maintenance,
    at: datetime,
    figure: Callable[[BalanceAfter], Money],
) -> Resource:
    match shows:
        case Comparison():
            return rendering.render_comparison(shows)
        case ManualChange():
            return _after(shows, figure)
        case HoldChanged(hold):
            return rendering.render_hold_changed(shows, _balance(hold.user_id, at, figure))
        case Order():
            return rendering.render_order(shows)
        case Dispute():
            return rendering.render_dispute(shows)
        case MilestoneOf():
            return rendering.render_milestone(shows)
        case Withdrawal():
            return rendering.render_withdrawal(shows)
        case UserCreated(user, wallet):
            return rendering.render_user(user, wallet)
        case Maintenance():
            return rendering.render_maintenance(shows)
        case ApiKey():
            return rendering.render_api_key(shows)
        case ApiToken():
            return Token(token=None, expires_at=iso(shows.expires_at))
        case _:
            assert_never(shows)


def _after(change: ManualChange, figure: Callable[[BalanceAfter], Money]) -> Resource:
    """The balance after a manual change: as the commit leaves it, or as an earlier one did."""
    if change.available is None or change.reserved is None:
        balance = _balance(change.user_id, change.created_at, figure)
    else:
        balance = Balance(change.user_id, change.available, change.reserved, change.created_at)
    return rendering.render_balance(balance, change.currency)


def _balance(user_id: str, at: datetime, figure: Callable[[BalanceAfter], Money]) -> Balance:
    return Balance(
        user_id,
        figure(BalanceAfter(user_id, Side.AVAILABLE)),
        figure(BalanceAfter(user_id, Side.RESERVED)),
        at,
    )


def _text(status: int, body: bytes) -> bytes:
    return b"%d%b" % (status, body)


def read_text(text: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The answer that an `AnswerEncoder` wrote."""
    return Answer(int(text[:_STATUS_LENGTH]), text[_STATUS_LENGTH:], headers)


def final(
    call: Call,
    shows: Order
    | Dispute
    | MilestoneOf
    | Withdrawal
    | HoldChanged
    | ManualChange
    | Comparison
    | UserCreated
    | Maintenance,
    at: datetime,
    balance: Balance | None = None,
) -> Answer:
    """The final answer to a change: what its commit has written, if the request has a key.

    Args:
        at: the moment of the commit, for a request without a key.
        balance: as the commit has left it, where the answer shows it.
    """
    text = call.committed
    if text is None:
        answer = OpenAnswer(shows, call.route.name, call.trace.correlation_id, at)
        text = call.system.answers.encode(answer, lambda wanted: _figure(wanted, balance))
    return read_text(text)


def _figure(wanted: BalanceAfter, balance: Balance | None) -> Money:
    if balance is None or balance.user_id != wanted.user_id:
        raise InvariantViolated(f"only the commit knows the balance of {wanted.user_id}")
    return balance.available if wanted.side is Side.AVAILABLE else balance.reserved


def one(
    call: Call, resource: Resource | msgspec.Raw, at: datetime, status: int | None = None
) -> Answer:
    """One resource, or the result of an action.

    Args:
        at: `meta.timestamp`.
        status: the route's own by default.
    """
    return Answer(
        call.route.status if status is None else status,
        body_of(resource, call.trace.correlation_id, at),
    )


def now(call: Call, resource: Resource | msgspec.Raw) -> Answer:
    """One resource as it was read just now."""
    return one(call, resource, call.system.clock())


def now_rendered(call: Call, resource: bytes) -> Answer:
    """One resource whose JSON is there already; the same text as `now` makes."""
    return now(call, msgspec.Raw(resource))


def page(
    call: Call, items: Sequence[Resource | msgspec.Raw], next_cursor: str | None = None
) -> Answer:
    """A page of a list, newest first."""
    return Answer(
        200,
        _encoder.encode(
            Listed(
                data=tuple(items),
                has_more=next_cursor is not None,
                next_cursor=next_cursor,
                meta=_meta(call.trace.correlation_id, call.system.clock()),
            )
        ),
    )


def body_of(resource: Resource | msgspec.Raw, request_id: str, at: datetime) -> bytes:
    """The whole body of a success."""
    return _encoder.encode(One(data=resource, meta=_meta(request_id, at)))


def error_body(error: DomainError, request_id: str, at: datetime) -> bytes:
    """The whole body of a refusal."""
    return _encoder.encode(
        Error(
            error=ErrorDetail(code=error.code, message=error.message, details=_details(error)),
            meta=_meta(request_id, at),
        )
    )


def _details(error: DomainError) -> dict[str, object]:
    details: dict[str, object] = {}
    for name, value in error.details.items():
        if isinstance(value, Progress):
            details[name] = rendering.render_progress(value)
        elif attrs.has(type(value)):
            # msgspec would encode it whole, with all that is nobody's business outside.
            raise TypeError(type(value))
        else:
            details[name] = value
    return details


def _meta(request_id: str, at: datetime) -> Meta:
    return Meta(request_id=request_id, timestamp=iso(at))


def as_problem(status: int, body: bytes, instance: str) -> bytes:
    """The same refusal in the form of RFC 9457."""
    envelope = msgspec.json.decode(body, type=Error)
    error = envelope.error
    return _encoder.encode(
        Problem(
            type="about:blank",
            title=error.code.value,
            status=status,
            detail=error.message,
            instance=instance,
            code=error.code,
            details=error.details,
            request_id=envelope.meta.request_id,
            timestamp=envelope.meta.timestamp,
        )
    )
