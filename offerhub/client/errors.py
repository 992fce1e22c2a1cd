"""A class for every code that the API refuses with. Generated from the OpenAPI document by `make docs`."""

# ruff: noqa: D205 - what a code means may be longer than a line

from typing import ClassVar

from offerhub.client.failures import ApiError


class Unauthorized(ApiError):
    """The request carries no API key. Send one."""

    code: ClassVar[str] = "UNAUTHORIZED"


class InvalidApiKey(ApiError):
    """The key or token is unknown, revoked or expired. Use another key; do not retry with this
    one.
    """

    code: ClassVar[str] = "INVALID_API_KEY"


class WebhookSignatureInvalid(ApiError):
    """The signature of a webhook is missing, or is not that of its body under the instance's
    secret. Sign the body exactly as it is sent, with the secret that the operator has set.
    """

    code: ClassVar[str] = "WEBHOOK_SIGNATURE_INVALID"


class InsufficientScope(ApiError):
    """The key lacks the required scope: see `requiredScope` and `currentScopes`. Use a key that
    has it.
    """

    code: ClassVar[str] = "INSUFFICIENT_SCOPE"


class ValidationError(ApiError):
    """One or more fields are invalid: `fields` lists all of them. Correct the request."""

    code: ClassVar[str] = "VALIDATION_ERROR"


class InvalidAmountFormat(ApiError):
    """An amount is not a string with exactly two decimals, such as `"12.50"`. Correct the request."""

    code: ClassVar[str] = "INVALID_AMOUNT_FORMAT"


class InvalidCurrency(ApiError):
    """The currency is neither `USDC` nor `USD`. Correct the request."""

    code: ClassVar[str] = "INVALID_CURRENCY"


class MissingRequiredField(ApiError):
    """One required field is missing. Correct the request."""

    code: ClassVar[str] = "MISSING_REQUIRED_FIELD"


class InvalidJson(ApiError):
    """The body is not a JSON object. Correct the request."""

    code: ClassVar[str] = "INVALID_JSON"


class NotFound(ApiError):
    """No endpoint has this path. Correct the path."""

    code: ClassVar[str] = "NOT_FOUND"


class UserNotFound(ApiError):
    """No user has this id. Correct the id."""

    code: ClassVar[str] = "USER_NOT_FOUND"


class OrderNotFound(ApiError):
    """No order has this id. Correct the id."""

    code: ClassVar[str] = "ORDER_NOT_FOUND"


class EscrowNotFound(ApiError):
    """Reserved: no endpoint asks for an escrow by its own id."""

    code: ClassVar[str] = "ESCROW_NOT_FOUND"


class DisputeNotFound(ApiError):
    """No dispute has this id. Correct the id."""

    code: ClassVar[str] = "DISPUTE_NOT_FOUND"


class WithdrawalNotFound(ApiError):
    """No withdrawal has this id. Correct the id."""

    code: ClassVar[str] = "WITHDRAWAL_NOT_FOUND"


