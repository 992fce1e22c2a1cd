"""Horizon's JSON face of the sandbox's network."""
