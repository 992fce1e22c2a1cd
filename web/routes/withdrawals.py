"""Withdrawals: USDC on its way to an address outside."""

from typing import Final

from actors.messages import CancelWithdrawal, CommitWithdrawal, CreateWithdrawal
from offerhub.domain.api_keys import Scope
from offerhub.domain.chain import ChainOperation
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
    _check_scope(call, body.user_id)
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
    withdrawal = await _found(call)
    _check_scope(call, withdrawal.user_id)
    return await withdrawal_on_chain(call, withdrawal.id, CommitWithdrawal(call.trace))


async def cancel(call: Call) -> Answer:
    """Give the money of a withdrawal back that was not committed."""
    withdrawal = await _found(call)
    _check_scope(call, withdrawal.user_id)
    return await withdrawal_on_chain(call, withdrawal.id, CancelWithdrawal(call.trace))


async def refresh(call: Call) -> Answer:
    """Have a payment that is on its way looked at now, and show the withdrawal.

    Nobody needs it: the chain is followed all the time. What it finds is reported as ever.
    """
    withdrawal = await _found(call)
    operation_id = withdrawal.chain_operation_id
    if operation_id is not None:
        operation = await call.system.storage.load(ChainOperation, operation_id)
        if operation is not None:
            call.system.wake_lane(operation.source)
        call.system.withdrawals.wake(withdrawal.id, "refresh")
    return now(call, render_withdrawal(withdrawal))


async def show(call: Call) -> Answer:
    """One withdrawal: the snapshot of its last commit, or storage."""
    return now(call, render_withdrawal(await _found(call)))


async def listed(call: Call) -> Answer:
    """A page of withdrawals."""
    query = call.query_as(bodies.WithdrawalQuery)
    try:
        found = await call.system.storage.withdrawals(query.user_id, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    return page(call, [render_withdrawal(each) for each in found.items], found.next_cursor)


async def _found(call: Call) -> Withdrawal:
    withdrawal_id = call.id("id", "wd", E.WITHDRAWAL_NOT_FOUND)
    found = call.system.withdrawal_board.get(withdrawal_id)
    if found is None:
        found = await call.system.storage.load(Withdrawal, withdrawal_id)
    if found is None:
        raise DomainError(
            E.WITHDRAWAL_NOT_FOUND, "no withdrawal has this id", {"withdrawalId": withdrawal_id}
        )
    return found


def _check_scope(call: Call, user_id: str) -> None:
    """The platform's own money moves by the scope of everything only."""
    if user_id == call.system.instance.platform_user_id and call.caller is not None:
        check_scope(call.caller, Scope.ALL)


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
        "/withdrawals/<id>/refresh",
        "refreshWithdrawal",
        refresh,
        "Look at a withdrawal's payment now",
        resources.Withdrawal,
        "Withdrawals",
        Scope.WRITE,
        action="withdrawal.refresh",
        codes=(E.WITHDRAWAL_NOT_FOUND,),
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
