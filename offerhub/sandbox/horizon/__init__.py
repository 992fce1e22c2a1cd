"""Horizon's JSON face of the sandbox's network.

What it leaves out of the real one: effects, offers, trades, assets, claimable balances, order books and
paths (404, though their links are there, as the JavaScript SDK makes methods of them); multipart bodies
(415); compression and rate limits (the sandbox's faults give 429). A stream looks for news at every
ledger, not every five seconds.
"""

from offerhub.sandbox.horizon.face import HorizonFace
from offerhub.sandbox.horizon.view import HorizonKnobs

__all__ = ["HorizonFace", "HorizonKnobs"]
