"""Actors: an object that owns state, a bounded mailbox before it, and ask, tell and wake.

An actor handles one message at a time. Its mailbox outlives it: when an actor crashes, the
message at hand is answered with `ActorCrashed`, the waiting ones are kept, and a new object,
built from storage, serves them. Whoever runs the actor learns of the crash: a supervisor, or the
registry that activates one actor an id.

docs/kernel.md says what it guarantees. It knows nothing of what it is used for. This is its public
face: `_message`, `_address`, `_actor` and `_cell` make an actor, `_registry` one an id,
`_supervisor` keeps all alive, `_asks` refuses circles, `_failure` has the errors and the pauses,
`_views` the snapshots.
"""

from actors.kernel._actor import Actor, Later
from actors.kernel._address import Address
from actors.kernel._asks import AskCycle, AskGraph
from actors.kernel._cell import Cell
from actors.kernel._failure import (
    DEFAULT_BACKOFF,
    ActorCrashed,
    ActorError,
    ActorStopped,
    AskTimeout,
    Backoff,
    OnCrash,
    Refusal,
    described,
    lone,
    note_crash,
    ungrouped,
)
from actors.kernel._message import Asks, Message
from actors.kernel._registry import Registry
from actors.kernel._supervisor import (
    ChildSpec,
    EndedUnexpectedly,
    Restart,
    Service,
    ServiceFn,
    Supervised,
    Supervisor,
    TooManyRestarts,
)
from actors.kernel._views import MailboxStatistics, Node, State

__all__ = [
    "DEFAULT_BACKOFF",
    "Actor",
    "ActorCrashed",
    "ActorError",
    "ActorStopped",
    "Address",
    "AskCycle",
    "AskGraph",
    "AskTimeout",
    "Asks",
    "Backoff",
    "Cell",
    "ChildSpec",
    "EndedUnexpectedly",
    "Later",
    "MailboxStatistics",
    "Message",
    "Node",
    "OnCrash",
    "Refusal",
    "Registry",
    "Restart",
    "Service",
    "ServiceFn",
    "State",
    "Supervised",
    "Supervisor",
    "TooManyRestarts",
    "described",
    "lone",
    "note_crash",
    "ungrouped",
]
