"""What a unit that was cut off in the middle raises; for "away" see `StorageUnavailable`."""

from storage.port import StorageUnavailable

__all__ = ["OutcomeUnknown", "StorageUnavailable"]


class OutcomeUnknown(Exception):
    """A unit was cut off after it may have taken effect.

    Neither a "yes" nor a "no": read what is stored, by key or version, then decide. Deliberately
    not a `StorageUnavailable`, so that "repeat it" is never applied to it by accident.
    """
