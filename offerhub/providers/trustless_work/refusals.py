"""What the escrow contract and its API refuse, by the message they say it with.

Trustless Work's V1 API marks a refusal only by its text, under 400 or 500 (docs/spec/trustless-work.md §2.3, §8.1): the
texts are compared without case, surrounding space and a trailing dot.
"""

from enum import Enum, unique


@unique
class RefusalKind(Enum):
    """Why a step was refused; the values are the numbers of the V1 single-release contract where it has one."""

    AMOUNT_CANNOT_BE_ZERO = 1
    ALREADY_INITIALIZED = 2
    NOT_FOUND = 3
    NOT_RELEASE_SIGNER = 4
    NOT_COMPLETED = 5
    BALANCE_NOT_ENOUGH = 6
    NOT_PLATFORM = 7
    NOT_SERVICE_PROVIDER = 8
    NO_MILESTONE = 9
    INVALID_MILESTONE_INDEX = 10
    NOT_APPROVER = 11
    NOT_DISPUTE_RESOLVER = 12
    ALREADY_IN_DISPUTE = 13
    NOT_IN_DISPUTE = 14
    INSUFFICIENT_FUNDS_FOR_RESOLUTION = 15
    DISPUTE_OPEN = 16
    MILESTONE_APPROVED = 22
    HAS_FUNDS = 23
    ALREADY_RESOLVED = 24
    TOO_MANY_ESCROWS = 25
    MAY_NOT_DISPUTE = 26
    TOO_MANY_MILESTONES = 27
    MILESTONE_ALREADY_APPROVED = 29
    EMPTY_MILESTONE_STATUS = 30
    PLATFORM_FEE_TOO_HIGH = 31
    FLAGS_MUST_BE_FALSE = 32
    PROPERTIES_MISMATCH = 33
    ALREADY_RELEASED = 35
    INCOMPATIBLE_WASM_HASH = 36
    PLATFORM_CANNOT_CHANGE = 37
    AMOUNTS_MUST_BE_POSITIVE = 38
    DISTRIBUTIONS_MUST_EQUAL_BALANCE = 39
    RESOLVER_CANNOT_DISPUTE = 40
    TOTAL_CANNOT_BE_ZERO = 41
    INSUFFICIENT_FUNDS_FOR_FUNDING = 42
    MILESTONE_TO_APPROVE_UNKNOWN = 43
    NOT_FULLY_PROCESSED = 44
    TOO_MANY_DISTRIBUTIONS = 45
    MILESTONE_TO_UPDATE_UNKNOWN = 46
    TRUSTLINE_MISSING = "trustline"
    INVALID_REQUEST = "invalid"
    """The API's own validation of the body: an array of messages (§2.3)."""
    OTHER = "other"
    """A refusal in words that no table of ours knows."""

    @property
    def definitive(self) -> bool:
        """Whether asking again later cannot help.

        "Escrow not found" also comes from a stalled indexer about a contract that exists (§12.3), and a
        text that we do not know proves nothing.
        """
        return self not in _MAY_PASS


_MAY_PASS = frozenset({RefusalKind.NOT_FOUND, RefusalKind.OTHER})

_MESSAGES = {
    "amount cannot be equal to or less than zero": RefusalKind.AMOUNT_CANNOT_BE_ZERO,
    "escrow already initialized": RefusalKind.ALREADY_INITIALIZED,
    "escrow not found": RefusalKind.NOT_FOUND,
    "only the release signer can release the escrow earnings": RefusalKind.NOT_RELEASE_SIGNER,
    "the escrow must be completed to release earnings": RefusalKind.NOT_COMPLETED,
    "the escrow balance must be equal to the amount of earnings defined for the escrow": (
        RefusalKind.BALANCE_NOT_ENOUGH
    ),
    "only the platform address should be able to execute this function": RefusalKind.NOT_PLATFORM,
    "only the service provider can change milestone status": RefusalKind.NOT_SERVICE_PROVIDER,
    "escrow initialized without milestone": RefusalKind.NO_MILESTONE,
    "invalid milestone index": RefusalKind.INVALID_MILESTONE_INDEX,
    "only the approver can change milestone flag": RefusalKind.NOT_APPROVER,
    "only the dispute resolver can execute this function": RefusalKind.NOT_DISPUTE_RESOLVER,
    "escrow already in dispute": RefusalKind.ALREADY_IN_DISPUTE,
    "escrow not in dispute": RefusalKind.NOT_IN_DISPUTE,
    "insufficient funds for resolution": RefusalKind.INSUFFICIENT_FUNDS_FOR_RESOLUTION,
    "escrow has been opened for dispute resolution": RefusalKind.DISPUTE_OPEN,
    "you can't change the escrow properties after the milestone is approved": RefusalKind.MILESTONE_APPROVED,
    "escrow has funds": RefusalKind.HAS_FUNDS,
    "this escrow is already resolved": RefusalKind.ALREADY_RESOLVED,
    "you have requested too many escrows": RefusalKind.TOO_MANY_ESCROWS,
    "you are not authorized to change the dispute flag": RefusalKind.MAY_NOT_DISPUTE,
    "cannot define more than 50 milestones in an escrow": RefusalKind.TOO_MANY_MILESTONES,
    "you cannot approve a milestone that has already been approved previously": (
        RefusalKind.MILESTONE_ALREADY_APPROVED
    ),
    "the milestone status cannot be empty": RefusalKind.EMPTY_MILESTONE_STATUS,
    "the platform fee cannot exceed 99%": RefusalKind.PLATFORM_FEE_TOO_HIGH,
    "all flags (approved, disputed, released) must be false in order to execute this function": (
        RefusalKind.FLAGS_MUST_BE_FALSE
    ),
    "the provided escrow properties do not match the stored escrow": RefusalKind.PROPERTIES_MISMATCH,
    "the escrow funds have been released": RefusalKind.ALREADY_RELEASED,
    "provided address is not an instance of this contract": RefusalKind.INCOMPATIBLE_WASM_HASH,
    "the platform address of the escrow cannot be changed": RefusalKind.PLATFORM_CANNOT_CHANGE,
    "none of the amounts to be transferred should be less or equal than 0": RefusalKind.AMOUNTS_MUST_BE_POSITIVE,
    "the sum of distributions must equal the current escrow balance when resolving an escrow dispute": (
        RefusalKind.DISTRIBUTIONS_MUST_EQUAL_BALANCE
    ),
    "the dispute resolver cannot dispute the escrow": RefusalKind.RESOLVER_CANNOT_DISPUTE,
    "the total amount to be distributed cannot be equal to zero": RefusalKind.TOTAL_CANNOT_BE_ZERO,
    "the signer has insufficient funds to fund the escrow": RefusalKind.INSUFFICIENT_FUNDS_FOR_FUNDING,
    "milestone to approve does not exist": RefusalKind.MILESTONE_TO_APPROVE_UNKNOWN,
    "must be fully processed before withdrawing remaining funds": RefusalKind.NOT_FULLY_PROCESSED,
    "more than 50 distributions": RefusalKind.TOO_MANY_DISTRIBUTIONS,
    "milestone to update does not exist": RefusalKind.MILESTONE_TO_UPDATE_UNKNOWN,
}


def refusal_kind(message: str) -> RefusalKind | None:
    """The refusal that a message means, or `None` if no table knows the text."""
    text = message.strip().rstrip(".").strip().casefold()
    kind = _MESSAGES.get(text)
    if kind is None and "trustline" in text:
        return RefusalKind.TRUSTLINE_MISSING
    return kind
