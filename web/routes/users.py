"""Users, their balance, their ledger and their wallet."""

from typing import Final

import trio

from actors.messages import CreateUser
from offerhub.domain.api_keys import Scope
from offerhub.domain.errors import DomainError
from offerhub.domain.errors import ErrorCode as E
from offerhub.domain.ids import iso
from offerhub.domain.ledger import TREASURY
from offerhub.domain.money import Money
from offerhub.domain.users import User, Wallet, WalletRole, WalletStatus
from offerhub.providers.stellar.port import AccountPayment, AccountState, StellarUnavailable
from storage.port import StoredTransfer, UnknownCursor, UserFilter
from web import bodies, resources
from web.answers import final, now, page
from web.call import Answer, Call, Route
from web.rendering import render_balance, render_user
from web.routes.orders import unknown_cursor
from web.schema import Schema

_NETWORK_DEADLINE_S: Final = 20.0


async def create(call: Call) -> Answer:
    """Create a user and its wallet; an external id that exists gives the user that has it."""
    body = call.body_as(bodies.NewUser)
    created = await call.system.users.ask(
        CreateUser(
            external_user_id=body.external_user_id,
            email=body.email,
            type=body.type,
            metadata=body.metadata or {},
            trace=call.trace,
        )
    )
    return final(call, created, created.user.updated_at)


async def show(call: Call) -> Answer:
    """One user."""
    user = await user_of(call)
    return now(call, render_user(user, await wallet_of(call, user)))


async def listed(call: Call) -> Answer:
    """A page of users."""
    query = call.query_as(bodies.UserQuery)
    storage = call.system.storage
    try:
        found = await storage.users(
            UserFilter(query.external_user_id, query.email), query.cursor, query.limit
        )
    except UnknownCursor:
        raise unknown_cursor() from None
    wallets = await storage.load_many(Wallet, [user.wallet_id for user in found.items])
    return page(
        call,
        [render_user(user, wallets[user.wallet_id]) for user in found.items],
        found.next_cursor,
    )


async def balance(call: Call) -> Answer:
    """The user's balance: the snapshot of its last commit, or storage."""
    user_id = _id(call)
    found = call.system.balance_board.get(user_id)
    if found is None:
        found = await call.system.storage.balance(user_id)
    if found is None:
        raise _no_user()
    return now(call, render_balance(found, call.system.instance.currency))


async def ledger(call: Call) -> Answer:
    """The user's transfers; the platform's user shows those of the treasury."""
    query = call.query_as(bodies.Page)
    user = await user_of(call)
    platform = user.id == call.system.instance.platform_user_id
    owners = [user.id, TREASURY] if platform else [user.id]
    try:
        found = await call.system.storage.user_ledger(owners, query.cursor, query.limit)
    except UnknownCursor:
        raise unknown_cursor() from None
    return page(call, [transfer_resource(each) for each in found.items], found.next_cursor)


def transfer_resource(transfer: StoredTransfer) -> resources.Transfer:
    """A transfer as shown: seven places."""
    return resources.Transfer(
        id=transfer.id,
        kind=transfer.kind,
        reference=transfer.reference,
        cause=transfer.cause,
        postings=tuple(
            resources.Posting(account=posting.account, amount=posting.amount.seven_places())
            for posting in transfer.postings
        ),
        created_at=iso(transfer.created_at),
    )


async def wallet(call: Call) -> Answer:
    """The user's wallet, with what the chain says that it holds."""
    found = await wallet_of(call, await user_of(call))
    active = found.status is WalletStatus.ACTIVE
    state: AccountState | None = None
    if active:
        try:
            with trio.fail_after(_NETWORK_DEADLINE_S):
                state = await call.system.network.account(found.public_key)
        except trio.TooSlowError:
            raise _silent() from None
    usdc = state.usdc if state is not None and state.usdc is not None else Money.zero()
    xlm = state.xlm if state is not None else Money.zero()
    return now(
        call,
        resources.Wallet(
            public_key=found.public_key,
            type="INVISIBLE",
            provider="STELLAR",
            status=found.status,
            is_active=active,
            is_primary=found.role is not WalletRole.CHANNEL,
            balance=resources.WalletBalance(usdc=usdc.seven_places(), xlm=xlm.seven_places()),
            created_at=iso(found.created_at),
        ),
    )


