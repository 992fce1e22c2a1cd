"""Horizon's JSON face of the sandbox's network."""

from offerhub.sandbox.horizon.face import HorizonFace
from offerhub.sandbox.horizon.view import HorizonKnobs

__all__ = ["HorizonFace", "HorizonKnobs"]
