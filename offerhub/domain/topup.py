"""The states of a top-up, as the API names them (docs/spec/domain.md §2)."""

from enum import StrEnum


class TopUpStatus(StrEnum):
    """Where a top-up is; how it moves is AirTM's to say (docs/spec/airtm.md §4)."""

    CREATED = "TOPUP_CREATED"
    AWAITING_USER_CONFIRMATION = "TOPUP_AWAITING_USER_CONFIRMATION"
    PROCESSING = "TOPUP_PROCESSING"
    SUCCEEDED = "TOPUP_SUCCEEDED"
    FAILED = "TOPUP_FAILED"
    CANCELED = "TOPUP_CANCELED"