class TopupNotFound(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "TOPUP_NOT_FOUND"


class MilestoneNotFound(ApiError):
    """The order has no milestone with this `ref`. Correct the ref."""

    code: ClassVar[str] = "MILESTONE_NOT_FOUND"


class ReserveNotFound(ApiError):
    """The user has no hold with this label of which anything is left. Check `reference` or
    `orderId`; a hold that is used up is gone.
    """

    code: ClassVar[str] = "RESERVE_NOT_FOUND"


class WalletNotFound(ApiError):
    """The user has no wallet. Contact the operator."""

    code: ClassVar[str] = "WALLET_NOT_FOUND"


class ApiKeyNotFound(ApiError):
    """No API key has this id. Correct the id."""

    code: ClassVar[str] = "API_KEY_NOT_FOUND"


class MethodNotAllowed(ApiError):
    """The path does not support this method: `allowed` lists those it supports. Correct the
    method.
    """

    code: ClassVar[str] = "METHOD_NOT_ALLOWED"


class BodyTooLarge(ApiError):
    """The body is larger than 1 MiB, or that of a webhook than 256 KiB. Send less."""

    code: ClassVar[str] = "BODY_TOO_LARGE"


class UnsupportedMediaType(ApiError):
    """The body is not declared as JSON. Send `Content-Type: application/json`."""

    code: ClassVar[str] = "UNSUPPORTED_MEDIA_TYPE"


class InvalidStateTransition(ApiError):
    """The order or withdrawal is in a state that does not permit the action: see `currentState`
    and `allowedStates`, and `progress` while a chain operation runs. Read the resource; with
    `progress`, wait until the operation ends.
    """

    code: ClassVar[str] = "INVALID_STATE_TRANSITION"


class EscrowAlreadyExists(ApiError):
    """The order already has an escrow, or its deployment is running (then with `progress`). Read
    the order and continue from there.
    """

    code: ClassVar[str] = "ESCROW_ALREADY_EXISTS"


class DisputeAlreadyOpen(ApiError):
    """The order is in dispute already; an order has one dispute. Read the order's `dispute`;
    assign or resolve that.
    """

    code: ClassVar[str] = "DISPUTE_ALREADY_OPEN"


class FundsAlreadyReserved(ApiError):
    """The order's amount is already reserved, or an open hold of the user has this label. Continue
    with the escrow; give another hold another label.
    """

    code: ClassVar[str] = "FUNDS_ALREADY_RESERVED"


class MilestonesOpen(ApiError):
    """Some milestones are still open: see `refs`. Complete them, then release."""

    code: ClassVar[str] = "MILESTONES_OPEN"


class MilestoneAlreadyCompleted(ApiError):
    """The milestone is already completed. Nothing to do."""

    code: ClassVar[str] = "MILESTONE_ALREADY_COMPLETED"


class WithdrawalNotCommittable(ApiError):
    """The withdrawal is completed, canceled or failed, or is being paid. Read it."""

    code: ClassVar[str] = "WITHDRAWAL_NOT_COMMITTABLE"


class DeadlinePassed(ApiError):
    """The deadline that `details.field` names has passed: it can no longer be changed. Read the
    order: it was closed or released, or waits for its last milestone.
    """

    code: ClassVar[str] = "DEADLINE_PASSED"


class ClientOrderRefTaken(ApiError):
    """Another order already uses this `clientOrderRef`. Find that order with `GET
    /orders?clientOrderRef=`.
    """

    code: ClassVar[str] = "CLIENT_ORDER_REF_TAKEN"


class AirtmUserAlreadyLinked(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "AIRTM_USER_ALREADY_LINKED"


class IdempotencyKeyReused(ApiError):
    """The key was already used with another path or body; nothing was written. Use a fresh key for
    a new request; this is a bug in the caller.
    """

    code: ClassVar[str] = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyKeyInProgress(ApiError):
    """The first request with this key is still running. Retry with the same key after
    `Retry-After`.
    """

    code: ClassVar[str] = "IDEMPOTENCY_KEY_IN_PROGRESS"


class HistoryDetached(ApiError):
    """The event, the page or the place in the stream is older than what this instance still
    serves: the operator has exported and detached it. Continue from a newer place, or ask the
    operator for the export.
    """

    code: ClassVar[str] = "HISTORY_DETACHED"


class InsufficientFunds(ApiError):
    """The available balance is too low: see `available`, `requested` and `currency`. Deposit more,
    or request less.
    """

    code: ClassVar[str] = "INSUFFICIENT_FUNDS"


class AmountOutOfLimits(ApiError):
    """The amount is outside the instance's limits: see `min` and `max`. Correct the amount; `GET
    /config` shows the limits.
    """

    code: ClassVar[str] = "AMOUNT_OUT_OF_LIMITS"


class ReserveMismatchAmount(ApiError):
    """The amount to reserve differs from the order's amount, or a hold has less left than the
    amount: see `remaining`. Omit it, or send the order's amount; take no more than the hold has
    left.
    """

    code: ClassVar[str] = "RESERVE_MISMATCH_AMOUNT"


class SplitMismatchAmount(ApiError):
    """The two shares of a split do not sum to the order's amount: see `expected` and `given`.
    Correct the shares.
    """

    code: ClassVar[str] = "SPLIT_MISMATCH_AMOUNT"


class DeadlineNotLater(ApiError):
    """A deadline moves to a later time only; `details.deadline` is the present one. Give a later
    time, or leave the deadline as it is.
    """

    code: ClassVar[str] = "DEADLINE_NOT_LATER"


class SameUser(ApiError):
    """Buyer and seller are the same user, or one of them is the platform's own user. Correct the
    request.
    """

    code: ClassVar[str] = "SAME_USER"


class EscrowInsufficientFunds(ApiError):
    """The buyer's wallet on the chain holds less than the escrow needs. Contact the operator,
    since books and chain differ; then retry with the same key.
    """

    code: ClassVar[str] = "ESCROW_INSUFFICIENT_FUNDS"


class WalletNotReady(ApiError):
    """A wallet is not active yet, or the platform lacks XLM for it, or (`treasury_empty`) USDC
    that it owes it. Wait for `wallet.created`, then retry with the same key; tell the operator
    of `treasury_empty`.
    """

    code: ClassVar[str] = "WALLET_NOT_READY"


class WithdrawalDestinationInvalid(ApiError):
    """The destination cannot receive the payment: see `reason`. Correct the destination."""

    code: ClassVar[str] = "WITHDRAWAL_DESTINATION_INVALID"


class AirtmUserNotLinked(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "AIRTM_USER_NOT_LINKED"


class AirtmUserInvalid(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "AIRTM_USER_INVALID"


class ProviderNotEnabled(ApiError):
    """The endpoint or the destination type belongs to a provider that is not enabled on this
    instance. Use what `GET /config` shows as enabled; for a webhook, have the operator set its
    secret.
    """

    code: ClassVar[str] = "PROVIDER_NOT_ENABLED"


class RateLimited(ApiError):
    """Too many requests in the current minute: see `retryAfter`, `limit` and `window`. Retry after
    `Retry-After`.
    """

    code: ClassVar[str] = "RATE_LIMITED"


class InternalError(ApiError):
    """The orchestrator failed; its log has the details under the request id. Retry a few times
    with the same key and with backoff; then give the operator the request id.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"


class ProviderError(ApiError):
    """A deployment or funding failed and the order is back in the state before it: see `orderId`,
    `currentState`, `attempts` and `lastError`. Retry with the same key: it starts a new
    attempt.
    """

    code: ClassVar[str] = "PROVIDER_ERROR"


class ProviderRateLimited(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "PROVIDER_RATE_LIMITED"


class StellarNetworkError(ApiError):
    """The Stellar network did not respond. Retry with the same key."""

    code: ClassVar[str] = "STELLAR_NETWORK_ERROR"


class Maintenance(ApiError):
    """An operator has turned maintenance on: reads work, changes are refused, nothing has moved.
    Repeat the request after `Retry-After`, with the same `Idempotency-Key`.
    """

    code: ClassVar[str] = "MAINTENANCE"


class ProviderUnavailable(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "PROVIDER_UNAVAILABLE"


class ServiceUnavailable(ApiError):
    """The database is unavailable, the process is stopping, or what handled the request crashed
    (the message says which). After a crash the outcome is unknown. Retry with the same key
    after `Retry-After`.
    """

    code: ClassVar[str] = "SERVICE_UNAVAILABLE"


class ProviderTimeout(ApiError):
    """Belongs to AirTM, which this version does not have."""

    code: ClassVar[str] = "PROVIDER_TIMEOUT"
