"""A webhook as it is kept; what becomes of it is decided in `offerhub.domain.webhook_decisions`."""

from datetime import datetime
from enum import StrEnum

from attrs import field, frozen


class WebhookStatus(StrEnum):
    """`RECEIVED`: to be worked on; `DONE`; `PARKED`: an operator has to look."""

    RECEIVED = "RECEIVED"
    DONE = "DONE"
    PARKED = "PARKED"


@frozen
class Webhook:
    """A webhook with a good signature.

    Args:
        source: who sent it, `trustless-work`.
        event_id: the sender's id; the same again is a repeat.
        contract_id: the contract that it is about.
        body: exactly as it came.
        correlation_id: of the request that brought it.
        not_before: when it is to be worked on; `None` once it has ended.
    """

    id: str
    version: int
    source: str
    event_id: str
    type: str
    contract_id: str
    body: str = field(repr=False)
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    status: WebhookStatus = WebhookStatus.RECEIVED
    tries: int = 0
    not_before: datetime | None = None
    last_error: str | None = None
    ended_at: datetime | None = None
