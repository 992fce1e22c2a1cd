"""Snapshots of actors and of the tree, for people and metrics."""

from enum import Enum

from attrs import frozen


class State(Enum):
    """Where an actor or a supervisor's child is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    QUARANTINED = "quarantined"
    STOPPED = "stopped"


@frozen
class MailboxStatistics:
    """A mailbox at one instant; `depth` counts waiting messages, those of blocked senders too."""

    state: State
    depth: int
    capacity: int
    handled: int


@frozen
class Node:
    """One line of the tree: a snapshot of an actor, registry, service or supervisor."""

    name: str
    state: State
    mailbox_depth: int = 0
    restarts: int = 0
    last_error: str | None = None
    active: int = 0
    children: tuple["Node", ...] = ()
