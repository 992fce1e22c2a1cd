"""How storage fails: away (nothing happened) or cut off in the middle (look before you repeat)."""


class StorageUnavailable(Exception):
    """The database does not answer; nothing was written by the call that raises this."""


class Displaced(Exception):
    """A newer process owns the database: this one may write nothing any more, whatever it repeats."""


class OutcomeUnknown(Exception):
    """A unit was cut off after it may have taken effect.

    Neither a "yes" nor a "no": read what is stored, by key or version, then decide. Deliberately
    not a `StorageUnavailable`, so that "repeat it" is never applied to it by accident.
    """
