"""Decisions on users, their wallets and API keys (docs/spec/domain.md §4, docs/spec/api.md)."""

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from offerhub.domain.api_keys import ApiKey
from offerhub.domain.chain import ChainOperation, Subject
from offerhub.domain.chain_moves import RetryPolicy, alarm, failure_of, planned, planned_again
from offerhub.domain.decision_context import DecisionContext
from offerhub.domain.ids import iso
from offerhub.domain.intents import OwnIntent
from offerhub.domain.unit_of_work import AuditEntry, UnitOfWork
from offerhub.domain.users import (
    SealedSeed,
    User,
    UserCreated,
    UserType,
    Wallet,
    WalletRole,
    WalletStatus,
)


@frozen
class CreateUser:
    """A new user, as the caller describes it, and the key pair that the vault made for it."""

    user_id: str
    wallet_id: str
    external_user_id: str
    email: str | None
    type: UserType
    metadata: Mapping[str, object]
    public_key: str
    seed: SealedSeed


def create_user(
    command: CreateUser, context: DecisionContext, *, role: WalletRole = WalletRole.USER
) -> tuple[User, Wallet, UnitOfWork]:
    """Create a user and the wallet that it never sees; the activation follows in the background."""
    wallet = new_wallet(
        command.wallet_id, command.user_id, role, command.public_key, command.seed, context
    )
    user = User(
        id=command.user_id,
        version=1,
        external_user_id=command.external_user_id,
        email=command.email,
        type=command.type,
        metadata=command.metadata,
        wallet_id=wallet.id,
        public_key=wallet.public_key,
        created_at=context.now,
        updated_at=context.now,
    )
    created = context.event(
        "user.created",
        "User",
        user.id,
        {
            "userId": user.id,
            "externalUserId": user.external_user_id,
            "email": user.email,
            "type": user.type.value,
            "status": user.status,
        },
        user_id=user.id,
    )
    unit = UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(user, wallet),
        events=(created,),
        audit=(
            context.audit(
                "user.create",
                "User",
                user.id,
                after={"type": user.type.value, "publicKey": wallet.public_key},
                user_id=user.id,
            ),
        ),
        idempotency=context.final_answer(UserCreated(user, wallet, new=True)),
    )
    return user, wallet, unit


def keep_existing(existing: UserCreated, context: DecisionContext) -> UnitOfWork | None:
    """Keep the answer to a request for a user that exists; `None` if it carried no key."""
    answer = context.final_answer(existing)
    if answer is None:
        return None
    return UnitOfWork(at=context.now, trace=context.trace, idempotency=answer)


def new_wallet(
    wallet_id: str,
    user_id: str,
    role: WalletRole,
    public_key: str,
    seed: SealedSeed,
    context: DecisionContext,
) -> Wallet:
    """A wallet that is not on the chain yet."""
    return Wallet(
        id=wallet_id,
        version=1,
        user_id=user_id,
        role=role,
        public_key=public_key,
        seed=seed,
        status=WalletStatus.ACTIVATING,
        created_at=context.now,
        updated_at=context.now,
    )


def plan_for_wallets(
    subject: Subject, intent: OwnIntent, wallet_ids: Sequence[str], context: DecisionContext
) -> tuple[ChainOperation, UnitOfWork]:
    """Plan work on the accounts of wallets, several in one transaction.

    Args:
        wallet_ids: whose accounts they are, for the audit.
    """
    operation = planned(intent, subject, None, context)
    return operation, _plan_of(operation, wallet_ids, (), context)


def plan_again_for_wallets(
    failed: ChainOperation, wallet_ids: Sequence[str], retry: RetryPolicy, context: DecisionContext
) -> tuple[ChainOperation, UnitOfWork]:
    """Plan the next attempt at work on the accounts of wallets, after its pause."""
    again = planned_again(failed, retry, context)
    alarmed = alarm(failed, failed.attempt, failure_of(failed).message, context)
    return again, _plan_of(again, wallet_ids, () if alarmed is None else (alarmed,), context)


def _plan_of(
    operation: ChainOperation,
    wallet_ids: Sequence[str],
    alarms: tuple[AuditEntry, ...],
    context: DecisionContext,
) -> UnitOfWork:
    return UnitOfWork(
        at=context.now,
        trace=context.trace.without_claim(),
        writes=(operation,),
        audit=(
            context.audit(
                f"wallets.{operation.step}",
                "Wallet",
                operation.id,
                after={"wallets": list(wallet_ids), "source": operation.source},
            ),
            *alarms,
        ),
    )


def activated(
    wallets: Sequence[Wallet], context: DecisionContext
) -> tuple[tuple[Wallet, ...], UnitOfWork]:
    """The accounts and trustlines of wallets exist on the chain: they can receive USDC."""
    active = tuple(
        evolve(
            wallet,
            version=wallet.version + 1,
            status=WalletStatus.ACTIVE,
            updated_at=context.now,
        )
        for wallet in wallets
    )
    events = tuple(
        context.event(
            "wallet.created",
            "Wallet",
            wallet.id,
            {
                "userId": wallet.user_id,
                "publicKey": wallet.public_key,
                "provider": "STELLAR",
                "funded": True,
                "trustlineReady": True,
            },
            user_id=wallet.user_id,
        )
        for wallet in active
        if wallet.role is WalletRole.USER
    )
    audit = tuple(
        context.audit(
            "wallet.activate",
            "Wallet",
            wallet.id,
            before={"status": WalletStatus.ACTIVATING.value},
            after={"status": wallet.status.value, "publicKey": wallet.public_key},
            user_id=wallet.user_id,
        )
        for wallet in active
    )
    return active, UnitOfWork(
        at=context.now,
        trace=context.trace.without_claim(),
        writes=active,
        events=events,
        audit=audit,
    )


def create_api_key(key: ApiKey, context: DecisionContext) -> UnitOfWork:
    """Store a key; the answer that is kept under an idempotency key lacks its text."""
    return UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(key,),
        audit=(
            context.audit(
                "api_key.create",
                "ApiKey",
                key.id,
                after={"name": key.name, "scopes": [scope.value for scope in key.scopes]},
            ),
        ),
        idempotency=context.final_answer(key),
    )


def revoke_api_key(key: ApiKey, context: DecisionContext) -> tuple[ApiKey, UnitOfWork]:
    """Revoke a key at once; its tokens die with it."""
    revoked = evolve(key, version=key.version + 1, revoked_at=context.now, updated_at=context.now)
    return revoked, UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(revoked,),
        audit=(context.audit("api_key.revoke", "ApiKey", key.id),),
    )


def expire_api_key(key: ApiKey, context: DecisionContext) -> tuple[ApiKey, UnitOfWork] | None:
    """Record that a key has expired; `None` if it has not, or it is recorded already."""
    if key.ends_at is None or context.now < key.ends_at:
        return None
    expired = evolve(key, version=key.version + 1, expired_at=context.now, updated_at=context.now)
    return expired, UnitOfWork(
        at=context.now,
        trace=context.trace,
        writes=(expired,),
        audit=(
            context.audit(
                "api_key.expire", "ApiKey", key.id, after={"expiresAt": iso(key.ends_at)}
            ),
        ),
    )
