"""Withdrawals: USDC on its way to an address outside."""

from typing import Final

from actors.messages import CancelWithdrawal, CommitWithdrawal, CreateWithdrawal
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from offerhub.domain.withdrawal import DestinationType, Withdrawal
from storage.port import UnknownCursor
from web import bodies, resources
from web.answers import now, page
from web.authentication import check_scope
from web.call import Answer, Call, Route
from web.long_operations import withdrawal_on_chain
from web.rendering import render_withdrawal
from web.routes.orders import unknown_cursor
from web.schema import Schema


async def create(call: Call) -> Answer:
    """Create a withdrawal and, unless it says `commit: false`, pay it."""
    body = call.body_as(bodies.NewWithdrawal)
    if body.user_id == call.system.instance.platform_user_id and call.caller is not None:
        check_scope(call.caller, Scope.ALL)
    match body.destination_type:
        case DestinationType.BANK:
            raise DomainError(
                E.WITHDRAWAL_DESTINATION_INVALID, "withdrawals to a bank are not supported"
            )
        case DestinationType.AIRTM_BALANCE:
            raise DomainError(
                E.PROVIDER_NOT_ENABLED, "withdrawals to AirTM are not enabled on this instance"
            )
        case DestinationType.CRYPTO:
            pass
    return await withdrawal_on_chain(
        call,
        call.system.ids.new("wd"),
        CreateWithdrawal(
            user_id=body.user_id,
            amount=body.amount,
            destination_ref=body.destination_ref,
            destination_memo=body.destination_memo,
            description=body.description,
            commit=body.commit is not False,
            trace=call.trace,
        ),
    )


async def commit(call: Call) -> Answer:
    """Pay a withdrawal that was created without `commit`."""
    return await withdrawal_on_chain(call, _id(call), CommitWithdrawal(call.trace))


async def cancel(call: Call) -> Answer:
    """Give the money of a withdrawal back that was not committed."""
    return await withdrawal_on_chain(call, _id(call), CancelWithdrawal(call.trace))


async def show(call: Call) -> Answer:
    """One withdrawal: the snapshot of its last commit, or storage."""
    withdrawal_id = _id(call)
    found = call.system.withdrawal_board.get(withdrawal_id)
    if found is None:
        found = await call.system.storage.load(Withdrawal, withdrawal_id)
    if found is None:
        raise DomainError(E.WITHDRAWAL_NOT_FOUND, "no withdrawal has this id")
    return now(call, render_withdrawal(found))


async def listed(call: Call) -> Answer:
    """A page of withdrawals."""
    query = call.query_as(bodies.WithdrawalQuery)
    try:
        found = await call.system.storage.withdrawals(query.user_id, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    return page(call, [render_withdrawal(each) for each in found.items], found.next_cursor)


def _id(call: Call) -> str:
    return call.id("id", "wd", E.WITHDRAWAL_NOT_FOUND)


ROUTES: Final = (
    Route(
        "POST",
        "/withdrawals",
        "createWithdrawal",
        create,
        "Withdraw USDC to a Stellar address",
        resources.Withdrawal,
        "Withdrawals",
        Scope.WRITE,
        status=201,
        long=True,
        body=Schema(bodies.NewWithdrawal),
        action="withdrawal.create",
        codes=(
            E.INVALID_AMOUNT_FORMAT,
            E.INVALID_CURRENCY,
            E.USER_NOT_FOUND,
            E.AMOUNT_OUT_OF_LIMITS,
            E.INSUFFICIENT_FUNDS,
            E.WALLET_NOT_READY,
            E.WITHDRAWAL_DESTINATION_INVALID,
            E.PROVIDER_NOT_ENABLED,
            E.STELLAR_NETWORK_ERROR,
        ),
    ),
    Route(
        "GET",
        "/withdrawals",
        "listWithdrawals",
        listed,
        "List withdrawals",
        resources.Withdrawal,
        "Withdrawals",
        Scope.READ,
        listed=True,
        query=Schema(bodies.WithdrawalQuery),
    ),
    Route(
        "GET",
        "/withdrawals/<id>",
        "getWithdrawal",
        show,
        "Show a withdrawal",
        resources.Withdrawal,
        "Withdrawals",
        Scope.READ,
        codes=(E.WITHDRAWAL_NOT_FOUND,),
    ),
    Route(
        "POST",
        "/withdrawals/<id>/commit",
        "commitWithdrawal",
        commit,
        "Pay a created withdrawal",
        resources.Withdrawal,
        "Withdrawals",
        Scope.WRITE,
        long=True,
        action="withdrawal.commit",
        codes=(E.WITHDRAWAL_NOT_FOUND, E.WITHDRAWAL_NOT_COMMITTABLE, E.WALLET_NOT_READY),
    ),
    Route(
        "POST",
        "/withdrawals/<id>/cancel",
        "cancelWithdrawal",
        cancel,
        "Cancel a created withdrawal",
        resources.Withdrawal,
        "Withdrawals",
        Scope.WRITE,
        action="withdrawal.cancel",
        codes=(E.WITHDRAWAL_NOT_FOUND, E.INVALID_STATE_TRANSITION),
    ),
)
