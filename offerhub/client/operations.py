"""A method per operation, for both clients. Generated from the OpenAPI document by `make docs`."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from offerhub.client.calls import Call, path
from offerhub.client.models import (
    Actor,
    ApiKey,
    AuditEntry,
    Balance,
    BalanceVerification,
    Config,
    Currency,
    Deposit,
    DestinationType,
    Dispute,
    DisputeReason,
    DisputeStatus,
    Event,
    Health,
    HealthDetailed,
    HoldAndBalance,
    Maintenance,
    Milestone,
    NewMilestone,
    Order,
    OrderStatus,
    Party,
    Payment,
    Scope,
    Token,
    TopUp,
    Transfer,
    Treasury,
    User,
    UserType,
    Verdict,
    Wallet,
    Withdrawal,
)
from offerhub.client.pages import AsyncPages, One, Page, Pages

T = TypeVar("T")


class Operations(ABC):
    """The operations, for threads."""

    @abstractmethod
    def _call(self, call: Call[T]) -> T: ...

    @abstractmethod
    def _pages(self, call: Call[Page[T]]) -> Pages[T]: ...

    def get_health(self) -> Health:
        """Health of the instance."""
        call: Call[One[Health]] = Call(
            method="GET",
            path=path("health"),
            of=One[Health],
        )
        return self._call(call).data

    def get_detailed_health(self) -> HealthDetailed:
        """Health of each dependency."""
        call: Call[One[HealthDetailed]] = Call(
            method="GET",
            path=path("health", "detailed"),
            of=One[HealthDetailed],
        )
        return self._call(call).data

    def get_config(self) -> Config:
        """Configuration of the instance."""
        call: Call[One[Config]] = Call(
            method="GET",
            path=path("config"),
            of=One[Config],
        )
        return self._call(call).data

    def create_api_key(
        self,
        *,
        name: str,
        scopes: Sequence[Scope | str],
        user_id: str | None = None,
        expires_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> ApiKey:
        """Create an API key.

        Args:
            user_id: a free label.
        """
        call: Call[One[ApiKey]] = Call(
            method="POST",
            path=path("auth", "api-keys"),
            of=One[ApiKey],
            body={"name": name, "scopes": scopes, "userId": user_id, "expiresAt": expires_at},
            key=idempotency_key,
        )
        return self._call(call).data

    def list_api_keys(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[ApiKey]:
        """List API keys."""
        call: Call[Page[ApiKey]] = Call(
            method="GET",
            path=path("auth", "api-keys"),
            of=Page[ApiKey],
            query={"limit": limit, "cursor": cursor},
        )
        return self._pages(call)

    def revoke_api_key(self, key_id: str) -> ApiKey:
        """Revoke an API key and its tokens."""
        call: Call[One[ApiKey]] = Call(
            method="DELETE",
            path=path("auth", "api-keys", key_id),
            of=One[ApiKey],
        )
        return self._call(call).data

    def create_token(self, key_id: str, *, ttl: int, idempotency_key: str | None = None) -> Token:
        """Exchange a key for a short-lived token.

        Args:
            ttl: in seconds, a day at most.
        """
        call: Call[One[Token]] = Call(
            method="POST",
            path=path("auth", "api-keys", key_id, "token"),
            of=One[Token],
            body={"ttl": ttl},
            key=idempotency_key,
        )
        return self._call(call).data

    def get_current_key(self) -> ApiKey:
        """Show the key in use."""
        call: Call[One[ApiKey]] = Call(
            method="GET",
            path=path("auth", "me"),
            of=One[ApiKey],
        )
        return self._call(call).data

    def create_user(
        self,
        *,
        external_user_id: str,
        email: str | None = None,
        type: UserType | str | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> User:
        """Create a user and its wallet.

        Args:
            external_user_id: your own id of the user; unique.
            metadata: yours: a JSON object of at most 16 KiB.
        """
        call: Call[One[User]] = Call(
            method="POST",
            path=path("users"),
            of=One[User],
            body={
                "externalUserId": external_user_id,
                "email": email,
                "type": type,
                "metadata": metadata,
            },
            key=idempotency_key,
        )
        return self._call(call).data

    def list_users(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        external_user_id: str | None = None,
        email: str | None = None,
    ) -> Pages[User]:
        """List users.

        Args:
            external_user_id: your own id of the user; unique.
        """
        call: Call[Page[User]] = Call(
            method="GET",
            path=path("users"),
            of=Page[User],
            query={
                "limit": limit,
                "cursor": cursor,
                "externalUserId": external_user_id,
                "email": email,
            },
        )
        return self._pages(call)

    def get_user(self, user_id: str) -> User:
        """Show a user."""
        call: Call[One[User]] = Call(
            method="GET",
            path=path("users", user_id),
            of=One[User],
        )
        return self._call(call).data

    def get_balance(self, user_id: str) -> Balance:
        """Show a user's balance."""
        call: Call[One[Balance]] = Call(
            method="GET",
            path=path("users", user_id, "balance"),
            of=One[Balance],
        )
        return self._call(call).data

    def list_transfers(
        self, user_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[Transfer]:
        """List a user's transfers."""
        call: Call[Page[Transfer]] = Call(
            method="GET",
            path=path("users", user_id, "ledger"),
            of=Page[Transfer],
            query={"limit": limit, "cursor": cursor},
        )
        return self._pages(call)

    def get_wallet(self, user_id: str) -> Wallet:
        """Show a user's wallet."""
        call: Call[One[Wallet]] = Call(
            method="GET",
            path=path("users", user_id, "wallet"),
            of=One[Wallet],
        )
        return self._call(call).data

    def get_deposit_address(self, user_id: str) -> Deposit:
        """Where to send a deposit."""
        call: Call[One[Deposit]] = Call(
            method="GET",
            path=path("users", user_id, "wallet", "deposit"),
            of=One[Deposit],
        )
        return self._call(call).data

    def list_wallet_transactions(self, user_id: str, *, limit: int | None = None) -> Pages[Payment]:
        """The wallet's payments on the chain."""
        call: Call[Page[Payment]] = Call(
            method="GET",
            path=path("users", user_id, "wallet", "transactions"),
            of=Page[Payment],
            query={"limit": limit},
        )
        return self._pages(call)

    def verify_balance(self, user_id: str) -> BalanceVerification:
        """Hold a user's balance against the chain."""
        call: Call[One[BalanceVerification]] = Call(
            method="GET",
            path=path("users", user_id, "balance", "verify"),
            of=One[BalanceVerification],
        )
        return self._call(call).data

    def sync_balance(
        self, user_id: str, *, idempotency_key: str | None = None
    ) -> BalanceVerification:
        """Reconcile a user's balance with the chain."""
        call: Call[One[BalanceVerification]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "sync"),
            of=One[BalanceVerification],
            key=idempotency_key,
        )
        return self._call(call).data

    def credit_balance(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        description: str,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Balance:
        """Credit a user out of the treasury.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[Balance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "credit"),
            of=One[Balance],
            body={"amount": amount, "description": description, "reference": reference},
            key=idempotency_key,
        )
        return self._call(call).data

    def debit_balance(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        description: str,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Balance:
        """Debit a user in the treasury's favour.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[Balance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "debit"),
            of=One[Balance],
            body={"amount": amount, "description": description, "reference": reference},
            key=idempotency_key,
        )
        return self._call(call).data

    def hold_balance(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        reference: str | None = None,
        order_id: str | None = None,
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Set money of a user aside.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "reserve"),
            of=One[HoldAndBalance],
            body={
                "amount": amount,
                "reference": reference,
                "orderId": order_id,
                "description": description,
            },
            key=idempotency_key,
        )
        return self._call(call).data

    def cancel_hold(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        reference: str | None = None,
        order_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Give held money back to its user.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "cancel-reservation"),
            of=One[HoldAndBalance],
            body={"amount": amount, "reference": reference, "orderId": order_id},
            key=idempotency_key,
        )
        return self._call(call).data

    def release_hold(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        recipient_id: str,
        reference: str | None = None,
        order_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Give held money to another user.

        Args:
            recipient_id: the user who gets it. Also accepted as `sellerId`.
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "release"),
            of=One[HoldAndBalance],
            body={
                "amount": amount,
                "recipientId": recipient_id,
                "reference": reference,
                "orderId": order_id,
            },
            key=idempotency_key,
        )
        return self._call(call).data

    def deduct_hold(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        reference: str | None = None,
        order_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Take held money in the platform's favour.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "deduct-reserved"),
            of=One[HoldAndBalance],
            body={"amount": amount, "reference": reference, "orderId": order_id},
            key=idempotency_key,
        )
        return self._call(call).data

    def create_order(
        self,
        *,
        buyer_id: str,
        seller_id: str,
        amount: Decimal | str,
        title: str,
        currency: Currency | str | None = None,
        description: str | None = None,
        client_order_ref: str | None = None,
        milestones: Sequence[NewMilestone] | None = None,
        metadata: dict[str, Any] | None = None,
        expires_at: datetime | str | None = None,
        auto_release_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Create an order.

        Args:
            client_order_ref: your own reference of the order; unique.
            milestones: at most 20; without any, the contract gets one that is named `delivery`.
            metadata: yours: a JSON object of at most 16 KiB.
            expires_at: an order whose escrow was not started by then is closed.
            auto_release_at: a completed order is released then, if the buyer stays silent.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders"),
            of=One[Order],
            body={
                "buyerId": buyer_id,
                "sellerId": seller_id,
                "amount": amount,
                "title": title,
                "currency": currency,
                "description": description,
                "clientOrderRef": client_order_ref,
                "milestones": milestones,
                "metadata": metadata,
                "expiresAt": expires_at,
                "autoReleaseAt": auto_release_at,
            },
            key=idempotency_key,
        )
        return self._call(call).data

    def list_orders(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: OrderStatus | str | None = None,
        buyer_id: str | None = None,
        seller_id: str | None = None,
        client_order_ref: str | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
    ) -> Pages[Order]:
        """List orders.

        Args:
            client_order_ref: your own reference of the order; unique.
        """
        call: Call[Page[Order]] = Call(
            method="GET",
            path=path("orders"),
            of=Page[Order],
            query={
                "limit": limit,
                "cursor": cursor,
                "status": status,
                "buyerId": buyer_id,
                "sellerId": seller_id,
                "clientOrderRef": client_order_ref,
                "createdAfter": created_after,
                "createdBefore": created_before,
            },
        )
        return self._pages(call)

    def get_order(self, order_id: str) -> Order:
        """Show an order."""
        call: Call[One[Order]] = Call(
            method="GET",
            path=path("orders", order_id),
            of=One[Order],
        )
        return self._call(call).data

    def reserve_order(
        self,
        order_id: str,
        *,
        amount: Decimal | str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Reserve the order's amount."""
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "reserve"),
            of=One[Order],
            body={"amount": amount},
            key=idempotency_key,
        )
        return self._call(call).data

    def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        canceled_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Cancel an order before its escrow."""
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "cancel"),
            of=One[Order],
            body={"reason": reason, "canceledBy": canceled_by},
            key=idempotency_key,
        )
        return self._call(call).data

    def set_order_deadlines(
        self,
        order_id: str,
        *,
        expires_at: datetime | str | None = None,
        auto_release_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Set deadlines of an order, or move them to a later time.

        Args:
            expires_at: an order whose escrow was not started by then is closed.
            auto_release_at: a completed order is released then, if the buyer stays silent.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "deadlines"),
            of=One[Order],
            body={"expiresAt": expires_at, "autoReleaseAt": auto_release_at},
            key=idempotency_key,
        )
        return self._call(call).data

    def create_escrow(
        self, order_id: str, *, wait: bool = True, idempotency_key: str | None = None
    ) -> Order:
        """Deploy the order's escrow contract.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "escrow"),
            of=One[Order],
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def fund_escrow(
        self, order_id: str, *, wait: bool = True, idempotency_key: str | None = None
    ) -> Order:
        """Fund the order's escrow contract.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "escrow", "fund"),
            of=One[Order],
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def list_milestones(self, order_id: str) -> Pages[Milestone]:
        """List the order's milestones."""
        call: Call[Page[Milestone]] = Call(
            method="GET",
            path=path("orders", order_id, "milestones"),
            of=Page[Milestone],
        )
        return self._pages(call)

    def complete_milestone(
        self, order_id: str, ref: str, *, idempotency_key: str | None = None
    ) -> Milestone:
        """Complete a milestone."""
        call: Call[One[Milestone]] = Call(
            method="POST",
            path=path("orders", order_id, "milestones", ref, "complete"),
            of=One[Milestone],
            key=idempotency_key,
        )
        return self._call(call).data

    def release_order(
        self,
        order_id: str,
        *,
        requested_by: str | None = None,
        reason: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Order:
        """Release the money to the seller.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "resolution", "release"),
            of=One[Order],
            body={"requestedBy": requested_by, "reason": reason},
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def refund_order(
        self,
        order_id: str,
        *,
        reason: str,
        requested_by: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Order:
        """Refund the buyer.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "resolution", "refund"),
            of=One[Order],
            body={"reason": reason, "requestedBy": requested_by},
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def dispute_order(
        self,
        order_id: str,
        *,
        opened_by: Party | str,
        reason: DisputeReason | str,
        evidence: Sequence[str] | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Open a dispute about the order's money.

        Args:
            evidence: at most 20 texts.
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Dispute]] = Call(
            method="POST",
            path=path("orders", order_id, "resolution", "dispute"),
            of=One[Dispute],
            body={"openedBy": opened_by, "reason": reason, "evidence": evidence},
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def list_order_events(
        self, order_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Pages[Event]:
        """The order's history."""
        call: Call[Page[Event]] = Call(
            method="GET",
            path=path("orders", order_id, "events"),
            of=Page[Event],
            query={"limit": limit, "cursor": cursor},
        )
        return self._pages(call)

    def list_disputes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order_id: str | None = None,
        status: DisputeStatus | str | None = None,
        opened_by: Party | str | None = None,
    ) -> Pages[Dispute]:
        """List disputes."""
        call: Call[Page[Dispute]] = Call(
            method="GET",
            path=path("disputes"),
            of=Page[Dispute],
            query={
                "limit": limit,
                "cursor": cursor,
                "orderId": order_id,
                "status": status,
                "openedBy": opened_by,
            },
        )
        return self._pages(call)

    def get_dispute(self, dispute_id: str) -> Dispute:
        """Show a dispute."""
        call: Call[One[Dispute]] = Call(
            method="GET",
            path=path("disputes", dispute_id),
            of=One[Dispute],
        )
        return self._call(call).data

    def assign_dispute(
        self, dispute_id: str, *, assigned_to: str, idempotency_key: str | None = None
    ) -> Dispute:
        """Assign a dispute.

        Args:
            assigned_to: also accepted as `agentId`.
        """
        call: Call[One[Dispute]] = Call(
            method="POST",
            path=path("disputes", dispute_id, "assign"),
            of=One[Dispute],
            body={"assignedTo": assigned_to},
            key=idempotency_key,
        )
        return self._call(call).data

    def resolve_dispute(
        self,
        dispute_id: str,
        *,
        decision: Verdict | str,
        release_amount: Decimal | str | None = None,
        refund_amount: Decimal | str | None = None,
        note: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Resolve a dispute.

        Args:
            release_amount: the seller's share, with `SPLIT` only.
            refund_amount: the buyer's share; both sum to the order's amount.
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Dispute]] = Call(
            method="POST",
            path=path("disputes", dispute_id, "resolve"),
            of=One[Dispute],
            body={
                "decision": decision,
                "releaseAmount": release_amount,
                "refundAmount": refund_amount,
                "note": note,
            },
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def create_withdrawal(
        self,
        *,
        user_id: str,
        amount: Decimal | str,
        destination_type: DestinationType | str,
        destination_ref: str,
        currency: Currency | str | None = None,
        destination_memo: str | None = None,
        commit: bool | None = None,
        description: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Withdraw USDC to a Stellar address.

        Args:
            destination_ref: the Stellar address that is paid.
            commit: `false`: set the money aside, and pay on `commit`.
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals"),
            of=One[Withdrawal],
            body={
                "userId": user_id,
                "amount": amount,
                "destinationType": destination_type,
                "destinationRef": destination_ref,
                "currency": currency,
                "destinationMemo": destination_memo,
                "commit": commit,
                "description": description,
            },
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def list_withdrawals(
        self, *, limit: int | None = None, cursor: str | None = None, user_id: str | None = None
    ) -> Pages[Withdrawal]:
        """List withdrawals."""
        call: Call[Page[Withdrawal]] = Call(
            method="GET",
            path=path("withdrawals"),
            of=Page[Withdrawal],
            query={"limit": limit, "cursor": cursor, "userId": user_id},
        )
        return self._pages(call)

    def get_withdrawal(self, withdrawal_id: str) -> Withdrawal:
        """Show a withdrawal."""
        call: Call[One[Withdrawal]] = Call(
            method="GET",
            path=path("withdrawals", withdrawal_id),
            of=One[Withdrawal],
        )
        return self._call(call).data

    def commit_withdrawal(
        self, withdrawal_id: str, *, wait: bool = True, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Pay a created withdrawal.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals", withdrawal_id, "commit"),
            of=One[Withdrawal],
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return self._call(call).data

    def refresh_withdrawal(
        self, withdrawal_id: str, *, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Look at a withdrawal's payment now."""
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals", withdrawal_id, "refresh"),
            of=One[Withdrawal],
            key=idempotency_key,
        )
        return self._call(call).data

    def cancel_withdrawal(
        self, withdrawal_id: str, *, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Cancel a created withdrawal."""
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals", withdrawal_id, "cancel"),
            of=One[Withdrawal],
            key=idempotency_key,
        )
        return self._call(call).data

    def link_airtm_user(
        self, user_id: str, *, email: str, idempotency_key: str | None = None
    ) -> User:
        """Link a user to an AirTM account."""
        call: Call[One[User]] = Call(
            method="POST",
            path=path("users", user_id, "airtm", "link"),
            of=One[User],
            body={"email": email},
            key=idempotency_key,
        )
        return self._call(call).data

    def create_top_up(
        self,
        *,
        user_id: str,
        amount: Decimal | str,
        currency: Currency | str | None = None,
        return_url: str | None = None,
        cancel_url: str | None = None,
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> TopUp:
        """Create a top-up from AirTM.

        Args:
            metadata: yours: a JSON object of at most 16 KiB.
        """
        call: Call[One[TopUp]] = Call(
            method="POST",
            path=path("topups"),
            of=One[TopUp],
            body={
                "userId": user_id,
                "amount": amount,
                "currency": currency,
                "returnUrl": return_url,
                "cancelUrl": cancel_url,
                "description": description,
                "metadata": metadata,
            },
            key=idempotency_key,
        )
        return self._call(call).data

    def list_top_ups(
        self, *, limit: int | None = None, cursor: str | None = None, user_id: str | None = None
    ) -> Pages[TopUp]:
        """List top-ups."""
        call: Call[Page[TopUp]] = Call(
            method="GET",
            path=path("topups"),
            of=Page[TopUp],
            query={"limit": limit, "cursor": cursor, "userId": user_id},
        )
        return self._pages(call)

    def get_top_up(self, topup_id: str) -> TopUp:
        """Show a top-up."""
        call: Call[One[TopUp]] = Call(
            method="GET",
            path=path("topups", topup_id),
            of=One[TopUp],
        )
        return self._call(call).data

    def refresh_top_up(self, topup_id: str, *, idempotency_key: str | None = None) -> TopUp:
        """Look a top-up up at AirTM."""
        call: Call[One[TopUp]] = Call(
            method="POST",
            path=path("topups", topup_id, "refresh"),
            of=One[TopUp],
            key=idempotency_key,
        )
        return self._call(call).data

    def cancel_top_up(self, topup_id: str, *, idempotency_key: str | None = None) -> TopUp:
        """Cancel a top-up."""
        call: Call[One[TopUp]] = Call(
            method="POST",
            path=path("topups", topup_id, "cancel"),
            of=One[TopUp],
            key=idempotency_key,
        )
        return self._call(call).data

    def list_audit_entries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        action: str | None = None,
        user_id: str | None = None,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
    ) -> Pages[AuditEntry]:
        """List audit entries."""
        call: Call[Page[AuditEntry]] = Call(
            method="GET",
            path=path("audit", "logs"),
            of=Page[AuditEntry],
            query={
                "limit": limit,
                "cursor": cursor,
                "resourceType": resource_type,
                "resourceId": resource_id,
                "action": action,
                "userId": user_id,
                "from": from_,
                "to": to,
            },
        )
        return self._pages(call)

    def get_treasury(self) -> Treasury:
        """Show the platform's own money."""
        call: Call[One[Treasury]] = Call(
            method="GET",
            path=path("admin", "treasury"),
            of=One[Treasury],
        )
        return self._call(call).data

    def enable_maintenance(
        self, *, message: str | None = None, idempotency_key: str | None = None
    ) -> Maintenance:
        """Refuse changes.

        Args:
            message: what callers are told.
        """
        call: Call[One[Maintenance]] = Call(
            method="POST",
            path=path("admin", "maintenance", "enable"),
            of=One[Maintenance],
            body={"message": message},
            key=idempotency_key,
        )
        return self._call(call).data

    def disable_maintenance(self, *, idempotency_key: str | None = None) -> Maintenance:
        """Take changes again."""
        call: Call[One[Maintenance]] = Call(
            method="POST",
            path=path("admin", "maintenance", "disable"),
            of=One[Maintenance],
            key=idempotency_key,
        )
        return self._call(call).data

    def get_maintenance(self) -> Maintenance:
        """Whether changes are refused."""
        call: Call[One[Maintenance]] = Call(
            method="GET",
            path=path("admin", "maintenance", "status"),
            of=One[Maintenance],
        )
        return self._call(call).data

    def get_tree(self) -> Actor:
        """The supervisor tree."""
        call: Call[One[Actor]] = Call(
            method="GET",
            path=path("admin", "tree"),
            of=One[Actor],
        )
        return self._call(call).data

    def get_openapi(self) -> dict[str, Any]:
        """This document."""
        call: Call[dict[str, Any]] = Call(
            method="GET",
            path=path("openapi.json"),
            of=dict[str, Any],
        )
        return self._call(call)


class AsyncOperations(ABC):
    """The operations, for trio and asyncio."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> T: ...

    @abstractmethod
    def _pages(self, call: Call[Page[T]]) -> AsyncPages[T]: ...

    async def get_health(self) -> Health:
        """Health of the instance."""
        call: Call[One[Health]] = Call(
            method="GET",
            path=path("health"),
            of=One[Health],
        )
        return (await self._call(call)).data

    async def get_detailed_health(self) -> HealthDetailed:
        """Health of each dependency."""
        call: Call[One[HealthDetailed]] = Call(
            method="GET",
            path=path("health", "detailed"),
            of=One[HealthDetailed],
        )
        return (await self._call(call)).data

    async def get_config(self) -> Config:
        """Configuration of the instance."""
        call: Call[One[Config]] = Call(
            method="GET",
            path=path("config"),
            of=One[Config],
        )
        return (await self._call(call)).data

    async def create_api_key(
        self,
        *,
        name: str,
        scopes: Sequence[Scope | str],
        user_id: str | None = None,
        expires_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> ApiKey:
        """Create an API key.

        Args:
            user_id: a free label.
        """
        call: Call[One[ApiKey]] = Call(
            method="POST",
            path=path("auth", "api-keys"),
            of=One[ApiKey],
            body={"name": name, "scopes": scopes, "userId": user_id, "expiresAt": expires_at},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    def list_api_keys(
        self, *, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPages[ApiKey]:
        """List API keys."""
        call: Call[Page[ApiKey]] = Call(
            method="GET",
            path=path("auth", "api-keys"),
            of=Page[ApiKey],
            query={"limit": limit, "cursor": cursor},
        )
        return self._pages(call)

    async def revoke_api_key(self, key_id: str) -> ApiKey:
        """Revoke an API key and its tokens."""
        call: Call[One[ApiKey]] = Call(
            method="DELETE",
            path=path("auth", "api-keys", key_id),
            of=One[ApiKey],
        )
        return (await self._call(call)).data

    async def create_token(
        self, key_id: str, *, ttl: int, idempotency_key: str | None = None
    ) -> Token:
        """Exchange a key for a short-lived token.

        Args:
            ttl: in seconds, a day at most.
        """
        call: Call[One[Token]] = Call(
            method="POST",
            path=path("auth", "api-keys", key_id, "token"),
            of=One[Token],
            body={"ttl": ttl},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def get_current_key(self) -> ApiKey:
        """Show the key in use."""
        call: Call[One[ApiKey]] = Call(
            method="GET",
            path=path("auth", "me"),
            of=One[ApiKey],
        )
        return (await self._call(call)).data

    async def create_user(
        self,
        *,
        external_user_id: str,
        email: str | None = None,
        type: UserType | str | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> User:
        """Create a user and its wallet.

        Args:
            external_user_id: your own id of the user; unique.
            metadata: yours: a JSON object of at most 16 KiB.
        """
        call: Call[One[User]] = Call(
            method="POST",
            path=path("users"),
            of=One[User],
            body={
                "externalUserId": external_user_id,
                "email": email,
                "type": type,
                "metadata": metadata,
            },
            key=idempotency_key,
        )
        return (await self._call(call)).data

    def list_users(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        external_user_id: str | None = None,
        email: str | None = None,
    ) -> AsyncPages[User]:
        """List users.

        Args:
            external_user_id: your own id of the user; unique.
        """
        call: Call[Page[User]] = Call(
            method="GET",
            path=path("users"),
            of=Page[User],
            query={
                "limit": limit,
                "cursor": cursor,
                "externalUserId": external_user_id,
                "email": email,
            },
        )
        return self._pages(call)

    async def get_user(self, user_id: str) -> User:
        """Show a user."""
        call: Call[One[User]] = Call(
            method="GET",
            path=path("users", user_id),
            of=One[User],
        )
        return (await self._call(call)).data

    async def get_balance(self, user_id: str) -> Balance:
        """Show a user's balance."""
        call: Call[One[Balance]] = Call(
            method="GET",
            path=path("users", user_id, "balance"),
            of=One[Balance],
        )
        return (await self._call(call)).data

    def list_transfers(
        self, user_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPages[Transfer]:
        """List a user's transfers."""
        call: Call[Page[Transfer]] = Call(
            method="GET",
            path=path("users", user_id, "ledger"),
            of=Page[Transfer],
            query={"limit": limit, "cursor": cursor},
        )
        return self._pages(call)

    async def get_wallet(self, user_id: str) -> Wallet:
        """Show a user's wallet."""
        call: Call[One[Wallet]] = Call(
            method="GET",
            path=path("users", user_id, "wallet"),
            of=One[Wallet],
        )
        return (await self._call(call)).data

    async def get_deposit_address(self, user_id: str) -> Deposit:
        """Where to send a deposit."""
        call: Call[One[Deposit]] = Call(
            method="GET",
            path=path("users", user_id, "wallet", "deposit"),
            of=One[Deposit],
        )
        return (await self._call(call)).data

    def list_wallet_transactions(
        self, user_id: str, *, limit: int | None = None
    ) -> AsyncPages[Payment]:
        """The wallet's payments on the chain."""
        call: Call[Page[Payment]] = Call(
            method="GET",
            path=path("users", user_id, "wallet", "transactions"),
            of=Page[Payment],
            query={"limit": limit},
        )
        return self._pages(call)

    async def verify_balance(self, user_id: str) -> BalanceVerification:
        """Hold a user's balance against the chain."""
        call: Call[One[BalanceVerification]] = Call(
            method="GET",
            path=path("users", user_id, "balance", "verify"),
            of=One[BalanceVerification],
        )
        return (await self._call(call)).data

    async def sync_balance(
        self, user_id: str, *, idempotency_key: str | None = None
    ) -> BalanceVerification:
        """Reconcile a user's balance with the chain."""
        call: Call[One[BalanceVerification]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "sync"),
            of=One[BalanceVerification],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def credit_balance(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        description: str,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Balance:
        """Credit a user out of the treasury.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[Balance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "credit"),
            of=One[Balance],
            body={"amount": amount, "description": description, "reference": reference},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def debit_balance(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        description: str,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> Balance:
        """Debit a user in the treasury's favour.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[Balance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "debit"),
            of=One[Balance],
            body={"amount": amount, "description": description, "reference": reference},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def hold_balance(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        reference: str | None = None,
        order_id: str | None = None,
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Set money of a user aside.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "reserve"),
            of=One[HoldAndBalance],
            body={
                "amount": amount,
                "reference": reference,
                "orderId": order_id,
                "description": description,
            },
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def cancel_hold(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        reference: str | None = None,
        order_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Give held money back to its user.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "cancel-reservation"),
            of=One[HoldAndBalance],
            body={"amount": amount, "reference": reference, "orderId": order_id},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def release_hold(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        recipient_id: str,
        reference: str | None = None,
        order_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Give held money to another user.

        Args:
            recipient_id: the user who gets it. Also accepted as `sellerId`.
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "release"),
            of=One[HoldAndBalance],
            body={
                "amount": amount,
                "recipientId": recipient_id,
                "reference": reference,
                "orderId": order_id,
            },
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def deduct_hold(
        self,
        user_id: str,
        *,
        amount: Decimal | str,
        reference: str | None = None,
        order_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> HoldAndBalance:
        """Take held money in the platform's favour.

        Args:
            reference: what the transfer is about.
        """
        call: Call[One[HoldAndBalance]] = Call(
            method="POST",
            path=path("users", user_id, "balance", "deduct-reserved"),
            of=One[HoldAndBalance],
            body={"amount": amount, "reference": reference, "orderId": order_id},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def create_order(
        self,
        *,
        buyer_id: str,
        seller_id: str,
        amount: Decimal | str,
        title: str,
        currency: Currency | str | None = None,
        description: str | None = None,
        client_order_ref: str | None = None,
        milestones: Sequence[NewMilestone] | None = None,
        metadata: dict[str, Any] | None = None,
        expires_at: datetime | str | None = None,
        auto_release_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Create an order.

        Args:
            client_order_ref: your own reference of the order; unique.
            milestones: at most 20; without any, the contract gets one that is named `delivery`.
            metadata: yours: a JSON object of at most 16 KiB.
            expires_at: an order whose escrow was not started by then is closed.
            auto_release_at: a completed order is released then, if the buyer stays silent.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders"),
            of=One[Order],
            body={
                "buyerId": buyer_id,
                "sellerId": seller_id,
                "amount": amount,
                "title": title,
                "currency": currency,
                "description": description,
                "clientOrderRef": client_order_ref,
                "milestones": milestones,
                "metadata": metadata,
                "expiresAt": expires_at,
                "autoReleaseAt": auto_release_at,
            },
            key=idempotency_key,
        )
        return (await self._call(call)).data

    def list_orders(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: OrderStatus | str | None = None,
        buyer_id: str | None = None,
        seller_id: str | None = None,
        client_order_ref: str | None = None,
        created_after: datetime | str | None = None,
        created_before: datetime | str | None = None,
    ) -> AsyncPages[Order]:
        """List orders.

        Args:
            client_order_ref: your own reference of the order; unique.
        """
        call: Call[Page[Order]] = Call(
            method="GET",
            path=path("orders"),
            of=Page[Order],
            query={
                "limit": limit,
                "cursor": cursor,
                "status": status,
                "buyerId": buyer_id,
                "sellerId": seller_id,
                "clientOrderRef": client_order_ref,
                "createdAfter": created_after,
                "createdBefore": created_before,
            },
        )
        return self._pages(call)

    async def get_order(self, order_id: str) -> Order:
        """Show an order."""
        call: Call[One[Order]] = Call(
            method="GET",
            path=path("orders", order_id),
            of=One[Order],
        )
        return (await self._call(call)).data

    async def reserve_order(
        self,
        order_id: str,
        *,
        amount: Decimal | str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Reserve the order's amount."""
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "reserve"),
            of=One[Order],
            body={"amount": amount},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def cancel_order(
        self,
        order_id: str,
        *,
        reason: str | None = None,
        canceled_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Cancel an order before its escrow."""
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "cancel"),
            of=One[Order],
            body={"reason": reason, "canceledBy": canceled_by},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def set_order_deadlines(
        self,
        order_id: str,
        *,
        expires_at: datetime | str | None = None,
        auto_release_at: datetime | str | None = None,
        idempotency_key: str | None = None,
    ) -> Order:
        """Set deadlines of an order, or move them to a later time.

        Args:
            expires_at: an order whose escrow was not started by then is closed.
            auto_release_at: a completed order is released then, if the buyer stays silent.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "deadlines"),
            of=One[Order],
            body={"expiresAt": expires_at, "autoReleaseAt": auto_release_at},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def create_escrow(
        self, order_id: str, *, wait: bool = True, idempotency_key: str | None = None
    ) -> Order:
        """Deploy the order's escrow contract.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "escrow"),
            of=One[Order],
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    async def fund_escrow(
        self, order_id: str, *, wait: bool = True, idempotency_key: str | None = None
    ) -> Order:
        """Fund the order's escrow contract.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "escrow", "fund"),
            of=One[Order],
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    def list_milestones(self, order_id: str) -> AsyncPages[Milestone]:
        """List the order's milestones."""
        call: Call[Page[Milestone]] = Call(
            method="GET",
            path=path("orders", order_id, "milestones"),
            of=Page[Milestone],
        )
        return self._pages(call)

    async def complete_milestone(
        self, order_id: str, ref: str, *, idempotency_key: str | None = None
    ) -> Milestone:
        """Complete a milestone."""
        call: Call[One[Milestone]] = Call(
            method="POST",
            path=path("orders", order_id, "milestones", ref, "complete"),
            of=One[Milestone],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def release_order(
        self,
        order_id: str,
        *,
        requested_by: str | None = None,
        reason: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Order:
        """Release the money to the seller.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "resolution", "release"),
            of=One[Order],
            body={"requestedBy": requested_by, "reason": reason},
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    async def refund_order(
        self,
        order_id: str,
        *,
        reason: str,
        requested_by: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Order:
        """Refund the buyer.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Order]] = Call(
            method="POST",
            path=path("orders", order_id, "resolution", "refund"),
            of=One[Order],
            body={"reason": reason, "requestedBy": requested_by},
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    async def dispute_order(
        self,
        order_id: str,
        *,
        opened_by: Party | str,
        reason: DisputeReason | str,
        evidence: Sequence[str] | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Open a dispute about the order's money.

        Args:
            evidence: at most 20 texts.
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Dispute]] = Call(
            method="POST",
            path=path("orders", order_id, "resolution", "dispute"),
            of=One[Dispute],
            body={"openedBy": opened_by, "reason": reason, "evidence": evidence},
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    def list_order_events(
        self, order_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPages[Event]:
        """The order's history."""
        call: Call[Page[Event]] = Call(
            method="GET",
            path=path("orders", order_id, "events"),
            of=Page[Event],
            query={"limit": limit, "cursor": cursor},
        )
        return self._pages(call)

    def list_disputes(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order_id: str | None = None,
        status: DisputeStatus | str | None = None,
        opened_by: Party | str | None = None,
    ) -> AsyncPages[Dispute]:
        """List disputes."""
        call: Call[Page[Dispute]] = Call(
            method="GET",
            path=path("disputes"),
            of=Page[Dispute],
            query={
                "limit": limit,
                "cursor": cursor,
                "orderId": order_id,
                "status": status,
                "openedBy": opened_by,
            },
        )
        return self._pages(call)

    async def get_dispute(self, dispute_id: str) -> Dispute:
        """Show a dispute."""
        call: Call[One[Dispute]] = Call(
            method="GET",
            path=path("disputes", dispute_id),
            of=One[Dispute],
        )
        return (await self._call(call)).data

    async def assign_dispute(
        self, dispute_id: str, *, assigned_to: str, idempotency_key: str | None = None
    ) -> Dispute:
        """Assign a dispute.

        Args:
            assigned_to: also accepted as `agentId`.
        """
        call: Call[One[Dispute]] = Call(
            method="POST",
            path=path("disputes", dispute_id, "assign"),
            of=One[Dispute],
            body={"assignedTo": assigned_to},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def resolve_dispute(
        self,
        dispute_id: str,
        *,
        decision: Verdict | str,
        release_amount: Decimal | str | None = None,
        refund_amount: Decimal | str | None = None,
        note: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Dispute:
        """Resolve a dispute.

        Args:
            release_amount: the seller's share, with `SPLIT` only.
            refund_amount: the buyer's share; both sum to the order's amount.
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Dispute]] = Call(
            method="POST",
            path=path("disputes", dispute_id, "resolve"),
            of=One[Dispute],
            body={
                "decision": decision,
                "releaseAmount": release_amount,
                "refundAmount": refund_amount,
                "note": note,
            },
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    async def create_withdrawal(
        self,
        *,
        user_id: str,
        amount: Decimal | str,
        destination_type: DestinationType | str,
        destination_ref: str,
        currency: Currency | str | None = None,
        destination_memo: str | None = None,
        commit: bool | None = None,
        description: str | None = None,
        wait: bool = True,
        idempotency_key: str | None = None,
    ) -> Withdrawal:
        """Withdraw USDC to a Stellar address.

        Args:
            destination_ref: the Stellar address that is paid.
            commit: `false`: set the money aside, and pay on `commit`.
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals"),
            of=One[Withdrawal],
            body={
                "userId": user_id,
                "amount": amount,
                "destinationType": destination_type,
                "destinationRef": destination_ref,
                "currency": currency,
                "destinationMemo": destination_memo,
                "commit": commit,
                "description": description,
            },
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    def list_withdrawals(
        self, *, limit: int | None = None, cursor: str | None = None, user_id: str | None = None
    ) -> AsyncPages[Withdrawal]:
        """List withdrawals."""
        call: Call[Page[Withdrawal]] = Call(
            method="GET",
            path=path("withdrawals"),
            of=Page[Withdrawal],
            query={"limit": limit, "cursor": cursor, "userId": user_id},
        )
        return self._pages(call)

    async def get_withdrawal(self, withdrawal_id: str) -> Withdrawal:
        """Show a withdrawal."""
        call: Call[One[Withdrawal]] = Call(
            method="GET",
            path=path("withdrawals", withdrawal_id),
            of=One[Withdrawal],
        )
        return (await self._call(call)).data

    async def commit_withdrawal(
        self, withdrawal_id: str, *, wait: bool = True, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Pay a created withdrawal.

        Args:
            wait: until the chain has confirmed; `False` returns the resource as it stands while
                the work goes on.
        """
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals", withdrawal_id, "commit"),
            of=One[Withdrawal],
            key=idempotency_key,
            wait=wait,
            prefers_async=not wait,
        )
        return (await self._call(call)).data

    async def refresh_withdrawal(
        self, withdrawal_id: str, *, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Look at a withdrawal's payment now."""
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals", withdrawal_id, "refresh"),
            of=One[Withdrawal],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def cancel_withdrawal(
        self, withdrawal_id: str, *, idempotency_key: str | None = None
    ) -> Withdrawal:
        """Cancel a created withdrawal."""
        call: Call[One[Withdrawal]] = Call(
            method="POST",
            path=path("withdrawals", withdrawal_id, "cancel"),
            of=One[Withdrawal],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def link_airtm_user(
        self, user_id: str, *, email: str, idempotency_key: str | None = None
    ) -> User:
        """Link a user to an AirTM account."""
        call: Call[One[User]] = Call(
            method="POST",
            path=path("users", user_id, "airtm", "link"),
            of=One[User],
            body={"email": email},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def create_top_up(
        self,
        *,
        user_id: str,
        amount: Decimal | str,
        currency: Currency | str | None = None,
        return_url: str | None = None,
        cancel_url: str | None = None,
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> TopUp:
        """Create a top-up from AirTM.

        Args:
            metadata: yours: a JSON object of at most 16 KiB.
        """
        call: Call[One[TopUp]] = Call(
            method="POST",
            path=path("topups"),
            of=One[TopUp],
            body={
                "userId": user_id,
                "amount": amount,
                "currency": currency,
                "returnUrl": return_url,
                "cancelUrl": cancel_url,
                "description": description,
                "metadata": metadata,
            },
            key=idempotency_key,
        )
        return (await self._call(call)).data

    def list_top_ups(
        self, *, limit: int | None = None, cursor: str | None = None, user_id: str | None = None
    ) -> AsyncPages[TopUp]:
        """List top-ups."""
        call: Call[Page[TopUp]] = Call(
            method="GET",
            path=path("topups"),
            of=Page[TopUp],
            query={"limit": limit, "cursor": cursor, "userId": user_id},
        )
        return self._pages(call)

    async def get_top_up(self, topup_id: str) -> TopUp:
        """Show a top-up."""
        call: Call[One[TopUp]] = Call(
            method="GET",
            path=path("topups", topup_id),
            of=One[TopUp],
        )
        return (await self._call(call)).data

    async def refresh_top_up(self, topup_id: str, *, idempotency_key: str | None = None) -> TopUp:
        """Look a top-up up at AirTM."""
        call: Call[One[TopUp]] = Call(
            method="POST",
            path=path("topups", topup_id, "refresh"),
            of=One[TopUp],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def cancel_top_up(self, topup_id: str, *, idempotency_key: str | None = None) -> TopUp:
        """Cancel a top-up."""
        call: Call[One[TopUp]] = Call(
            method="POST",
            path=path("topups", topup_id, "cancel"),
            of=One[TopUp],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    def list_audit_entries(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        resource_type: str | None = None,
        resource_id: str | None = None,
        action: str | None = None,
        user_id: str | None = None,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
    ) -> AsyncPages[AuditEntry]:
        """List audit entries."""
        call: Call[Page[AuditEntry]] = Call(
            method="GET",
            path=path("audit", "logs"),
            of=Page[AuditEntry],
            query={
                "limit": limit,
                "cursor": cursor,
                "resourceType": resource_type,
                "resourceId": resource_id,
                "action": action,
                "userId": user_id,
                "from": from_,
                "to": to,
            },
        )
        return self._pages(call)

    async def get_treasury(self) -> Treasury:
        """Show the platform's own money."""
        call: Call[One[Treasury]] = Call(
            method="GET",
            path=path("admin", "treasury"),
            of=One[Treasury],
        )
        return (await self._call(call)).data

    async def enable_maintenance(
        self, *, message: str | None = None, idempotency_key: str | None = None
    ) -> Maintenance:
        """Refuse changes.

        Args:
            message: what callers are told.
        """
        call: Call[One[Maintenance]] = Call(
            method="POST",
            path=path("admin", "maintenance", "enable"),
            of=One[Maintenance],
            body={"message": message},
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def disable_maintenance(self, *, idempotency_key: str | None = None) -> Maintenance:
        """Take changes again."""
        call: Call[One[Maintenance]] = Call(
            method="POST",
            path=path("admin", "maintenance", "disable"),
            of=One[Maintenance],
            key=idempotency_key,
        )
        return (await self._call(call)).data

    async def get_maintenance(self) -> Maintenance:
        """Whether changes are refused."""
        call: Call[One[Maintenance]] = Call(
            method="GET",
            path=path("admin", "maintenance", "status"),
            of=One[Maintenance],
        )
        return (await self._call(call)).data

    async def get_tree(self) -> Actor:
        """The supervisor tree."""
        call: Call[One[Actor]] = Call(
            method="GET",
            path=path("admin", "tree"),
            of=One[Actor],
        )
        return (await self._call(call)).data

    async def get_openapi(self) -> dict[str, Any]:
        """This document."""
        call: Call[dict[str, Any]] = Call(
            method="GET",
            path=path("openapi.json"),
            of=dict[str, Any],
        )
        return await self._call(call)
