"""Actors: an object that owns state, a bounded mailbox before it, and ask, tell and wake.

An actor handles one message at a time. Its mailbox outlives it: when an actor crashes, the
message at hand is answered with `ActorCrashed`, the waiting ones are kept, and a new object,
built from storage, serves them. What a crash was goes to whoever runs the actor: a supervisor
(`actors/supervisor.py`) or the registry that activates one actor an id.

This is the public face: `_actor` has the actor, its mailbox and its address, `_registry` one
actor an id, `_failure` the errors and the pauses, `_views` the snapshots.
"""

from actors._actor import Actor, Address, Cell, Message
from actors._failure import (
    DEFAULT_BACKOFF,
    ActorCrashed,
    ActorError,
    ActorStopped,
    AskTimeout,
    Backoff,
    OnCrash,
    described,
    lone,
    note_crash,
    ungrouped,
)
from actors._registry import Registry
from actors._views import MailboxStatistics, Node, State

__all__ = [
    "DEFAULT_BACKOFF",
    "Actor",
    "ActorCrashed",
    "ActorError",
    "ActorStopped",
    "Address",
    "AskTimeout",
    "Backoff",
    "Cell",
    "MailboxStatistics",
    "Message",
    "Node",
    "OnCrash",
    "Registry",
    "State",
    "described",
    "lone",
    "note_crash",
    "ungrouped",
]
