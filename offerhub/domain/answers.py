"""The final answer to a request, as it is decided: what it shows, not yet how it reads.

The text of an answer is the edge's matter. Whoever commits has it written by the edge, within the
commit, so that the very bytes that are sent stand under the request's idempotency key.
"""

from datetime import datetime

from attrs import frozen

from offerhub.domain.api_keys import ApiKey, ApiToken
from offerhub.domain.dispute import Dispute
from offerhub.domain.errors import DomainError
from offerhub.domain.hold import HoldChanged
from offerhub.domain.maintenance import Maintenance
from offerhub.domain.manual_change import ManualChange
from offerhub.domain.order import MilestoneOf, Order
from offerhub.domain.reconciliation import Comparison
from offerhub.domain.users import UserCreated
from offerhub.domain.withdrawal import Withdrawal

Shown = (
    Order
    | Dispute
    | MilestoneOf
    | Withdrawal
    | HoldChanged
    | ManualChange
    | Comparison
    | UserCreated
    | ApiKey
    | ApiToken
    | Maintenance
    | DomainError
)
"""What an answer can show: a resource as of its commit, or the refusal of the request.

None of them holds the text of a key or a token, so no stored answer can.
"""


@frozen
class OpenAnswer:
    """An answer whose text is still to be written.

    Args:
        action: what was asked for, as the edge names it.
        correlation_id: of the request that is answered.
        at: the moment of the decision.
    """

    shows: Shown
    action: str
    correlation_id: str
    at: datetime
