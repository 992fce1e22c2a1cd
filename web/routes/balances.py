"""A user's balance against the chain; holds; credits and debits by hand (docs/spec/api.md, Endpoints)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from actors.messages import (
    ChangeManually,
    DeductHold,
    GiveHold,
    GiveHoldBack,
    HoldMessage,
    PlaceHold,
)
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import ErrorCode as E
from offerhub.domain.manual_change import ManualKind
from offerhub.providers.stellar.port import StellarUnavailable
from web import bodies, resources
from web.answers import final, now
from web.call import Answer, Call, Route
from web.field_errors import field_error
from web.rendering import render_comparison
from web.routes.users import user_of, wallet_of
from web.schema import Schema

_DEADLINE_S: Final = 45.0


async def verify(call: Call) -> Answer:
    """Hold the user's wallet against the chain, as both stand now."""
    wallet = await wallet_of(call, await user_of(call))
    with outside():
        return now(call, render_comparison(await call.system.reconciler.comparing.wallet(wallet)))


async def sync(call: Call) -> Answer:
    """Hold the user's wallet against the chain once what is on its way is booked."""
    wallet = await wallet_of(call, await user_of(call))
    with outside():
        compared = await call.system.reconciler.sync(wallet, call.trace)
    return final(call, compared, call.system.clock())


@contextmanager
def outside() -> Iterator[None]:
    """The deadline of what asks the network."""
    try:
        with trio.fail_after(_DEADLINE_S):
            yield
    except trio.TooSlowError:
        raise StellarUnavailable("no answer in time") from None


async def credit(call: Call) -> Answer:
    """Give a user money of the treasury's."""
    return await _change(call, ManualKind.CREDIT)


async def debit(call: Call) -> Answer:
    """Take money of a user's into the treasury."""
    return await _change(call, ManualKind.DEBIT)


async def _change(call: Call, kind: ManualKind) -> Answer:
    body = call.body_as(bodies.ManualChange)
    change = await call.system.balances.address(_id(call)).ask(
        ChangeManually(kind, body.amount, body.description, body.reference, call.trace)
    )
    return final(call, change, change.created_at)


async def reserve(call: Call) -> Answer:
    """Set an amount of the user's available aside, as a hold."""
    body = call.body_as(bodies.NewHold)
    return await _hold(
        call,
        PlaceHold(
            amount=body.amount,
            reference=_label(body),
            order_id=body.order_id,
            description=body.description,
            trace=call.trace,
        ),
    )


async def cancel_reservation(call: Call) -> Answer:
    """Give a hold, or a part of it, back to the user's available."""
    body = call.body_as(bodies.HoldPart)
    return await _hold(call, GiveHoldBack(_label(body), body.amount, call.trace))


async def release(call: Call) -> Answer:
    """Give a hold, or a part of it, to another user's available."""
    body = call.body_as(bodies.HoldGift)
    message = GiveHold(_label(body), body.amount, body.recipient_id, call.trace)
    return await _hold(call, message)


async def deduct(call: Call) -> Answer:
    """Take a hold, or a part of it, out of the user's balance in the platform's favour."""
    body = call.body_as(bodies.HoldPart)
    return await _hold(call, DeductHold(_label(body), body.amount, call.trace))


async def _hold(call: Call, message: HoldMessage) -> Answer:
    after = await call.system.balances.address(_id(call)).ask(message)
    return final(call, after.changed, after.changed.hold.updated_at, after.balance)


def _id(call: Call) -> str:
    return call.id("id", "usr", E.USER_NOT_FOUND)


def _label(body: bodies.NewHold | bodies.HoldPart | bodies.HoldGift) -> str:
    """What the hold is called: `reference`, or else `orderId`."""
    label = body.reference or body.order_id
    if label is None:
        raise field_error(
            "reference", "is required, unless orderId is given", E.MISSING_REQUIRED_FIELD
        )
    return label


_HOLD: Final = (E.INVALID_AMOUNT_FORMAT, E.USER_NOT_FOUND, E.SAME_USER)
_PART: Final = (*_HOLD, E.RESERVE_NOT_FOUND, E.RESERVE_MISMATCH_AMOUNT)

ROUTES: Final = (
    Route(
        "GET",
        "/users/<id>/balance/verify",
        "verifyBalance",
        verify,
        "Hold a user's balance against the chain",
        resources.BalanceVerification,
        "Balances",
        Scope.READ,
        codes=(E.USER_NOT_FOUND, E.WALLET_NOT_FOUND, E.STELLAR_NETWORK_ERROR),
    ),
    Route(
        "POST",
        "/users/<id>/balance/sync",
        "syncBalance",
        sync,
        "Reconcile a user's balance with the chain",
        resources.BalanceVerification,
        "Balances",
        Scope.WRITE,
        action="balance.sync",
        codes=(E.USER_NOT_FOUND, E.WALLET_NOT_FOUND, E.STELLAR_NETWORK_ERROR),
    ),
    Route(
        "POST",
        "/users/<id>/balance/credit",
        "creditBalance",
        credit,
        "Credit a user out of the treasury",
        resources.Balance,
        "Balances",
        Scope.SUPPORT,
        body=Schema(bodies.ManualChange),
        action="balance.credit",
        codes=(*_HOLD, E.AMOUNT_OUT_OF_LIMITS, E.WALLET_NOT_READY),
    ),
    Route(
        "POST",
        "/users/<id>/balance/debit",
        "debitBalance",
        debit,
        "Debit a user in the treasury's favour",
        resources.Balance,
        "Balances",
        Scope.SUPPORT,
        body=Schema(bodies.ManualChange),
        action="balance.debit",
        codes=(*_HOLD, E.INSUFFICIENT_FUNDS),
    ),
    Route(
        "POST",
        "/users/<id>/balance/reserve",
        "holdBalance",
        reserve,
        "Set money of a user aside",
        resources.HoldAndBalance,
        "Balances",
        Scope.SUPPORT,
        status=201,
        body=Schema(bodies.NewHold),
        action="hold.place",
        codes=(*_HOLD, E.INSUFFICIENT_FUNDS, E.FUNDS_ALREADY_RESERVED),
    ),
    Route(
        "POST",
        "/users/<id>/balance/cancel-reservation",
        "cancelHold",
        cancel_reservation,
        "Give held money back to its user",
        resources.HoldAndBalance,
        "Balances",
        Scope.SUPPORT,
        body=Schema(bodies.HoldPart),
        action="hold.cancel",
        codes=_PART,
    ),
    Route(
        "POST",
        "/users/<id>/balance/release",
        "releaseHold",
        release,
        "Give held money to another user",
        resources.HoldAndBalance,
        "Balances",
        Scope.SUPPORT,
        body=Schema(bodies.HoldGift),
        action="hold.release",
        codes=(*_PART, E.AMOUNT_OUT_OF_LIMITS),
    ),
    Route(
        "POST",
        "/users/<id>/balance/deduct-reserved",
        "deductHold",
        deduct,
        "Take held money in the platform's favour",
        resources.HoldAndBalance,
        "Balances",
        Scope.SUPPORT,
        body=Schema(bodies.HoldPart),
        action="hold.deduct",
        codes=_PART,
    ),
)
