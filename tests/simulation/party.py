"""A user of the marketplace, as the marketplace knows it."""

from attrs import frozen


@frozen
class Party:
    """A user's id, and the address that is paid to."""

    id: str
    address: str
