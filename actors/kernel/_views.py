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
    """An actor's mailbox and tasks at one instant; of a registry, the sums over its actors.

    Args:
        depth: messages that wait, those of blocked senders too.
        capacity: how many may wait before a sender is blocked.
        wakes: wake-ups that wait, one a key.
        tasks: child tasks that run.
        handled: messages and wake-ups since the cell was made.
    """

    state: State
    depth: int = 0
    capacity: int = 0
    wakes: int = 0
    tasks: int = 0
    handled: int = 0


@frozen
class Node:
    """One line of the tree: a snapshot of an actor, registry, service or supervisor.

    Args:
        mailbox: `None` for what has none (a service, a supervisor).
        active: actors that are awake, of a registry.
        children: of a registry, only those in trouble.
    """

    name: str
    state: State
    mailbox: MailboxStatistics | None = None
    restarts: int = 0
    last_error: str | None = None
    active: int = 0
    children: tuple["Node", ...] = ()
