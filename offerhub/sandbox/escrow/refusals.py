"""What a contract answers when it refuses: codes and the texts that the HTTP API makes of them.

Codes and texts are the table of docs/spec/trustless-work.md §8.1; §8.3 has the asset contract's own codes.
"""

from enum import IntEnum


class EscrowCode(IntEnum):
    """`Error(Contract, #N)` of the single-release contract."""

    AMOUNT_CANNOT_BE_ZERO = 1
    ALREADY_INITIALIZED = 2
    NOT_FOUND = 3
    ONLY_RELEASE_SIGNER = 4
    NOT_COMPLETED = 5
    BALANCE_NOT_ENOUGH = 6
    ONLY_PLATFORM = 7
    ONLY_SERVICE_PROVIDER = 8
    NO_MILESTONE = 9
    INVALID_MILESTONE_INDEX = 10
    ONLY_APPROVER = 11
    ONLY_DISPUTE_RESOLVER = 12
    ALREADY_IN_DISPUTE = 13
    NOT_IN_DISPUTE = 14
    INSUFFICIENT_FOR_RESOLUTION = 15
    OPENED_FOR_RESOLUTION = 16
    OVERFLOW = 17
    ALREADY_RESOLVED = 24
    MAY_NOT_DISPUTE = 26
    TOO_MANY_MILESTONES = 27
    ALREADY_APPROVED = 29
    EMPTY_MILESTONE_STATUS = 30
    PLATFORM_FEE_TOO_HIGH = 31
    FLAGS_MUST_BE_FALSE = 32
    PROPERTIES_MISMATCH = 33
    ALREADY_RELEASED = 35
    AMOUNTS_MUST_BE_POSITIVE = 38
    DISTRIBUTIONS_MUST_EQUAL_BALANCE = 39
    RESOLVER_MAY_NOT_DISPUTE = 40
    TOTAL_CANNOT_BE_ZERO = 41
    INSUFFICIENT_FOR_FUNDING = 42
    NOT_FULLY_PROCESSED = 44
    TOO_MANY_DISTRIBUTIONS = 45


ESCROW_TEXTS: dict[int, str] = {
    1: "Amount cannot be equal to or less than zero",
    2: "Escrow already initialized",
    3: "Escrow not found",
    4: "Only the release signer can release the escrow earnings",
    5: "The escrow must be completed to release earnings",
    6: "The escrow balance must be equal to the amount of earnings defined for the escrow",
    7: "Only the platform address should be able to execute this function",
    8: "Only the service provider can change milestone status",
    9: "Escrow initialized without milestone",
    10: "Invalid milestone index",
    11: "Only the approver can change milestone flag",
    12: "Only the dispute resolver can execute this function",
    13: "Escrow already in dispute",
    14: "Escrow not in dispute",
    15: "Insufficient funds for resolution",
    16: "Escrow has been opened for dispute resolution",
    17: "This operation can cause an Overflow",
    24: "This escrow is already resolved",
    26: "You are not authorized to change the dispute flag",
    27: "Cannot define more than 50 milestones in an escrow",
    29: "You cannot approve a milestone that has already been approved previously",
    30: "The milestone status cannot be empty",
    31: "The platform fee cannot exceed 99%",
    32: "All flags (approved, disputed, released) must be false in order to execute this function",
    33: "The provided escrow properties do not match the stored escrow",
    35: "The escrow funds have been released",
    38: "None of the amounts to be transferred should be less or equal than 0",
    39: (
        "The sum of distributions must equal the current escrow balance "
        "when resolving an escrow dispute"
    ),
    40: "The dispute resolver cannot dispute the escrow",
    41: "The total amount to be distributed cannot be equal to zero",
    42: "The signer has insufficient funds to fund the escrow",
    44: "must be fully processed before withdrawing remaining funds",
    45: "more than 50 distributions",
}

TOKEN_TEXTS: dict[int, str] = {
    6: "The token account is missing",
    8: "The token amount is negative",
    9: "The token allowance is not enough",
    10: "The token balance is not enough",
    11: "The token balance is deauthorized",
    13: "The trustline of the token is missing",
}
"""Honest texts for the asset contract's codes, shown when the collision of §8.3 is switched off."""


class EscrowRefused(Exception):
    """A rule of the contract was broken; nothing moved."""

    def __init__(self, code: EscrowCode) -> None:
        super().__init__(ESCROW_TEXTS[code])
        self.code = code


class HostRefused(Exception):
    """The virtual machine stopped the call: no authorisation, a missing value, a wrong argument.

    `error` is the text inside `HostError: Error(...)`.
    """

    def __init__(self, error: str) -> None:
        super().__init__(f"HostError: Error({error})")
        self.error = error


def api_text(code: int, *, token: bool, collide: bool) -> str:
    """The text that the V1 API shows for a code.

    With `collide` the asset contract's codes are read in the escrow's table, as the real API does
    (§8.3): a missing trustline then reads "Escrow already in dispute".
    """
    if token and not collide:
        return TOKEN_TEXTS.get(code, f"The token contract refused the call with code {code}")
    return ESCROW_TEXTS.get(code, f"HostError: Error(Contract, #{code})")
