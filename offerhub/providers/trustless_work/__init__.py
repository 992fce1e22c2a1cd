"""Trustless Work: the escrow contracts' provider."""
