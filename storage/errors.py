"""How storage fails: away (nothing happened) or cut off in the middle (look before you repeat)."""


class StorageError(Exception):
    """Base of what storage raises by itself; its message never holds data or secrets."""


class StorageUnavailable(StorageError):
    """Storage cannot be reached or did not answer in time, and nothing was changed: try later."""


class OutcomeUnknown(StorageError):
    """A unit was cut off after it may have taken effect.

    Neither a "yes" nor a "no": read what is stored, by key or version, then decide. Deliberately
    not a `StorageUnavailable`, so that "repeat it" is never applied to it by accident.
    """