async def deposit(call: Call) -> Answer:
    """Where to send USDC; only when the wallet can receive it."""
    found = await wallet_of(call, await user_of(call))
    if found.status is not WalletStatus.ACTIVE:
        raise DomainError(
            E.WALLET_NOT_READY,
            "the wallet is still being activated and cannot receive USDC yet",
            {"status": found.status.value},
        )
    instance = call.system.instance
    return now(
        call,
        resources.Deposit(
            provider="crypto",
            method="stellar_address",
            address=found.public_key,
            asset=resources.Asset(code=instance.usdc_code, issuer=instance.usdc_issuer),
            network=instance.network,
            memo=None,
            instructions=f"Send {instance.usdc_code} of this issuer to the address, without "
            "a memo. It is credited as soon as the network confirms it.",
        ),
    )


async def transactions(call: Call) -> Answer:
    """The newest payments of the user's wallet, as Horizon tells them."""
    query = call.query_as(bodies.LimitQuery)
    found = await wallet_of(call, await user_of(call))
    try:
        with trio.fail_after(_NETWORK_DEADLINE_S):
            payments = await call.system.network.account_payments(found.public_key, query.limit)
    except trio.TooSlowError:
        raise _silent() from None
    return page(call, [payment_resource(payment) for payment in payments])


def payment_resource(payment: AccountPayment) -> resources.Payment:
    """A payment on the chain as shown: seven places."""
    return resources.Payment(
        id=payment.id,
        type=payment.type,
        from_=payment.source,
        to=payment.destination,
        amount=None if payment.amount is None else payment.amount.seven_places(),
        asset=payment.asset,
        created_at=iso(payment.created_at),
        hash=payment.transaction_hash,
        successful=payment.successful,
    )


def _silent() -> StellarUnavailable:
    return StellarUnavailable("no answer in time")


def _no_user() -> DomainError:
    return DomainError(E.USER_NOT_FOUND, "no user has this id")


def _id(call: Call) -> str:
    return call.id("id", "usr", E.USER_NOT_FOUND)


async def user_of(call: Call) -> User:
    """The user in the path; raises `USER_NOT_FOUND`."""
    user = await call.system.storage.load(User, _id(call))
    if user is None:
        raise _no_user()
    return user


async def wallet_of(call: Call, user: User) -> Wallet:
    """The user's wallet; raises `WALLET_NOT_FOUND`."""
    found = await call.system.storage.load(Wallet, user.wallet_id)
    if found is None:
        raise DomainError(E.WALLET_NOT_FOUND, "the user has no wallet")
    return found


_OF_ONE: Final = (E.USER_NOT_FOUND,)

ROUTES: Final = (
    Route(
        "POST",
        "/users",
        "createUser",
        create,
        "Create a user and its wallet",
        resources.User,
        "Users",
        Scope.WRITE,
        status=201,
        body=Schema(bodies.NewUser),
        action="user.create",
        # A user that exists is looked up before anything is committed that a used key would refuse.
        reads_key_first=True,
    ),
    Route(
        "GET",
        "/users",
        "listUsers",
        listed,
        "List users",
        resources.User,
        "Users",
        Scope.READ,
        listed=True,
        query=Schema(bodies.UserQuery),
    ),
    Route(
        "GET",
        "/users/<id>",
        "getUser",
        show,
        "Show a user",
        resources.User,
        "Users",
        Scope.READ,
        codes=_OF_ONE,
    ),
    Route(
        "GET",
        "/users/<id>/balance",
        "getBalance",
        balance,
        "Show a user's balance",
        resources.Balance,
        "Balances",
        Scope.READ,
        codes=_OF_ONE,
    ),
    Route(
        "GET",
        "/users/<id>/ledger",
        "listTransfers",
        ledger,
        "List a user's transfers",
        resources.Transfer,
        "Balances",
        Scope.READ,
        listed=True,
        query=bodies.PAGE,
        codes=(*_OF_ONE, E.HISTORY_DETACHED),
    ),
    Route(
        "GET",
        "/users/<id>/wallet",
        "getWallet",
        wallet,
        "Show a user's wallet",
        resources.Wallet,
        "Wallets",
        Scope.READ,
        codes=(*_OF_ONE, E.WALLET_NOT_FOUND, E.STELLAR_NETWORK_ERROR),
    ),
    Route(
        "GET",
        "/users/<id>/wallet/deposit",
        "getDepositAddress",
        deposit,
        "Where to send a deposit",
        resources.Deposit,
        "Wallets",
        Scope.READ,
        codes=(*_OF_ONE, E.WALLET_NOT_FOUND, E.WALLET_NOT_READY),
    ),
    Route(
        "GET",
        "/users/<id>/wallet/transactions",
        "listWalletTransactions",
        transactions,
        "The wallet's payments on the chain",
        resources.Payment,
        "Wallets",
        Scope.READ,
        listed=True,
        query=Schema(bodies.LimitQuery),
        codes=(*_OF_ONE, E.WALLET_NOT_FOUND, E.STELLAR_NETWORK_ERROR),
    ),
)
